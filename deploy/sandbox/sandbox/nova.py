"""Nova of a pod: API, conductor, scheduler, one compute service with a virt driver of ours; its cells and flavor."""
from . import rest, wsgi
from .inifile import write_file, write_ini
from .oslo import credentials, pod_base, python_env
from .process import Service
from .settings import DRIVERS, region

FLAVOR = {'name': 'm1.tiny', 'id': '1', 'ram': 512, 'vcpus': 1, 'disk': 1}
SERVICES = ('nova-conductor', 'nova-scheduler', 'nova-compute')


def compute_host(pod):
    return f'pod{pod}-compute'


def configure(settings, pod):
    folder, at = settings.pod_dir(pod, 'nova'), region(pod)
    own = credentials(settings, 'nova')
    write_ini(folder / 'nova.conf', pod_base(settings, pod, 'nova'), {
        'DEFAULT': {'host': compute_host(pod), 'my_ip': settings.host, 'compute_driver': settings.compute_driver,
                    'vif_plugging_is_fatal': False, 'vif_plugging_timeout': 0, 'sync_power_state_interval': -1,
                    'resume_guests_state_on_host_boot': False, 'allow_resize_to_same_host': True,
                    'rpc_response_timeout': 60},
        'wsgi': {'api_paste_config': settings.venv / 'etc/nova/api-paste.ini'},
        'api_database': {'connection': settings.database_url(f'pod{pod}_nova_api')},
        'database': {'connection': settings.database_url(f'pod{pod}_nova')},
        'conductor': {'workers': 1},
        'scheduler': {'workers': 1},
        'vnc': {'enabled': False},
        # large numbers, not -1: a client that raises a limit by some number would make a small limit of -1
        'quota': {'instances': 10000, 'cores': 20000, 'ram': 51200000},
        'glance': {'endpoint_override': settings.glance_url, 'region_name': at},
        'cinder': {'catalog_info': 'volumev3::publicURL', 'os_region_name': at, **own},
        'neutron': {'endpoint_override': settings.pod_url(pod, 'neutron'), 'region_name': at, **own,
                    'service_metadata_proxy': True, 'metadata_proxy_shared_secret': settings.password},
        'placement': {'endpoint_override': settings.pod_url(pod, 'placement'), 'region_name': at, **own}})
    # nova.wsgi wants it beside nova.conf whatever [wsgi] says
    write_file(folder / 'api-paste.ini', (settings.venv / 'etc/nova/api-paste.ini').read_text())


def services(settings, pod):
    config = settings.pod_dir(pod, 'nova') / 'nova.conf'
    programs = {name: [settings.bin(name)] for name in SERVICES}
    # Nova loads drivers from nova.virt only: this start script adds our folder to it.
    programs['nova-compute'] = [settings.bin('python'), str(DRIVERS / 'nova_compute.py')]
    return [wsgi.api(settings, 'nova', settings.pod_port(pod, 'nova'), pod)] + [
        Service(f'pod{pod}-{name}', [*program, '--config-file', str(config)], env=python_env(settings, pod),
                watch=[config], pod=pod, on_host=name == 'nova-compute')
        for name, program in programs.items()]


def map_cells(settings, mariadb, pod):
    """cell0, cell1 and the compute host, as rows: `nova-manage cell_v2` takes 3 to 4 s for each of them"""
    api = f'pod{pod}_nova_api'
    if mariadb.count('cell_mappings', api):
        return
    url, broker = settings.database_url, settings.transport_url(f'pod{pod}')
    mariadb.sql(f"""
        insert into cell_mappings (created_at, uuid, name, transport_url, database_connection, disabled) values
            (now(), '00000000-0000-0000-0000-000000000000', 'cell0', 'none:///', '{url(f"pod{pod}_nova_cell0")}', 0),
            (now(), uuid(), 'cell1', '{broker}', '{url(f"pod{pod}_nova")}', 0);
        insert into host_mappings (created_at, cell_id, host)
            select now(), id, '{compute_host(pod)}' from cell_mappings where name = 'cell1';""", api)


def ensure_flavor(settings, pod, token):
    try:
        rest.request('POST', settings.pod_url(pod, 'nova') + '/v2.1/flavors', token, {'flavor': FLAVOR})
    except rest.RestError as error:
        if error.status != 409:
            raise
