"""The one Keystone: its keys, its configuration, its process and the bootstrap of its first administrator."""
import base64
import os

from . import wsgi
from .console import say
from .inifile import write_file, write_ini
from .oslo import python_env
from .rest import answers
from .settings import TOP_REGION


class Keystone:

    def __init__(self, settings, supervisor, mariadb, schemas):
        self.settings, self.supervisor = settings, supervisor
        self.mariadb, self.schemas = mariadb, schemas
        self.folder = settings.state / 'keystone'

    def configure(self):
        for repository in ('fernet-keys', 'credential-keys'):
            for number in '01':
                path = self.folder / repository / number
                if not path.exists():
                    write_file(path, base64.urlsafe_b64encode(os.urandom(32)).decode(), 0o600)
            (self.folder / repository).chmod(0o700)
        settings, keys = self.settings, self.folder / 'fernet-keys'
        cache = {'enabled': True, 'backend': 'oslo_cache.memcache_pool', 'memcache_servers': settings.memcached}
        write_ini(self.folder / 'keystone.conf', {
            'DEFAULT': {'debug': settings.debug,
                        'public_endpoint': settings.keystone_url.removesuffix('/v3')},
            # bcrypt at its default cost takes 0.25 s of CPU for each login
            'identity': {'password_hash_rounds': 4},
            'database': {'connection': settings.database_url('keystone')},
            'token': {'provider': 'fernet', 'expiration': 86400},
            'fernet_tokens': {'key_repository': keys},
            'fernet_receipts': {'key_repository': keys},        # another option than the one before
            'credential': {'key_repository': self.folder / 'credential-keys'},
            'cache': cache if settings.token_cache else {'enabled': False}})

    def start(self):
        """Database, bootstrap, process; returns when it answers."""
        self.schemas.ensure('keystone', 'keystone')
        if self.mariadb.count('user', 'keystone') == 0:
            self._bootstrap()
        self.supervisor.start(wsgi.api(self.settings, 'keystone', self.settings.ports['keystone']))
        self.supervisor.wait_answer(lambda: answers(self.settings.keystone_url), 'keystone', 'API')
        say('keystone up')

    def _bootstrap(self):
        settings, url = self.settings, self.settings.keystone_url
        self.supervisor.run([
            settings.bin('keystone-manage'), '--config-file', str(self.folder / 'keystone.conf'), 'bootstrap',
            '--bootstrap-username', 'admin', '--bootstrap-password', settings.password,
            '--bootstrap-project-name', 'admin', '--bootstrap-region-id', TOP_REGION,
            '--bootstrap-public-url', url, '--bootstrap-internal-url', url, '--bootstrap-admin-url', url],
            log='keystone-bootstrap', env=python_env(settings))
