//! What nova-apigw does itself.

use super::{RuleDefault, rule};

const ADMIN: &str = "rule:context_is_admin";
const MANAGER: &str = "rule:project_manager_or_admin";
const SERVICE: &str = "rule:service_or_admin";
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
    rule(
        "os_compute_api:servers:create:trusted_certs",
        MEMBER,
        "Create a server with trusted image certificates.",
    ),
    rule(
        "os_compute_api:servers:create:zero_disk_flavor",
        ADMIN,
        "Create a server from an image with a flavor without disk.",
    ),
    rule(
        "compute:servers:create:requested_destination",
        ADMIN,
        "Create a server on a host or hypervisor of one's choice.",
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
        "os_compute_api:os-quota-sets:update",
        ADMIN,
        "Set the quotas of a project.",
    ),
    rule(
        "os_compute_api:os-quota-sets:delete",
        ADMIN,
        "Let a project have the default quotas again.",
    ),
    rule(
        "os_compute_api:os-server-groups:index",
        READER,
        "List server groups.",
    ),
    rule(
        "os_compute_api:os-server-groups:index:all_projects",
        ADMIN,
        "List the server groups of all projects.",
    ),
    rule(
        "os_compute_api:os-server-groups:create",
        MEMBER,
        "Create a server group.",
    ),
    rule(
        "os_compute_api:os-server-groups:show",
        READER,
        "Show a server group.",
    ),
    rule(
        "os_compute_api:os-server-groups:delete",
        MEMBER,
        "Delete a server group.",
    ),
    rule(
        "os_compute_api:os-quota-class-sets:show",
        ADMIN,
        "Show the quotas of a class.",
    ),
    rule(
        "os_compute_api:os-quota-class-sets:update",
        ADMIN,
        "Set the quotas of a class.",
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
    rule(
        "os_compute_api:os-hypervisors:list",
        ADMIN,
        "List hypervisors.",
    ),
    rule(
        "os_compute_api:os-hypervisors:list-detail",
        ADMIN,
        "List hypervisors with details.",
    ),
    rule(
        "os_compute_api:os-hypervisors:statistics",
        ADMIN,
        "Show the sums of all hypervisors.",
    ),
    rule(
        "os_compute_api:os-hypervisors:show",
        ADMIN,
        "Show a hypervisor.",
    ),
    rule(
        "os_compute_api:os-hypervisors:uptime",
        ADMIN,
        "Show how long a hypervisor is up.",
    ),
    rule(
        "os_compute_api:os-hypervisors:search",
        ADMIN,
        "Search hypervisors by name.",
    ),
    rule(
        "os_compute_api:os-hypervisors:servers",
        ADMIN,
        "List the servers of hypervisors.",
    ),
    rule(
        "os_compute_api:os-services:list",
        ADMIN,
        "List the compute services.",
    ),
    rule(
        "os_compute_api:os-services:update",
        ADMIN,
        "Change a compute service.",
    ),
    rule(
        "os_compute_api:os-services:delete",
        ADMIN,
        "Delete a compute service.",
    ),
    rule("os_compute_api:os-hosts:list", ADMIN, "List hosts."),
    rule("os_compute_api:os-hosts:show", ADMIN, "Show a host."),
    rule("os_compute_api:os-hosts:update", ADMIN, "Change a host."),
    rule("os_compute_api:os-hosts:reboot", ADMIN, "Reboot a host."),
    rule(
        "os_compute_api:os-hosts:shutdown",
        ADMIN,
        "Shut a host down.",
    ),
    rule("os_compute_api:os-hosts:start", ADMIN, "Start a host."),
    rule(
        "os_compute_api:os-migrations:index",
        MANAGER,
        "List migrations.",
    ),
    rule(
        "os_compute_api:os-simple-tenant-usage:list",
        ADMIN,
        "List the usage of all projects.",
    ),
    rule(
        "os_compute_api:os-simple-tenant-usage:show",
        READER,
        "Show the usage of a project.",
    ),
    rule(
        "os_compute_api:os-server-external-events:create",
        SERVICE,
        "Tell servers of external events.",
    ),
    rule(
        "os_compute_api:os-console-auth-tokens",
        ADMIN,
        "Show what a console token stands for.",
    ),
    rule(
        "os_compute_api:os-assisted-volume-snapshots:create",
        SERVICE,
        "Create an assisted volume snapshot.",
    ),
    rule(
        "os_compute_api:os-assisted-volume-snapshots:delete",
        SERVICE,
        "Delete an assisted volume snapshot.",
    ),
    rule(
        "os_compute_api:os-instance-usage-audit-log:list",
        ADMIN,
        "Show the last usage audit.",
    ),
    rule(
        "os_compute_api:os-instance-usage-audit-log:show",
        ADMIN,
        "Show an earlier usage audit.",
    ),
];
