//! What every Tricircle service needs around its handlers, once.
//!
//! A request passes two middlewares before it reaches a handler. The outer one
//! (`edge`) gives it a request id and a tracing span, drops identity headers a
//! client must not send, bounds the body, and on the way back renders faults in
//! the service's own format, adds the headers clients look for, counts and
//! logs. The inner one (`auth`) answers what needs no token (discovery
//! documents, `/healthcheck`, `/metrics`), validates the token, agrees on the
//! microversion, and leaves a [`RequestContext`] for the handler.
//!
//! Handlers are plain actix-web handlers that take a [`RequestContext`], a
//! [`JsonBody`] where there is one, and return `Result<_, Fault>`.
//! [`Service`] starts all of it on a port; tests use port 0.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod auth;
mod body;
mod context;
mod discovery;
mod edge;
mod fault;
mod health;
pub mod json;
pub mod links;
mod metrics;
mod microversion;
mod render;
mod request_id;
mod server;
mod site;
pub mod systemd;
pub mod table;

pub use body::too_large as body_too_large;
pub use context::{RequestContext, Vouching, require_own_project};
pub use fault::{Fault, FaultKind, chain};
pub use health::HealthCheck;
pub use json::JsonBody;
pub use metrics::{RouteLabel, install_recorder};
pub use microversion::{Microversion, SharedVersions, VersionRange};
pub use render::{FaultStyle, Rendered};
pub use request_id::RequestIds;
pub use server::{Running, Service, StartError};
pub use site::Site;
