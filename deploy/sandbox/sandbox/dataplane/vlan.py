"""Two servers in two pods on one VLAN, and what must not reach them."""
import os

from .probes import Probes

VLAN = int(os.environ.get('VLAN', '2934'))


def check(clouds, report):
    probes, servers = Probes(clouds, report), {}
    for pod in (1, 2):
        for name, vlan in (('shared', VLAN), ('other', VLAN + pod)):
            network = clouds.make(pod, 'network', clouds.admin, name=f'dataplane-{vlan}', shared=True, **{
                'provider:network_type': 'vlan', 'provider:physical_network': 'physnet1',
                'provider:segmentation_id': vlan})['id']
            clouds.make(pod, 'subnet', clouds.admin, network_id=network, ip_version=4, cidr='10.66.0.0/24',
                        gateway_ip=None, enable_dhcp=False,
                        allocation_pools=[{'start': f'10.66.0.{pod}0', 'end': f'10.66.0.{pod}9'}])
            servers[pod, name] = clouds.boot(report, pod, f'{name}-vlan{vlan}', network)
    one, two = servers[1, 'shared'], servers[2, 'shared']
    probes.silent('without a rule the security group drops it', one.place, two.ip)
    for pod in (1, 2):
        clouds.allow(pod, clouds.group(pod))
    probes.settle(one.place, two.ip)
    probes.reaches(f'VLAN {VLAN}: pod1 {one.ip} -> pod2 {two.ip}', one.place, two.ip)
    probes.reaches(f'VLAN {VLAN}: pod2 {two.ip} -> pod1 {one.ip}', two.place, one.ip)
    for pod, far in ((1, two), (2, one)):
        probes.silent(f'another VLAN of pod{pod} does not reach the other pod', servers[pod, 'other'].place, far.ip)
    probes.tcp('TCP pod1 -> pod2, 20 MB', one.place, two.place, two.ip)
    action = f'/servers/{two.id}/action'
    clouds.call(2, 'nova', 'POST', action, {'os-stop': None})
    report.within('a stopped server does not answer', lambda: not probes.once(one.place, two.ip), 20)
    report.within('it is SHUTOFF',
                  lambda: clouds.get(2, 'nova', f'/servers/{two.id}')['server']['status'] == 'SHUTOFF', 20)
    clouds.call(2, 'nova', 'POST', action, {'os-start': None})
    report.within('a started server answers again', lambda: probes.once(one.place, two.ip), 30)
