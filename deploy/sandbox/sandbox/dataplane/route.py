"""Routers: within a pod, to the outside, and between pods by extra routes over a bridge network (L3=1)."""
from .. import outside
from ..outside import BEHIND, GATEWAY
from .probes import Probes
from .vlan import VLAN


def check(clouds, report):
    probes, groups = Probes(clouds, report), {}
    for pod in (1, 2):
        groups[pod] = clouds.make(pod, 'security-group', name='dataplane-route')['id']
        clouds.allow(pod, groups[pod])
    router = clouds.make(1, 'router', name='dataplane-1')
    a = _routed(clouds, report, 1, '10.0.1.0/24', router['id'], 'a', groups[1])
    b = _routed(clouds, report, 1, '10.0.3.0/24', router['id'], 'b', groups[1])
    _one_router(clouds, report, probes, router, a, b)
    _north_south(clouds, report, probes, router, a, b)
    c = _between_pods(clouds, report, probes, router, groups, a, b)
    for server in (a, c):
        offer = probes.dhcp_offer(server.place, server.port['mac_address'])
        report.check(f'pod{server.pod} DHCP offers the fixed IP', offer == server.ip, offer)


def _one_router(clouds, report, probes, router, a, b):
    probes.settle(a.place, b.ip)
    probes.reaches(f'one router: {a.ip} -> {b.ip}', a.place, b.ip)
    probes.reaches(f'one router: {b.ip} -> {a.ip}', b.place, a.ip)
    probes.reaches('the gateway answers', a.place, '10.0.1.1', 2)
    probes.tcp('TCP through the router, 20 MB', a.place, b.place, b.ip)
    ports = clouds.get(1, 'neutron', f'/ports?device_id={router["id"]}', clouds.admin)['ports']
    report.check('ports of the router ACTIVE', ports and all(p['status'] == 'ACTIVE' for p in ports))


def _north_south(clouds, report, probes, router, a, b):
    external = clouds.make(1, 'network', clouds.admin, name='dataplane-external', **{
        'router:external': True, 'provider:network_type': 'flat', 'provider:physical_network': 'extern'})['id']
    clouds.make(1, 'subnet', clouds.admin, network_id=external, ip_version=4, cidr='203.0.113.0/24',
                gateway_ip=GATEWAY, enable_dhcp=False,
                allocation_pools=[{'start': '203.0.113.10', 'end': '203.0.113.99'}])
    away = outside.place(clouds.settings)
    gateway = _update(clouds, 1, router['id'], external_gateway_info={'network_id': external})
    clouds.undo('gateway', lambda: _update(clouds, 1, router['id'], external_gateway_info={}))
    own = gateway['external_gateway_info']['external_fixed_ips'][0]['ip_address']
    probes.settle(a.place, GATEWAY)
    probes.reaches(f'SNAT: {a.ip} -> {GATEWAY}', a.place, GATEWAY)
    probes.reaches(f'SNAT: {a.ip} -> {BEHIND}', a.place, BEHIND)
    peer = probes.tcp('SNAT: TCP to the outside, 20 MB', a.place, away, BEHIND)
    report.check("the outside sees the router's address", peer == own, f'{peer}, {own}')
    floating = clouds.make(1, 'floatingip', floating_network_id=external, port_id=a.port['id'])
    address, path = floating['floating_ip_address'], f'/floatingips/{floating["id"]}'
    probes.settle(away, address)
    probes.reaches(f'floating IP: outside -> {address}', away, address)
    peer = probes.tcp('floating IP: TCP from the outside, 20 MB', away, a.place, address)
    report.check("the server sees the outside's address", peer == GATEWAY, peer)
    peer = probes.tcp('TCP from a server with a floating IP', a.place, away, BEHIND)
    report.check('the outside sees the floating IP', peer == address, peer)
    report.within('floating IP ACTIVE', lambda: clouds.get(1, 'neutron', path)['floatingip']['status'] == 'ACTIVE', 10)
    clouds.call(1, 'neutron', 'PUT', path, {'floatingip': {'port_id': None}})
    report.within('without a port it does not answer', lambda: not probes.once(away, address), 20)
    forwarding = clouds.call(1, 'neutron', 'POST', path + '/port_forwardings', {'port_forwarding': {
        'protocol': 'tcp', 'internal_port_id': b.port['id'], 'internal_ip_address': b.ip, 'internal_port': 8099,
        'external_port': 2222}})['port_forwarding']['id']
    clouds.undo('port forwarding', lambda: clouds.call(1, 'neutron', 'DELETE', f'{path}/port_forwardings/{forwarding}'))
    rules = ['iptables-save', '-t', 'nat']
    report.within('port forwarding: the rule is there', lambda: '2222' in clouds.inside(
        1, f'qrouter-{router["id"]}', *rules), 20)
    probes.tcp('port forwarding of a floating IP', away, b.place, address, 2222)


