//! Networks, subnets, ports and their addresses: the rows, and what changes them.
//!
//! Lists and objects that no statement looks into are JSON text, exactly as the
//! Networking API shows them.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};

use super::text_enum;
use crate::Timestamp;
use crate::schema::{ip_allocations, networks, ports, subnets};

text_enum!(
    /// Whether users see a row, or it only waits for the pods to be clean.
    RowState {
        /// Users see it.
        Live = "live",
        /// Its delete was accepted; a job removes it from the pods, then the row.
        Deleting = "deleting",
    }
);

/// A network. `Default` is an empty live one, for `..Default::default()`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = networks)]
pub struct Network {
    /// UUID.
    pub id: String,
    /// Owner.
    pub project_id: String,
    /// Name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether users see it.
    pub state: RowState,
    /// Administrative state.
    pub admin_state_up: bool,
    /// `ACTIVE`, `DOWN`, ...
    pub status: String,
    /// Whether every project may use it.
    pub shared: bool,
    /// Bytes.
    pub mtu: i32,
    /// `router:external`.
    pub router_external: bool,
    /// The default external network.
    pub is_default: bool,
    /// What its ports get by default.
    pub port_security_enabled: bool,
    /// DNS domain.
    pub dns_domain: String,
    /// JSON list of zone names.
    pub availability_zone_hints: String,
    /// `local`, `vlan`, ...
    pub network_type: String,
    /// Name of the physical network, for types that have one.
    pub physical_network: Option<String>,
    /// VLAN id or VNI, for types that have one.
    pub segmentation_id: Option<i32>,
    /// The only pod that a `local` network is in, once it is anywhere.
    pub pinned_pod_id: Option<String>,
    /// Counts changes.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which fields of a network to change; `None` leaves one alone.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = networks)]
pub struct NetworkChange {
    /// Name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Administrative state.
    pub admin_state_up: Option<bool>,
    /// Status.
    pub status: Option<String>,
    /// Whether every project may use it.
    pub shared: Option<bool>,
    /// Bytes.
    pub mtu: Option<i32>,
    /// `router:external`.
    pub router_external: Option<bool>,
    /// The default external network.
    pub is_default: Option<bool>,
    /// What its ports get by default.
    pub port_security_enabled: Option<bool>,
    /// DNS domain.
    pub dns_domain: Option<String>,
}

/// A network with the ids of its subnets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkView {
    /// The row.
    pub network: Network,
    /// Its live subnets, by id.
    pub subnets: Vec<String>,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = subnets)]
pub struct Subnet {
    /// UUID.
    pub id: String,
    /// Its network.
    pub network_id: String,
    /// Owner.
    pub project_id: String,
    /// Name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether users see it.
    pub state: RowState,
    /// 4 or 6.
    pub ip_version: i32,
    /// Network address and prefix length.
    pub cidr: String,
    /// The users' gateway address; each pod but the first gets one of its own.
    pub gateway_ip: Option<String>,
    /// Whether pods serve DHCP on it.
    pub enable_dhcp: bool,
    /// `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless`.
    pub ipv6_ra_mode: Option<String>,
    /// The same words.
    pub ipv6_address_mode: Option<String>,
    /// The pool that the CIDR came from.
    pub subnetpool_id: Option<String>,
    /// JSON list of `{"start", "end"}`.
    pub allocation_pools: String,
    /// JSON list of addresses.
    pub dns_nameservers: String,
    /// JSON list of `{"destination", "nexthop"}`.
    pub host_routes: String,
    /// JSON list of device owners.
    pub service_types: String,
    /// Counts changes.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which fields of a subnet to change; `None` leaves one alone.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = subnets)]
pub struct SubnetChange {
    /// Name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Gateway; its reservation follows.
    pub gateway_ip: Option<Option<String>>,
    /// Whether pods serve DHCP on it.
    pub enable_dhcp: Option<bool>,
    /// JSON list of pools.
    pub allocation_pools: Option<String>,
    /// JSON list of addresses.
    pub dns_nameservers: Option<String>,
    /// JSON list of routes.
    pub host_routes: Option<String>,
    /// JSON list of device owners.
    pub service_types: Option<String>,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = ports)]
