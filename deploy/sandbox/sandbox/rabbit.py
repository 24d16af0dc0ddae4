"""The RabbitMQ of the sandbox (and the epmd it registers with): a node of its own, not the machine's.

Users and virtual hosts come from a definitions file that is read at each start: `rabbitmqctl` would start an Erlang
VM for each call. One virtual host a pod, `tricircle` for our own services, `tricircle_test` for the tests.
"""
import base64
import hashlib
import json
import os

from .console import say
from .inifile import write_file
from .process import Service

SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server'        # the one in PATH changes the user first
VHOSTS = {'pods': [f'pod{n}' for n in range(1, 10)], 'tricircle': ['tricircle', 'tricircle_test']}


class RabbitMQ:

    def __init__(self, settings, supervisor):
        self.settings, self.supervisor = settings, supervisor
        self.folder = settings.state / 'rabbit'

    def start(self):
        self._configure()
        ports = self.settings.ports
        environment = self._environment()
        self.supervisor.start(Service('epmd', ['epmd', '-port', str(ports['epmd']), '-address', '127.0.0.1'],
                                      env=environment))
        self.supervisor.wait_port(ports['epmd'], 'epmd')
        self.supervisor.start(Service('rabbitmq', [SERVER], env=environment, port=ports['rabbit'],
                                      watch=[self.folder / 'rabbitmq.conf', self.folder / 'definitions.json']))
        self.supervisor.wait_port(ports['rabbit'], 'rabbitmq')
        say('rabbitmq up')

    def _configure(self):
        folder, ports = self.folder, self.settings.ports
        write_file(folder / 'definitions.json', json.dumps({
            'users': [{'name': user, 'password_hash': _hash(self.settings.password), 'tags': 'administrator',
                       'hashing_algorithm': 'rabbit_password_hashing_sha256'} for user in VHOSTS],
            'vhosts': [{'name': vhost} for vhosts in VHOSTS.values() for vhost in vhosts],
            'permissions': [{'user': user, 'vhost': vhost, 'configure': '.*', 'write': '.*', 'read': '.*'}
                            for user, vhosts in VHOSTS.items() for vhost in vhosts]}, indent=1))
        write_file(folder / 'rabbitmq.conf', '\n'.join([
            f'listeners.tcp.1 = {self.settings.host}:{ports["rabbit"]}',
            f'load_definitions = {folder}/definitions.json',
            'log.console = true', 'log.console.level = warning', 'log.file = false',
            'vm_memory_high_watermark.absolute = 1GB', 'disk_free_limit.absolute = 50MB', '']))
        write_file(folder / 'advanced.config', '[{kernel, [{inet_dist_use_interface, {127,0,0,1}}]}].\n')
        write_file(folder / 'enabled_plugins', '[].\n')
        if not (folder / '.erlang.cookie').exists():
            write_file(folder / '.erlang.cookie', os.urandom(12).hex(), 0o600)

    def _environment(self):
        folder, ports = str(self.folder), self.settings.ports
        return {'HOME': folder, 'ERL_EPMD_PORT': str(ports['epmd']), 'ERL_EPMD_ADDRESS': '127.0.0.1',
                'RABBITMQ_NODENAME': 'pods@localhost', 'RABBITMQ_DIST_PORT': str(ports['rabbit_dist']),
                'RABBITMQ_CONFIG_FILE': folder + '/rabbitmq.conf',
                'RABBITMQ_ADVANCED_CONFIG_FILE': folder + '/advanced.config',
                'RABBITMQ_ENABLED_PLUGINS_FILE': folder + '/enabled_plugins',
                'RABBITMQ_MNESIA_BASE': folder + '/mnesia', 'RABBITMQ_LOG_BASE': folder,
                'RABBITMQ_PID_FILE': folder + '/pid', 'RABBITMQ_CONF_ENV_FILE': '/dev/null',
                # no busy waiting: the machine is shared with twenty Python processes
                'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '+sbwt none +sbwtdcpu none +sbwtdio none +S 2:2 '
                                                       '-kernel inet_dist_use_interface {127,0,0,1}'}


def _hash(password):
    """as rabbit_password_hashing_sha256: salt, then the digest of salt and password (the salt is fixed so that the
    file, and with it the broker, is left alone at the next start)"""
    salt = b'pods'
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
