"""Tricircle itself on the sandbox: its configuration, database, processes, endpoints and pods.

Its processes are kept by the sandbox's supervisor under names that begin with `tricircle-`, so that `pods-status` shows
them and `pods-down` stops them too.
"""
from sandbox import identity, rest
from sandbox.catalog import Catalog
from sandbox.console import Failure, say
from sandbox.inifile import write_file, write_ini
from sandbox.mariadb import MariaDB
from sandbox.process import Service
from sandbox.settings import region

from .layout import ENDPOINTS, PORTS, VLAN_RANGES

PREFIX = 'tricircle-'


def names(supervisor):
    return [name for name in supervisor.names() if name.startswith(PREFIX)]


def up(layout, supervisor):
    """Idempotent: what runs as wanted is left alone."""
    with supervisor.exclusive():
        _start(layout, supervisor)
    register_pods(layout)
    identity.write_openrc(layout.settings, layout.folder, layout.region)
    write_file(layout.mode_file, layout.mode + '\n')


def _start(layout, supervisor):
    configure(layout, supervisor)
    services = processes(layout)
    unwanted = set(names(supervisor)) - {service.name for service in services}
    stale = supervisor.stale(services)
    if unwanted or stale:
        say('stopped', *supervisor.stop([*unwanted, *stale], grace=30))
    manage(layout, supervisor, 'db', 'sync')
    for service in services:
        supervisor.start(service)
    register_endpoints(layout)
    for service in PORTS:
        process = service if layout.mode == 'services' else 'allinone'
        if layout.mode == 'services' or service != 'xjob':
            supervisor.wait_answer(lambda: rest.answers(layout.url(service) + '/healthcheck'), PREFIX + process,
                                   f'{service} on port {layout.port(service)}', 60)
    say('Tricircle is up:', layout.mode)


def down(supervisor):
    with supervisor.exclusive():
        say('stopped', *supervisor.stop(names(supervisor), grace=30))


# ------------------------------------------------------------ configuration
def configure(layout, supervisor):
    settings = layout.settings
    if layout.mode == 'services':
        database = MariaDB(settings, supervisor).url('tricircle', 'tricircle')
        broker = settings.transport_url('tricircle', 'tricircle')
    else:
        database, broker = f'sqlite:///{layout.folder}/tricircle.sqlite', None
    listen = {service.replace('-', '_'): {'bind_host': settings.host, 'bind_port': layout.port(service)}
              for service in PORTS}
    write_ini(layout.config, {
        'DEFAULT': {'transport_url': broker, 'debug': settings.environment.get('TRICIRCLE_DEBUG', 'false')},
        'database': {'connection': database},
        'keystone_authtoken': {
            'www_authenticate_uri': settings.keystone_url, 'auth_url': settings.keystone_url,
            'username': 'tricircle', 'password': settings.password, 'project_name': 'service',
            'user_domain_id': 'default', 'project_domain_id': 'default'},
        'client': {'top_region_name': layout.region},
        'tricircle': {'network_vlan_ranges': VLAN_RANGES[layout.mode]},
        **listen})
    layout.config.chmod(0o600)


def processes(layout):
    programs = PORTS if layout.mode == 'services' else ('allinone',)
    return [Service(PREFIX + program, [binary(layout, program), '--config-file', str(layout.config)],
                    env={'RUST_BACKTRACE': '1'}, watch=[layout.config], version=built(layout, program))
            for program in programs]


def binary(layout, program):
    path = layout.binaries / program
    if not path.exists():
        raise Failure(f'{path} is not there: run `make build` first')
    return str(path)


def built(layout, program):
    """a rebuilt program is restarted"""
    return str((layout.binaries / program).stat().st_mtime_ns)


def manage(layout, supervisor, *words):
    """tricircle-manage, to its end"""
    return supervisor.run([binary(layout, 'tricircle-manage'), '--config-file', str(layout.config), *words])


# ------------------------------------------------------------ registration
def register_endpoints(layout):
    catalog = Catalog(layout.settings.keystone_url, identity.admin_token(layout.settings))
    for service, (type_, name, path) in ENDPOINTS.items():
        catalog.ensure_endpoint(type_, name, layout.region, layout.url(service) + path)
    say('endpoints of', layout.region, 'point to Tricircle')


def register_pods(layout):
    """Pod1 in az1, Pod2 in az2, ..."""
    token = identity.admin_token(layout.settings)
    for pod in layout.settings.pod_numbers:
        body = {'pod': {'region_name': region(pod), 'az_name': f'az{pod}'}}
        try:
            rest.request('POST', layout.admin_url + '/pods', token, body)
            say('registered', region(pod), f'as availability zone az{pod}')
        except rest.RestError as error:
            if error.status != 409:
                raise
