//! Scenarios across all services, and the worlds that they play in.
//!
//! A [`scenarios`] function takes a [`World`]: a Keystone, a top, some pods, and names
//! of users. It speaks HTTP and knows nothing else, so the same code runs on simulated
//! pods (`tests/functional.rs`) and on real ones (`tests/real.rs`). What only a
//! simulation can do (a pod that goes away, a process that is killed between two side
//! effects) takes a [`Simulated`] world, which has handles for it.
//!
//! Everything here is test code, so it may panic: a failed expectation is a panic with
//! the whole call in its message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod broker;
pub mod chaos;
pub mod crash_matrix;
pub mod fault_proxy;
pub mod http;
pub mod identity;
pub mod inventory;
pub mod packets;
pub mod process;
pub mod resources;
pub mod scenarios;
pub mod settings;
pub mod simulated;
pub mod troubled;
pub mod wait;
pub mod world;

pub use simulated::{Backend, Bus, Simulated, Where};
pub use world::World;
