//! The admin API on a real port, with simulated pods and a database of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod bindings;
mod jobs;
mod pods;
mod registration;
mod routings;
mod topology;
