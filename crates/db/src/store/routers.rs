//! Methods of [`Store`]: routers, floating IPs, bridge networks.

use super::*;
use crate::models::*;

store! {
    routers {
        /// Makes a router within its project's limit, with its gateway's port if it has one.
        transaction router_create(router: &Router, gateway: Option<&PortView>, limit: i64, job: &NewJob) -> NetWrite;
        /// Routers by id, in that order.
        read routers(filter: &RouterFilter) -> Vec<Router>;
        /// One router, also while it is being deleted.
        read router_by_id(id: &str) -> Option<Router>;
        /// Changes a live router; the port of an older gateway is deleted. Floating IPs that
        /// lead through the router keep its gateway: [`NetWrite::InUse`] with their ids.
        transaction router_update(id: &str, change: &RouterChange, gateway: &GatewayChange, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Accepts the delete of a router; interfaces keep it ([`NetWrite::InUse`]).
        transaction router_mark_deleting(id: &str, expected_revision: Option<i64>, job: &NewJob) -> NetWrite;
        /// Gives a router an interface: a new port, or a free port of the user's.
        ///
        /// `siblings` are the interfaces that overlaps were checked against; when the router
        /// has others by now the answer is [`NetWrite::Changed`]. `gateway_of`: the port is
        /// new and takes the gateway address of this subnet, which another port may have
        /// already ([`NetWrite::AddressTaken`]).
        transaction router_interface_add(router_id: &str, siblings: &[String], port: &PortView, gateway_of: Option<&str>, job: &NewJob) -> NetWrite;
        /// Takes an interface from a router; floating IPs that need it keep it
        /// ([`NetWrite::InUse`]).
        transaction router_interface_remove(router_id: &str, port_id: &str, job: &NewJob) -> NetWrite;
        /// Removes for good what pods no longer have of a router: ports of deleted interfaces
        /// and gateways, and at last the router itself, with the bridge network that it was
        /// the last one on (by a job of the kind `bridge_job`). True when the router's row
        /// is gone.
        transaction router_finish(id: &str, bridge_job: &str) -> bool;
        /// The routers that have an interface on one of these subnets.
        read routers_on(subnet_ids: &[String]) -> Vec<String>;
        /// What a pod uses in place of an address that belongs to a router: what it has
        /// already; the address of `owner` itself where no pod uses that yet; else `wanted`.
        transaction router_address(owner: &str, pod_id: &str, wanted: &IpAllocation) -> (NetWrite, Option<IpAllocation>);
        /// A pod no longer uses what it had in place of an address of `owner`.
        transaction router_address_release(owner: &str, pod_id: &str) -> ();
        /// A project's bridge network.
        read bridge_of(project_id: &str) -> Option<BridgeNetwork>;
        /// The prefixes of all bridge networks.
        read bridge_prefixes() -> Vec<String>;
        /// Makes a project's bridge network with its subnet. [`NetWrite::Changed`]: the
        /// project has one, or somebody else took the prefix.
        transaction bridge_create(bridge: &BridgeNetwork, network: &Network, subnet: &Subnet) -> NetWrite;
        /// Forgets a project's bridge network when no router uses it; a job of `job_kind`
        /// removes it from the pods. False when it is in use.
        transaction bridge_retire(project_id: &str, job_kind: &str) -> bool;
    }
    floating_ips {
        /// Makes a floating IP within its project's limit, with the port that holds its
        /// address. [`NetWrite::Bound`]: its target has one on this network already.
        transaction floating_ip_create(floating: &FloatingIp, port: &PortView, limit: i64, request_id: &str) -> NetWrite;
        /// Floating IPs by id, in that order.
        read floating_ips(filter: &FloatingIpFilter) -> Vec<FloatingIp>;
        /// Floating IPs that are in another pod than their servers.
        read floating_ips_elsewhere() -> Vec<FloatingElsewhere>;
        /// One floating IP, also while it is being deleted.
        read floating_ip_by_id(id: &str) -> Option<FloatingIp>;
        /// Changes a live floating IP. `target`: where it leads from now on; `Some(None)`:
        /// nowhere. The routers that it led and leads through follow.
        transaction floating_ip_update(id: &str, description: Option<&str>, target: Option<Option<&FloatingTarget>>, expected_revision: Option<i64>, request_id: &str) -> NetWrite;
        /// Notes whether a floating IP works; users' revisions do not count it.
        write floating_ip_set_status(id: &str, status: &str) -> bool;
        /// Accepts the delete of a floating IP. Where no pod has it it is gone at once; else
        /// its address stays taken until the pod is clean.
        transaction floating_ip_mark_deleting(id: &str, expected_revision: Option<i64>, request_id: &str) -> NetWrite;
        /// Removes a deleted floating IP for good where no pod has it.
        transaction floating_ip_purge(id: &str) -> ();
    }
}
