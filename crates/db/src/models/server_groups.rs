//! Server groups.

use diesel::prelude::{Insertable, Queryable, Selectable};

use super::text_enum;
use crate::Timestamp;
use crate::schema::server_groups;

text_enum!(
    /// What a server group is for, in Nova's words.
    GroupPolicy {
        /// Its servers are on one host.
        Affinity = "affinity",
        /// No two of its servers are on one host.
        AntiAffinity = "anti-affinity",
        /// Its servers are on one host where that is possible.
        SoftAffinity = "soft-affinity",
        /// Its servers are on different hosts where that is possible.
        SoftAntiAffinity = "soft-anti-affinity",
    }
);

/// A server group; made in a pod when first needed there.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = server_groups)]
pub struct ServerGroup {
    /// Id that users see.
    pub id: String,
    /// Owner.
    pub project_id: String,
    /// Who made it.
    pub user_id: String,
    /// Name, which need not be unique.
    pub name: String,
    /// What it is for.
    pub policy: GroupPolicy,
    /// Rules of the policy, as a JSON object.
    pub rules: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// That a new server is to be in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupJoin {
    /// The group.
    pub group_id: String,
    /// All its servers must be in one pod.
    pub one_pod: bool,
    /// How many of a user's servers it may have where nobody set another limit.
    pub configured: i64,
}

/// A server in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerGroupMember {
    /// The group.
    pub group_id: String,
    /// The server; none until its pod made it.
    pub server_id: Option<String>,
    /// Where it is.
    pub pod_id: String,
    /// Whose it is.
    pub user_id: String,
}