pub struct Port {
    /// UUID.
    pub id: String,
    /// Its network.
    pub network_id: String,
    /// Owner.
    pub project_id: String,
    /// Name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether users see it.
    pub state: RowState,
    /// Lower case, colons.
    pub mac_address: String,
    /// Administrative state.
    pub admin_state_up: bool,
    /// As last seen in its pod; `DOWN` before.
    pub status: String,
    /// The server (or the intent of one) that uses it; empty: free.
    pub device_id: String,
    /// `compute:<zone>`, `network:...`; empty: free.
    pub device_owner: String,
    /// Whether groups and anti-spoofing apply.
    pub port_security_enabled: bool,
    /// JSON list of `{"ip_address", "mac_address"}`.
    pub allowed_address_pairs: String,
    /// JSON list of `{"opt_name", "opt_value", "ip_version"}`.
    pub extra_dhcp_opts: String,
    /// `normal`, `direct`, ...
    pub binding_vnic_type: String,
    /// JSON object, kept as given.
    pub binding_profile: String,
    /// Kept as given.
    pub binding_host_id: String,
    /// DNS name.
    pub dns_name: String,
    /// Whether the uplink's state is passed on.
    pub propagate_uplink_status: bool,
    /// Made by the compute gateway for a server, and deleted with it.
    pub created_by_gateway: bool,
    /// Counts changes.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which fields of a port to change; `None` leaves one alone.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = ports)]
pub struct PortChange {
    /// Name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Its MAC address.
    pub mac_address: Option<String>,
    /// Administrative state.
    pub admin_state_up: Option<bool>,
    /// Status.
    pub status: Option<String>,
    /// Who uses it.
    pub device_id: Option<String>,
    /// What kind of user that is.
    pub device_owner: Option<String>,
    /// Whether groups and anti-spoofing apply.
    pub port_security_enabled: Option<bool>,
    /// JSON list of pairs.
    pub allowed_address_pairs: Option<String>,
    /// JSON list of options.
    pub extra_dhcp_opts: Option<String>,
    /// Kind of virtual NIC.
    pub binding_vnic_type: Option<String>,
    /// JSON object.
    pub binding_profile: Option<String>,
    /// Host.
    pub binding_host_id: Option<String>,
    /// DNS name.
    pub dns_name: Option<String>,
    /// Whether the uplink's state is passed on.
    pub propagate_uplink_status: Option<bool>,
}

text_enum!(
    /// What an address is taken for.
    AddressPurpose {
        /// A port's fixed IP.
        Port = "port",
        /// The gateway: the user's (no pod), or the one of a further pod.
        Gateway = "gateway",
        /// What a pod needs for itself on the subnet (DHCP, metadata).
        Infrastructure = "infrastructure",
        /// What a further pod uses in place of an address that belongs to a router: of an
        /// interface, of the external gateway, on a bridge network. `port_id` is the port of
        /// the interface or gateway; of a bridge network the router.
        Router = "router",
        /// No longer a port's fixed IP, while the port's pod may still use it.
        Releasing = "releasing",
    }
);

/// An address that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = ip_allocations)]
pub struct IpAllocation {
    /// The subnet.
    pub subnet_id: String,
    /// The address in 32 hex digits ([`ip_key`]).
    pub ip_key: String,
    /// The address as users write it.
    pub ip_address: String,
    /// The network.
    pub network_id: String,
    /// What for.
    pub purpose: AddressPurpose,
    /// The port, if it is one's.
    pub port_id: Option<String>,
    /// The pod, if it is one's; for the gateway of users: the pod that took it over.
    pub pod_id: Option<String>,
}

/// The key under which an address is kept: IPv4 and IPv6 alike, in numeric order.
pub fn ip_key(address: std::net::IpAddr) -> String {
    let number = match address {
        std::net::IpAddr::V4(v4) => u128::from(u32::from(v4)),
        std::net::IpAddr::V6(v6) => u128::from(v6),
    };
    format!("{number:032x}")
}

impl IpAllocation {
    /// An address of a subnet, taken for something.
    pub fn new(subnet: &Subnet, address: std::net::IpAddr, purpose: AddressPurpose) -> Self {
        Self {
            subnet_id: subnet.id.clone(),
            ip_key: ip_key(address),
            ip_address: address.to_string(),
            network_id: subnet.network_id.clone(),
            purpose,
            port_id: None,
            pod_id: None,
        }
    }
}

/// A port with its addresses and groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortView {
    /// The row.
    pub port: Port,
    /// Its addresses, by subnet and address.
    pub fixed_ips: Vec<IpAllocation>,
    /// Ids of its security groups, sorted.
    pub security_groups: Vec<String>,
}

/// Which networks to list; empty lists and `None` mean "any".
#[derive(Debug, Clone, Default)]
pub struct NetworkFilter {
    /// Ids.
    pub ids: Vec<String>,
    /// Owners.
    pub project_ids: Vec<String>,
    /// With owners: shared and external networks of others too.
    pub or_visible_to_all: bool,
    /// Names.
    pub names: Vec<String>,
    /// Those that only wait for the pods, too.
    pub deleting_too: bool,
}

