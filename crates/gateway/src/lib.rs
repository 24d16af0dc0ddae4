//! The pass-through engine that `nova-apigw` and `cinder-apigw` share.
//!
//! A gateway is a [`Surface`]: a table of [`Route`]s, each naming a path and a
//! [`Strategy`], and a table of the fields that are rewritten in answers
//! ([`FieldRule`]). This crate turns the table into an actix service and carries the
//! strategies out:
//!
//! * [`Strategy::Local`]: the top answers by itself, by a policy rule of its own;
//! * [`Strategy::Inspected`]: the top looks at the call and passes it on;
//! * [`Strategy::ByResource`]: the routing of the id in the path names the pod, the
//!   call is forwarded there and streamed both ways;
//! * [`Strategy::List`] and [`Strategy::Collect`]: every pod is asked at once and the
//!   answers become one;
//! * [`Strategy::AnyPod`]: any pod gives the same answer.
//!
//! What users are told of a pod that does not answer is one rule ([`AwayRecords`],
//! [`show`]).
//!
//! What is not special passes through. Bodies are parsed only where something in
//! them must be changed.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod answer;
mod away;
mod call;
mod collect;
mod detached;
mod floating;
mod forward;
mod headers;
mod list;
mod merge;
#[cfg(test)]
mod properties;
mod query;
mod removal;
mod resolve;
mod rewrite;
mod route;
mod translate;

pub use answer::{fault_of, pod_fault};
pub use away::{AwayRecords, Shown, show};
pub use call::{Call, Gateway};
pub use detached::detached;
pub use floating::FloatingAddresses;
pub use forward::{ForwardBody, forward_to};
pub use list::ListSpec;
pub use merge::{Direction, SortKey, compare};
pub use removal::remove;
pub use resolve::{Resolved, Routings};
pub use rewrite::{FieldRule, FieldWork, Rewriter};
pub use route::{Handler, Route, Strategy, Surface, configure, inspected, local};
pub use translate::{in_the_tops_words, to_top};
