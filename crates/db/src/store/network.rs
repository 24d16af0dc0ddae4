//! Methods of [`Store`]: networks, subnets, ports, security groups.

use super::*;
use crate::models::*;

store! {
    networks {
        /// Makes a network within its project's limit and takes its segment, if its type has one.
        transaction network_create(network: &Network, limit: i64) -> NetWrite;
        /// The segments of one physical network that are taken (empty name: of none).
        read network_segments_used(network_type: &str, physical_network: &str) -> Vec<i32>;
        /// Networks by id, in that order.
        read networks(filter: &NetworkFilter) -> Vec<NetworkView>;
        /// One network, also while it is being deleted.
        read network_by_id(id: &str) -> Option<NetworkView>;
        /// Changes a live network and counts its revision up; pods that have it follow by `job`.
        transaction network_update(id: &str, change: &NetworkChange, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Accepts the delete of a network: users no longer see it nor its subnets.
        ///
        /// Live ports of anybody but the infrastructure keep it.
        transaction network_mark_deleting(id: &str, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Removes a deleted network for good: every pod is clean. Its segment is free then.
        transaction network_purge(id: &str) -> NetWrite;
        /// Ties a network to the one pod that it may be in; the first one wins.
        transaction network_pin(id: &str, pod_id: &str) -> NetWrite;
    }
    subnets {
        /// Makes a subnet within its project's limit and takes the addresses `reserved` on it.
        ///
        /// `siblings` are the subnets that overlaps were checked against; when the network
        /// has others by now the answer is [`NetWrite::Changed`].
        transaction subnet_create(subnet: &Subnet, reserved: &[IpAllocation], siblings: &[String], limit: i64) -> NetWrite;
        /// Subnets by id, in that order.
        read subnets(filter: &SubnetFilter) -> Vec<Subnet>;
        /// One subnet, also while it is being deleted.
        read subnet_by_id(id: &str) -> Option<Subnet>;
        /// Changes a live subnet; a new gateway's address is taken, the old one's is free. Pods
        /// that have it follow by `job`.
        transaction subnet_update(id: &str, change: &SubnetChange, gateway: Option<&[IpAllocation]>, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Accepts the delete of a subnet; addresses of live ports keep it.
        transaction subnet_mark_deleting(id: &str, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Removes a deleted subnet for good: every pod is clean.
        transaction subnet_purge(id: &str) -> NetWrite;
        /// Every address of a subnet that is taken, in numeric order.
        read addresses_used(subnet_id: &str) -> Vec<IpAllocation>;
        /// What a pod has of a subnet for itself, taken now unless it has it already.
        ///
        /// `take_gateway`: the users' gateway address is to be this pod's; when another pod
        /// was faster the answer is [`NetWrite::Changed`]. The addresses are those that hold.
        transaction addresses_reserve(subnet_id: &str, pod_id: &str, take_gateway: bool, wanted: &[IpAllocation]) -> (NetWrite, Vec<IpAllocation>);
        /// Gives back what a pod had of a subnet for itself: the subnet is gone there.
        transaction addresses_release(subnet_id: &str, pod_id: &str) -> ();
    }
    ports {
        /// Makes ports with their addresses and groups, within their projects' limits, and gives
        /// free ports (`claimed`) to a device: all of it or, when the answer is not
        /// [`NetWrite::Done`], none.
        transaction ports_allocate(new: &[PortView], claimed: &[String], device_id: &str, device_owner: &str, limit: i64) -> NetWrite;
        /// Ports by id, in that order.
        read ports(filter: &PortFilter) -> Vec<PortView>;
        /// One port, also while it is being deleted.
        read port_by_id(id: &str) -> Option<PortView>;
        /// Changes a live port; where given, its addresses and groups become exactly these. A
        /// pod that has the port follows by `job`, and what it may still use of its addresses
        /// stays taken until then.
        transaction port_update(id: &str, change: &PortChange, fixed_ips: Option<&[IpAllocation]>, groups: Option<&[String]>, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Notes the status that a pod reports; users' revisions do not count it.
        write port_set_status(id: &str, status: &str) -> bool;
        /// Ports of one device change to another: an intent got its server's id. Returns them.
        transaction ports_move_device(from_device: &str, to_device: &str, device_owner: &str) -> Vec<String>;
        /// Begins to take a port from a device that is gone: a port that the gateway made is
        /// deleted, with `job`, and whatever pods have of it goes. Returns those rows, and none
        /// when the port is another device's meanwhile: whoever asks then was overtaken, and
        /// must leave the port alone.
        transaction port_release_begin(id: &str, device_id: &str, job: &NewJob) -> Option<Vec<Realization>>;
        /// A user's port is free again; nothing when another device has it meanwhile.
        write port_unbind(id: &str, device_id: &str) -> bool;
        /// Accepts the delete of a port: users no longer see it, its addresses stay taken.
        transaction port_mark_deleting(id: &str, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Removes a deleted port for good and frees its addresses: it is gone in every pod.
        transaction port_purge(id: &str) -> ();
    }
    security_groups {
        /// Makes a group with its first rules, within the project's limit of groups.
        transaction security_group_create(group: &SecurityGroup, rules: &[SecurityGroupRule], limit: i64) -> NetWrite;
        /// The default group of a project, made with its four rules at the first call.
        ///
        /// Two first calls at once make one group: the key of `default_security_groups`
        /// refuses the second, which then finds the first one's.
        write default_security_group(project_id: &str) -> SecurityGroupView;
        /// Groups by id, in that order, with their rules.
        read security_groups(filter: &SecurityGroupFilter) -> Vec<SecurityGroupView>;
        /// One group, also while it is being deleted.
        read security_group_by_id(id: &str) -> Option<SecurityGroupView>;
        /// Rules by id, in that order.
        read security_group_rules(filter: &SecurityGroupRuleFilter) -> Vec<SecurityGroupRule>;
        /// Changes a live group; pods that have it follow by `job`.
        transaction security_group_update(id: &str, name: Option<&str>, description: Option<&str>, stateful: Option<bool>, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Accepts the delete of a group; ports that have it keep it, and so does being
        /// the default one, except for an admin (`default_too`).
        transaction security_group_mark_deleting(id: &str, default_too: bool, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Removes a deleted group for good: every pod is clean.
        transaction security_group_purge(id: &str) -> ();
        /// Adds rules to a group, all or none; a rule that is there already is named.
        transaction security_group_rules_create(rules: &[SecurityGroupRule], job_kind: &str, limit: i64) -> NetWrite;
        /// Takes a rule away from its group.
        transaction security_group_rule_delete(id: &str, job_kind: &str) -> NetWrite;
    }
    quotas {
        /// What a project has, for its quotas.
        read network_usage(project_id: &str) -> NetworkUsage;
        /// The limits that were set for a project.
        read project_quotas(project_id: &str) -> Vec<(String, i64)>;
        /// Every limit that was set: project, resource, limit.
        read project_quotas_all() -> Vec<(String, String, i64)>;
        /// Sets limits of a project; others stay.
        transaction project_quotas_set(project_id: &str, limits: &[(String, i64)]) -> ();
        /// A project follows the configuration again.
        write project_quotas_delete(project_id: &str) -> bool;
    }
}
