"""The API services: WSGI modules under uWSGI (or gunicorn, WSGI=gunicorn, which keeps connections open).

These releases of OpenStack ship no API commands any more. uWSGI runs without a master: one process, some threads.
"""
from .oslo import python_env
from .process import Service
from .settings import DRIVERS

MODULES = {'keystone': 'keystone.wsgi.api', 'glance': 'glance.wsgi.api', 'nova': 'nova.wsgi.osapi_compute',
           'neutron': 'neutron.wsgi.api', 'cinder': 'cinder.wsgi.api', 'placement': 'placement.wsgi.api'}


def api(settings, service, port, pod=None, args=()):
    """the API of one OpenStack service; args: its own command line"""
    name = f'pod{pod}-{service}-api' if pod else service
    folder = settings.pod_dir(pod, service) if pod else settings.state / service
    if settings.wsgi == 'gunicorn':
        command = [settings.bin('python'), str(DRIVERS / 'serve.py'), f'{settings.host}:{port}',
                   settings.api_workers, settings.api_threads, MODULES[service], *args]
    else:
        command = _uwsgi(settings, name, service, port, args)
    return Service(name, command, env=python_env(settings, pod), watch=[folder], port=port, pod=pod)


def _uwsgi(settings, name, service, port, args):
    command = [settings.bin('uwsgi'), '--http-socket', f'{settings.host}:{port}',
               '--module', MODULES[service] + ':application', '--need-app', '--virtualenv', str(settings.venv),
               '--processes', settings.api_workers, '--threads', settings.api_threads, '--enable-threads',
               '--lazy-apps', '--buffer-size', '65535', '--die-on-term', '--listen', '128',
               '--add-header', 'Connection: close', '--disable-logging', '--procname-prefix', name + ' ']
    if service == 'glance':     # clients upload in chunks of 1 MiB, more than uWSGI takes by default, and pause
        command += ['--chunked-input-limit', str(16 << 20), '--chunked-input-timeout', '120',
                    '--socket-timeout', '120']
    if int(settings.api_workers) > 1:
        command += ['--master', '--thunder-lock']
    if args:
        command += ['--pyargv', ' '.join(args)]
    return command
