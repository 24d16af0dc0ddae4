//! The Networking API v2.0 of the top: the source of truth for networks, subnets,
//! ports and security groups. Addresses, MACs and segments are given here; pods get
//! realizations on demand, and are cleaned by jobs.
//!
//! `family` has the verbs for all kinds of resources, `families` what each kind
//! is; the shape of bodies, lists and answers comes from the tables of the network
//! crate.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod call;
mod cloud;
mod extensions;
mod families;
mod family;
mod quotas;
mod rows;
mod rules;
mod service;
mod state;
mod writes;

pub use service::{start, table};
