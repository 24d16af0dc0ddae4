//! Tricircle's own API. Pods and where things are concern operators only.

use super::{RuleDefault, rule};

const ADMIN: &str = "rule:context_is_admin";

pub(super) const RULES: &[RuleDefault] = &[
    rule("admin_api:pods:create", ADMIN, "Register a pod."),
    rule("admin_api:pods:list", ADMIN, "List pods."),
    rule("admin_api:pods:show", ADMIN, "Show a pod."),
    rule("admin_api:pods:update", ADMIN, "Change a pod."),
    rule("admin_api:pods:delete", ADMIN, "Remove a pod."),
    rule(
        "admin_api:bindings:create",
        ADMIN,
        "Bind a project to a pod.",
    ),
    rule("admin_api:bindings:list", ADMIN, "List bindings."),
    rule("admin_api:bindings:show", ADMIN, "Show a binding."),
    rule("admin_api:bindings:delete", ADMIN, "End a binding."),
    rule(
        "admin_api:routings:list",
        ADMIN,
        "List where resources are.",
    ),
    rule(
        "admin_api:routings:show",
        ADMIN,
        "Show where a resource is.",
    ),
    rule(
        "admin_api:routings:create",
        ADMIN,
        "Record where a resource is.",
    ),
    rule(
        "admin_api:routings:update",
        ADMIN,
        "Correct where a resource is.",
    ),
    rule(
        "admin_api:routings:delete",
        ADMIN,
        "Forget where a resource was.",
    ),
    rule(
        "admin_api:topology:show",
        ADMIN,
        "Show what of a network or router is where.",
    ),
    rule("admin_api:jobs:list", ADMIN, "List jobs."),
    rule("admin_api:jobs:show", ADMIN, "Show a job."),
    rule("admin_api:jobs:update", ADMIN, "Retry or give up a job."),
];
