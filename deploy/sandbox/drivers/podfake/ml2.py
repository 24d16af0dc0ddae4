"""ML2 mechanism driver `podfake`: binds every port at once, and reports it as an agent would.

There is no switch and no agent. Neutron's own test drivers do not serve: one wants an agent row with fresh
heartbeats, the other binds by host name, and neither makes a port ACTIVE, which is what Nova and Tricircle wait for.
Any type of segment is accepted.
"""
from neutron_lib.api.definitions import portbindings
from neutron_lib import constants
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api
from neutron_lib.services.qos import base as qos_base
from neutron_lib.services.trunk import constants as trunk_constants

from neutron.services.qos.drivers.openvswitch import driver as openvswitch_qos
from neutron.services.trunk.drivers import base as trunk_base

NAME = 'podfake'


class TrunkDriver(trunk_base.DriverBase):
    """The trunk plugin refuses to load unless some loaded mechanism driver has one."""

    @property
    def is_loaded(self):
        return True


class QosDriver(qos_base.DriverBase):
    """Takes every rule that Open vSwitch would take, and enforces none."""

    def validate_rule_for_port(self, context, rule, port):
        return True

    def validate_rule_for_network(self, context, rule, network_id):
        return True


class PodFakeMechanismDriver(api.MechanismDriver):

    def initialize(self):
        self.trunk = TrunkDriver(NAME, (portbindings.VIF_TYPE_OVS,), (trunk_constants.SEGMENTATION_TYPE_VLAN,),
                                 can_trunk_bound_port=True)
        self.qos = QosDriver(name=NAME, vif_types=[portbindings.VIF_TYPE_OVS],
                             vnic_types=[portbindings.VNIC_NORMAL],
                             supported_rules=openvswitch_qos.SUPPORTED_RULES, requires_rpc_notifications=False)

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context):
        if context.current[portbindings.VNIC_TYPE] != portbindings.VNIC_NORMAL or not context.segments_to_bind:
            return
        details = {portbindings.CAP_PORT_FILTER: True,
                   portbindings.VIF_DETAILS_CONNECTIVITY: portbindings.CONNECTIVITY_L2}
        context.set_binding(context.segments_to_bind[0][api.ID], portbindings.VIF_TYPE_OVS, details,
                            status=constants.PORT_STATUS_ACTIVE)

    def update_port_postcommit(self, context):
        """A port that lost its host (server deleted, interface detached) goes down, as an agent would report."""
        lost_its_host = context.original_host and not context.host
        if lost_its_host and context.current['status'] == constants.PORT_STATUS_ACTIVE:
            directory.get_plugin().update_port_status(context.plugin_context, context.current['id'],
                                                      constants.PORT_STATUS_DOWN)
