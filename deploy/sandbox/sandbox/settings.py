"""What a sandbox is told by its environment, and the addresses that follow from it.

Settings that change what the sandbox *is* (PODS, MECH, WSGI, L3, DHCP) are remembered in the state folder: a plain
`up` after a `down` brings back what was there. PODS_MODE names the two kinds that one wants. README.md lists them all.
"""
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent      # deploy/sandbox
DRIVERS = HERE / 'drivers'

TOP_REGION = 'RegionOne'
REMEMBERED = {'PODS': '2', 'MECH': 'podfake', 'WSGI': 'uwsgi', 'L3': '0', 'DHCP': '1'}
MODES = {'fake': {'MECH': 'podfake', 'L3': '0'}, 'dataplane': {'MECH': 'openvswitch', 'L3': '1'}}
SHARED_PORTS = {'keystone': 5000, 'glance': 9292, 'db': 13306, 'rabbit': 25672, 'rabbit_dist': 25673,
                'epmd': 24369, 'memcached': 21211}
# added to 20000 + 1000 * pod
POD_PORTS = {'nova': 774, 'neutron': 696, 'cinder': 776, 'placement': 778, 'ofagent': 633}


@dataclass(frozen=True)
class Settings:
    """Folders, sizes and ports of one sandbox."""
    state: Path
    cache: Path
    venv: Path
    pods: int
    mech: str                   # podfake | openvswitch
    wsgi: str                   # uwsgi | gunicorn
    l3: bool                    # each pod has a host (namespaces) of its own, with L3 agents
    dhcp: bool                  # and DHCP agents
    host: str = '127.0.0.1'
    password: str = 'secret'
    api_workers: str = '1'
    api_threads: str = '8'
    debug: str = 'false'
    token_cache: bool = True
    durable: bool = False       # a killed MariaDB has all that was committed
    compute_driver: str = 'podnet.PodDriver'
    volume_driver: str = 'podfake.volume.FileDriver'
    firewall: str = 'openvswitch'
    vlan_ranges: str = 'physnet1:1000:2999,extern'
    underlay: str = '10.254.0.%d'       # the VXLAN address of a pod's host
    ports: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)

    @classmethod
    def read(cls, env=None):
        env = dict(os.environ if env is None else env)
        state = Path(env.get('STATE') or '~/.local/state/tricircle/sandbox').expanduser().absolute()
        mode = env.get('PODS_MODE')
        if mode and mode not in MODES:
            raise SystemExit(f'PODS_MODE={mode}: {" or ".join(MODES)}')
        kept = {**REMEMBERED, **remembered(state), **MODES.get(mode, {}),
                **{k: env[k] for k in REMEMBERED if env.get(k)}}
        mech = kept['MECH']
        if mech not in ('podfake', 'openvswitch'):
            raise SystemExit(f'MECH={mech}: podfake or openvswitch')
        shift = int(env.get('PORT_SHIFT', '0'))
        ports = {name: int(env.get(f'{name.upper()}_PORT', default + shift))
                 for name, default in SHARED_PORTS.items()}
        given = {'host': 'HOST', 'password': 'PODS_PASSWORD', 'api_workers': 'API_WORKERS',
                 'api_threads': 'API_THREADS', 'debug': 'PODS_DEBUG', 'compute_driver': 'COMPUTE_DRIVER',
                 'volume_driver': 'CINDER_DRIVER', 'firewall': 'FIREWALL', 'vlan_ranges': 'VLAN_RANGES',
                 'underlay': 'UNDERLAY'}
        values = {name: env[variable] for name, variable in given.items() if env.get(variable)}
        values.setdefault('compute_driver',
                          'podnet.PodDriver' if mech == 'podfake' else 'podnet.NetnsDriver')
        return cls(state=state,
                   cache=_folder(env, 'CACHE', state.parent / 'schemas'),
                   venv=_folder(env, 'VENV', state.parent / 'venv'),
                   pods=int(kept['PODS']), mech=mech, wsgi=kept['WSGI'],
                   l3=kept['L3'] == '1' and mech == 'openvswitch', dhcp=kept['DHCP'] == '1',
                   token_cache=env.get('TOKEN_CACHE', '1') == '1', durable=env.get('DURABLE') == '1',
                   ports=ports, environment=env, **values)

    def remember(self):
        """Keep what was asked for until it is asked for otherwise."""
        kept = {'PODS': str(self.pods), 'WSGI': self.wsgi, 'DHCP': '1' if self.dhcp else '0', **self.wiring}
        (self.state / 'settings.json').write_text(json.dumps(kept) + '\n')

    @property
    def wiring(self):
        """how ports are wired: what is in the pods' databases was made for this"""
        return {'MECH': self.mech, 'L3': '1' if self.l3 else '0'}

    def rewired(self):
        """whether the last `up` was told another wiring"""
        last = remembered(self.state)
        return any(name in last and last[name] != value for name, value in self.wiring.items())

    # ------------------------------------------------------------ addresses
    def pod_port(self, pod, service):
        """PODn_<SERVICE>_PORT, else PODn_PORT_BASE (20000 + 1000 n) and the service's own number."""
        env = self.environment
        base = int(env.get(f'POD{pod}_PORT_BASE', 20000 + 1000 * pod + int(env.get('PORT_SHIFT', '0'))))
        return int(env.get(f'POD{pod}_{service.upper()}_PORT', base + POD_PORTS[service]))

    def pod_url(self, pod, service):
        return f'http://{self.host}:{self.pod_port(pod, service)}'

    @property
    def keystone_url(self):
        return f'http://{self.host}:{self.ports["keystone"]}/v3'

    @property
    def glance_url(self):
        return f'http://{self.host}:{self.ports["glance"]}'

    @property
    def memcached(self):
        return f'{self.host}:{self.ports["memcached"]}'

    def database_url(self, database):
        """of a service of OpenStack (SQLAlchemy)"""
        return f'mysql+pymysql://pods:{self.password}@{self.host}:{self.ports["db"]}/{database}?charset=utf8'

    def transport_url(self, vhost, user='pods', scheme='rabbit'):
        return f'{scheme}://{user}:{self.password}@{self.host}:{self.ports["rabbit"]}/{vhost}'

    # ------------------------------------------------------------ places
    def bin(self, name):
        return str(self.venv / 'bin' / name)

    def pod_dir(self, pod, service):
        return self.state / f'pod{pod}' / service

    def ovs_dir(self, pod):
        """run folder of the Open vSwitch that serves this pod"""
        return self.state / f'pod{pod}' / 'ovs' if self.l3 else self.state / 'ovs'

    @property
    def pod_numbers(self):
        return range(1, self.pods + 1)


def region(pod):
    """the Keystone region of pod n"""
    return f'Pod{pod}'


def _folder(env, name, default):
    return Path(env.get(name) or default).expanduser().absolute()


def remembered(state):
    """what the last `up` was told; nothing before the first"""
    try:
        return json.loads((state / 'settings.json').read_text())
    except (OSError, ValueError):
        return {}
