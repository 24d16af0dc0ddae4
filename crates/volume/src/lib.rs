//! Volumes across pods: making them, ending what was half made, seeing deleted ones
//! gone.
//!
//! `cinder-apigw` calls [`Volumes::create`] and [`Volumes::delete`]; `xjob` runs the
//! two job kinds, [`VolumeRecover`] and [`VolumeRemove`]. It is the pattern of servers
//! with less in it: intent and job in one transaction, then the pod, then the record.
//!
//! A volume's id comes from its pod. After a crash between the pod's answer and the
//! record it is found by a mark: Cinder keeps no scheduler hints, but metadata can be
//! filtered by, so the mark is an entry there ([`INTENT_KEY`]), which the gateway
//! leaves out of answers.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod create;
mod delete;
mod fault;
mod placement;
mod recover;
mod remove;
mod request;
mod types;

pub use recover::VolumeRecover;
pub use remove::VolumeRemove;
pub use request::VolumeRequest;
pub use tricircle_intent::{MARK as INTENT_KEY, VOLUME_RECOVER, VOLUME_REMOVE};

use std::sync::Arc;

use tricircle_config::Config;
use tricircle_db::Store;
use tricircle_jobs::JobSender;
use tricircle_pods::Pods;

/// The block storage use cases, over what they need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Volumes {
    /// The database.
    pub store: Store,
    /// The pods.
    pub pods: Pods,
    /// Where jobs go.
    pub jobs: JobSender,
    /// The configuration.
    pub config: Arc<Config>,
}