/// Which subnets to list; empty lists mean "any".
#[derive(Debug, Clone, Default)]
pub struct SubnetFilter {
    /// Ids.
    pub ids: Vec<String>,
    /// Owners.
    pub project_ids: Vec<String>,
    /// With owners: those of shared and external networks too.
    pub or_visible_to_all: bool,
    /// Networks.
    pub network_ids: Vec<String>,
    /// Names.
    pub names: Vec<String>,
    /// Those that only wait for the pods, too.
    pub deleting_too: bool,
}

/// Which ports to list; empty lists mean "any".
#[derive(Debug, Clone, Default)]
pub struct PortFilter {
    /// Ids.
    pub ids: Vec<String>,
    /// Owners.
    pub project_ids: Vec<String>,
    /// With owners: ports on these projects' own networks too, whoever owns the port.
    pub or_on_own_networks: bool,
    /// Networks.
    pub network_ids: Vec<String>,
    /// Users of ports.
    pub device_ids: Vec<String>,
    /// Kinds of users.
    pub device_owners: Vec<String>,
    /// MAC addresses.
    pub mac_addresses: Vec<String>,
    /// Names.
    pub names: Vec<String>,
    /// Those that only wait for the pods, too.
    pub deleting_too: bool,
}

/// How writing a network, subnet or port ended when the database was well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetWrite {
    /// As asked.
    Done,
    /// The row, or the one it hangs on, is not there (any more).
    NotFound,
    /// `If-Match` named another revision than this one.
    OtherRevision(i64),
    /// The segment is somebody else's.
    SegmentTaken,
    /// The MAC address is another port's on this network.
    MacTaken,
    /// This address is taken.
    AddressTaken(String),
    /// What hangs on it (ids of ports, groups, rules): it was left as it is.
    InUse(Vec<String>),
    /// A user of the port is there already: its device id.
    Bound(String),
    /// A security group is missing: its id.
    NoGroup(String),
    /// A rule like this is there: its id.
    DuplicateRule(String),
    /// Default groups are not for deleting.
    IsDefault,
    /// A `local` network that lives in this other pod.
    Pinned(String),
    /// What the decision was made from has changed: read and decide again.
    Changed,
    /// The project may not have more of this resource of its quota.
    OverQuota(&'static str),
}

/// How many of each a project has (live ones).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct NetworkUsage {
    /// Networks.
    pub network: i64,
    /// Subnets.
    pub subnet: i64,
    /// Ports.
    pub port: i64,
    /// Security groups.
    pub security_group: i64,
    /// Rules.
    pub security_group_rule: i64,
    /// Routers.
    pub router: i64,
    /// Floating IPs.
    pub floatingip: i64,
}

impl Default for Network {
    fn default() -> Self {
        let now = crate::now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            project_id: String::new(),
            name: String::new(),
            description: String::new(),
            state: RowState::Live,
            admin_state_up: true,
            status: "ACTIVE".to_owned(),
            shared: false,
            mtu: 1500,
            router_external: false,
            is_default: false,
            port_security_enabled: true,
            dns_domain: String::new(),
            availability_zone_hints: "[]".to_owned(),
            network_type: "local".to_owned(),
            physical_network: None,
            segmentation_id: None,
            pinned_pod_id: None,
            revision_number: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

impl Default for Subnet {
    fn default() -> Self {
        let now = crate::now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            network_id: String::new(),
            project_id: String::new(),
            name: String::new(),
            description: String::new(),
            state: RowState::Live,
            ip_version: 4,
            cidr: String::new(),
            gateway_ip: None,
            enable_dhcp: true,
            ipv6_ra_mode: None,
            ipv6_address_mode: None,
            subnetpool_id: None,
            allocation_pools: "[]".to_owned(),
            dns_nameservers: "[]".to_owned(),
            host_routes: "[]".to_owned(),
            service_types: "[]".to_owned(),
            revision_number: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

impl Default for Port {
    fn default() -> Self {
        let now = crate::now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            network_id: String::new(),
            project_id: String::new(),
            name: String::new(),
            description: String::new(),
            state: RowState::Live,
            mac_address: String::new(),
            admin_state_up: true,
            status: "DOWN".to_owned(),
            device_id: String::new(),
            device_owner: String::new(),
            port_security_enabled: true,
            allowed_address_pairs: "[]".to_owned(),
            extra_dhcp_opts: "[]".to_owned(),
            binding_vnic_type: "normal".to_owned(),
            binding_profile: "{}".to_owned(),
            binding_host_id: String::new(),
            dns_name: String::new(),
            propagate_uplink_status: false,
            created_by_gateway: false,
            revision_number: 1,
            created_at: now,
            updated_at: now,
        }
    }
}
