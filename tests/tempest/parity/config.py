"""tempest.conf for one region: every choice that follows from the sandbox's nature, as plain data.

Nothing boots there, so nobody logs in to a guest; a pod has one compute host, so nothing migrates. What is left out of
`api_extensions` is skipped by Tempest, which the parity table counts as lost when the bare pod has it.
"""
from .prepare import IMAGES, MULTIATTACH, PUBLIC


def tempest_conf(settings, folder, region, prepared, zone):
    """section -> option -> value"""
    return {
        'DEFAULT': {'log_file': folder / 'tempest.log'},
        'oslo_concurrency': {'lock_path': folder / 'lock'},
        'auth': {'use_dynamic_credentials': True, 'admin_username': 'admin', 'admin_password': settings.password,
                 'admin_project_name': 'admin', 'admin_domain_name': 'Default', 'tempest_roles': 'member'},
        'identity': {'uri_v3': settings.keystone_url, 'region': region, 'auth_version': 'v3'},
        'service_available': {'nova': True, 'cinder': True, 'neutron': True, 'glance': True, 'swift': False,
                              'horizon': False},
        'enforce_scope': {'nova': True, 'neutron': True, 'glance': True, 'placement': True},
        'validation': {'run_validation': False},
        'image': {'region': region, 'build_timeout': 60},
        'compute': {
            'image_ref': IMAGES['tempest-image'], 'image_ref_alt': IMAGES['tempest-image-alt'],
            'flavor_ref': '42', 'flavor_ref_alt': '84', 'min_microversion': '2.1', 'max_microversion': 'latest',
            'min_compute_nodes': 1, 'build_timeout': 90, 'compute_volume_common_az': zone or None},
        'compute-feature-enabled': {
            'live_migration': False, 'cold_migration': False, 'resize': True,
            'vnc_console': False, 'spice_console': False, 'serial_console': False,
            # the virt driver does these, or remembers that it was asked
            'console_output': True, 'change_password': True, 'personality': True, 'rescue': True,
            'stable_rescue': True, 'swap_volume': True, 'volume_multiattach': True,
            'hostname_fqdn_sanitization': True,
            'attach_encrypted_volume': False, 'vtpm_live_migration': False,
            'nova_policy_roles': 'admin,manager,member,reader'},
        'network': {
            'public_network_id': prepared.public, 'floating_network_name': PUBLIC,
            'project_networks_reachable': False, 'project_network_cidr': '10.100.0.0/16',
            'project_network_mask_bits': 26},
        'network-feature-enabled': {
            'api_extensions': ','.join(prepared.aliases), 'port_security': 'port-security' in prepared.aliases,
            'ipv6_subnet_attributes': True, 'floating_ips': True},
        'volume': {
            'catalog_type': 'volumev3', 'build_timeout': 90, 'min_microversion': '3.0', 'max_microversion': 'latest',
            'volume_type_multiattach': MULTIATTACH, 'storage_protocol': 'local', 'vendor_name': 'podfake'},
        'volume-feature-enabled': {
            'backup': prepared.backup, 'snapshot': True, 'clone': True, 'multi_backend': False,
            'manage_volume': False, 'manage_snapshot': False, 'extend_attached_volume': True},
    }
