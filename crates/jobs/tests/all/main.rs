//! The engine against real databases, and the harness against kinds good and bad.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod engine;
mod harness;
