//! The gateway on simulated pods, spoken to over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod quotas;
mod server_groups;
mod world;
