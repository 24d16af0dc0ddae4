"""Open vSwitch with a userspace datapath (MECH=openvswitch): no kernel module, no root but that of a container.

Without L3 there is one, with three bridges for each pod: the userspace datapath's device `ovs-netdev` exists once in
a network namespace, so two ovs-vswitchd cannot share one. With L3 each pod's host has its own (see `hosts`). In both
cases the physical switch between the pods is a set of veth pairs: cables from pod 1 to each other pod.
"""
import os

from .console import say, wait_until
from .process import Service

SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'
BRIDGES = ('int', 'phys', 'ext')


def vsctl(settings, pod, *words):
    return ['ovs-vsctl', f'--db=unix:{settings.ovs_dir(pod)}/db.sock', '--timeout=20', *words]


def add_bridges(pod, kinds):
    words = []
    for kind in kinds:
        bridge = f'p{pod}-{kind}'
        words += ['--', '--may-exist', 'add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev']
    return words


def daemons(folder, prefix='', enter=()):
    """ovsdb-server and ovs-vswitchd of one run folder"""
    env, db = {'OVS_RUNDIR': str(folder)}, f'unix:{folder}/db.sock'
    return (Service(prefix + 'ovsdb', [*enter, 'ovsdb-server', f'{folder}/conf.db', f'--remote=p{db}',
                                       f'--unixctl={folder}/ovsdb.ctl'], env=env),
            Service(prefix + 'vswitchd', [*enter, 'ovs-vswitchd', db, '--disable-system',
                                          f'--unixctl={folder}/vswitchd.ctl'], env=env))


def start_daemons(supervisor, folder, prefix='', enter=()):
    database, switch = daemons(folder, prefix, enter)
    folder.mkdir(parents=True, exist_ok=True)
    if not supervisor.pid(database.name):
        (folder / 'db.sock').unlink(missing_ok=True)
        if not (folder / 'conf.db').exists():
            supervisor.run(['ovsdb-tool', 'create', str(folder / 'conf.db'), SCHEMA])
    supervisor.start(database)
    wait_until((folder / 'db.sock').exists, f'{database.name}: no socket', 10)
    supervisor.run(['ovs-vsctl', f'--db=unix:{folder}/db.sock', '--timeout=20', '--no-wait', 'init'])
    supervisor.start(switch)


def start(settings, supervisor):
    """The one Open vSwitch of all pods."""
    start_daemons(supervisor, settings.ovs_dir(1))
    words = []
    for pod in settings.pod_numbers:
        words += add_bridges(pod, BRIDGES)
    for pod in settings.pod_numbers[1:]:
        for kind in ('phys', 'ext'):
            near, far = cable(pod, kind)
            if not os.path.exists(f'/sys/class/net/{near}'):
                supervisor.run(['ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far])
            for device, end in ((near, 1), (far, pod)):
                supervisor.run(['ip', 'link', 'set', device, 'up'])
                words += ['--', '--may-exist', 'add-port', f'p{end}-{kind}', device]
    supervisor.run(vsctl(settings, 1, *words))
    say('Open vSwitch up')


def cable(pod, kind):
    """names of the two ends of the cable from pod 1 to this pod"""
    return f'c1-{pod}-{kind}', f'c{pod}-1-{kind}'


def remove_devices(settings, supervisor):
    """Devices of the one Open vSwitch outlive it. (Those of hosts go with their namespace.)"""
    if not (settings.state / 'ovs' / 'conf.db').exists():
        return
    for device in os.listdir('/sys/class/net'):
        if _is_ours(device):
            supervisor.run(['ip', 'link', 'del', device], check=False)


def _is_ours(device):
    if device == 'ovs-netdev':
        return True
    first, *rest = device.split('-')
    if not first[1:].isdigit():
        return False
    return first[0] == 'p' and rest[-1:] in (['int'], ['phys'], ['ext'], ['tun']) or \
        first[0] == 'c' and len(rest) == 2
