//! The job engine: what must still happen in the pods after a request was answered.
//!
//! A pod is another system: it may be down, slow, or lose a reply, and this process
//! may be killed between any two calls. So everything that outlives a request is a
//! row in `jobs`, written in the transaction of the change that needs it, and run
//! from there until it is done:
//!
//! * **The table is the truth.** The message bus only saves a worker the wait for its
//!   next poll; losing every message costs time and nothing else.
//! * **A job is keyed by what it is about** (kind, resource, pod) and says "bring this
//!   in order", not what changed. A wish for a live job joins it; one that comes while
//!   it runs is run afterwards. No clock decides which was first: wishes are counted.
//! * **A run has a lease**, renewed by heartbeats. Whoever loses it stops at once, and
//!   each of its later writes is refused, because it carries the lease's number.
//! * **Every run may be the second one.** A kind is a *reconcile* ([`JobKind`]: look,
//!   compare, mend) or a chain of *steps with undo* ([`Steps`]). [`testing`] proves
//!   for a kind that being cut off anywhere and run again leads to the same end.
//!
//! What the end of a run means for its row is decided in [`verdict`](crate::verdict),
//! a pure function; the rest is a loop around it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod config;
mod engine;
mod error;
mod kind;
mod run;
mod sender;
mod steps;
mod sweep;
pub mod testing;
pub mod verdict;
mod worker;

pub use config::EngineConfig;
pub use engine::Engine;
pub use error::JobError;
pub use kind::{JobKind, Kinds};
pub use run::JobRun;
pub use sender::JobSender;
pub use steps::{InSteps, Steps};
pub use tricircle_db::models::{Job, JobState, NewJob};
