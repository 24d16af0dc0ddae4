"""The MariaDB of the sandbox: its process, its accounts, and the few statements the sandbox itself needs.

Accounts: `pods` (the OpenStack services, everything), `tricircle` (the database tricircle), `tricircle_test` (may
create and drop databases whose name begins with tricircle_test_).
"""
from .console import say
from .process import Service

SERVER = '/usr/sbin/mariadbd'
# Durability is given up for speed: all of this can be made again.
FAST = ['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0']
# A killed server has lost nothing that it said was committed; a machine that loses its power may still have.
DURABLE = ['--innodb-flush-log-at-trx-commit=2', '--innodb-doublewrite=1']


def tuning(durable):
    return ['--skip-name-resolve', '--skip-log-bin', *(DURABLE if durable else FAST),
            '--innodb-flush-method=nosync', '--sync-frm=0', '--performance-schema=0', '--innodb-buffer-pool-size=256M',
            '--innodb-log-file-size=64M', '--max-connections=1000', '--table-open-cache=4000',
            '--character-set-server=utf8mb4']


class MariaDB:

    def __init__(self, settings, supervisor):
        self.settings, self.supervisor = settings, supervisor
        self.folder = settings.state / 'mariadb'
        self.socket = self.folder / 'sock'

    def service(self):
        folder, settings = self.folder, self.settings
        # A starting server removes every #sql* file of its tmpdir: two servers must not share /tmp.
        return Service('mariadb', [
            SERVER, '--no-defaults', '--user=root', f'--datadir={folder}/data', f'--tmpdir={folder}/tmp',
            f'--socket={self.socket}', f'--pid-file={folder}/pid', f'--bind-address={settings.host}',
            f'--port={settings.ports["db"]}', *tuning(settings.durable)], port=settings.ports['db'])

    def start(self):
        (self.folder / 'tmp').mkdir(parents=True, exist_ok=True)
        if not (self.folder / 'data' / 'mysql').exists():
            (self.folder / 'data').mkdir(exist_ok=True)
            self.supervisor.run(['mariadb-install-db', '--no-defaults', '--user=root', '--skip-test-db',
                                 '--skip-name-resolve',     # else the machine has to know its own name
                                 f'--datadir={self.folder}/data', f'--tmpdir={self.folder}/tmp',
                                 '--auth-root-authentication-method=socket'], log='mariadb')
        self.supervisor.start(self.service())
        self.supervisor.wait_port(self.settings.ports['db'], 'mariadb')
        self._accounts()
        say('mariadb up')

    def _accounts(self):
        word = self.settings.password
        grants = [('pods', '*.*'), ('tricircle', '`tricircle`.*'), ('tricircle_test', r'`tricircle\_test\_%`.*')]
        self.sql('create database if not exists tricircle character set utf8mb4;\n' + '\n'.join(
            f"create user if not exists {user}@'%' identified by '{word}'; grant all on {what} to {user}@'%';"
            for user, what in grants))

    def url(self, user, database=''):
        return f'mysql://{user}:{self.settings.password}@{self.settings.host}:{self.settings.ports["db"]}/{database}'

    # ------------------------------------------------------------ statements, as root on the socket
    def _client(self, program, *args):
        return [program, '--no-defaults', '-uroot', f'--socket={self.socket}', *args]

    def sql(self, text, database=None):
        """The rows as text, columns parted by tabs."""
        command = self._client('mariadb', '-N', '-B', *([database] if database else []))
        return self.supervisor.run(command, input=text.encode()).stdout.decode().strip()

    def count(self, table, database):
        return int(self.sql(f'select count(*) from {table}', database))

    def has_schema(self, database):
        return int(self.sql(f"select count(*) from information_schema.tables where table_schema='{database}'")) > 3

    def drop(self, *patterns):
        """the databases whose names are LIKE one of these"""
        for pattern in patterns:
            for database in self.sql(f"show databases like '{pattern}'").split():
                self.sql(f'drop database `{database}`')

    def dump(self, database):
        return self.supervisor.run(self._client('mariadb-dump', '--single-transaction', '--skip-comments',
                                                database)).stdout

    def load(self, path, database):
        with open(path, 'rb') as dump:
            self.supervisor.run(self._client('mariadb', database), stdin=dump)
