//! A simulated OpenStack: one Keystone, one shared Glance, and any number of
//! pods (Nova, Neutron, Cinder, Placement), spoken to over real HTTP.
//!
//! Tests of Tricircle need pods that fail on demand, lose answers after the
//! effect, come and go, and can be asked afterwards who called what. Real pods
//! cannot do that, so this crate plays them, near enough that a scenario
//! written over HTTP runs here and on real pods by the same code: the codes,
//! bodies and headers were taken from running services, and
//! `tests/conformance.rs` compares the two.
//!
//! Shape: every service is a pure function from (state, request, caller) to a
//! reply, dispatched by `match` over the method and path segments. One mutex
//! guards the state of one pod. Nothing runs in the background: work that a
//! real service does after its 202 is an event with a due time, applied by the
//! next access (see `state`). Sockets, faults and the journal are around these
//! functions, in `server`, and know nothing of OpenStack.
//!
//! What it refuses to be: a scheduler, a hypervisor, or a dataplane.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod cinder;
mod cloud;
mod control;
mod faults;
mod glance;
mod ids;
mod inventory;
mod journal;
mod keystone;
mod neutron;
mod nova;
mod placement;
mod pod;
mod request;
mod server;
mod state;

pub use cloud::{CloudOptions, SimCloud};
pub use faults::{Fault, Faults, Match, Times};
pub use inventory::{Inventory, Item};
pub use journal::{Call, Journal};
pub use keystone::Wide;
pub use pod::SimPod;
pub use request::Service;
pub use server::SimError;
