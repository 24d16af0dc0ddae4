"""The configuration that every OpenStack service of the sandbox has alike, and the environment it starts with."""
from .settings import DRIVERS, region
from .process import SYSTEM_PATH

PRIVSEP = ('privsep', 'privsep_ovs_vsctl', 'privsep_namespace', 'privsep_conntrack', 'privsep_link',
           'privsep_dhcp_release')


def credentials(settings, user):
    """options of a service user, for any section that makes a keystoneauth session"""
    return {'auth_type': 'password', 'auth_url': settings.keystone_url, 'username': user,
            'password': settings.password, 'user_domain_id': 'default', 'project_domain_id': 'default',
            'project_name': 'service'}


def service_base(settings, user, region, folder):
    """token validation, service token, locks, no notifications"""
    (folder / 'lock').mkdir(parents=True, exist_ok=True)
    return {
        'DEFAULT': {'debug': settings.debug, 'state_path': folder},
        'keystone_authtoken': {
            'www_authenticate_uri': settings.keystone_url, **credentials(settings, user), 'region_name': region,
            'service_token_roles': 'service', 'service_token_roles_required': True,
            'memcached_servers': settings.memcached if settings.token_cache else None},
        'service_user': {'send_service_user_token': True, **credentials(settings, user)},
        'oslo_concurrency': {'lock_path': folder / 'lock'},
        'oslo_messaging_notifications': {'driver': 'noop'},
        'oslo_messaging_rabbit': {'rabbit_quorum_queue': False, 'heartbeat_timeout_threshold': 0}}


def pod_base(settings, pod, user):
    """the same for a service of a pod, on the pod's own virtual host of the broker"""
    base = service_base(settings, user, region(pod), settings.pod_dir(pod, user))
    base['DEFAULT']['transport_url'] = settings.transport_url(f'pod{pod}')
    return base


def privsep(settings, sections, *config_files):
    """privsep starts its helper through sudo unless told otherwise, even for root"""
    files = ' '.join(f'--config-file {path}' for path in config_files)
    return {section: {'helper_command': f'{settings.bin("privsep-helper")} {files}'} for section in sections}


def python_env(settings, pod=None):
    """environment of a Python service; the WSGI applications find their configuration only here"""
    env = {'PYTHONPATH': str(DRIVERS), 'PYTHONWARNINGS': 'ignore',
           'PATH': f'{settings.venv}/bin:{SYSTEM_PATH}',
           'ASGI_WORKERS': settings.api_workers}        # what Neutron asks outside of uWSGI
    if pod is None:
        return {**env, 'OS_KEYSTONE_CONFIG_DIR': str(settings.state / 'keystone'),
                'OS_GLANCE_CONFIG_DIR': str(settings.state / 'glance')}
    folder = settings.state / f'pod{pod}'
    (folder / 'tmp').mkdir(parents=True, exist_ok=True)
    env.update(OS_NOVA_CONFIG_DIR=f'{folder}/nova', OS_NEUTRON_CONFIG_DIR=f'{folder}/neutron',
               OS_NEUTRON_CONFIG_FILES='neutron.conf;ml2_conf.ini', OS_PLACEMENT_CONFIG_DIR=f'{folder}/placement',
               TMPDIR=f'{folder}/tmp')                  # Neutron leaves files there that are named by a pid
    if settings.mech == 'openvswitch':
        ovs = settings.ovs_dir(pod)
        env.update(PODNET_DB=f'unix:{ovs}/db.sock', PODNET_BRIDGE=f'p{pod}-int',
                   OVS_RUNDIR=str(ovs))                 # the agent runs ovs-vsctl without --db
        if not settings.l3:
            env['PODNET_DIR'] = str(settings.state / 'netns')      # the namespaces `wipe` removes
    return env
