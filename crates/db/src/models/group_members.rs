//! Members of security groups, across pods.

/// The job kind that tells a pod of a group's members in other pods. Its resource is the
/// group. What comes, moves and goes in the tables enqueues it in the same transaction.
pub const SECURITY_GROUP_MEMBERS: &str = "security_group_members";

/// A live port with a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupMember {
    /// The port.
    pub port_id: String,
    /// Its network.
    pub network_id: String,
    /// Its own addresses.
    pub addresses: Vec<String>,
    /// What else it may send from: JSON list of `{"ip_address", "mac_address"}`.
    pub allowed_address_pairs: String,
    /// The pods that have it, or are about to.
    pub pods: Vec<String>,
}

/// A router's interface on a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouterLeg {
    /// The router.
    pub router_id: String,
    /// The network.
    pub network_id: String,
}
