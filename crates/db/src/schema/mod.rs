//! Tables as diesel sees them; the same for both backends.
//!
//! Booleans are `Bool`, JSON is `Text`, moments are `Timestamp`; ids are text of
//! at most 36 characters unless they come from a user.

mod core;
mod job_tables;
mod network;
mod router_tables;

pub(crate) use core::*;
pub(crate) use job_tables::*;
pub(crate) use network::*;
pub(crate) use router_tables::*;
