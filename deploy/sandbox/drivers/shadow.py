"""shadow.py AMQP_URL agent HOST TUNNEL_IP      makes or refreshes a shadow agent
shadow.py AMQP_URL up|down HOST PORT_ID...     a port bound to HOST is wired, or not

What an Open vSwitch agent on HOST would tell the Neutron server, put on the pod's RabbitMQ by hand, so that the pod's
real agent builds a tunnel to a host of another pod. Only kombu is needed: the messages are oslo.messaging's casts.
"""
import json
import sys
import uuid
from datetime import datetime, timezone

import kombu


def cast(url, topic, method, version='1.0', **arguments):
    """No reply is asked for. The exchange is Neutron's: it exists, and nothing is declared."""
    message = {'method': method, 'args': arguments, 'version': version, '_unique_id': uuid.uuid4().hex,
               '_context_is_admin': True, '_context_roles': ['admin'],
               '_context_request_id': f'req-{uuid.uuid4()}'}
    with kombu.Connection(url) as connection:
        exchange = kombu.Exchange('neutron', 'topic', durable=False, auto_delete=False, passive=True,
                                  channel=connection.default_channel)
        connection.Producer().publish({'oslo.version': '2.0', 'oslo.message': json.dumps(message)},
                                      exchange=exchange, routing_key=topic, serializer='json', mandatory=True,
                                      declare=[])


def report_agent(url, host, address):
    configurations = {'tunnel_types': ['vxlan'], 'tunneling_ip': address, 'l2_population': True,
                      'bridge_mappings': {}, 'datapath_type': 'netdev', 'ovs_hybrid_plug': False,
                      'integration_bridge': 'shadow', 'devices': 0}
    state = {'binary': 'neutron-openvswitch-agent', 'agent_type': 'Open vSwitch agent', 'topic': 'N/A', 'host': host,
             'start_flag': True, 'uuid': str(uuid.uuid4()), 'configurations': configurations}
    now = datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%f')
    cast(url, 'q-reports-plugin', 'report_state', time=now, agent_state={'agent_state': state})


def report_ports(url, host, up, down):
    cast(url, 'q-plugin', 'update_device_list', version='1.5', devices_up=up, devices_down=down, host=host,
         agent_id='ovs-agent-' + host, refresh_tunnels=False)


if __name__ == '__main__':
    url, verb, host, *rest = sys.argv[1:]
    if verb == 'agent':
        report_agent(url, host, *rest)
    elif verb == 'up':
        report_ports(url, host, rest, [])
    else:
        report_ports(url, host, [], rest)
