"""What is where: asks the top and each pod's own APIs, and says whether it is as it should be."""
import ipaddress

from sandbox.settings import region

from .client import User
from .pod import pods as all_pods
from .scenario import CIDR, NETWORK, SERVERS, VOLUME, named


def look(layout, user):
    """(rows of the table, what is wrong)"""
    admin, pods = User(layout, 'admin', 'admin'), all_pods(layout.settings)
    rows, wrong = [], []
    network = user.networks(NETWORK)[0]
    vlan = admin.get('neutron-api', f'/v2.0/networks/{network["id"]}')['network'].get('provider:segmentation_id')
    addresses = []
    for name, number in SERVERS.items():
        server = named(user.servers(), name)
        own = [a['addr'] for nets in server['addresses'].values() for a in nets]
        addresses += own
        homes = [pod for pod in pods if pod.get('nova', f'/v2.1/servers/{server["id"]}')]
        rows += [('server', name, server['id'], pod.name, server['id'], ' '.join(own)) for pod in homes]
        if [pod.number for pod in homes] != [number]:
            wrong.append(f'{name} should be in {region(number)}, is in {[pod.name for pod in homes]}')
        rows += _ports(user, pods, name, server['id'])
    if len(set(addresses)) != len(SERVERS) or \
            not all(ipaddress.ip_address(a) in ipaddress.ip_network(CIDR) for a in addresses):
        wrong.append(f'addresses should be {len(SERVERS)} different ones of {CIDR}: {addresses}')
    volume = named(user.volumes(), VOLUME)
    homes = [pod for pod in pods if pod.get('cinder', f'/v3/volumes/{volume["id"]}')]
    rows += [('volume', VOLUME, volume['id'], pod.name, volume['id'], 'attached to vm1') for pod in homes]
    if [pod.number for pod in homes] != [1]:
        wrong.append(f'{VOLUME} should be in Pod1, is in {[pod.name for pod in homes]}')
    rows.insert(0, ('network', NETWORK, network['id'], layout.region, '', f'VLAN {vlan}'))
    for pod in reversed(pods):
        made = pod.realizations('networks', network['id'])
        rows[1:1] = [('network', NETWORK, network['id'], pod.name, bottom['id'],
                      f'VLAN {bottom["provider:segmentation_id"]}') for bottom in made]
        if len(made) != 1 or made[0]['provider:segmentation_id'] != vlan:
            wrong.append(f'{pod.name} should have {NETWORK} once, as VLAN {vlan}')
    return rows, wrong


def _ports(user, pods, name, server):
    rows = []
    for port in user.get('neutron-api', f'/v2.0/ports?device_id={server}')['ports']:
        for pod in pods:
            rows += [('port', 'of ' + name, port['id'], pod.name, bottom['id'],
                      f'{bottom["mac_address"]} {bottom["status"]}')
                     for bottom in pod.realizations('ports', port['id'])]
    return rows


def show(rows):
    head = ('what', 'name', 'top id', 'where', 'id there', '')
    widths = [max(len(str(row[column])) for row in (head, *rows)) for column in range(len(head))]
    print('\nWhat is where\n')
    for row in (head, *rows):
        print('  '.join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
