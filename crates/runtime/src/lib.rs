//! What a Tricircle process is made of, from the configuration to a running service.
//!
//! [`Parts`] holds what every service needs: database, Keystone, pods, broker, policy.
//! A process builds them once ([`Parts::build`]) and starts one service on them, or all
//! of them in the all-in-one process; tests do the same with a configuration of their
//! own. [`main`] is the common body of the binaries' `main.rs`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod parts;
mod policy;
mod process;
mod versions;

pub use parts::Parts;
pub use process::{Started, main};
pub use versions::follow_pods;
