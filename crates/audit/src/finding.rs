//! What is wrong, and what would mend it.

use std::fmt;

use tricircle_db::models::{NewJob, RealizationKind, Routing};

use crate::ObjectKind;

/// How an invariant is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// A pod, or a service of it, could not be asked; nothing is known of it.
    NotChecked,
    /// A pod has something of ours that no row knows.
    Orphan,
    /// A row says that a pod has something which it does not have.
    Lost,
    /// A pod has something of ours twice.
    Twin,
    /// Begun, too long ago, and no job sees to its end.
    Unfinished,
    /// An address, or the port that has it, is held by something that is gone.
    HeldAddress,
    /// A job that waits for a human, or that no worker takes.
    StuckJob,
}

impl Problem {
    /// A short name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotChecked => "not checked",
            Self::Orphan => "orphan",
            Self::Lost => "lost",
            Self::Twin => "twin",
            Self::Unfinished => "unfinished",
            Self::HeldAddress => "held address",
            Self::StuckJob => "stuck job",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// How.
    pub problem: Problem,
    /// The pod's region; empty where none is concerned.
    pub pod: String,
    /// `server`, `port`, `job`, …
    pub kind: String,
    /// The object in the pod, or the row.
    pub id: String,
    /// What was seen, for people.
    pub detail: String,
    /// What would mend it.
    pub remedy: Remedy,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.problem.as_str(), self.kind, self.id)?;
        if !self.pod.is_empty() {
            write!(f, " in {}", self.pod)?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// What mends a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Remedy {
    /// Nothing that a program may decide.
    ByHand,
    /// A job that brings it in order.
    Want(Box<NewJob>),
    /// Run this job again.
    Retry(String),
    /// Give a server or volume in a pod its routing.
    Adopt(Box<Routing>),
    /// Give an object in a pod its realization: a job completes it.
    Claim {
        /// What it is.
        kind: RealizationKind,
        /// Id at the top.
        top_id: String,
        /// The pod.
        pod_id: String,
        /// Owner.
        project_id: String,
    },
    /// Remove an object from its pod, if it still belongs to nothing and is not in use.
    Remove {
        /// The pod.
        pod_id: String,
        /// What it is.
        kind: ObjectKind,
        /// Id at the top, which is in its mark.
        top_id: String,
        /// Id in the pod.
        bottom_id: String,
    },
    /// Forget the realization with this id: the pod no longer has the object, and makes it
    /// again when it is needed.
    Forget(String),
    /// Free what a pod held of a subnet for itself.
    FreeAddresses {
        /// The subnet.
        subnet_id: String,
        /// The pod.
        pod_id: String,
    },
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByHand => f.write_str("by hand"),
            Self::Want(job) => write!(f, "job {}", job.kind),
            Self::Retry(_) => f.write_str("retry"),
            Self::Adopt(_) => f.write_str("adopt"),
            Self::Claim { .. } => f.write_str("claim"),
            Self::Remove { .. } => f.write_str("remove"),
            Self::Forget(_) => f.write_str("forget"),
            Self::FreeAddresses { .. } => f.write_str("free"),
        }
    }
}
