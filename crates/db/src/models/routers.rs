//! Routers and floating IPs. Interfaces and gateways are rows of `ports`.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};

use super::{PortView, RowState};
use crate::Timestamp;
use crate::schema::{bridge_networks, floating_ips, routers};

/// `device_owner` of a router's interface.
pub const ROUTER_INTERFACE: &str = "network:router_interface";
/// `device_owner` of a router's port on its external network.
pub const ROUTER_GATEWAY: &str = "network:router_gateway";
/// `device_owner` of the port that holds a floating IP's address.
pub const FLOATING_IP: &str = "network:floatingip";

/// The job kind that brings the pods of a router in step. What comes, moves and goes in the
/// tables enqueues it in the same transaction.
pub const ROUTER_SYNC: &str = "router_sync";

/// A router.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = routers)]
pub struct Router {
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
    /// `ACTIVE`.
    pub status: String,
    /// JSON list of zone names.
    pub availability_zone_hints: String,
    /// The external network, if it has a gateway.
    pub gateway_network_id: Option<String>,
    /// Its port there.
    pub gateway_port_id: Option<String>,
    /// Whether what leaves by the gateway gets the gateway's address.
    pub enable_snat: bool,
    /// The user's own routes: JSON list of `{"destination", "nexthop"}`.
    pub routes: String,
    /// Counts changes.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which fields of a router to change; `None` leaves one alone.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = routers)]
pub struct RouterChange {
    /// Name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Administrative state.
    pub admin_state_up: Option<bool>,
    /// Source NAT at the gateway.
    pub enable_snat: Option<bool>,
    /// JSON list of routes.
    pub routes: Option<String>,
}

/// What becomes of a router's gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayChange {
    /// It keeps it, or keeps having none.
    Keep,
    /// It has none from now on.
    Clear,
    /// This port is the gateway from now on; an older one goes.
    Set(Box<PortView>),
}

/// Which routers to list; empty lists mean "any".
#[derive(Debug, Clone, Default)]
pub struct RouterFilter {
    /// Ids.
    pub ids: Vec<String>,
    /// Owners.
    pub project_ids: Vec<String>,
    /// Names.
    pub names: Vec<String>,
    /// Those that only wait for the pods, too.
    pub deleting_too: bool,
}

/// A floating IP.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = floating_ips)]
pub struct FloatingIp {
    /// UUID.
    pub id: String,
    /// Owner.
    pub project_id: String,
    /// Free text.
    pub description: String,
    /// Whether users see it.
    pub state: RowState,
    /// The external network.
    pub floating_network_id: String,
    /// The address there.
    pub floating_ip_address: String,
    /// The port that holds the address.
    pub floating_port_id: String,
    /// The port that it leads to.
    pub port_id: Option<String>,
    /// That port's address.
    pub fixed_ip_address: Option<String>,
    /// The router by which it leads there.
    pub router_id: Option<String>,
    /// `ACTIVE`, `DOWN`.
    pub status: String,
    /// DNS name.
    pub dns_name: String,
    /// DNS domain.
    pub dns_domain: String,
    /// Counts changes.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where a floating IP leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatingTarget {
    /// The port.
    pub port_id: String,
    /// Its address.
    pub fixed_ip_address: String,
    /// The router by which it leads there.
    pub router_id: String,
}

/// A floating IP in another pod than its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatingElsewhere {
    /// MAC address of the server's port.
    pub mac_address: String,
    /// The address that it leads to.
    pub fixed_ip_address: String,
    /// The address outside.
    pub floating_ip_address: String,
}

/// Which floating IPs to list; empty lists mean "any".
#[derive(Debug, Clone, Default)]
pub struct FloatingIpFilter {
    /// Ids.
    pub ids: Vec<String>,
    /// Owners.
    pub project_ids: Vec<String>,
    /// Ports that they lead to.
    pub port_ids: Vec<String>,
    /// Routers by which they lead there.
    pub router_ids: Vec<String>,
    /// External networks.
    pub network_ids: Vec<String>,
    /// Those that only wait for the pods, too.
    pub deleting_too: bool,
}

/// A project's bridge network.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = bridge_networks)]
pub struct BridgeNetwork {
    /// The project whose routers it joins.
    pub project_id: String,
    /// The network, which belongs to nobody.
    pub network_id: String,
    /// The prefix of its subnet.
    pub cidr: String,
}

impl Default for Router {
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
            availability_zone_hints: "[]".to_owned(),
            gateway_network_id: None,
            gateway_port_id: None,
            enable_snat: true,
            routes: "[]".to_owned(),
            revision_number: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

impl Default for FloatingIp {
    fn default() -> Self {
        let now = crate::now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            project_id: String::new(),
            description: String::new(),
            state: RowState::Live,
            floating_network_id: String::new(),
            floating_ip_address: String::new(),
            floating_port_id: String::new(),
            port_id: None,
            fixed_ip_address: None,
            router_id: None,
            status: "DOWN".to_owned(),
            dns_name: String::new(),
            dns_domain: String::new(),
            revision_number: 0,
            created_at: now,
            updated_at: now,
        }
    }
}