def _between_pods(clouds, report, probes, first, groups, a, b):
    second = clouds.make(2, 'router', name='dataplane-2')
    c = _routed(clouds, report, 2, '10.0.2.0/24', second['id'], 'c', groups[2])
    hop = {}
    for pod, router in ((1, first), (2, second)):
        owner = {'project_id': router['project_id']}
        bridge = clouds.make(pod, 'network', clouds.admin, name='dataplane-bridge', **owner, **{
            'provider:network_type': 'vlan', 'provider:physical_network': 'physnet1',
            'provider:segmentation_id': VLAN + 10})['id']
        clouds.make(pod, 'subnet', clouds.admin, network_id=bridge, ip_version=4, cidr='100.64.0.0/24',
                    gateway_ip=None, enable_dhcp=False)
        hop[pod] = f'100.64.0.{pod}1'
        port = clouds.make(pod, 'port', clouds.admin, keep=True, network_id=bridge, **owner,
                           fixed_ips=[{'ip_address': hop[pod]}])
        _attach(clouds, pod, router['id'], {'port_id': port['id']}, clouds.admin)
    probes.silent('without extra routes pod1 does not reach pod2', a.place, c.ip)
    clouds.undo('routes', lambda: _update(clouds, 1, first['id'], routes=[]))
    clouds.undo('routes', lambda: _update(clouds, 2, second['id'], routes=[]))
    _update(clouds, 1, first['id'], routes=[{'destination': '10.0.2.0/24', 'nexthop': hop[2]}])
    _update(clouds, 2, second['id'], routes=[{'destination': '10.0.1.0/24', 'nexthop': hop[1]}])
    probes.settle(a.place, c.ip)
    probes.reaches(f'extra routes: pod1 {a.ip} -> pod2 {c.ip}', a.place, c.ip)
    probes.reaches(f'extra routes: pod2 {c.ip} -> pod1 {a.ip}', c.place, a.ip)
    peer = probes.tcp('TCP over the bridge network, 20 MB', a.place, c.place, c.ip)
    report.check('no SNAT between the pods', peer == a.ip, peer)
    probes.silent('a network without the way back does not reach pod2', b.place, c.ip)
    hops = probes.hops(a.place, c.ip)
    report.check('hops', hops == ['10.0.1.1', hop[2], c.ip], str(hops))
    for rule in clouds.get(2, 'neutron', f'/security-group-rules?security_group_id={groups[2]}&protocol=icmp')[
            'security_group_rules']:
        clouds.call(2, 'neutron', 'DELETE', f'/security-group-rules/{rule["id"]}')
    report.within('without its rule pod2 drops the ping', lambda: not probes.once(a.place, c.ip), 20)
    clouds.allow(2, groups[2], 'icmp')
    report.within('with it, not', lambda: probes.once(a.place, c.ip), 20)
    _update(clouds, 1, first['id'], routes=[])
    report.within('without the route: silence', lambda: not probes.once(a.place, c.ip), 20)
    return c


def _routed(clouds, report, pod, cidr, router, name, group):
    """a server on a network of its own behind the router"""
    network = clouds.make(pod, 'network', name=f'dataplane-{name}')['id']
    subnet = clouds.make(pod, 'subnet', network_id=network, ip_version=4, cidr=cidr)['id']
    _attach(clouds, pod, router, {'subnet_id': subnet})
    return clouds.boot(report, pod, name, network, group)


def _attach(clouds, pod, router, interface, token=None):
    clouds.call(pod, 'neutron', 'PUT', f'/routers/{router}/add_router_interface', interface, token)
    clouds.undo('interface of a router', lambda: clouds.call(
        pod, 'neutron', 'PUT', f'/routers/{router}/remove_router_interface', interface, token))


def _update(clouds, pod, router, **fields):
    return clouds.call(pod, 'neutron', 'PUT', f'/routers/{router}', {'router': fields})['router']
