//! What cinder-apigw does itself.

use super::{RuleDefault, rule};

const ADMIN: &str = "rule:admin_api";
const MEMBER: &str = "rule:xena_system_admin_or_project_member";
const READER: &str = "rule:xena_system_admin_or_project_reader";

pub(super) const RULES: &[RuleDefault] = &[
    rule("volume:create", MEMBER, "Create a volume."),
    rule(
        "volume:create_from_image",
        MEMBER,
        "Create a volume from an image.",
    ),
    rule("volume:get", READER, "Show a volume."),
    rule("volume:get_all", READER, "List volumes."),
    rule("volume:update", MEMBER, "Change a volume."),
    rule("volume:delete", MEMBER, "Delete a volume."),
    rule(
        "limits_extension:used_limits",
        READER,
        "Show one's limits and what is used of them.",
    ),
    rule(
        "volume_extension:quotas:show",
        READER,
        "Show the quotas of a project.",
    ),
    // Cinder asks no rule for zones; here it has a name, so that it can be changed.
    rule(
        "volume:availability_zones:list",
        "@",
        "List availability zones.",
    ),
    // Cinder tests is_admin in its code; here it has a name like the others.
    rule(
        "volume:get_all:all_tenants",
        ADMIN,
        "List the volumes of all projects.",
    ),
];
