//! Methods of [`Store`]: resources.

use super::*;
use crate::models::*;

store! {
    resources {
        /// Routing by top.
        read routing_by_top(kind: RoutingKind, top_id: &str) -> Option<Routing>;
        /// Routing by id.
        read routing_by_id(id: &str) -> Option<Routing>;
        /// Routings.
        read routings(filter: &RoutingFilter) -> Vec<Routing>;
        /// Records where a resource was found; somebody who recorded it before wins.
        write routing_found(routing: &Routing) -> ();
        /// Insert routing.
        write insert_routing(routing: &Routing) -> ();
        /// Moves a routing from one of the states `from` to `to`; false when it was in none.
        write routing_move(id: &str, from: &[RoutingState], to: RoutingState) -> bool;
        /// Gives an intent its id: the pod answered. False when the intent is no longer in
        /// one of the states `from`: somebody else decided over it meanwhile.
        write routing_complete(id: &str, from: &[RoutingState], top_id: &str) -> bool;
        /// A resource is in another pod than its routing says. False when the routing is gone,
        /// or names another pod than `from` meanwhile.
        write routing_rehome(id: &str, from: &str, to: &str) -> bool;
        /// Forgets a routing that nobody is working on. False when there is none in these
        /// states.
        write routing_forget(id: &str, states: &[RoutingState]) -> bool;
        /// Routing usage.
        read routing_usage(kind: RoutingKind, project_id: &str) -> RoutingUsage;
        /// The realization of a thing in a pod, made as an intent when there is none.
        write realization_claim(intent: &Realization) -> Realization;
        /// Realization find.
        read realization_find(kind: RealizationKind, top_id: &str, pod_id: &str) -> Option<Realization>;
        /// Realizations of.
        read realizations_of(kind: RealizationKind, top_id: &str) -> Vec<Realization>;
        /// What a pod has of one kind for one project.
        read realizations_in(kind: RealizationKind, pod_id: &str, project_id: &str) -> Vec<Realization>;
        /// The same of many things, by top id and pod.
        read realizations_of_all(kind: RealizationKind, top_ids: &[String]) -> Vec<Realization>;
        /// What pods have of these, whatever kind of thing each is: by pod, kind and top id.
        read realizations_of_any(top_ids: &[String]) -> Vec<Realization>;
        /// One realization.
        read realization_by_id(id: &str) -> Option<Realization>;
        /// What the ids of a pod are at the top; ids that are not ours are left out.
        read realizations_by_bottom(pod_id: &str, bottom_ids: &[String]) -> Vec<Realization>;
        /// All realizations, of one pod or one project where given; for admins and audits.
        read realizations(pod_id: Option<&str>, project_id: Option<&str>) -> Vec<Realization>;
        /// The pod has it now: its id there, what was sent, and what else to remember.
        write realization_present(id: &str, bottom_id: &str, digest: &str, data: &serde_json::Value) -> bool;
        /// The same for what was just made in the pod. Where the top's row is no longer the one
        /// that was sent, `sync` brings the pod the newer one.
        transaction realization_made(id: &str, bottom_id: &str, digest: &str, data: &serde_json::Value, sync: &NewJob) -> bool;
        /// A pod that has a thing was sent a newer revision of it; a port's addresses that no pod
        /// uses any more are free then. False when somebody else sent it one meanwhile: which of
        /// the two the pod took last is not known, and `sync` sends the present one again.
        transaction realization_pushed(id: &str, before: &str, after: &str, sync: &NewJob) -> bool;
        /// Keeps what an intent needs to remember before the pod is called.
        write realization_remember(id: &str, state: RealizationState, data: &serde_json::Value) -> bool;
        /// The pod no longer has the thing. Addresses that a port was losing are free then.
        transaction realization_delete(id: &str) -> bool;
        /// Forgets routings of resources that went this long ago, oldest first; returns how many.
        write routings_purge(older_than: Duration) -> usize;
    }
}
