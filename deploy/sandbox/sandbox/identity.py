"""Who and what the sandbox's Keystone knows: regions, the pods' endpoints, projects, users, and files to log in with.

RegionOne has identity and image only. Compute, block storage and network of RegionOne are Tricircle's own endpoints,
which belong to whoever starts Tricircle (see deploy/demo).
"""
from . import rest
from .catalog import Catalog
from .console import say
from .inifile import write_file
from .settings import TOP_REGION, region

# service -> (type, name, path of the endpoint)
POD_ENDPOINTS = {'nova': ('compute', 'nova', '/v2.1'),
                 'neutron': ('network', 'neutron', ''),
                 'cinder': ('volumev3', 'cinderv3', '/v3/$(project_id)s'),
                 'placement': ('placement', 'placement', '')}
SERVICE_USERS = ('nova', 'neutron', 'cinder', 'glance', 'placement', 'tricircle')
PEOPLE = {'admin': ('admin', 'admin'), 'admin-demo': ('admin', 'demo'), 'demo': ('demo', 'demo'),
          'demo2': ('demo2', 'demo2')}


def admin_token(settings):
    return rest.login(settings.keystone_url, 'admin', settings.password, 'admin')


def populate(settings):
    catalog = Catalog(settings.keystone_url, admin_token(settings))
    catalog.ensure_region(TOP_REGION)
    catalog.ensure_endpoint('image', 'glance', TOP_REGION, settings.glance_url)
    for pod in settings.pod_numbers:
        catalog.ensure_region(region(pod), parent=TOP_REGION)
        # A client that is told a region looks for identity and images in that region too.
        catalog.ensure_endpoint('identity', 'keystone', region(pod), settings.keystone_url)
        catalog.ensure_endpoint('image', 'glance', region(pod), settings.glance_url)
        for service, (type_, name, path) in POD_ENDPOINTS.items():
            catalog.ensure_endpoint(type_, name, region(pod), settings.pod_url(pod, service) + path)
    for role in ('admin', 'member', 'reader', 'service'):
        catalog.ensure_role(role)
    for project in ('service', 'demo', 'demo2'):
        catalog.ensure_project(project)
    for user in SERVICE_USERS:
        catalog.ensure_user(user, settings.password, 'service', 'admin', 'service')
    for user in ('demo', 'demo2'):
        catalog.ensure_user(user, settings.password, user, 'member')
    # Nova and Cinder create in the project of the token only: admin can scope to the project of demo.
    catalog.ensure_user('admin', settings.password, 'demo', 'admin', 'member')
    say('identity: regions, endpoints, users')


def write_openrc(settings, folder, region_name=None, people=PEOPLE):
    """openrc-<who> for each. With region_name the client goes there and nowhere else; without it the region is
    named at each call (the client refuses --os-region-name when OS_REGION_NAME says otherwise)."""
    for who, (user, project) in people.items():
        write_file(folder / f'openrc-{who}', f"""\
export OS_AUTH_TYPE=password
export OS_AUTH_URL={settings.keystone_url}
export OS_IDENTITY_API_VERSION=3
export OS_USERNAME={user} OS_PASSWORD={settings.password}
export OS_PROJECT_NAME={project}
export OS_USER_DOMAIN_ID=default OS_PROJECT_DOMAIN_ID=default
{f'export OS_REGION_NAME={region_name}' if region_name else 'unset OS_REGION_NAME   # name it at each call: openstack --os-region-name Pod1 ...'}
export no_proxy='*'
case ":$PATH:" in *":{settings.venv}/bin:"*) ;; *) PATH={settings.venv}/bin:$PATH ;; esac
""", 0o600)
