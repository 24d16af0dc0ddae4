"""The main job: one network, two servers in two availability zones on it, a volume attached to one of them."""
from sandbox.console import Failure, say, wait_until

from .client import User
from .pod import pods

NETWORK, SUBNET, CIDR = 'net1', 'sub1', '10.0.1.0/24'
SERVERS = {'vm1': 1, 'vm2': 2}          # name -> the pod it has to be in; the zones are az1 and az2
VOLUME = 'vol1'
BRIEF = '-c id -c name -c status'


def run(layout):
    """Each step with the client's own output. What is there of an earlier run is removed first."""
    user = User(layout, 'demo', 'demo')
    clean(user)
    user.openstack(f'network create {NETWORK} {BRIEF} -c mtu')
    user.openstack(f'subnet create --network {NETWORK} --subnet-range {CIDR} {SUBNET} -c id -c name -c cidr '
                   '-c allocation_pools -c gateway_ip')
    for name, pod in SERVERS.items():
        user.openstack(f'server create --flavor m1.tiny --image cirros --network {NETWORK} '
                       f'--availability-zone az{pod} {name} {BRIEF}')
    for name in SERVERS:
        user.wait(f'server {name}', lambda: named(user.servers(), name), 'ACTIVE', limit=90)
    user.openstack('server list')
    user.openstack(f'volume create --size 1 --availability-zone az1 {VOLUME} {BRIEF}')
    user.wait(f'volume {VOLUME}', lambda: named(user.volumes(), VOLUME), 'available')
    user.openstack(f'server add volume vm1 {VOLUME}')
    user.wait(f'volume {VOLUME}', lambda: named(user.volumes(), VOLUME), 'in-use')
    user.openstack('volume list')
    return user


def clean(user):
    """Remove what an earlier run made, by name, in the order of their use, and wait until each is gone, the network also
    in the pods: a job removes it there after the answer."""
    servers = [server for server in user.servers() if server['name'] in SERVERS]
    volumes = [volume for volume in user.volumes() if volume['name'] == VOLUME]
    networks = user.networks(NETWORK)
    if not (servers or volumes or networks):
        return
    say('removing what an earlier run made')
    for server in servers:
        user.delete('nova-apigw', f'/v2.1/servers/{server["id"]}')
    gone('servers', lambda: [s for s in user.servers() if s['name'] in SERVERS])
    for volume in volumes:
        user.wait(f'volume {VOLUME}', lambda: named(user.volumes(), VOLUME), 'available')
        user.delete_volume(volume['id'])
    gone('volume', lambda: [v for v in user.volumes() if v['name'] == VOLUME])
    for network in networks:
        # the ports go by a job after the servers
        gone('ports', lambda: [p for p in user.get('neutron-api', f'/v2.0/ports?network_id={network["id"]}')['ports']
                               if p['device_owner'].startswith('compute:')])
        user.delete('neutron-api', f'/v2.0/networks/{network["id"]}')
        for pod in pods(user.layout.settings):
            gone(f'{NETWORK} in {pod.name}', lambda: pod.realizations('networks', network['id']))


def gone(what, remaining, limit=60):
    wait_until(lambda: not remaining(), f'{what} of an earlier run are still there', limit, pause=0.3)


def named(items, name):
    found = [item for item in items if item['name'] == name]
    if len(found) > 1:
        raise Failure(f'{len(found)} things are named {name}')
    return found[0] if found else None
