//! What neutron-api does itself with routers and floating IPs.

use super::{RuleDefault, rule};

const ADMIN: &str = "rule:admin_only";
const MANAGER: &str = "rule:admin_only or role:manager and project_id:%(project_id)s";
const MEMBER: &str = "rule:admin_only or role:member and project_id:%(project_id)s";
const READER: &str = "rule:admin_only or role:reader and project_id:%(project_id)s";

pub(super) const RULES: &[RuleDefault] = &[
    rule("create_router", MEMBER, "Create a router."),
    rule(
        "create_router:distributed",
        ADMIN,
        "Say whether a router is distributed.",
    ),
    rule(
        "create_router:ha",
        ADMIN,
        "Say whether a router has high availability.",
    ),
    rule(
        "create_router:external_gateway_info",
        MEMBER,
        "Create a router with an external gateway.",
    ),
    rule(
        "create_router:external_gateway_info:network_id",
        MEMBER,
        "Name the external network of a router.",
    ),
    rule(
        "create_router:external_gateway_info:enable_snat",
        ADMIN,
        "Say whether a router has source NAT.",
    ),
    rule(
        "create_router:external_gateway_info:external_fixed_ips",
        ADMIN,
        "Name the external addresses of a router.",
    ),
    rule("get_router", READER, "Show a router."),
    rule(
        "get_router:distributed",
        ADMIN,
        "See whether a router is distributed.",
    ),
    rule(
        "get_router:ha",
        ADMIN,
        "See whether a router has high availability.",
    ),
    rule("update_router", MEMBER, "Change a router."),
    rule(
        "update_router:distributed",
        ADMIN,
        "Say whether a router is distributed.",
    ),
    rule(
        "update_router:ha",
        ADMIN,
        "Say whether a router has high availability.",
    ),
    rule(
        "update_router:external_gateway_info",
        MEMBER,
        "Change the external gateway of a router.",
    ),
    rule(
        "update_router:external_gateway_info:network_id",
        MEMBER,
        "Name the external network of a router.",
    ),
    rule(
        "update_router:external_gateway_info:enable_snat",
        ADMIN,
        "Say whether a router has source NAT.",
    ),
    rule(
        "update_router:external_gateway_info:external_fixed_ips",
        ADMIN,
        "Name the external addresses of a router.",
    ),
    rule("delete_router", MEMBER, "Delete a router."),
    rule(
        "add_router_interface",
        MEMBER,
        "Give a router an interface.",
    ),
    rule(
        "remove_router_interface",
        MEMBER,
        "Take an interface from a router.",
    ),
    rule("add_extraroutes", MEMBER, "Add routes to a router."),
    rule("remove_extraroutes", MEMBER, "Take routes from a router."),
    rule(
        "get_l3-agents",
        ADMIN,
        "See which agents of the pods have a router.",
    ),
    rule("create_floatingip", MEMBER, "Create a floating IP."),
    rule(
        "create_floatingip:floating_ip_address",
        MANAGER,
        "Create a floating IP with a given address.",
    ),
    rule("get_floatingip", READER, "Show a floating IP."),
    rule(
        "update_floatingip",
        MEMBER,
        "Change a floating IP, or where it leads.",
    ),
    rule("delete_floatingip", MEMBER, "Delete a floating IP."),
];
