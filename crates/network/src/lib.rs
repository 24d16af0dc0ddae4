//! Networking at the top: what networks, subnets, ports and security groups are, and
//! how they come to be in pods.
//!
//! * [`drivers`] and [`ipam`] decide segments and addresses: pure functions.
//! * `write` makes and changes rows, choosing again when a race was lost.
//! * `realize` makes things exist in pods and be gone from them.
//! * [`routers`] joins networks within and between pods, and to the outside.
//! * [`servers`] is what the compute gateway asks for.
//! * [`kinds`] are the jobs that clean up.
//! * [`resource`] describes the resources of the API as tables.
//! * [`error`] has Neutron's and Nova's errors and texts.
//!
//! The top is the source of truth: a pod allocates no user's address and no segment.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod drivers;
pub mod error;
pub mod ipam;
pub mod kinds;
mod realize;
pub mod resource;
pub mod routers;
pub mod servers;
mod service;
mod write;

pub use error::NetworkError;
pub use realize::{PortInPod, members_wish};
pub use servers::{
    Actor, InterfaceError, PlannedInterface, PlannedNic, RealizedPort, RequestedNetworks,
    RequestedNic, ServerNetworks, ServerPortsError, TopPort,
};
pub use service::Network;
pub use write::PortDraft;
