//! What nova-apigw does itself.

use super::{RuleDefault, rule};

const ADMIN: &str = "rule:context_is_admin";
const MEMBER: &str = "rule:project_member_or_admin";
const READER: &str = "rule:project_reader_or_admin";
const OWN_KEY: &str = "rule:context_is_admin or user_id:%(user_id)s";

pub(super) const RULES: &[RuleDefault] = &[
    rule("os_compute_api:servers:create", MEMBER, "Create a server."),
    rule(
        "os_compute_api:servers:create:forced_host",
        ADMIN,
        "Create a server on a host of one's choice.",
    ),
    rule(
        "os_compute_api:servers:create:attach_volume",
        MEMBER,
        "Create a server with volumes.",
    ),
    rule(
        "os_compute_api:servers:create:attach_network",
        MEMBER,
        "Create a server with networks.",
    ),
    rule("os_compute_api:servers:index", READER, "List servers."),
    rule(
        "os_compute_api:servers:detail",
        READER,
        "List servers with details.",
    ),
    rule(
        "os_compute_api:servers:index:get_all_tenants",
        ADMIN,
        "List the servers of all projects.",
    ),
    rule(
        "os_compute_api:servers:detail:get_all_tenants",
        ADMIN,
        "List the servers of all projects with details.",
    ),
    rule(
        "os_compute_api:servers:allow_all_filters",
        ADMIN,
        "List servers by any filter.",
    ),
    rule("os_compute_api:servers:show", READER, "Show a server."),
    rule("os_compute_api:servers:update", MEMBER, "Change a server."),
    rule("os_compute_api:servers:delete", MEMBER, "Delete a server."),
    // Nova asks no rule for flavors; here it has a name, so that it can be changed.
    rule("os_compute_api:flavors:index", "@", "List flavors."),
    rule("os_compute_api:flavors:show", "@", "Show a flavor."),
    rule(
        "os_compute_api:os-flavor-manage:create",
        ADMIN,
        "Create a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-manage:update",
        ADMIN,
        "Change a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-manage:delete",
        ADMIN,
        "Delete a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-access",
        ADMIN,
        "See who may use a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-access:add_tenant_access",
        ADMIN,
        "Let a project use a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-access:remove_tenant_access",
        ADMIN,
        "Let a project no longer use a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-extra-specs:index",
        READER,
        "List the extra specs of a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-extra-specs:show",
        READER,
        "Show an extra spec of a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-extra-specs:create",
        ADMIN,
        "Give a flavor extra specs.",
    ),
    rule(
        "os_compute_api:os-flavor-extra-specs:update",
        ADMIN,
        "Change an extra spec of a flavor.",
    ),
    rule(
        "os_compute_api:os-flavor-extra-specs:delete",
        ADMIN,
        "Take an extra spec from a flavor.",
    ),
    rule(
        "os_compute_api:os-keypairs:index",
        OWN_KEY,
        "List key pairs.",
    ),
    rule(
        "os_compute_api:os-keypairs:show",
        OWN_KEY,
        "Show a key pair.",
    ),
    rule(
        "os_compute_api:os-keypairs:create",
        OWN_KEY,
        "Create a key pair.",
    ),
    rule(
        "os_compute_api:os-keypairs:delete",
        OWN_KEY,
        "Delete a key pair.",
    ),
    rule(
        "os_compute_api:os-volumes-attachments:index",
        READER,
        "List the volumes of a server.",
    ),
    rule(
        "os_compute_api:os-volumes-attachments:show",
        READER,
        "Show a volume of a server.",
    ),
    rule(
        "os_compute_api:os-volumes-attachments:create",
        MEMBER,
        "Attach a volume to a server.",
    ),
    rule(
        "os_compute_api:os-volumes-attachments:update",
        MEMBER,
        "Change an attachment.",
    ),
    rule(
        "os_compute_api:os-volumes-attachments:delete",
        MEMBER,
        "Detach a volume from a server.",
    ),
    rule(
        "os_compute_api:os-attach-interfaces:create",
        MEMBER,
        "Attach an interface to a server.",
    ),
    rule(
        "os_compute_api:os-multinic:add",
        MEMBER,
        "Give a server an address more.",
    ),
    rule(
        "os_compute_api:os-multinic:remove",
        MEMBER,
        "Take an address from a server.",
    ),
    rule(
        "os_compute_api:os-security-groups:list",
        READER,
        "List the security groups of a server.",
    ),
    rule(
        "os_compute_api:os-security-groups:add",
        MEMBER,
        "Give a server a security group.",
    ),
    rule(
        "os_compute_api:os-security-groups:remove",
        MEMBER,
        "Take a security group from a server.",
    ),
    rule(
        "os_compute_api:os-availability-zone:list",
        "@",
        "List availability zones.",
    ),
    rule(
        "os_compute_api:os-availability-zone:detail",
        ADMIN,
        "List availability zones with hosts.",
    ),
    rule("os_compute_api:limits", "@", "Show one's limits."),
    rule(
        "os_compute_api:os-quota-sets:show",
        READER,
        "Show the quotas of a project.",
    ),
    rule(
        "os_compute_api:os-quota-sets:detail",
        READER,
        "Show the quotas of a project and what is used of them.",
    ),
    rule(
        "os_compute_api:os-quota-sets:defaults",
        "@",
        "Show the quotas that projects have by default.",
    ),
    rule(
        "os_compute_api:limits:other_project",
        ADMIN,
        "Show the limits of another project.",
    ),
];
