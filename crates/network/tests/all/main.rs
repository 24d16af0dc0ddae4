//! Networks in simulated pods.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod groups;
mod jobs;
mod members;
mod misfortune;
mod real;
mod realize;
mod routers;
mod servers;
mod world;
