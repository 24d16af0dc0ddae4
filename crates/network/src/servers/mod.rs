//! The networking of servers: what the compute gateway asks of this crate.
//!
//! A create goes `plan` (what is meant, checked in Nova's words) → `check_pod` →
//! `allocate` (rows of the top, in one transaction) → `realize_ports` → `bind_ports`
//! once the server has an id. `release` takes all of it back, whatever of it was done.
//!
//! A server that is there gets one more interface by `plan_interface` → `check_pod` →
//! `allocate_interface` → `realize_ports`, and loses one by `release_interface`. Groups
//! and addresses of its ports are changed at the top ([`ServerPortsError`] has Nova's
//! words for what stands in the way), and brought to the pod as any change of a port is.

mod addresses;
mod allocate;
mod groups;
mod interface;
mod plan;
mod release;
mod resolve;

pub use allocate::{RealizedPort, TopPort, device_owner};
pub use groups::ServerPortsError;
pub use interface::{InterfaceError, PlannedInterface};
pub use plan::{PlannedNic, ServerNetworks};

/// On whose behalf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// Project that the server is for.
    pub project_id: String,
    /// Who asks.
    pub user_id: String,
    /// May use what is not the project's.
    pub is_admin: bool,
    /// The request; pods log it.
    pub request_id: String,
}

/// `networks` of a server create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RequestedNetworks {
    /// Absent: the project's network if it has exactly one, else none.
    #[default]
    Absent,
    /// `auto`: as absent, but a project without network is refused.
    Auto,
    /// `none`.
    None,
    /// A list.
    List(Vec<RequestedNic>),
}

/// One entry of `networks`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestedNic {
    /// `uuid`: the network.
    pub uuid: Option<String>,
    /// `port`: a port of the user's; wins over the network.
    pub port: Option<String>,
    /// `fixed_ip`: this address on the network.
    pub fixed_ip: Option<String>,
    /// `tag`: the device's tag.
    pub tag: Option<String>,
}
