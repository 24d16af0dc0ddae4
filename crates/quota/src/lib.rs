//! Limits of what a project may have at the top.
//!
//! A project has the limits of the configuration until an administrator sets
//! some of its own. Whether a wish fits is a pure decision ([`check`]); counting
//! what there is belongs to whoever owns the resources. A check before a create only
//! spares it the work; what counts is counted in the transaction that makes the row,
//! under the project's lock (`queries/quotas.rs` of the `db` crate).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::collections::BTreeMap;

use tricircle_config::Quota;

/// A limit that is none.
pub const UNLIMITED: i64 = -1;

/// The resources of the Networking API that are counted.
pub const NETWORKING: [&str; 7] = [
    "network",
    "subnet",
    "port",
    "security_group",
    "security_group_rule",
    "router",
    "floatingip",
];

/// The limits of one project, by resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits(BTreeMap<String, i64>);

impl Limits {
    /// What the configuration says.
    pub fn configured(quota: &Quota) -> Self {
        let limits = [
            ("instances", quota.instances),
            ("cores", quota.cores),
            ("ram", quota.ram),
            ("key_pairs", quota.key_pairs),
            ("network", quota.network),
            ("subnet", quota.subnet),
            ("port", quota.port),
            ("security_group", quota.security_group),
            ("router", quota.router),
            ("floatingip", quota.floatingip),
            ("security_group_rule", quota.security_group_rule),
            ("volumes", quota.volumes),
            ("gigabytes", quota.gigabytes),
        ];
        Self(
            limits
                .into_iter()
                .map(|(name, limit)| (name.to_owned(), limit))
                .collect(),
        )
    }

    /// The configured limits with those that were set for the project over them.
    pub fn of_project(quota: &Quota, own: impl IntoIterator<Item = (String, i64)>) -> Self {
        let mut limits = Self::configured(quota);
        for (name, limit) in own {
            limits.0.insert(name, limit);
        }
        limits
    }

    /// The limit of a resource; what is not counted is not limited.
    pub fn get(&self, resource: &str) -> i64 {
        self.0.get(resource).copied().unwrap_or(UNLIMITED)
    }
}

/// A wish that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} more would exceed the limit of {limit}: {used} are in use")]
pub struct Exceeded {
    /// The limit.
    pub limit: i64,
    /// How many there are.
    pub used: i64,
    /// How many more were asked for.
    pub wanted: i64,
}

/// Whether `wanted` more fit. Asking for nothing always does, also for a project
/// whose limit was lowered below what it has.
pub fn check(limit: i64, used: i64, wanted: i64) -> Result<(), Exceeded> {
    if limit < 0 || wanted <= 0 || used.saturating_add(wanted) <= limit {
        return Ok(());
    }
    Err(Exceeded {
        limit,
        used,
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits() {
        for (limit, used, wanted, fits) in [
            (10, 9, 1, true),
            (10, 9, 2, false),
            (10, 12, 0, true),
            (10, 12, 1, false),
            (0, 0, 1, false),
            (UNLIMITED, i64::MAX, 1, true),
            (10, i64::MAX, 1, false),
        ] {
            assert_eq!(
                check(limit, used, wanted).is_ok(),
                fits,
                "{limit} {used} {wanted}"
            );
        }
    }

    #[test]
    fn a_project_has_the_configured_limits_but_its_own() {
        let quota = Quota::default();
        let limits = Limits::of_project(&quota, [("network".to_owned(), 3)]);
        assert_eq!(limits.get("network"), 3);
        assert_eq!(limits.get("subnet"), quota.subnet);
        assert_eq!(limits.get("bicycles"), UNLIMITED);
    }
}
