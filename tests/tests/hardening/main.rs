//! What must hold whoever calls, and however: every route is refused to those whom the
//! policy refuses, and no input brings a service to its knees.
//!
//! All of it runs in one process: four services over simulated pods. Inputs are in
//! `corpus/`, one file or line each, so that what once broke something stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod bed;
mod corpus;
mod fuzz;
mod properties;
mod random;
mod strangers;
mod wire;
