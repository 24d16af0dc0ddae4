//! The rules that rules are made of.

use super::{RuleDefault, part};

pub(super) const RULES: &[RuleDefault] = &[
    part("context_is_admin", "role:admin", "Who is an administrator."),
    part(
        "admin_only",
        "rule:context_is_admin",
        "Administrators, as Neutron calls them.",
    ),
    part(
        "admin_api",
        "is_admin:True",
        "Administrators, as Nova and Cinder call them.",
    ),
    part(
        "project_manager_api",
        "role:manager and project_id:%(project_id)s",
        "Managers of the resource's project.",
    ),
    part(
        "project_member_api",
        "role:member and project_id:%(project_id)s",
        "Members of the resource's project.",
    ),
    part(
        "project_reader_api",
        "role:reader and project_id:%(project_id)s",
        "Readers of the resource's project.",
    ),
    part(
        "project_manager_or_admin",
        "rule:project_manager_api or rule:context_is_admin",
        "Managers of the resource's project, and administrators.",
    ),
    part(
        "project_member_or_admin",
        "rule:project_member_api or rule:context_is_admin",
        "Members of the resource's project, and administrators.",
    ),
    part(
        "project_reader_or_admin",
        "rule:project_reader_api or rule:context_is_admin",
        "Readers of the resource's project, and administrators.",
    ),
    part(
        "xena_system_admin_or_project_member",
        "rule:project_member_or_admin",
        "The same, as Cinder calls it.",
    ),
    part(
        "xena_system_admin_or_project_reader",
        "rule:project_reader_or_admin",
        "The same, as Cinder calls it.",
    ),
    part(
        "service_api",
        "role:service",
        "Other services of the cloud.",
    ),
    part(
        "context_is_advsvc",
        "role:advsvc",
        "Advanced services of Neutron.",
    ),
    part(
        "owner",
        "project_id:%(project_id)s",
        "Anybody in the resource's project.",
    ),
    part(
        "admin_or_owner",
        "rule:context_is_admin or rule:owner",
        "Anybody in the resource's project, and administrators.",
    ),
    part(
        "network_owner",
        "project_id:%(network:project_id)s",
        "Anybody in the project of the network that the resource is on.",
    ),
    part(
        "sg_owner",
        "project_id:%(security_group:project_id)s",
        "Anybody in the project of the rule's security group.",
    ),
    part(
        "shared",
        "field:networks:shared=True",
        "Networks that all projects may use.",
    ),
    part(
        "external",
        "field:networks:router:external=True",
        "Networks that lead outside.",
    ),
    part(
        "external_network",
        "field:networks:router:external=True",
        "Subnets of networks that lead outside.",
    ),
    part(
        "shared_security_group",
        "field:security_groups:shared=True",
        "Security groups that the caller's project may use.",
    ),
    part(
        "network_device",
        "field:port:device_owner=~^network:",
        "Ports of routers, DHCP servers and the like.",
    ),
    part(
        "compute_device",
        "field:port:device_owner=~^compute:",
        "Ports of servers.",
    ),
];
