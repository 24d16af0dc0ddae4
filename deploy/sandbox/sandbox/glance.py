"""The one Glance, in RegionOne, that all pods use; and the image `cirros` in it."""
from . import rest, wsgi
from .console import say
from .identity import admin_token
from .inifile import write_ini
from .oslo import service_base
from .settings import TOP_REGION

STORES = {'file': 'images', 'os_glance_staging_store': 'staging', 'os_glance_tasks_store': 'tasks'}
# The virt driver boots nothing; what it is asked to boot only has to be an image.
IMAGE = {'name': 'cirros', 'visibility': 'public', 'disk_format': 'raw', 'container_format': 'bare'}
IMAGE_BYTES = b'a placeholder image of the Tricircle sandbox\n'.ljust(64 << 10, b'\0')


def configure(settings):
    folder = settings.state / 'glance'
    for name in STORES.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_ini(folder / 'glance-api.conf', service_base(settings, 'glance', TOP_REGION, folder), {
        # no state_path: Glance knows none
        'DEFAULT': {'state_path': None, 'enabled_backends': 'file:file',
                    'worker_self_reference_url': settings.glance_url},
        'database': {'connection': settings.database_url('glance')},
        'glance_store': {'default_backend': 'file'},
        **{section: {'filesystem_store_datadir': folder / name} for section, name in STORES.items()},
        'paste_deploy': {'flavor': 'keystone', 'config_file': settings.venv / 'etc/glance/glance-api-paste.ini'}})


def services(settings):
    return [wsgi.api(settings, 'glance', settings.ports['glance'])]


def ensure_image(settings, token=None):
    """the image, uploaded once"""
    token = token or admin_token(settings)
    images = settings.glance_url + '/v2/images'
    found = rest.request('GET', f'{images}?name={IMAGE["name"]}', token).body['images']
    if any(image['status'] == 'active' for image in found):
        return
    for broken in found:
        rest.request('DELETE', f'{images}/{broken["id"]}', token)
    image = rest.request('POST', images, token, IMAGE).body['id']
    rest.request('PUT', f'{images}/{image}/file', token, data=IMAGE_BYTES, content_type='application/octet-stream')
    say('image', IMAGE['name'], image)
