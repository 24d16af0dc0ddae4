//! Why a run did not reach its end, in the classes that decide what comes next.

use std::time::Duration;

use tricircle_db::DbError;

/// The end of a run that was no success. The texts are kept for the operator: no
/// tokens, no bodies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// May go away by itself (timeout, 429, 5xx, a lost connection): tried again
    /// after a growing pause.
    #[error("{message}")]
    Transient {
        /// What happened.
        message: String,
        /// The pause that the pod asked for (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// The pod cannot be reached: tried again when it is back.
    #[error("{message}")]
    PodDown {
        /// The pod.
        pod_id: String,
        /// What happened.
        message: String,
    },
    /// Trying again is no use (refused, invalid): undone if it can be, else failed.
    #[error("{0}")]
    Permanent(String),
    /// What it is about does not exist any more: nothing left to do.
    #[error("{0}")]
    Gone(String),
    /// Its cancellation was asked for, and it stopped where it could.
    #[error("the job was cancelled")]
    Cancelled,
    /// Somebody else holds the job now; this run must stop without a trace.
    #[error("the lease of the job was lost")]
    LeaseLost,
}

impl JobError {
    /// Tried again after a pause.
    pub fn transient(why: impl std::fmt::Display) -> Self {
        Self::Transient {
            message: why.to_string(),
            retry_after: None,
        }
    }

    /// Never tried again.
    pub fn permanent(why: impl std::fmt::Display) -> Self {
        Self::Permanent(why.to_string())
    }

    /// Tried again when this pod is back.
    pub fn pod_down(pod_id: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::PodDown {
            pod_id: pod_id.into(),
            message: why.to_string(),
        }
    }

    /// Nothing left to do.
    pub fn gone(why: impl std::fmt::Display) -> Self {
        Self::Gone(why.to_string())
    }
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Corrupt(_) => Self::permanent(error),
            _ => Self::transient(error),
        }
    }
}
