"""Where the demo's Tricircle lives: ports, files, binaries; all of it beside the sandbox's own."""
import os
from dataclasses import dataclass
from pathlib import Path

from sandbox.settings import TOP_REGION, Settings

REPOSITORY = Path(__file__).resolve().parents[3]
PORTS = {'nova-apigw': 8774, 'cinder-apigw': 8776, 'neutron-api': 9696, 'admin-api': 19999, 'xjob': 19998}
# service -> (type, name, path) of its endpoint in the catalog
ENDPOINTS = {'nova-apigw': ('compute', 'nova', '/v2.1'),
             'cinder-apigw': ('volumev3', 'cinderv3', '/v3/$(project_id)s'),
             'neutron-api': ('network', 'neutron', ''),
             'admin-api': ('multiregion', 'tricircle', '/v1.0')}
# Two tops over the same pods may not give the same VLAN: one range for each mode.
VLAN_RANGES = {'services': 'physnet1:1000:1499', 'allinone': 'physnet1:1500:1999'}


@dataclass(frozen=True)
class Layout:
    """One Tricircle over one sandbox."""
    settings: Settings
    mode: str               # services | allinone
    binaries: Path

    @classmethod
    def read(cls, settings=None, mode=None):
        mode = mode or os.environ.get('MODE') or 'services'
        if mode not in VLAN_RANGES:
            raise SystemExit(f'MODE={mode}: services or allinone')
        target = os.environ.get('CARGO_TARGET_DIR') or REPOSITORY / 'target'
        return cls(settings or Settings.read(), mode,
                   Path(os.environ.get('TRICIRCLE_BIN') or Path(target) / 'debug').absolute())

    @property
    def folder(self):
        """inside the sandbox's state folder, so that wiping the pods wipes what Tricircle knows of them"""
        return self.settings.state / 'tricircle'

    @property
    def config(self):
        return self.folder / 'tricircle.conf'

    @property
    def mode_file(self):
        """which mode ran last"""
        return self.folder / 'mode'

    def port(self, service):
        env = self.settings.environment
        return int(env.get(service.upper().replace('-', '_') + '_PORT',
                           PORTS[service] + int(env.get('PORT_SHIFT', '0'))))

    def url(self, service):
        return f'http://{self.settings.host}:{self.port(service)}'

    @property
    def admin_url(self):
        return self.url('admin-api') + '/v1.0'

    @property
    def region(self):
        return TOP_REGION
