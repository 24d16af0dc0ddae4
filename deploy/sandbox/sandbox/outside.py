"""The outside: a host that is in no cloud, on the wire of the external networks (hosts for pods, L3=1).

It is what an external network leads to: the gateway of 203.0.113.0/24, with one more address behind it. A namespace on
the host of the last pod, with a cable to that pod's external bridge; the cables between the pods' external bridges make
it reachable from all of them. Agents leave it alone: they remove only namespaces with names of their own kind.
"""
import sys

from . import openvswitch
from .settings import DRIVERS

NETNS = 'outside'
GATEWAY = '203.0.113.1'             # of the external network, and
BEHIND = '198.51.100.7'             # an address behind it
ADDRESSES = (GATEWAY + '/24', BEHIND + '/32')
NO_OFFLOAD = ('import sys; sys.path.insert(0, sys.argv[1]); from podfake import netns; '
              'netns.no_offload(None, sys.argv[2]); netns.no_offload(sys.argv[3], "eth0")')


def place(settings):
    """(pod, namespace)"""
    return settings.pods, NETNS


def start(settings, supervisor, inside):
    """`inside(pod)` gives the words to put before a command on the pod's host."""
    pod, netns = place(settings)
    enter, device = inside(pod), f'p{pod}-outside'

    def on(*command, check=True):
        return supervisor.run([*enter, *command], check=check)

    if on('ip', '-n', netns, 'link', 'show', 'eth0', check=False).returncode:
        on('ip', 'netns', 'del', netns, check=False)            # a start that was cut off
        on('ip', 'netns', 'add', netns)
        on('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns)
        on(sys.executable, '-B', '-c', NO_OFFLOAD, str(DRIVERS), device, netns)
    on('ip', 'link', 'set', device, 'up')
    for link in ('lo', 'eth0'):
        on('ip', '-n', netns, 'link', 'set', link, 'up')
    for address in ADDRESSES:
        on('ip', '-n', netns, 'addr', 'replace', address, 'dev', 'eth0')
    supervisor.run(openvswitch.vsctl(settings, pod, '--may-exist', 'add-port', f'p{pod}-ext', device))
