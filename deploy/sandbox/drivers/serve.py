"""serve.py HOST:PORT WORKERS THREADS MODULE [arguments of the service]: an OpenStack WSGI module under gunicorn.

uWSGI's http-socket closes every connection; gunicorn's gthread worker keeps them open without a thread for each.
Started from here and not by gunicorn's own command, because sys.argv is what the service may parse.
"""
import importlib
import sys

address, workers, threads, module, *arguments = sys.argv[1:]
sys.argv = [module, *arguments]

from gunicorn.app.base import BaseApplication       # noqa: E402

OPTIONS = {'bind': address, 'workers': int(workers), 'threads': int(threads), 'worker_class': 'gthread',
           'timeout': 0, 'graceful_timeout': 5, 'keepalive': 75, 'worker_connections': 1000, 'proc_name': module,
           'limit_request_line': 0, 'limit_request_field_size': 0}


class Application(BaseApplication):

    def load_config(self):
        for name, value in OPTIONS.items():
            self.cfg.set(name, value)

    def load(self):
        return importlib.import_module(module).application


Application().run()
