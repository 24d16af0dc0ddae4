//! The worker, and every kind of job that it runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod kinds;
mod plots;
mod router_plots;
mod worker;
mod world;
