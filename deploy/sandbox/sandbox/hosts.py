"""Hosts of the pods (L3=1): what has to be apart runs in a network and a mount namespace for each pod.

Two things force it: an L3 agent deletes each router namespace it does not know, so two agents must not see one
/run/netns; and VXLAN in the userspace datapath cannot have both ends in one network namespace. A host is a process
that sleeps in its namespaces; on it run the pod's Open vSwitch, agents and nova-compute. The APIs stay outside, and a
relay brings their ports to the host's loopback. Nothing is made in the machine's own network namespace, and all goes
when the processes end.
"""
import os
import signal
import sys
from pathlib import Path

from . import openvswitch, outside
from .console import Failure, say, wait_until
from .process import Service
from .settings import DRIVERS, region

PROCESSES = ('host', 'relay', 'ovsdb', 'vswitchd')
BRIDGES = (*openvswitch.BRIDGES, 'ul')
# The pod's Open vSwitch is where ovs-vsctl looks for one, so that it needs no words about that on the host.
ENTER = ('mount -t tmpfs -o mode=755 netns /run/netns && mount -t sysfs sysfs /sys && mount --bind "$1" /run/openvswitch && '
         'ip link set lo up && exec sleep infinity')


def inside(settings, supervisor, pod, netns=None):
    """The words to put before a command so that it runs on the pod's host, or in a namespace there (vm-<server id>,
    qrouter-<router id>, qdhcp-<network id>)."""
    words = []
    if settings.l3:
        host = supervisor.pid(f'pod{pod}-host')
        if not host:
            raise Failure(f'the host of {region(pod)} is not up')
        words = ['nsenter', '-m', '-n', '-t', str(host)]
    return words + (['ip', 'netns', 'exec', netns] if netns else [])


def place(settings, supervisor, service):
    """The service as it is started: on the pod's host if it belongs there."""
    if not (settings.l3 and service.on_host):
        return service
    command = inside(settings, supervisor, service.pod) + service.command
    return Service(**{**vars(service), 'command': command})


def start(settings, supervisor):
    for folder in ('/run/netns', '/run/openvswitch'):
        os.makedirs(folder, exist_ok=True)
    for pod in settings.pod_numbers:
        _start_host(settings, supervisor, pod)
        _start_switch(settings, supervisor, pod)
    for pod in settings.pod_numbers[1:]:
        for kind in ('phys', 'ext', 'ul'):
            _connect(settings, supervisor, pod, kind)
    outside.start(settings, supervisor, lambda pod: inside(settings, supervisor, pod))
    say('hosts of the pods up, each with its Open vSwitch')


def _start_host(settings, supervisor, pod):
    name = f'pod{pod}-host'
    host = Service(name, ['unshare', '--mount', '--net', '--propagation', 'private', 'sh', '-c', ENTER, 'host',
                          str(settings.ovs_dir(pod))])
    if not supervisor.pid(name) or supervisor.stale([host]):        # what ran on an older one knows that one
        supervisor.stop([f'pod{pod}-{process}' for process in PROCESSES[1:]])
    settings.ovs_dir(pod).mkdir(parents=True, exist_ok=True)
    supervisor.start(host)

    def entered():
        try:
            return Path(f'/proc/{supervisor.pid(name)}/cmdline').read_text().startswith('sleep')
        except OSError:
            return False
    wait_until(entered, f'{name}: see {supervisor.log(name)}', 10)
    ports = [settings.ports[service] for service in ('keystone', 'glance', 'rabbit', 'db', 'memcached')]
    ports += [settings.pod_port(pod, service) for service in ('nova', 'neutron', 'cinder', 'placement')]
    supervisor.start(Service(f'pod{pod}-relay', [
        sys.executable, str(DRIVERS / 'relay.py'), str(supervisor.pid(name)), settings.host, *map(str, ports)]))


def _start_switch(settings, supervisor, pod):
    folder, enter = settings.ovs_dir(pod), inside(settings, supervisor, pod)
    if not supervisor.pid(f'pod{pod}-ovsdb'):           # nothing of an older host is left: start empty
        for name in ('conf.db', '.conf.db.~lock~'):
            (folder / name).unlink(missing_ok=True)
    openvswitch.start_daemons(supervisor, folder, f'pod{pod}-', enter)
    supervisor.run(openvswitch.vsctl(settings, pod, *openvswitch.add_bridges(pod, BRIDGES)))
    # The address of the tunnels has to be on a bridge for a userspace datapath.
    supervisor.run([*enter, 'ip', 'addr', 'replace', settings.underlay % pod + '/24', 'dev', f'p{pod}-ul'])
    supervisor.run([*enter, 'ip', 'link', 'set', f'p{pod}-ul', 'up'])


def _connect(settings, supervisor, pod, kind):
    near, far = openvswitch.cable(pod, kind)
    ends = [(near, 1), (far, pod)]

    def on(end, *command, check=True):
        return supervisor.run([*inside(settings, supervisor, end), *command], check=check)

    if any(on(end, 'ip', 'link', 'show', device, check=False).returncode for device, end in ends):
        for device, end in ends:            # one end may be left of an old host: make both anew
            supervisor.run(openvswitch.vsctl(settings, end, '--if-exists', 'del-port', device))
            on(end, 'ip', 'link', 'del', device, check=False)
        on(1, 'ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns',
           str(supervisor.pid(f'pod{pod}-host')))
    for device, end in ends:
        on(end, 'ip', 'link', 'set', device, 'up')
        supervisor.run(openvswitch.vsctl(settings, end, '--may-exist', 'add-port', f'p{end}-{kind}', device))


def end_leftovers(settings):
    """dnsmasq and the like leave their agent's session: ours are those that name our state folder."""
    for entry in Path('/proc').iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / 'cmdline').read_text().split('\0')
            if os.path.basename(words[0]) in ('dnsmasq', 'haproxy', 'radvd') and \
                    any(f'{settings.state}/pod' in word for word in words):
                os.kill(int(entry.name), signal.SIGTERM)
        except (OSError, UnicodeDecodeError):
            pass
