//! The client to the pods: everything that leaves the top for a pod goes through here.
//!
//! * [`Pods`] knows which pods there are, where their endpoints are and which
//!   microversions they speak. It keeps that in memory and refreshes it in the
//!   background, so that a warm request asks neither the database nor Keystone.
//! * [`PodSession`] is one caller in one pod. It yields a token that is good *in
//!   that pod*: today the user's own or the service user's, since pods share the
//!   top's Keystone; a federated pod will exchange it in the same place
//!   (`auth`), and nobody else will notice.
//! * [`PodError`] tells what callers must tell apart: the pod answered no, the pod
//!   is away, or nobody knows whether the call took effect.
//! * [`fan_out`] asks many pods at once, each with a deadline.
//! * [`PodHealth`] knows which services of a pod answer: one that does not is asked in
//!   the background, and calls to it fail at once ([`PodError::Down`]).
//!
//! Pods are not trusted to be well-formed: an answer that is not what it should be
//! is [`PodError::Malformed`], and one that is too large is cut off. What all answers
//! together take of the process's memory is bounded ([`HeldAnswers`]).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod auth;
mod breaker;
mod endpoints;
mod error;
mod fanout;
mod health;
mod http;
mod memory;
mod probe;
mod registry;
mod session;
mod versions;

pub use auth::Caller;
pub use breaker::BreakerState;
pub use endpoints::{Endpoints, Service};
pub use error::PodError;
pub use fanout::{PodAnswer, fan_out};
pub use health::{PodHealth, ServiceHealth, is_proxys_excuse};
pub use http::PodHttp;
pub use memory::HeldAnswers;
pub use registry::{PodEntry, Pods, Snapshot};
pub use session::{PodSession, Sent, UnderWay};
pub use versions::{Version, VersionSpan};
