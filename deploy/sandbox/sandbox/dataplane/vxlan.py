"""One VNI in two pods (L3=1): each pod is told of the server in the other by a shadow agent (its host and tunnel
address) and a shadow port (bound to that host, with the real port's addresses)."""
import os

from .. import openvswitch
from ..settings import DRIVERS
from ..nova import compute_host
from .probes import Probes

VNI = int(os.environ.get('VNI', '7934'))


def check(clouds, report):
    probes, servers, networks = Probes(clouds, report), {}, {}
    for pod in (1, 2):
        group = clouds.make(pod, 'security-group', name='dataplane-vxlan')['id']
        clouds.allow(pod, group)
        networks[pod] = clouds.make(pod, 'network', clouds.admin, name='dataplane-vxlan', shared=True, **{
            'provider:network_type': 'vxlan', 'provider:segmentation_id': VNI})['id']
        clouds.make(pod, 'subnet', clouds.admin, network_id=networks[pod], ip_version=4, cidr='10.77.0.0/24',
                    gateway_ip=None, enable_dhcp=False,
                    allocation_pools=[{'start': f'10.77.0.{pod}0', 'end': f'10.77.0.{pod}9'}])
        servers[pod] = clouds.boot(report, pod, f'vni{VNI}', networks[pod], group)
    one, two = servers[1], servers[2]
    probes.silent('without shadows pod1 does not reach pod2', one.place, two.ip)
    shadows = {pod: _shadow(clouds, report, pod, networks[pod], far) for pod, far in ((1, two), (2, one))}
    report.within('tunnels are built', lambda: all(
        clouds.settings.underlay % far in _interfaces(clouds, pod, 'options') for pod, far in ((1, 2), (2, 1))), 30)
    probes.settle(one.place, two.ip)
    probes.reaches(f'VNI {VNI}: pod1 {one.ip} -> pod2 {two.ip}', one.place, two.ip)
    probes.reaches(f'VNI {VNI}: pod2 {two.ip} -> pod1 {one.ip}', two.place, one.ip)
    before = _sent(clouds, 1)
    probes.tcp('TCP over VXLAN, 20 MB', one.place, two.place, two.ip)
    # Open vSwitch writes its statistics every 5 s
    report.within('the tunnel port of pod1 carried it', lambda: _sent(clouds, 1) - before > 10000, 15)
    clouds.call(1, 'neutron', 'DELETE', f'/ports/{shadows[1]}', token=clouds.admin)
    report.within('shadow port deleted: silence', lambda: not probes.once(one.place, two.ip), 20)


def _shadow(clouds, report, pod, network, far):
    """the server `far` of the other pod, as a port on a host that this pod believes to have"""
    host = compute_host(far.pod)

    def agents():
        return clouds.get(pod, 'neutron', f'/agents?host={host}', clouds.admin)['agents']

    def remove_agents():
        for agent in agents():
            clouds.call(pod, 'neutron', 'DELETE', f'/agents/{agent["id"]}', token=clouds.admin)
    clouds.undo('shadow agent', remove_agents)
    _send(clouds, pod, 'agent', host, clouds.settings.underlay % far.pod)
    report.within(f'pod{pod}: shadow agent {host}', lambda: any(agent['alive'] for agent in agents()), 20)
    port = clouds.make(pod, 'port', clouds.admin, network_id=network, name='shadow', device_id='shadow',
                       device_owner='compute:shadow', mac_address=far.port['mac_address'],
                       fixed_ips=[{'ip_address': far.ip}], **{'binding:host_id': host})
    report.check(f'pod{pod}: shadow port bound', port['binding:vif_type'] == 'ovs', port['binding:vif_type'])
    _send(clouds, pod, 'up', host, port['id'])
    report.within(f'pod{pod}: shadow port ACTIVE', lambda: clouds.get(
        pod, 'neutron', f'/ports/{port["id"]}', clouds.admin)['port']['status'] == 'ACTIVE', 20)
    return port['id']


def _send(clouds, pod, *words):
    settings = clouds.settings
    clouds.supervisor.run([settings.bin('python'), str(DRIVERS / 'shadow.py'),
                           settings.transport_url(f'pod{pod}', scheme='amqp'), *words])


def _interfaces(clouds, pod, column):
    """of the tunnel ports"""
    return clouds.supervisor.run(openvswitch.vsctl(clouds.settings, pod, '--bare', f'--columns={column}', 'find',
                                                   'interface', 'type=vxlan')).stdout.decode()


def _sent(clouds, pod):
    return sum(int(word.removeprefix('tx_packets=')) for word in _interfaces(clouds, pod, 'statistics').split()
               if word.startswith('tx_packets='))
