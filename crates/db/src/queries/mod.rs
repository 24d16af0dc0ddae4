//! Every statement of the project, one file per aggregate.
//!
//! Compiled once per backend (see the crate's documentation). A function here is
//! one use case and takes `conn` first; one that writes more than a row runs in
//! `transaction!`. Nothing here knows HTTP.

pub(crate) use super::{Conn, dialect};

pub(crate) mod compute;
pub(crate) mod floating_ips;
pub(crate) mod group_members;
pub(crate) mod intents;
pub(crate) mod jobs;
pub(crate) mod network_write;
pub(crate) mod networks;
pub(crate) mod pods;
pub(crate) mod ports;
pub(crate) mod quotas;
pub(crate) mod resources;
pub(crate) mod routers;
pub(crate) mod security_groups;
pub(crate) mod subnets;
