"""Cinder of a pod: API, scheduler, one volume service and one backup service with drivers of ours."""
from . import wsgi
from .inifile import write_ini
from .oslo import credentials, pod_base, privsep, python_env
from .process import Service
from .settings import DRIVERS, region

SERVICES = ('cinder-scheduler', 'cinder-volume', 'cinder-backup')


def configure(settings, pod):
    folder = settings.pod_dir(pod, 'cinder')
    config = folder / 'cinder.conf'
    write_ini(config, pod_base(settings, pod, 'cinder'), {
        'DEFAULT': {'host': f'pod{pod}-cinder', 'my_ip': settings.host, 'auth_strategy': 'keystone',
                    'api_paste_config': settings.venv / 'etc/cinder/api-paste.ini',
                    # its default is a file under /etc, and without it every look-up by name is a 400
                    'resource_query_filters_file': settings.venv / 'etc/cinder/resource_filters.json',
                    'enabled_backends': 'podfake', 'backup_driver': 'cinder.backup.drivers.podfake.FileBackupDriver',
                    'glance_api_servers': settings.glance_url, 'osapi_volume_workers': 1,
                    'report_interval': 3,       # the first report comes after one interval: `up` waits for it
                    'quota_volumes': 10000, 'quota_gigabytes': 1000000, 'quota_snapshots': 10000,
                    'quota_backups': 10000, 'quota_backup_gigabytes': 1000000},
        'podfake': {'volume_driver': settings.volume_driver, 'volume_backend_name': 'podfake',
                    'podfake_dir': folder / 'volumes'},
        'backend_defaults': {'target_helper': 'fake'},
        'database': {'connection': settings.database_url(f'pod{pod}_cinder')},
        'coordination': {'backend_url': f'file://{folder}/coordination'},
        'nova': {'region_name': region(pod), 'interface': 'public', **credentials(settings, 'cinder')}},
        privsep(settings, ('cinder_sys_admin', 'privsep_osbrick'), config))


def services(settings, pod):
    config = settings.pod_dir(pod, 'cinder') / 'cinder.conf'
    arguments = ['--config-file', str(config)]
    programs = {name: [settings.bin(name)] for name in SERVICES}
    # An exported backup names its driver, and clients look for the prefix cinder.backup.drivers: so ours is there.
    programs['cinder-backup'] = [settings.bin('python'), str(DRIVERS / 'cinder_backup.py')]
    return [wsgi.api(settings, 'cinder', settings.pod_port(pod, 'cinder'), pod, arguments)] + [
        Service(f'pod{pod}-{name}', [*program, *arguments], env=python_env(settings, pod), watch=[config], pod=pod)
        for name, program in programs.items()]
