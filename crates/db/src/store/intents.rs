//! Methods of [`Store`]: intents.

use super::*;
use crate::models::*;

store! {
    intents {
        /// Writes an intent with the job that adopts or undoes it, unless the project would
        /// have more than `limits` allow; then nothing is written.
        transaction intent_begin(intent: &Routing, job: &NewJob, limits: &UsageLimits) -> IntentOutcome;
        /// The pod has the resource: the intent gets its id, the ports made for it follow, and
        /// the job that watched over it has nothing left to do. False when somebody else
        /// decided over the intent meanwhile.
        transaction intent_complete(intent_id: &str, from: &[RoutingState], top_id: &str, device_owner: &str, job_kind: &str) -> bool;
        /// The create failed and nothing is left of it. False when somebody else decided over
        /// the intent meanwhile.
        transaction intent_failed(intent_id: &str, from: &[RoutingState], job_kind: &str) -> bool;
        /// Writes that a resource is to go, with the job that sees it gone and cleans up after
        /// it, before the pod is asked.
        transaction removal_begin(kind: RoutingKind, top_id: &str, job: &NewJob) -> Job;
        /// The pod refused the removal: the resource stays.
        transaction removal_refused(kind: RoutingKind, top_id: &str, job_kind: &str) -> ();
        /// How many resources of a kind each pod keeps for Tricircle.
        read routing_load(kind: RoutingKind) -> Vec<(String, i64)>;
    }
}
