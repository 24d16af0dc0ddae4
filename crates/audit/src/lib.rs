//! The invariants of the whole: nothing lost, nothing twice, nothing left behind.
//!
//! [`Auditor::look`] reads the top's rows, then every pod, then the rows again, and
//! changes nothing. [`check`] compares what was [`Seen`]: a pure function, which says what
//! is wrong and what would mend it. [`Auditor::repair`] does the mending that is safe: it
//! wants a job that heals, or removes from a pod what carries our mark and belongs to
//! nothing. It never deletes a server or a volume.
//!
//! It works on a system that runs. Rows are written before pods are called, so what a pod
//! has must be in one of the two readings of the rows; and a row is only said to have
//! nothing in its pod when both readings have it unchanged. What is under way has a live
//! job, and counts as wrong only without one and after a grace.
//!
//! A pod that cannot be asked is reported as not checked. It is never taken for empty.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod auditor;
mod check;
mod finding;
mod in_pods;
mod repair;
mod seen;

pub use auditor::{AuditError, Auditor};
pub use check::check;
pub use finding::{Finding, Problem, Remedy};
pub use seen::{Object, ObjectKind, Part, PodSeen, Rows, Seen, Thing};
