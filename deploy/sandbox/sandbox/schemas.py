"""Schemas of the OpenStack services, made once for each set of versions and kept as dumps in the cache folder.

A service's own `db sync` takes 2 to 15 s of CPU; loading a dump takes a fraction of one. cell0 of Nova has the
schema of any other cell, so one dump serves both.
"""
import hashlib
import os
import threading
import time

from .console import say
from .inifile import write_ini

# database suffix -> the template it is loaded from
POD_DATABASES = {'nova_api': 'nova_api', 'nova': 'nova', 'nova_cell0': 'nova', 'placement': 'placement',
                 'neutron': 'neutron', 'cinder': 'cinder'}
PACKAGES = ('keystone', 'nova', 'neutron', 'cinder', 'glance', 'openstack_placement')


class Schemas:

    def __init__(self, settings, supervisor, mariadb):
        self.settings, self.supervisor, self.mariadb = settings, supervisor, mariadb
        self.key = _versions_key(settings.venv)
        self._locks = {}
        self._guard = threading.Lock()

    def ensure(self, template, database):
        """Load the template into the database unless it holds a schema already."""
        if self.mariadb.has_schema(database):
            return
        self.mariadb.sql(f'create database if not exists {database} character set utf8mb3')
        self.mariadb.load(self.template(template), database)

    def template(self, name):
        """The dump; made first if these versions have none."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        path = self.settings.cache / f'{self.key}-{name}.sql'
        with lock:
            if not path.exists():
                self._make(name, path)
        return path

    def _make(self, name, path):
        began, database = time.monotonic(), f'template_{name}'
        self.mariadb.sql(f'drop database if exists {database}; create database {database} character set utf8mb3')
        self.supervisor.run(self._sync_command(name, database), log=f'dbsync-{name}')
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f'.{os.getpid()}')
        unfinished.write_bytes(self.mariadb.dump(database))
        unfinished.rename(path)
        self.mariadb.sql(f'drop database {database}')
        say(f'schema of {name} made in {time.monotonic() - began:.1f} s')

    def _sync_command(self, name, database):
        url = {'connection': self.settings.database_url(database)}
        config = write_ini(self.settings.state / 'sync' / f'{name}.conf', {
            'DEFAULT': {'transport_url': 'fake:/', 'state_path': self.settings.state / 'sync'},
            'database': url, 'api_database': url, 'placement_database': url})
        program, *words = {
            'keystone': ('keystone-manage', 'db_sync'),
            'nova_api': ('nova-manage', 'api_db', 'sync'),
            'nova': ('nova-manage', 'db', 'sync', '--local_cell'),
            'placement': ('placement-manage', 'db', 'sync'),
            'glance': ('glance-manage', 'db_sync'),
            'neutron': ('neutron-db-manage', 'upgrade', 'heads'),
            'cinder': ('cinder-manage', 'db', 'sync')}[name]
        return [self.settings.bin(program), '--config-file', str(config), *words]


def _versions_key(venv):
    """changes with the version of any service, so that an old dump is never used"""
    found = sorted(path.name for path in venv.glob('lib/*/site-packages/*.dist-info')
                   if path.name.split('-')[0] in PACKAGES)
    return hashlib.sha256(' '.join(found).encode()).hexdigest()[:12]
