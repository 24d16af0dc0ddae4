//! Networking at the top: what networks, subnets, ports and security groups are, and
//! how they come to be in pods.
//!
//! * `drivers` and [`ipam`] decide segments and addresses: pure functions.
//! * [`resource`] describes the resources of the API as tables.
//! * [`error`] has Neutron's errors and texts.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod drivers;
pub mod error;
pub mod ipam;
pub mod resource;

pub use error::NetworkError;
