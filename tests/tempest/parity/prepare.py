"""What Tempest takes for granted in a region: roles, images, flavors, a public network, a subnet pool, a volume type.

Each `ensure_*` may run any number of times. A region that does not offer a thing is no reason to stop: `prepare` gives
back what could not be made, for people to read, and the tests that need it fail or are skipped.
"""
import uuid

from sandbox.catalog import Catalog
from sandbox.rest import RestError
from sandbox.settings import region as pod_region

from .cloud import Region

# Ids of our own choice, so that they stand in tempest.conf before anything exists.
IMAGES = {name: str(uuid.uuid5(uuid.NAMESPACE_DNS, f'{name}.tempest.tricircle'))
          for name in ('tempest-image', 'tempest-image-alt')}
FLAVORS = {'42': ('m1.nano', 128), '84': ('m1.micro', 192)}     # id: name, MiB
PUBLIC = 'public'
PUBLIC_CIDR = '172.24.4.0/24'
MULTIATTACH = 'tempest-multiattach'


class Prepared:
    """What tempest.conf has to know of a region."""

    def __init__(self):
        self.public = None          # id of the external network
        self.aliases = []           # extensions of the Networking API that it announces
        self.backup = False         # whether a backup service runs
        self.missing = []           # what could not be made, as sentences


def prepare(settings, name):
    """Make what is missing in that region, and say what it has."""
    cloud, done = Region(settings, name), Prepared()
    catalog = Catalog(settings.keystone_url, cloud.token)
    for role in ('reader', 'member', 'manager', 'admin'):
        catalog.ensure_role(role)

    def attempt(what, ensure, *arguments):
        try:
            return ensure(cloud, *arguments)
        except RestError as error:
            done.missing.append(f'{what}: {error}')
            return None

    attempt('images', ensure_images)
    attempt('flavors', ensure_flavors)
    done.public = attempt('external network', ensure_public_network)
    attempt('default subnet pool', ensure_default_subnet_pool)
    attempt('volume type', ensure_multiattach_type, settings)
    done.backup = bool(attempt('backup service', has_backup))
    done.aliases = attempt('extensions', announced) or []
    return done


def ensure_images(cloud):
    for name, ident in IMAGES.items():
        image = cloud.find('image', f'/v2/images/{ident}')
        if image is None:
            image = cloud.call('image', 'POST', '/v2/images', {
                'id': ident, 'name': name, 'visibility': 'public', 'disk_format': 'raw', 'container_format': 'bare'})
        if image['status'] == 'queued':
            cloud.call('image', 'PUT', f'/v2/images/{ident}/file', data=b'\0' * (64 << 10),
                       content_type='application/octet-stream')


def ensure_flavors(cloud):
    for ident, (name, ram) in FLAVORS.items():
        if cloud.find('compute', f'/flavors/{ident}') is None:
            cloud.call('compute', 'POST', '/flavors', {'flavor': {
                'id': ident, 'name': name, 'ram': ram, 'vcpus': 1, 'disk': 1}})


def ensure_public_network(cloud):
    """No provider attributes: a bare pod makes a VXLAN of it and Tricircle a VLAN, and neither is in the other's way."""
    found = cloud.call('network', 'GET', f'/v2.0/networks?name={PUBLIC}&router:external=true')['networks']
    ident = found[0]['id'] if found else create_public_network(cloud)
    if not cloud.call('network', 'GET', f'/v2.0/subnets?network_id={ident}')['subnets']:
        cloud.call('network', 'POST', '/v2.0/subnets', {'subnet': {
            'network_id': ident, 'ip_version': 4, 'cidr': PUBLIC_CIDR, 'enable_dhcp': False, 'name': 'public-v4'}})
    return ident


def create_public_network(cloud):
    body = {'name': PUBLIC, 'router:external': True}
    try:        # the default, for servers with networks=auto
        made = cloud.call('network', 'POST', '/v2.0/networks', {'network': {**body, 'is_default': True}})
    except RestError as error:
        if error.status != 400:
            raise
        made = cloud.call('network', 'POST', '/v2.0/networks', {'network': body})
    return made['network']['id']


def ensure_default_subnet_pool(cloud):
    """networks=auto takes subnets from it"""
    if not cloud.call('network', 'GET', '/v2.0/subnetpools?is_default=true')['subnetpools']:
        cloud.call('network', 'POST', '/v2.0/subnetpools', {'subnetpool': {
            'name': 'default-v4', 'prefixes': ['10.200.0.0/16'], 'default_prefixlen': 26, 'shared': True,
            'is_default': True}})


def ensure_multiattach_type(cloud, settings):
    """Where a region leaves volume types to its pods, they are made there: the same name in all."""
    try:
        create_type(cloud)
    except RestError as error:
        if error.status != 501:
            raise
        for pod in settings.pod_numbers:
            create_type(Region(settings, pod_region(pod)))


def create_type(cloud):
    types = cloud.call('volumev3', 'GET', '/types')['volume_types']
    if MULTIATTACH not in {kind['name'] for kind in types}:
        cloud.call('volumev3', 'POST', '/types', {'volume_type': {
            'name': MULTIATTACH, 'extra_specs': {'multiattach': '<is> True'}}})


def has_backup(cloud):
    services = cloud.call('volumev3', 'GET', '/os-services')['services']
    return any(service['binary'] == 'cinder-backup' and service['state'] == 'up' for service in services)


def announced(cloud):
    return sorted(extension['alias'] for extension in cloud.call('network', 'GET', '/v2.0/extensions')['extensions'])
