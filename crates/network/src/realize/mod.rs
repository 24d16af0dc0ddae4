//! Realization: making what the top owns exist in a pod, and be gone from it.
//!
//! Every kind goes the same way (`ensure`): an intent row first, so that nothing is
//! ever made that nobody knows of; then a look in the pod for the mark
//! `tricircle:<top id>` in `description`, because an earlier try may have lost its
//! answer; then the create; then the row is completed. Removal is the same backwards
//! and counts 404 as success. Any step may be cut off and run again.
//!
//! What a body looks like is a pure function (`body`); the rest is a loop around it.

pub(crate) mod body;
mod ensure;
mod groups;
mod members;
mod networks;
mod ports;
mod remove;
mod rules;
mod settle;
mod subnets;
mod sync;

pub(crate) use ensure::Wanted;
pub use members::members_wish;
pub use ports::PortInPod;
pub(crate) use remove::Makers;
pub(crate) use subnets::is_auto_address;
