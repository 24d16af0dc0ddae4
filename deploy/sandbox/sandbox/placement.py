"""Placement of a pod: the WSGI application alone."""
from . import wsgi
from .inifile import write_ini
from .oslo import pod_base


def configure(settings, pod):
    write_ini(settings.pod_dir(pod, 'placement') / 'placement.conf', pod_base(settings, pod, 'placement'), {
        'api': {'auth_strategy': 'keystone'},
        'placement_database': {'connection': settings.database_url(f'pod{pod}_placement')}})


def services(settings, pod):
    return [wsgi.api(settings, 'placement', settings.pod_port(pod, 'placement'), pod)]
