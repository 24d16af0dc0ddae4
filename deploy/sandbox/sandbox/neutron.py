"""Neutron of a pod: the API with ML2, and with MECH=openvswitch the RPC server and the agents.

VLANs of physnet1 are for provider networks only: tenant networks are VXLAN, so that whoever names a VLAN (Tricircle)
finds it free in every pod.
"""
from . import wsgi
from .inifile import write_file, write_ini
from .nova import compute_host
from .oslo import PRIVSEP, credentials, pod_base, privsep, python_env
from .process import Service
from .settings import region

UNLIMITED = ('network', 'subnet', 'port', 'router', 'floatingip', 'security_group', 'security_group_rule')
AGENT_OPTIONS = {
    'l3': {'agent_mode': 'legacy', 'enable_metadata_proxy': False},
    'dhcp': {'enable_isolated_metadata': False, 'enable_metadata_network': False, 'resync_interval': 5}}


def l3_agents(settings):
    """kinds of agents beside that of Open vSwitch"""
    return (['l3', 'dhcp'] if settings.dhcp else ['l3']) if settings.l3 else []


def configure(settings, pod):
    folder = settings.pod_dir(pod, 'neutron')
    credential = {'region_name': region(pod), **credentials(settings, 'neutron')}
    write_ini(folder / 'neutron.conf', pod_base(settings, pod, 'neutron'), {
        'DEFAULT': {'core_plugin': 'ml2', 'service_plugins': 'router,qos,trunk,port_forwarding,metering',
                    'api_paste_config': settings.venv / 'etc/neutron/api-paste.ini', 'api_workers': 1,
                    'rpc_workers': 1, 'dns_domain': f'pod{pod}.example.', 'global_physnet_mtu': 1500,
                    'notify_nova_on_port_status_changes': True, 'notify_nova_on_port_data_changes': True,
                    'send_events_interval': 1,
                    **({'l3_ha': False, 'router_distributed': False, 'dhcp_agents_per_network': 1}
                       if settings.l3 else {})},
        'agent': {'root_helper':
                  f'{settings.bin("neutron-rootwrap")} {settings.venv}/etc/neutron/rootwrap.conf'},
        'database': {'connection': settings.database_url(f'pod{pod}_neutron')},
        'nova': credential,
        'placement': credential,
        'quotas': {f'quota_{name}': -1 for name in UNLIMITED}})
    write_ini(folder / 'ml2_conf.ini', {
        'ml2': {'type_drivers': 'local,flat,vlan,vxlan', 'tenant_network_types': 'vxlan,local',
                'mechanism_drivers': settings.mech + (',l2population' if settings.l3 else ''),
                'extension_drivers': 'port_security,qos,dns'},
        'ml2_type_flat': {'flat_networks': '*'},
        'ml2_type_vlan': {'network_vlan_ranges': settings.vlan_ranges},
        'ml2_type_vxlan': {'vni_ranges': f'{pod}0001:{pod}9999'},
        'securitygroup': {'enable_security_group': True}})
    if settings.mech == 'openvswitch':
        _configure_ovs_agent(settings, pod)
    for kind in l3_agents(settings):
        _configure_l3_agent(settings, pod, kind)


def _configure_ovs_agent(settings, pod):
    path = settings.pod_dir(pod, 'neutron-agent') / 'agent.ini'
    write_ini(path, {
        'DEFAULT': {'host': compute_host(pod)},         # the host of nova-compute: this makes a binding succeed
        'ovs': {'integration_bridge': f'p{pod}-int', 'tunnel_bridge': f'p{pod}-tun',
                'int_peer_patch_port': 'patch-tun',
                'bridge_mappings': f'physnet1:p{pod}-phys,extern:p{pod}-ext', 'datapath_type': 'netdev',
                'local_ip': settings.underlay % pod if settings.l3 else settings.host,
                'ovsdb_connection': f'unix:{settings.ovs_dir(pod)}/db.sock',
                'of_listen_address': settings.host, 'of_listen_port': settings.pod_port(pod, 'ofagent')},
        'agent': {'tunnel_types': 'vxlan', 'l2_population': True if settings.l3 else None,
                  'root_helper': '', 'root_helper_daemon': ''},
        'securitygroup': {'firewall_driver': settings.firewall, 'enable_security_group': True}},
        privsep(settings, PRIVSEP, settings.pod_dir(pod, 'neutron') / 'neutron.conf', path))


def _configure_l3_agent(settings, pod, kind):
    folder = settings.pod_dir(pod, 'neutron-agent')
    path, dnsmasq = folder / f'{kind}_agent.ini', folder / 'dnsmasq.conf'
    # It would become `nobody`, who cannot read leases in a home that is its owner's alone, and then offers nothing.
    write_file(dnsmasq, 'user=root\n')
    write_ini(path, {
        'DEFAULT': {**AGENT_OPTIONS[kind], 'host': compute_host(pod), 'rpc_response_timeout': 15,
                    'interface_driver': 'openvswitch', 'ovs_use_veth': False,
                    'dnsmasq_config_file': dnsmasq if kind == 'dhcp' else None},
        'ovs': {'integration_bridge': f'p{pod}-int', 'datapath_type': 'netdev',
                'ovsdb_connection': f'unix:{settings.ovs_dir(pod)}/db.sock'},
        'agent': {'extensions': 'port_forwarding' if kind == 'l3' else None, 'root_helper': '',
                  'root_helper_daemon': ''}},
        privsep(settings, PRIVSEP, settings.pod_dir(pod, 'neutron') / 'neutron.conf', path))


def services(settings, pod):
    folder, agents = settings.pod_dir(pod, 'neutron'), settings.pod_dir(pod, 'neutron-agent')
    server = [folder / 'neutron.conf', folder / 'ml2_conf.ini']
    found = [wsgi.api(settings, 'neutron', settings.pod_port(pod, 'neutron'), pod)]
    if settings.mech == 'openvswitch':
        found += [_daemon(settings, pod, 'neutron-rpc-server', server),
                  _daemon(settings, pod, 'neutron-openvswitch-agent', [*server, agents / 'agent.ini'], on_host=True)]
    # A call sent before the RPC server consumes is lost, and these agents would wait a whole timeout: later.
    found += [_daemon(settings, pod, f'neutron-{kind}-agent', [server[0], agents / f'{kind}_agent.ini'],
                      on_host=True, late=True) for kind in l3_agents(settings)]
    return found


def _daemon(settings, pod, name, configs, **kw):
    command = [settings.bin(name)]
    for path in configs:
        command += ['--config-file', str(path)]
    return Service(f'pod{pod}-{name}', command, env=python_env(settings, pod), watch=configs, pod=pod, **kw)


def remove_worker_files(settings, pod):
    """Neutron names files by the pid of its parent; those of older runs would be taken for its own."""
    for path in (settings.state / f'pod{pod}' / 'tmp').glob('neutron_*'):
        path.unlink()
