"""The pods as somebody who makes networks and servers there and takes all of it away again."""
import subprocess
import time

from .. import hosts, identity, rest
from ..console import wait_until

PREFIX = {'neutron': '/v2.0', 'nova': '/v2.1'}


class Clouds:

    def __init__(self, sandbox):
        self.settings, self.supervisor = sandbox.settings, sandbox.supervisor
        self.sandbox = sandbox
        self.admin = identity.admin_token(self.settings)
        self.demo = rest.login(self.settings.keystone_url, 'demo', self.settings.password, 'demo')
        self._undo = []             # (what, function), called backwards
        self._flavors, self._groups, self._made = {}, {}, set()
        images = rest.request('GET', self.settings.glance_url + '/v2/images?name=cirros', self.demo).body['images']
        self.image = images[0]['id']

    # ------------------------------------------------------------ REST
    def call(self, pod, service, method, path, body=None, token=None):
        return rest.request(method, self.settings.pod_url(pod, service) + PREFIX[service] + path,
                            token or self.demo, body).body

    def get(self, pod, service, path, token=None):
        return self.call(pod, service, 'GET', path, token=token)

    def make(self, pod, kind, token=None, keep=False, **fields):
        """POST of a thing of Neutron, removed at the end (keep: something else removes it)"""
        key, path = kind.replace('-', '_'), f'/{kind}s'
        made = self.call(pod, 'neutron', 'POST', path, {key: fields}, token)[key]
        self._made.add(made['id'])
        if not keep:
            self.undo(f'{kind} {made["id"]}', lambda: self._delete(pod, 'neutron', f'{path}/{made["id"]}', token))
        return made

    def undo(self, what, action):
        self._undo.append((what, action))

    def _delete(self, pod, service, path, token):
        """busy things get free when those that use them are gone"""
        def deleted():
            try:
                self.call(pod, service, 'DELETE', path, token=token)
                return True
            except rest.RestError as error:
                if error.status == 409:
                    return False
                if error.status == 404:
                    return True
                raise
        wait_until(deleted, f'{path} is still in use', 20, pause=0.5)

    def remove_all(self, report):
        for what, action in reversed(self._undo):
            try:
                action()
            except Exception as error:          # the rest is to be removed all the same
                report.check(f'removing {what}', False, str(error))
        report.within('nothing is left of namespaces', lambda: not self._left(), 20)

    def _left(self):
        return [name for pod in self.settings.pod_numbers for name in self.inside(pod, None, 'ip', 'netns').split()
                if name.split('-', 1)[-1] in self._made]

    # ------------------------------------------------------------ namespaces
    def words(self, pod, netns):
        return hosts.inside(self.settings, self.supervisor, pod, netns)

    def inside(self, pod, netns, *command):
        return subprocess.run([*self.words(pod, netns), *command], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT).stdout

    # ------------------------------------------------------------ servers
    def flavor(self, pod):
        if pod not in self._flavors:
            flavor = self.call(pod, 'nova', 'POST', '/flavors', {'flavor': {
                'name': f'dataplane-{time.time()}', 'ram': 64, 'vcpus': 1, 'disk': 1}}, self.admin)['flavor']['id']
            self.undo('flavor', lambda: self._delete(pod, 'nova', f'/flavors/{flavor}', self.admin))
            self._flavors[pod] = flavor
        return self._flavors[pod]

    def group(self, pod):
        """a security group without rules for what comes in"""
        if pod not in self._groups:
            self._groups[pod] = self.make(pod, 'security-group', name='dataplane')['id']
        return self._groups[pod]

    def allow(self, pod, group, *protocols):
        for protocol in protocols or ('icmp', 'tcp'):
            self.make(pod, 'security-group-rule', keep=True, security_group_id=group, ethertype='IPv4',
                      direction='ingress', protocol=protocol)

    def boot(self, report, pod, name, network, group=None):
        """A server; when its port is ACTIVE, or a failed check."""
        began = time.monotonic()
        group = group or self.group(pod)
        id_ = self.call(pod, 'nova', 'POST', '/servers', {'server': {
            'name': f'dataplane-{name}', 'imageRef': self.image, 'flavorRef': self.flavor(pod),
            'security_groups': [{'name': group}], 'networks': [{'uuid': network}]}})['server']['id']
        self._made.add(id_)
        self.undo(f'server {name}', lambda: self._delete(pod, 'nova', f'/servers/{id_}', None))

        def status():
            return self.get(pod, 'nova', f'/servers/{id_}')['server']['status']

        def port():
            return self.get(pod, 'neutron', f'/ports?device_id={id_}')['ports'][0]
        wait_until(lambda: status() in ('ACTIVE', 'ERROR'), f'server {name}', 90, pause=0.2)
        report.within(f'pod{pod} server {name} and its port ACTIVE',
                      lambda: status() == 'ACTIVE' and port()['status'] == 'ACTIVE', 60)
        report.note(f'{time.monotonic() - began:.1f} s from POST')
        return Server(pod, id_, port(), group)


class Server:

    def __init__(self, pod, id_, port, group):
        self.pod, self.id, self.port, self.group = pod, id_, port, group
        self.ip = port['fixed_ips'][0]['ip_address']
        self.place = (pod, 'vm-' + id_)
