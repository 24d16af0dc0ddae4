"""Nova virt drivers of the sandbox.

PodDriver: Nova's fake driver that remembers its servers when nova-compute restarts. (The original keeps them in
memory only, and stop, start or reboot of an older server fail.)

NetnsDriver: the same, and a network namespace for each server, in which its addresses are. No disk, no guest.
PODNET_DB in the environment names the OVSDB of the compute host.
"""
import io
import os
import subprocess

from nova import context as nova_context
from nova import objects
from nova.compute import power_state
from nova.compute import task_states
from nova.image.glance import API
from nova.virt import fake

from podfake import netns

DB = os.environ.get('PODNET_DB')
BRIDGE = os.environ.get('PODNET_BRIDGE', 'br-int')
REMEMBERED = (power_state.RUNNING, power_state.SHUTDOWN, power_state.PAUSED, power_state.SUSPENDED)


class PodDriver(fake.FakeDriverWithoutFakeNodes):
    capabilities = {**fake.FakeDriverWithoutFakeNodes.capabilities,
                    'supports_bfv_rescue': True, 'supports_migrate_to_same_host': True}

    def init_host(self, host):
        super().init_host(host)
        for server in objects.InstanceList.get_by_host(nova_context.get_admin_context(), host):
            if server.power_state in REMEMBERED:
                self.instances[server.uuid] = fake.FakeInstance(server.name, server.power_state, server.uuid)
                self.resources.claim(server.vcpus, server.memory_mb, server.root_gb)

    def get_host_uptime(self):
        return subprocess.check_output(['uptime'], text=True)

    def get_console_output(self, context, instance):
        return ''.join(f'{instance.name} console line {n}\n' for n in range(1, 51))

    def snapshot(self, context, instance, image_id, update_task_state):
        """The fake driver leaves the image queued, because nobody uploads it: upload a little."""
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        update_task_state(task_state=task_states.IMAGE_UPLOADING, expected_state=task_states.IMAGE_PENDING_UPLOAD)
        image = {'status': 'active', 'disk_format': 'raw', 'container_format': 'bare'}
        API().update(context, image_id, image, io.BytesIO(bytes(64 << 10)))


class NetnsDriver(PodDriver):

    def plug_vifs(self, instance, network_info):
        for vif in network_info or []:
            self._plug(instance, vif)

    def unplug_vifs(self, instance, network_info):
        for vif in network_info or []:
            netns.unplug(DB, _bridge(vif), vif['id'])

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations, network_info=None,
              **kwargs):
        super().spawn(context, instance, image_meta, injected_files, admin_password, allocations, network_info,
                      **kwargs)
        self.plug_vifs(instance, network_info)

    def destroy(self, context, instance, network_info, *args, **kwargs):
        super().destroy(context, instance, network_info, *args, **kwargs)
        self.unplug_vifs(instance, network_info)
        netns.delete(_namespace(instance))

    def power_off(self, instance, timeout=0, retry_interval=0):
        super().power_off(instance, timeout, retry_interval)
        self._set_link(instance, 'down')

    def power_on(self, context, instance, network_info, *args, **kwargs):
        super().power_on(context, instance, network_info, *args, **kwargs)
        self._set_link(instance, 'up')

    def attach_interface(self, context, instance, image_meta, vif):
        super().attach_interface(context, instance, image_meta, vif)
        self._plug(instance, vif)

    def detach_interface(self, context, instance, vif):
        super().detach_interface(context, instance, vif)
        netns.unplug(DB, _bridge(vif), vif['id'])

    def _set_link(self, instance, state):
        netns.run('ip', '-n', _namespace(instance), 'link', 'set', 'eth0', state, check=False)

    def _plug(self, instance, vif):
        subnets = vif['network']['subnets']
        cidrs = [f'{ip["address"]}/{subnet["cidr"].split("/")[1]}' for subnet in subnets for ip in subnet['ips']]
        gateways = [subnet['gateway']['address'] for subnet in subnets
                    if subnet.get('gateway') and subnet['gateway'].get('address')]
        netns.plug(DB, _bridge(vif), _namespace(instance), vif['id'], vif['address'], cidrs,
                   gateways[0] if gateways else None, vif['network'].get_meta('mtu') or 1500, instance.uuid)


def _namespace(instance):
    return 'vm-' + instance.uuid


def _bridge(vif):
    """the one that Neutron's binding names"""
    return vif['network'].get('bridge') or BRIDGE
