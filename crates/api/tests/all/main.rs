//! A service on a real port, with a simulated Keystone behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod discovery;
mod edge;
mod tokens;
mod versions;
