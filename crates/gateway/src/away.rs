//! What users are told of resources in a pod that does not answer: one rule.
//!
//! A pod *does not answer* when a call to it ends in [`tricircle_pods::PodError`] for
//! want of an answer, or in a proxy's 502, 503 or 504. Then
//!
//! * a list leaves the pod's resources out, or, where the API has a way to say so (Nova
//!   from 2.69 on, for cells that are down), contains what the routings know of them;
//! * a show is answered from the routing in the same case, and is 503 otherwise;
//! * everything else is 503.
//!
//! The routings are read by SQL: what is in memory is a hint for finding pods and no list.
//!
//! A routing that waits for its delete is still shown: nobody knows whether the pod
//! carried the delete out.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::Value;
use tricircle_api::{Fault, FaultKind, Microversion};
use tricircle_db::models::{Routing, RoutingFilter, RoutingKind, RoutingState};
use tricircle_pods::{PodEntry, is_proxys_excuse};

use crate::{Call, answer, forward};

/// Query keys that ask for an order or a part of a list, where what a routing knows does
/// not suffice.
const PAGING: [&str; 4] = ["sort_key", "sort_dir", "limit", "marker"];

/// How a list contains resources of pods that do not answer.
#[derive(Debug)]
pub struct AwayRecords {
    /// From which microversion on.
    pub since: Microversion,
    /// Filters, and the microversion that has them. A list that one of them cuts down has
    /// no records; keys that are none are ignored, as the pods ignore them.
    pub filters: &'static [(&'static str, Microversion)],
    /// Policy rule of those for whom every key is a filter.
    pub all_filters_rule: &'static str,
    /// Policy rules of the brief and the detailed list.
    pub rules: [&'static str; 2],
    /// Policy rules of the same over all projects.
    pub all_projects_rules: [&'static str; 2],
    /// A record: the call, the routing, and whether the list is brief.
    pub record: fn(&Call, &Routing, bool) -> Value,
}

impl AwayRecords {
    /// Whether a list with this query has records.
    pub(crate) fn apply(&self, call: &Call, query: &[(String, String)]) -> bool {
        let keys: Vec<&str> = query.iter().map(|(key, _)| key.as_str()).collect();
        let anything = call.require(self.all_filters_rule).is_ok();
        self.fit(call.context.version(), &keys, anything)
    }

    fn fit(&self, version: Microversion, keys: &[&str], anything_is_a_filter: bool) -> bool {
        let filters = |key: &str| {
            let known = |(name, since): &(&str, Microversion)| *name == key && version >= *since;
            key != "all_tenants" && (anything_is_a_filter || self.filters.iter().any(known))
        };
        version >= self.since && !keys.iter().any(|key| PAGING.contains(key) || filters(key))
    }

    /// At most `room` records of what the caller has in these pods.
    pub(crate) async fn of_pods(
        &self,
        call: &Call,
        kind: RoutingKind,
        pods: &[Arc<PodEntry>],
        brief: bool,
        all_projects: bool,
        room: usize,
    ) -> Result<Vec<Value>, Fault> {
        // Whether the caller may, a pod would have said; perhaps none answered.
        let rules = match all_projects {
            true => self.all_projects_rules,
            false => self.rules,
        };
        call.require(rules[usize::from(!brief)])?;
        let mut records = Vec::new();
        for pod in pods {
            let left = room.saturating_sub(records.len());
            if left == 0 {
                break;
            }
            let filter = RoutingFilter {
                kind: Some(kind),
                project_id: (!all_projects).then(|| call.context.project_id.clone()),
                pod_id: Some(pod.id().to_owned()),
                states: vec![RoutingState::Active, RoutingState::Deleting],
                limit: i64::try_from(left).ok(),
            };
            let rows = call.gateway.store.routings(&filter).await?;
            let known = rows.iter().filter(|row| row.top_id.is_some());
            records.extend(known.map(|row| (self.record)(call, row, brief)));
        }
        Ok(records)
    }
}

/// The answer to a show.
#[derive(Debug)]
pub enum Shown {
    /// The pod's.
    ByPod(HttpResponse),
    /// The pod does not answer; this is what is known of the resource, and the caller may
    /// see it. The fault is for those who cannot be told more.
    Away(Box<Routing>, Fault),
}

/// Forwards a show to the pod of the resource; where that does not answer, finds what the
/// top knows. A resource of another project is 404.
pub async fn show(call: &Call, kind: RoutingKind, payload: Payload) -> Result<Shown, Fault> {
    let fault = match forward::by_resource(call, kind, payload).await {
        Ok(response) if !is_proxys_excuse(response.status().as_u16()) => {
            return Ok(Shown::ByPod(response));
        }
        Ok(response) => Fault::unavailable("The resource's pod is not available at the moment.")
            .with_detail(format!("the pod answered {}", response.status())),
        Err(fault) if is_away(&fault) => fault,
        Err(fault) => return Err(fault),
    };
    let id = call.param("id");
    let row = call.gateway.store.routing_by_top(kind, id).await?;
    let Some(row) = row.filter(|row| {
        use RoutingState::{Active, Deleting};
        matches!(row.state, Active | Deleting)
    }) else {
        return Err(fault);
    };
    if row.project_id != call.context.project_id && !call.context.is_admin() {
        let title = answer::title(kind);
        return Err(Fault::not_found(format!(
            "{title} {id} could not be found."
        )));
    }
    Ok(Shown::Away(Box::new(row), fault))
}

fn is_away(fault: &Fault) -> bool {
    matches!(fault.kind(), FaultKind::PodUnavailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const fn at(minor: u16) -> Microversion {
        Microversion::new(2, minor)
    }

    const RULE: AwayRecords = AwayRecords {
        since: at(69),
        filters: &[("name", at(1)), ("locked", at(73))],
        all_filters_rule: "all",
        rules: ["index", "detail"],
        all_projects_rules: ["index:all", "detail:all"],
        record: |_, _, _| json!({}),
    };

    #[test]
    fn records_are_given_where_nova_gives_them() {
        for (minor, keys, admin, fit) in [
            (69, vec![], false, true),
            (68, vec![], false, false),
            (104, vec!["all_tenants"], false, true),
            (104, vec!["all_tenants"], true, true),
            (69, vec!["limit"], false, false),
            (69, vec!["marker"], false, false),
            (69, vec!["sort_key", "sort_dir"], false, false),
            (69, vec!["name"], false, false),
            (69, vec!["all_tenants", "name"], false, false),
            // What is no filter for this caller changes nothing about the list.
            (69, vec!["deleted"], false, true),
            (69, vec!["deleted"], true, false),
            (69, vec!["locked"], false, true),
            (73, vec!["locked"], false, false),
        ] {
            assert_eq!(RULE.fit(at(minor), &keys, admin), fit, "2.{minor} {keys:?}");
        }
    }
}
