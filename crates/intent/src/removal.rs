//! The end of a delete.

use tricircle_db::Store;
use tricircle_db::models::{RoutingKind, RoutingState};
use tricircle_jobs::JobError;
use tricircle_pods::PodError;

use crate::pod_job_error;

/// What a pod says of a thing whose delete was wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is gone.
    Gone,
    /// It is on its way out.
    Going,
    /// It lives: the pod was never asked, refused, or failed.
    There,
}

impl Presence {
    /// Read from the answer to a show; `is_going` says whether the body is that of a
    /// thing on its way out.
    pub fn read(
        pod_id: &str,
        shown: Result<serde_json::Value, PodError>,
        is_going: impl Fn(&serde_json::Value) -> bool,
    ) -> Result<Self, JobError> {
        match shown {
            Err(error) if error.is_not_found() => Ok(Self::Gone),
            Err(error) => Err(pod_job_error(pod_id, error)),
            Ok(body) if is_going(&body) => Ok(Self::Going),
            Ok(_) => Ok(Self::There),
        }
    }
}

/// Records that a thing is gone. Done last, after all that was made for it went.
pub async fn ended(store: &Store, kind: RoutingKind, id: &str) -> Result<(), JobError> {
    if let Some(row) = store.routing_by_top(kind, id).await? {
        let from = [RoutingState::Active, RoutingState::Deleting];
        store
            .routing_move(&row.id, &from, RoutingState::Deleted)
            .await?;
    }
    Ok(())
}
