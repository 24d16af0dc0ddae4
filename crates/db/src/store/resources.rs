//! Methods of [`Store`]: resources.

use super::*;
use crate::models::*;

store! {
    resources {
        /// Routing by top.
        fn routing_by_top(kind: RoutingKind, top_id: &str) -> Option<Routing>;
        /// Routing by id.
        fn routing_by_id(id: &str) -> Option<Routing>;
        /// Routings.
        fn routings(filter: &RoutingFilter) -> Vec<Routing>;
        /// Records where a resource was found; somebody who recorded it before wins.
        fn routing_found(routing: &Routing) -> ();
        /// Insert routing.
        fn insert_routing(routing: &Routing) -> ();
        /// Moves a routing from one of the states `from` to `to`; false when it was in none.
        fn routing_move(id: &str, from: &[RoutingState], to: RoutingState) -> bool;
        /// Gives an intent its id: the pod answered. False when the intent is no longer in
        /// one of the states `from`: somebody else decided over it meanwhile.
        fn routing_complete(id: &str, from: &[RoutingState], top_id: &str) -> bool;
        /// Routing usage.
        fn routing_usage(kind: RoutingKind, project_id: &str) -> RoutingUsage;
        /// The realization of a thing in a pod, made as an intent when there is none.
        fn realization_claim(intent: &Realization) -> Realization;
        /// Realization find.
        fn realization_find(kind: RealizationKind, top_id: &str, pod_id: &str) -> Option<Realization>;
        /// Realizations of.
        fn realizations_of(kind: RealizationKind, top_id: &str) -> Vec<Realization>;
        /// What the ids of a pod are at the top; ids that are not ours are left out.
        fn realizations_by_bottom(pod_id: &str, bottom_ids: &[String]) -> Vec<Realization>;
        /// All realizations, of one pod or one project where given; for admins and audits.
        fn realizations(pod_id: Option<&str>, project_id: Option<&str>) -> Vec<Realization>;
        /// The pod has it now: its id there, what was sent, and what else to remember.
        fn realization_present(id: &str, bottom_id: &str, digest: &str, data: &serde_json::Value) -> bool;
        /// Keeps what an intent needs to remember before the pod is called.
        fn realization_remember(id: &str, state: RealizationState, data: &serde_json::Value) -> bool;
        /// Realization delete.
        fn realization_delete(id: &str) -> bool;
    }
}
