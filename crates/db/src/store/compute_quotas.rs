//! Methods of [`Store`]: limits of the Compute API.

use std::collections::BTreeMap;

use super::*;
use crate::models::*;

store! {
    compute_quotas {
        /// The limits that were set for a user in a project, for the project, and for all. An
        /// empty user has none.
        read compute_quotas(project_id: &str, user_id: &str) -> ComputeQuotas;
        /// What the users of a project were given of its limits, summed up.
        read compute_quotas_of_users(project_id: &str) -> BTreeMap<String, i64>;
        /// Sets limits of a project, or of a user in it; others stay.
        transaction compute_quotas_set(project_id: &str, user_id: &str, limits: &[(String, i64)]) -> ();
        /// Forgets the limits of a project and its users, or of one user in it.
        write compute_quotas_delete(project_id: &str, user_id: Option<&str>) -> ();
        /// The limits of a class.
        read compute_quota_class(class_name: &str) -> BTreeMap<String, i64>;
        /// Sets limits of a class; others stay.
        transaction compute_quota_class_set(class_name: &str, limits: &[(String, i64)]) -> ();
        /// What a project has of servers, and a user where one is named.
        read server_usage(project_id: &str, user_id: Option<&str>) -> RoutingUsage;
        /// What there is of servers and may be, of a project and, where it has limits of its
        /// own, of a user in it.
        read server_room(project_id: &str, user_id: &str, configured: &UsageLimits) -> ServerRoom;
        /// Counts a server as what it is and as what it becomes, whichever is more, unless the
        /// project would have more than it may; then nothing is written. The job that is
        /// written with it makes the row follow the pod.
        transaction server_grow(row: &Routing, vcpus: i32, ram_mb: i32, job: &NewJob, configured: &UsageLimits) -> Option<ServerRoom>;
        /// A server is as large as the pod says.
        write server_sized(row_id: &str, flavor_id: &str, vcpus: i32, ram_mb: i32) -> ();
    }
}
