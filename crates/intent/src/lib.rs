//! What every create and delete of something that a pod owns has in common.
//!
//! A create is: *intent* (a routing without id, and the job that will end it, in one
//! transaction), *create* in the pod with the intent's id as a mark, *record*. Whoever
//! finds an intent unfinished first [takes it over](take_over), so that the request
//! which began it can no longer record anything, and then *looks up by mark*. A delete
//! is: the wish and its job, the pod, and [`ended`] when the pod no longer has it.
//!
//! The words by which these steps know each other are here: the mark, and the names of
//! the jobs. Servers and volumes differ in how a pod is asked for a mark; servers, where
//! that is not simple, have [`servers`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod removal;
pub mod servers;

use std::time::{Duration, Instant};

use tricircle_db::Store;
use tricircle_db::models::{Routing, RoutingState};
use tricircle_jobs::JobError;
use tricircle_pods::PodError;

pub use removal::{Presence, ended};

/// Key under which the intent's id goes with a create: a server's scheduler hint, a
/// volume's metadata. The gateways leave it out of answers.
pub const MARK: &str = "tricircle_intent";

/// Name of the job that adopts or undoes an unfinished create of a server.
pub const SERVER_RECOVER: &str = "server_recover";
/// Name of the job that sees a deleted server gone and removes its ports.
pub const SERVER_REMOVE: &str = "server_remove";
/// Name of the job that makes the top follow what a pod has of an interface of a server;
/// its resource is the port.
pub const INTERFACE_SETTLE: &str = "interface_settle";
/// Name of the job that adopts or gives up an unfinished create of a volume.
pub const VOLUME_RECOVER: &str = "volume_recover";
/// Name of the job that sees a deleted volume gone.
pub const VOLUME_REMOVE: &str = "volume_remove";

/// How long a pod may still take over a create that began at `begun`: its job looks for
/// the result when `grace` is over, and must not look before the pod can have made it.
/// `None` when there is no time left.
pub fn time_left(grace: Duration, longest: Duration, begun: Instant) -> Option<Duration> {
    let left = grace.mul_f64(0.9).checked_sub(begun.elapsed())?;
    Some(left.min(longest))
}

/// The beginning of every recovery: the intent, which from here on nobody but the job
/// can end. `None` when it was ended meanwhile.
pub async fn take_over(store: &Store, intent_id: &str) -> Result<Option<Routing>, JobError> {
    let Some(intent) = store.routing_by_id(intent_id).await? else {
        return Err(JobError::gone("the intent is gone"));
    };
    match intent.state {
        RoutingState::Creating => {
            let from = [RoutingState::Creating];
            let to = RoutingState::Recovering;
            if !store.routing_move(&intent.id, &from, to).await? {
                return Err(JobError::transient("the create was ended meanwhile"));
            }
            Ok(Some(intent))
        }
        RoutingState::Recovering => Ok(Some(intent)),
        _ => Ok(None),
    }
}

/// A pod's error as the end of a job's run.
pub fn pod_job_error(pod_id: &str, error: PodError) -> JobError {
    if error.is_down() {
        JobError::pod_down(pod_id, error)
    } else {
        JobError::transient(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_gets_what_is_left_before_the_job_looks() {
        let second = Duration::from_secs(1);
        let now = Instant::now();
        let cut = time_left(second * 100, second * 5, now).unwrap();
        assert_eq!(cut, second * 5, "the configured limit is shorter");
        let rest = time_left(second * 10, second * 60, now).unwrap();
        assert!(
            rest <= second * 9,
            "a tenth is left for clocks and the answer"
        );
        let earlier = now.checked_sub(second * 10);
        assert!(earlier.is_none_or(|begun| time_left(second * 10, second, begun).is_none()));
    }
}
