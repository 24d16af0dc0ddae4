//! Methods of [`Store`]: server groups.

use super::*;
use crate::models::*;

store! {
    server_groups {
        /// Writes a group, unless its project or its user has as many as they may; then nothing
        /// is written.
        transaction server_group_create(group: &ServerGroup, configured: i64) -> bool;
        /// How many groups a project has, or a user in it.
        read server_group_count(project_id: &str, user_id: Option<&str>) -> i64;
        /// The groups of a project, or of all, in the order in which they were made.
        read server_groups(project_id: Option<&str>, offset: i64, limit: i64) -> Vec<ServerGroup>;
        /// Server group by id.
        read server_group_by_id(id: &str) -> Option<ServerGroup>;
        /// The servers of groups that are not gone, those that are being made included.
        read server_group_members(group_ids: &[String]) -> Vec<ServerGroupMember>;
        /// Deletes a group, with the job that removes it from the pods. False when it is gone.
        transaction server_group_delete(id: &str, job: &NewJob) -> bool;
        /// What pods call the groups of the top: the id in the pod, and at the top.
        read server_group_ids() -> Vec<(String, String)>;
    }
}
