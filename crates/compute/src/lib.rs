//! Servers across pods: making them, undoing what was half made, cleaning up after
//! them, and the compute resources that the top owns (flavors, keypairs).
//!
//! `nova-apigw` calls [`Compute::create`] and [`Compute::delete`], and attaches and
//! detaches [`interfaces`]; `xjob` runs the job kinds, [`ServerRecover`],
//! [`ServerRemove`] and [`InterfaceSettle`]. The order of side effects is
//! always: intent and job in one transaction, then the pod, then the record. A crash
//! between any two leaves a job that finds out what is there and ends it one way or
//! the other.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod body;
mod checks;
mod create;
mod delete;
mod fault;
mod flavors;
pub mod interfaces;
mod keypairs;
mod placement;
mod recover;
mod remove;
mod request;

pub use flavors::flavor_digest;
pub use interfaces::InterfaceSettle;
pub use recover::ServerRecover;
pub use remove::ServerRemove;
pub use request::{Intent, ServerRequest};
pub use tricircle_intent::{INTERFACE_SETTLE, MARK as INTENT_HINT, SERVER_RECOVER, SERVER_REMOVE};

use std::sync::Arc;

use tricircle_config::Config;
use tricircle_db::Store;
use tricircle_jobs::JobSender;
use tricircle_network::Network;
use tricircle_pods::Pods;

/// The compute use cases, over what they need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Compute {
    /// The database.
    pub store: Store,
    /// The pods.
    pub pods: Pods,
    /// Networks and ports.
    pub network: Network,
    /// Where jobs go.
    pub jobs: JobSender,
    /// The configuration.
    pub config: Arc<Config>,
}
