//! Methods of [`Store`]: members of security groups, across pods.

use super::*;
use crate::models::*;

store! {
    group_members {
        /// The live ports that a group protects, by id.
        read group_members(group_id: &str) -> Vec<GroupMember>;
        /// Every interface of the routers that have one on any of these networks.
        read router_legs(network_ids: &[String]) -> Vec<RouterLeg>;
        /// The groups that a pod has, or is about to, and of which a rule admits the members
        /// of `group_id`.
        read groups_naming(group_id: &str, pod_id: &str) -> Vec<String>;
        /// Wants one pod told of the members of these groups that are in other pods.
        transaction group_members_wanted(groups: &[String], pod_id: &str) -> ();
    }
}
