//! The gateway on simulated pods, spoken to over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crashes;
mod sources;
mod volumes;
mod world;
