"""When is a pod ready? Its APIs answer, its services have reported since they were started, its host has inventory."""
import time

from . import rest
from .console import Failure, elapsed, say, wait_until
from .neutron import l3_agents

LIMIT = 240
READY_PATH = {'neutron': '/v2.0/', 'nova': '/', 'cinder': '/', 'placement': '/'}
EXPECTED = 3            # conductor, scheduler, compute; scheduler, volume, backup


class Readiness:

    def __init__(self, settings, supervisor, mariadb, token):
        self.settings, self.supervisor, self.mariadb, self.token = settings, supervisor, mariadb, token
        self.began = time.time() - elapsed()

    def apis(self, pod):
        for service, path in READY_PATH.items():
            url = self.settings.pod_url(pod, service) + path
            self.supervisor.wait_answer(lambda: rest.answers(url), f'pod{pod}-{service}-api', url, LIMIT)
        # Two of the very first requests to a fresh Neutron, when they come at once, may be answered 403: let one go.
        self._get(pod, 'neutron', '/v2.0/networks?limit=1')

    def services(self, pod):
        def ready():
            return self._reporting(pod, 'nova', '/v2.1') >= EXPECTED and \
                self._reporting(pod, 'cinder', '/v3') >= EXPECTED and \
                self.mariadb.count('inventories', f'pod{pod}_placement')
        self._wait(pod, ready, 'services of Nova and Cinder, inventory', pause=0.3)
        say(f'pod{pod}: services report, inventory is there')

    def ovs_agent(self, pod):
        """Its heartbeat also tells that neutron-rpc-server consumes."""
        self._agents(pod, {'neutron-openvswitch-agent'})

    def l3_agents(self, pod):
        self._agents(pod, {f'neutron-{kind}-agent' for kind in l3_agents(self.settings)})

    # ------------------------------------------------------------
    def _get(self, pod, service, path):
        return rest.request('GET', self.settings.pod_url(pod, service) + path, self.token).body

    def _reporting(self, pod, service, path):
        """how many have reported; a heartbeat from before the start does not count"""
        fresh = any(name.startswith(f'pod{pod}-{service}-') for name in self.supervisor.started)
        since = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(self.began)) if fresh else ''
        return sum(1 for x in self._get(pod, service, path + '/os-services')['services']
                   if x['state'] == 'up' and (x['updated_at'] or '') >= since)

    def _agents(self, pod, binaries):
        since = time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(self.began))

        def report():
            return binaries <= {
                a['binary'] for a in self._get(pod, 'neutron', '/v2.0/agents')['agents']
                if a['alive'] and (a['heartbeat_timestamp'] >= since or
                                   f'pod{pod}-{a["binary"]}' not in self.supervisor.started)}
        self._wait(pod, report, f'agents {sorted(binaries)}', pause=0.3)

    def _wait(self, pod, condition, what, pause):
        def checked():
            for name in self.supervisor.names():
                if name.startswith(f'pod{pod}-') and (reason := self.supervisor.dead(name)):
                    raise Failure(reason)
            return condition()
        wait_until(checked, f'pod{pod}: {what}', LIMIT, pause)
