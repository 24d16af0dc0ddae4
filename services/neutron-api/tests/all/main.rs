//! The Networking API over HTTP: a real server on SQLite, with a simulated
//! Keystone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod bed;
mod bodies;
mod floatingips;
mod lists;
mod networks;
mod pods;
mod ports;
mod quotas;
mod real;
mod routers;
mod security_groups;
mod subnets;
