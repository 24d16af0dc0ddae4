//! Routers and floating IPs.
//!
//! At the top a router is one thing: rows, written in `write`, `interfaces`,
//! `floating`. In the pods it is a part per pod. [`plan`] says which pods need a part and
//! what belongs into each (a pure function over [`facts`]); `realize` brings one pod
//! there; a job kind per router and one per router and pod call them.
//!
//! Parts are joined by the project's bridge network. Traffic between the pods goes by
//! routes over it; traffic to the outside by the part in the external network's pod.

mod bridge;
mod error;
mod facts;
mod floating;
mod gateway;
mod interface_checks;
mod interfaces;
mod jobs;
mod part_ports;
mod plan;
mod realize;
mod targets;
mod write;

pub use error::RouterError;
pub use floating::{FloatingIpDraft, TargetWish};
pub use gateway::{GatewayUpdate, GatewayWish};
pub use interfaces::{Interface, InterfaceWish};
pub use write::{MOST_ROUTES, Route, RouterView, routes_from_json};
