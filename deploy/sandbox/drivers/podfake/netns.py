"""A server as a network namespace, plugged into an Open vSwitch integration bridge.

One veth pair for each port: one end in the namespace with the port's MAC and addresses, the other on the bridge with
the external_ids that os-vif would set, by which the Neutron agent knows the port. Standard library only.
"""
import array
import ctypes
import fcntl
import os
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x17, 0x1f, 0x24


def run(*command, check=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode:
        raise RuntimeError(f'{" ".join(command)}: {done.stdout}')
    return done.stdout


def vsctl(db, *command, check=True):
    return run('ovs-vsctl', '--no-wait', '--timeout=10', '--db=' + db, *command, check=check)


def tap(port_id):
    return 'tap' + port_id[:11]


def no_offload(netns, device):
    """`ethtool -K DEVICE tx off tso off gso off`: the userspace datapath drops packets with partial checksums. In a
    child process, because it changes its network namespace."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        if netns:
            ctypes.CDLL(None).setns(os.open('/run/netns/' + netns, os.O_RDONLY), CLONE_NEWNET)
        control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for feature in (ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO):
            value = array.array('B', struct.pack('II', feature, 0))
            try:
                fcntl.ioctl(control, SIOCETHTOOL, struct.pack('16sP', device.encode(), value.buffer_info()[0]))
            except OSError:
                pass                    # not every device has every feature
    finally:
        os._exit(0)


def plug(db, bridge, netns, port_id, mac, cidrs, gateway=None, mtu=1500, server=''):
    """Idempotent: Nova plugs all servers again when it starts."""
    device = tap(port_id)
    _ensure_namespace(netns)
    if not os.path.exists('/sys/class/net/' + device):
        inner = _free_name(netns)
        run('ip', 'link', 'add', device, 'mtu', str(mtu), 'type', 'veth', 'peer', 'name', inner, 'address', mac,
            'mtu', str(mtu), 'netns', netns)
        run('ip', 'link', 'set', device, 'up')
        no_offload(netns, inner)
        no_offload(None, device)
        run('ip', '-n', netns, 'link', 'set', inner, 'up')
        for cidr in cidrs:
            run('ip', '-n', netns, 'addr', 'add', cidr, 'dev', inner)
        if gateway:
            run('ip', '-n', netns, 'route', 'replace', 'default', 'via', gateway, 'dev', inner, check=False)
    vsctl(db, '--', '--may-exist', 'add-port', bridge, device, '--', 'set', 'Interface', device,
          'external_ids:iface-id=' + port_id, 'external_ids:iface-status=active', 'external_ids:attached-mac=' + mac,
          'external_ids:vm-uuid=' + server)


def unplug(db, bridge, port_id):
    vsctl(db, '--if-exists', 'del-port', bridge, tap(port_id), check=False)
    run('ip', 'link', 'del', tap(port_id), check=False)


def delete(netns):
    run('ip', 'netns', 'del', netns, check=False)
    marker = _marker(netns)
    if marker and os.path.exists(marker):
        os.unlink(marker)


def _ensure_namespace(netns):
    if netns in run('ip', 'netns', 'list').split():
        return
    run('ip', 'netns', 'add', netns)
    if _marker(netns):
        open(_marker(netns), 'w').close()
    run('ip', '-n', netns, 'link', 'set', 'lo', 'up')


def _marker(netns):
    """a file for each namespace in the machine's own /run/netns, so that `wipe` knows which are ours"""
    folder = os.environ.get('PODNET_DIR')
    return folder and os.path.join(folder, netns)


def _free_name(netns):
    have = run('ip', '-n', netns, '-o', 'link')
    return next(name for name in (f'eth{n}' for n in range(100)) if name + '@' not in have)
