//! Limits of the Compute API.

use std::collections::BTreeMap;

use super::{RoutingUsage, UsageLimits};

/// The limits that were set, each by the name of its resource, from the nearest to the
/// furthest: a resource has the first that names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComputeQuotas {
    /// Of the user in the project.
    pub user: BTreeMap<String, i64>,
    /// Of the project.
    pub project: BTreeMap<String, i64>,
    /// Of everybody: the class `default`.
    pub default: BTreeMap<String, i64>,
}

impl ComputeQuotas {
    /// The limit of a project, which is `configured` where nobody set one.
    pub fn of_project(&self, resource: &str, configured: i64) -> i64 {
        let set = self.project.get(resource);
        *set.or(self.default.get(resource)).unwrap_or(&configured)
    }

    /// The limit of the user in the project.
    pub fn of_user(&self, resource: &str, configured: i64) -> i64 {
        let project = self.of_project(resource, configured);
        *self.user.get(resource).unwrap_or(&project)
    }

    /// Whether servers of the user are limited on their own.
    pub fn limits_servers_of_user(&self) -> bool {
        let counted = ["instances", "cores", "ram"];
        counted.iter().any(|name| self.user.contains_key(*name))
    }

    /// The limits on the project's servers.
    pub fn servers_of_project(&self, configured: &UsageLimits) -> UsageLimits {
        UsageLimits {
            count: self.of_project("instances", configured.count),
            vcpus: self.of_project("cores", configured.vcpus),
            ram_mb: self.of_project("ram", configured.ram_mb),
            size_gb: -1,
        }
    }

    /// The limits on the user's servers in the project.
    pub fn servers_of_user(&self, configured: &UsageLimits) -> UsageLimits {
        UsageLimits {
            count: self.of_user("instances", configured.count),
            vcpus: self.of_user("cores", configured.vcpus),
            ram_mb: self.of_user("ram", configured.ram_mb),
            size_gb: -1,
        }
    }
}

/// What there is of servers, and how much of it there may be: of the project, and of the
/// user where limits of the user's own were set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerRoom {
    /// The project's.
    pub project: (RoutingUsage, UsageLimits),
    /// The user's.
    pub user: Option<(RoutingUsage, UsageLimits)>,
}

impl ServerRoom {
    /// Usage and limits that `wanted` would exceed; none when it fits.
    pub fn exceeded(&self, wanted: RoutingUsage) -> Option<(RoutingUsage, UsageLimits)> {
        std::iter::once(self.project)
            .chain(self.user)
            .find(|(used, limits)| !limits.allow(*used, wanted))
    }

    /// The same for a server that grows: what it wants no more of does not matter.
    pub fn exceeded_by_growth(&self, more: RoutingUsage) -> Option<(RoutingUsage, UsageLimits)> {
        let over = |limit: i64, used: i64, more: i64| more > 0 && limit >= 0 && used + more > limit;
        std::iter::once(self.project)
            .chain(self.user)
            .find(|(used, limits)| {
                over(limits.vcpus, used.vcpus, more.vcpus)
                    || over(limits.ram_mb, used.ram_mb, more.ram_mb)
            })
    }
}
