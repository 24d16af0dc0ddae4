//! What neutron-api does itself: everything.

use super::{RuleDefault, rule};

const ADMIN: &str = "rule:admin_only";
const MEMBER: &str = "rule:admin_only or role:member and project_id:%(project_id)s";
const ADMIN_OR_SERVICE: &str = "rule:admin_only or rule:service_api";
const MEMBER_OR_SERVICE: &str =
    "rule:admin_only or role:member and project_id:%(project_id)s or rule:service_api";
const NETWORK_MEMBER: &str = "rule:admin_only or role:member and rule:network_owner";
const NETWORK_MEMBER_OR_SERVICE: &str =
    "rule:admin_only or rule:service_api or role:member and rule:network_owner";
const NETWORK_USER: &str =
    "rule:admin_only or rule:service_api or role:member and rule:network_owner or rule:shared";
const SUBNET_MEMBER: &str = "rule:admin_only or role:member and project_id:%(project_id)s or role:member and rule:network_owner";
const GROUP_MEMBER: &str = "rule:admin_only or role:member and rule:sg_owner";

pub(super) const RULES: &[RuleDefault] = &[
    rule("create_network", MEMBER, "Create a network."),
    rule(
        "create_network:shared",
        ADMIN,
        "Create a network for all projects.",
    ),
    rule(
        "create_network:router:external",
        ADMIN,
        "Create a network that leads outside.",
    ),
    rule(
        "create_network:is_default",
        ADMIN,
        "Create a default external network.",
    ),
    rule(
        "create_network:port_security_enabled",
        MEMBER,
        "Create a network with or without port security.",
    ),
    rule(
        "create_network:segments",
        ADMIN,
        "Create a network of several segments.",
    ),
    rule(
        "create_network:provider:network_type",
        ADMIN,
        "Create a network of a given type.",
    ),
    rule(
        "create_network:provider:physical_network",
        ADMIN,
        "Create a network on a given physical network.",
    ),
    rule(
        "create_network:provider:segmentation_id",
        ADMIN,
        "Create a network with a given segment.",
    ),
    rule(
        "get_network",
        "rule:admin_only or role:reader and project_id:%(project_id)s or rule:service_api or rule:shared or rule:external or rule:context_is_advsvc",
        "Show a network.",
    ),
    rule(
        "get_network:segments",
        ADMIN,
        "See the segments of a network.",
    ),
    rule(
        "get_network:provider:network_type",
        ADMIN,
        "See the type of a network.",
    ),
    rule(
        "get_network:provider:physical_network",
        ADMIN,
        "See the physical network of a network.",
    ),
    rule(
        "get_network:provider:segmentation_id",
        ADMIN,
        "See the segment of a network.",
    ),
    rule("update_network", MEMBER, "Change a network."),
    rule(
        "update_network:shared",
        ADMIN,
        "Let all projects use a network.",
    ),
    rule(
        "update_network:router:external",
        ADMIN,
        "Make a network lead outside.",
    ),
    rule(
        "update_network:is_default",
        ADMIN,
        "Make a network the default external one.",
    ),
    rule(
        "update_network:port_security_enabled",
        MEMBER,
        "Change the port security of a network.",
    ),
    rule(
        "update_network:segments",
        ADMIN,
        "Change the segments of a network.",
    ),
    rule(
        "update_network:provider:network_type",
        ADMIN,
        "Change the type of a network.",
    ),
    rule(
        "update_network:provider:physical_network",
        ADMIN,
        "Change the physical network of a network.",
    ),
    rule(
        "update_network:provider:segmentation_id",
        ADMIN,
        "Change the segment of a network.",
    ),
    rule("delete_network", MEMBER, "Delete a network."),
    rule("create_subnet", NETWORK_MEMBER, "Create a subnet."),
    rule(
        "create_subnet:segment_id",
        ADMIN,
        "Create a subnet of a segment.",
    ),
    rule(
        "create_subnet:service_types",
        ADMIN,
        "Create a subnet for certain services.",
    ),
    rule(
        "get_subnet",
        "rule:admin_only or role:reader and project_id:%(project_id)s or role:reader and rule:network_owner or rule:shared or rule:external_network or rule:service_api",
        "Show a subnet.",
    ),
    rule(
        "get_subnet:segment_id",
        ADMIN,
        "See the segment of a subnet.",
    ),
    rule("update_subnet", SUBNET_MEMBER, "Change a subnet."),
    rule(
        "update_subnet:segment_id",
        ADMIN,
        "Change the segment of a subnet.",
    ),
    rule(
        "update_subnet:service_types",
        ADMIN,
        "Change the services of a subnet.",
    ),
    rule("delete_subnet", SUBNET_MEMBER, "Delete a subnet."),
    rule("create_port", NETWORK_USER, "Create a port."),
    rule(
        "create_port:device_id",
        MEMBER_OR_SERVICE,
        "Create a port of a device.",
    ),
    rule(
        "create_port:device_owner",
        "not rule:network_device or rule:admin_only or rule:service_api or role:member and rule:network_owner",
        "Create a port of a kind of device.",
    ),
    rule(
        "create_port:mac_address",
        NETWORK_MEMBER_OR_SERVICE,
        "Create a port with a given MAC address.",
    ),
    rule(
        "create_port:fixed_ips",
        NETWORK_USER,
        "Create a port with given addresses or subnets.",
    ),
    rule(
        "create_port:fixed_ips:ip_address",
        NETWORK_MEMBER_OR_SERVICE,
        "Create a port with given addresses.",
    ),
    rule(
        "create_port:fixed_ips:subnet_id",
        NETWORK_USER,
        "Create a port on given subnets.",
    ),
    rule(
        "create_port:port_security_enabled",
        NETWORK_MEMBER_OR_SERVICE,
        "Create a port with or without port security.",
    ),
    rule(
        "create_port:binding:host_id",
        ADMIN_OR_SERVICE,
        "Create a port on a host.",
    ),
    rule(
        "create_port:binding:profile",
        "rule:service_api",
        "Create a port with a binding profile.",
    ),
    rule(
        "create_port:binding:vnic_type",
        MEMBER_OR_SERVICE,
        "Create a port of a VNIC type.",
    ),
    rule(
        "create_port:allowed_address_pairs",
        NETWORK_MEMBER_OR_SERVICE,
        "Create a port that may use more addresses.",
    ),
    rule(
        "get_port",
        "rule:admin_only or rule:service_api or role:reader and rule:network_owner or role:reader and project_id:%(project_id)s",
        "Show a port.",
    ),
    rule(
        "get_port:binding:host_id",
        ADMIN_OR_SERVICE,
        "See the host of a port.",
    ),
    rule(
        "get_port:binding:profile",
        ADMIN_OR_SERVICE,
        "See the binding profile of a port.",
    ),
    rule(
        "get_port:binding:vif_type",
        ADMIN_OR_SERVICE,
        "See the VIF type of a port.",
    ),
    rule(
        "get_port:binding:vif_details",
        ADMIN_OR_SERVICE,
        "See the VIF details of a port.",
    ),
    rule(
        "get_port:resource_request",
        ADMIN,
        "See what a port asks Placement for.",
    ),
    rule("update_port", MEMBER_OR_SERVICE, "Change a port."),
    rule(
        "update_port:device_id",
        MEMBER_OR_SERVICE,
        "Change the device of a port.",
    ),
    rule(
        "update_port:device_owner",
        "not rule:network_device or rule:admin_only or rule:service_api or role:member and rule:network_owner",
        "Change the kind of device of a port.",
    ),
    rule(
        "update_port:mac_address",
        "rule:admin_only or rule:service_api or role:manager and rule:network_owner",
        "Change the MAC address of a port.",
    ),
    rule(
        "update_port:fixed_ips",
        NETWORK_MEMBER_OR_SERVICE,
        "Change the addresses of a port.",
    ),
    rule(
        "update_port:fixed_ips:ip_address",
        NETWORK_MEMBER_OR_SERVICE,
        "Give a port chosen addresses.",
    ),
    rule(
        "update_port:fixed_ips:subnet_id",
        NETWORK_USER,
        "Give a port addresses of chosen subnets.",
    ),
    rule(
        "update_port:port_security_enabled",
        NETWORK_MEMBER_OR_SERVICE,
        "Change the port security of a port.",
    ),
    rule(
        "update_port:binding:host_id",
        ADMIN_OR_SERVICE,
        "Change the host of a port.",
    ),
    rule(
        "update_port:binding:profile",
        "rule:service_api",
        "Change the binding profile of a port.",
    ),
    rule(
        "update_port:binding:vnic_type",
        MEMBER_OR_SERVICE,
        "Change the VNIC type of a port.",
    ),
    rule(
        "update_port:allowed_address_pairs",
        NETWORK_MEMBER_OR_SERVICE,
        "Change which other addresses a port may use.",
    ),
    rule(
        "delete_port",
        "rule:admin_only or rule:service_api or (service_roles:service or not rule:compute_device) and role:member and (rule:network_owner or project_id:%(project_id)s)",
        "Delete a port; that of a server only in the name of a service.",
    ),
    rule("create_security_group", MEMBER, "Create a security group."),
    rule(
        "get_security_group",
        "rule:admin_only or role:reader and project_id:%(project_id)s or rule:shared_security_group",
        "Show a security group.",
    ),
    rule("update_security_group", MEMBER, "Change a security group."),
    rule("delete_security_group", MEMBER, "Delete a security group."),
    rule(
        "create_security_group_rule",
        GROUP_MEMBER,
        "Create a rule of a security group.",
    ),
    rule(
        "get_security_group_rule",
        "rule:admin_only or role:reader and rule:sg_owner",
        "Show a rule of a security group.",
    ),
    rule(
        "delete_security_group_rule",
        GROUP_MEMBER,
        "Delete a rule of a security group.",
    ),
    rule(
        "update_security_group_rule",
        "!",
        "Change a rule of a security group: nothing of one can be changed.",
    ),
    rule("get_availability_zone", "@", "List availability zones."),
    rule("get_agent", ADMIN, "Show an agent of a pod."),
    rule(
        "get_service_provider",
        "role:reader",
        "List service providers.",
    ),
    rule(
        "get_quota",
        "rule:admin_or_owner",
        "Show the quotas of a project.",
    ),
    rule("update_quota", ADMIN, "Set the quotas of a project."),
    rule(
        "delete_quota",
        ADMIN,
        "Give a project the default quotas again.",
    ),
];
