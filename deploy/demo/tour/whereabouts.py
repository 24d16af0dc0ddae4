"""What is where: asks the top and each pod's own APIs, and says whether it is as it should be.

Servers and volumes have one id on both sides. Networks, subnets and ports differ; the pod's object has the mark
`tricircle:<top id>` in its description.
"""
import ipaddress

from sandbox import rest
from sandbox.settings import region

from .client import User
from .scenario import CIDR, NETWORK, SERVERS, VOLUME, named


class Pod:
    """one pod, seen by its administrator"""

    def __init__(self, settings, number, token):
        self.settings, self.number, self.token = settings, number, token
        self.name = region(number)

    def get(self, service, path):
        """None for what is not there"""
        try:
            return rest.request('GET', self.settings.pod_url(self.number, service) + path, self.token).body
        except rest.RestError as error:
            if error.status == 404:
                return None
            raise

    def realizations(self, kind, top_id):
        """objects of Neutron made for a top one"""
        query = f'/v2.0/{kind}?description=tricircle:{top_id}'
        return self.get('neutron', query)[kind]


def look(layout, user):
    """(rows of the table, what is wrong)"""
    settings = layout.settings
    admin = User(layout, 'admin', 'admin')
    pods = [Pod(settings, number, admin.token) for number in settings.pod_numbers]
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
