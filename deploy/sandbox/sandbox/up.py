"""Brings the sandbox up, and down: what comes after what, and what may be done at the same time.

    infrastructure (MariaDB, RabbitMQ); Open vSwitch and hosts (MECH=openvswitch)
    Keystone, regions, users | databases of the pods, then their API processes
    all other processes of all pods at once; then: do the APIs answer, do the services report

Two cores are the measure: a pod is about ten Python processes that take 2 to 3 s of CPU each to import.
"""
import shlex
import shutil
from concurrent.futures import ThreadPoolExecutor

from . import cinder, glance, hosts, identity, neutron, nova, openvswitch, placement
from .console import say
from .inifile import write_file
from .keystone import Keystone
from .mariadb import MariaDB
from .process import Service, Supervisor
from .rabbit import RabbitMQ
from .readiness import Readiness
from .rest import answers
from .schemas import POD_DATABASES, Schemas
from .settings import HERE, region

POD_SERVICES = (placement, neutron, nova, cinder)
INFRASTRUCTURE = ('mariadb', 'rabbitmq', 'epmd')
SLOWEST_SCHEMAS = ('neutron', 'nova')
SHARED = ('keystone', 'glance', 'memcached', 'ovsdb', 'vswitchd')


class Sandbox:

    def __init__(self, settings):
        self.settings = settings
        self.supervisor = Supervisor(settings.state, settings.host)
        self.mariadb = MariaDB(settings, self.supervisor)

    # ------------------------------------------------------------ up
    def infra_up(self):
        """MariaDB and RabbitMQ, which is all that functional tests need."""
        with self.supervisor.exclusive():
            self._infrastructure()

    def _infrastructure(self):
        self.settings.cache.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(2) as pool:
            rabbit = pool.submit(RabbitMQ(self.settings, self.supervisor).start)
            self.mariadb.start()
            rabbit.result()
        if not self.supervisor.pid('keystone'):
            self._write_env()

    def up(self):
        with self.supervisor.exclusive():
            if self.settings.rewired():
                self._forget_pods()
            self.settings.remember()
            (self.settings.state / 'netns').mkdir(exist_ok=True)
            self.supervisor.run(['ip', 'link', 'set', 'lo', 'up'], check=False)
            for pod in self.settings.pod_numbers:
                for service in POD_SERVICES:
                    service.configure(self.settings, pod)
            glance.configure(self.settings)
            self._infrastructure()
            self._switches()
            services = self.pod_services()
            self._stop_old(services)
            self._shared_and_apis(services)
            self._pods(services)

    def _switches(self):
        if self.settings.l3:
            hosts.start(self.settings, self.supervisor)
        elif self.settings.mech == 'openvswitch':
            openvswitch.start(self.settings, self.supervisor)

    def _shared_and_apis(self, services):
        settings, supervisor = self.settings, self.supervisor
        supervisor.start(Service('memcached', ['memcached', '-u', 'root', '-m', '64', '-t', '2', '-l', settings.host,
                                               '-p', str(settings.ports['memcached'])],
                                 port=settings.ports['memcached']))
        schemas = Schemas(settings, supervisor, self.mariadb)
        keystone = Keystone(settings, supervisor, self.mariadb, schemas)
        keystone.configure()

        def identity_service():
            keystone.start()
            identity.populate(settings)

        with ThreadPoolExecutor(3) as pool:         # two cores, and a little that waits
            first = pool.submit(identity_service)
            self._databases(pool, schemas)
            # APIs need no Keystone to start; the others do, and would try again only much later
            for service in [*glance.services(settings), *services]:
                if service.port:
                    supervisor.start(service)
            first.result()
        identity.write_openrc(settings, settings.state)

    def _databases(self, pool, schemas):
        pods = self.settings.pod_numbers
        databases = {'glance': 'glance', **{f'pod{pod}_{name}': template for pod in pods
                                            for name, template in POD_DATABASES.items()}}
        missing = {name: template for name, template in databases.items() if not self.mariadb.has_schema(name)}
        # each dump once, those that take longest first; then the loading has nothing to wait for
        for template in sorted(set(missing.values()), key=SLOWEST_SCHEMAS.__contains__, reverse=True):
            pool.submit(schemas.template, template)
        for load in [pool.submit(schemas.ensure, template, name) for name, template in missing.items()]:
            load.result()
        for pod in pods:
            nova.map_cells(self.settings, self.mariadb, pod)
        say('databases of the pods ready')

    def _pods(self, services):
        settings, supervisor = self.settings, self.supervisor
        for service in services:
            if not service.late:
                supervisor.start(service)
        say('all processes started')
        supervisor.wait_answer(lambda: answers(settings.glance_url + '/versions'), 'glance', 'API')
        token = identity.admin_token(settings)
        glance.ensure_image(settings, token)
        ready = Readiness(settings, supervisor, self.mariadb, token)
        for pod in settings.pod_numbers:
            ready.apis(pod)
        say('all APIs answer')
        if settings.l3:
            for pod in settings.pod_numbers:
                ready.ovs_agent(pod)
            for service in services:
                if service.late:
                    supervisor.start(service)
        for pod in settings.pod_numbers:
            ready.services(pod)
            ready.l3_agents(pod)
        self._write_env(cloud=True)
        nova.ensure_flavor(settings, 1, token)      # in Pod1 only: Tricircle makes it elsewhere when it is needed

    def pod_services(self):
        """processes of all pods, the same one of each pod next to each other"""
        rows = [[hosts.place(self.settings, self.supervisor, service) for module in POD_SERVICES
                 for service in module.services(self.settings, pod)] for pod in self.settings.pod_numbers]
        return [service for column in zip(*rows) for service in column]

    def _stop_old(self, services):
        """what is no longer wanted, and what runs with another configuration"""
        supervisor = self.supervisor
        wanted = {service.name for service in services} | set(SHARED)
        if self.settings.mech == 'podfake' or self.settings.l3:
            wanted -= {'ovsdb', 'vswitchd'}
        if self.settings.l3:
            wanted |= {f'pod{pod}-{name}' for pod in self.settings.pod_numbers for name in hosts.PROCESSES}
        extra = [name for name in supervisor.names()
                 if name not in wanted and (name.startswith('pod') or name in SHARED)]
        stale = supervisor.stale(services)
        if extra or stale:
            say('no longer wanted or configured otherwise, stopped', *supervisor.stop(extra + stale))
        for pod in self.settings.pod_numbers:
            if not supervisor.pid(f'pod{pod}-neutron-api'):
                neutron.remove_worker_files(self.settings, pod)

    def _write_env(self, cloud=False):
        """What tests and Tricircle need to know, for `.` in a shell. Of the cloud only when there is one: tests that
        want it are asked for by TRICIRCLE_REAL_CLOUD."""
        settings, mariadb = self.settings, self.mariadb
        values = {'TRICIRCLE_TEST_MYSQL_URL': mariadb.url('tricircle_test'),
                  'TRICIRCLE_TEST_AMQP_URL': settings.transport_url('tricircle_test', 'tricircle', 'amqp'),
                  'TRICIRCLE_MYSQL_URL': mariadb.url('tricircle', 'tricircle'),
                  'TRICIRCLE_TRANSPORT_URL': settings.transport_url('tricircle', 'tricircle')}
        if cloud:
            values |= {'TRICIRCLE_REAL_CLOUD': settings.keystone_url,
                       'TRICIRCLE_REAL_PASSWORD': settings.password,
                       'TRICIRCLE_REAL_PODS': ','.join(region(pod) for pod in settings.pod_numbers)}
        if cloud and settings.l3:
            values['TRICIRCLE_REAL_INSIDE'] = f'env STATE={settings.state} {HERE / "pods"} inside'
        write_file(settings.state / 'env', ''.join(f'export {name}={shlex.quote(value)}\n'
                                                   for name, value in values.items()), 0o600)

    # ------------------------------------------------------------ down
    def down(self):
        """Stop what was started here; data is kept."""
        with self.supervisor.exclusive():
            names = self.supervisor.names()
            stopped = self._stop([name for name in names if name not in INFRASTRUCTURE + SHARED],
                                 last=[name for name in names if name in INFRASTRUCTURE + SHARED])
        say('stopped', len(stopped), 'processes')

    def _stop(self, names, last):
        """The hosts, and what is named as last, after all that need them."""
        held = [name for name in names if name.split('-', 1)[-1] in hosts.PROCESSES]
        stopped = self.supervisor.stop([name for name in names if name not in held])
        hosts.end_leftovers(self.settings)
        stopped += self.supervisor.stop(held + last, grace=20)
        openvswitch.remove_devices(self.settings, self.supervisor)
        return stopped

    def _forget_pods(self):
        """Ports of servers, and agents, of another wiring are of no use to this one: the pods start empty, and so does
        what Tricircle knows of them. MariaDB and RabbitMQ, which others may be using, and identity stay."""
        names = self.supervisor.names()
        switch = [name for name in names if name in ('ovsdb', 'vswitchd')]
        self._stop([name for name in names if name.startswith(('pod', 'tricircle-'))], last=switch)
        self.mariadb.start()
        self.mariadb.drop('pod%', 'tricircle')
        self.mariadb.start()
        self._remove_namespaces()
        for path in [*self.settings.state.glob('pod[0-9]*'), self.settings.state / 'ovs',
                     self.settings.state / 'tricircle']:
            shutil.rmtree(path, ignore_errors=True)
        say('the pods are wired otherwise now: they start empty')

    def infra_down(self):
        """The infrastructure alone; it stays when pods still need it."""
        with self.supervisor.exclusive():
            users = [name for name in self.supervisor.names()
                     if name not in INFRASTRUCTURE and self.supervisor.pid(name)]
            if users:
                say('pods are up and need it: MariaDB and RabbitMQ stay (`pods-down` stops all)')
            else:
                say('stopped', *self.supervisor.stop(INFRASTRUCTURE, grace=20))

    def wipe(self):
        """Down, and all data removed; schema dumps stay."""
        self.down()
        state = self.settings.state
        self._remove_namespaces()
        for path in state.iterdir():
            if path != self.settings.cache:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _remove_namespaces(self):
        """those of servers in the machine's own /run/netns; those on hosts go with their host"""
        for marker in (self.settings.state / 'netns').glob('*'):
            self.supervisor.run(['ip', 'netns', 'del', marker.name], check=False)
            marker.unlink()
