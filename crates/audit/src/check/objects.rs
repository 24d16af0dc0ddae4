//! From what pods have to the rows: orphans and twins.

use std::collections::{BTreeMap, HashSet};

use tricircle_db::models::{Routing, RoutingKind, RoutingState, RowState};
use tricircle_intent::{SERVER_RECOVER, SERVER_REMOVE, VOLUME_RECOVER, VOLUME_REMOVE};

use super::index::Index;
use crate::{Finding, Object, ObjectKind, PodSeen, Problem, Remedy};

pub(super) fn check(index: &Index<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pod in &index.seen.pods {
        for kind in ObjectKind::ALL {
            let Some(objects) = index.objects(&pod.id, kind) else {
                continue;
            };
            // In a fixed order, for people who compare two audits.
            let sorted: BTreeMap<_, _> = objects.iter().collect();
            for object in sorted.into_values() {
                let found = match kind.routing() {
                    Some(routing) => owned_by_pod(index, pod, kind, routing, object),
                    None => owned_by_top(index, pod, kind, object),
                };
                findings.extend(found);
            }
            findings.extend(twins(pod, kind, objects.values().copied()));
        }
    }
    findings
}

/// A server or volume must have a routing, or an intent with a live job.
fn owned_by_pod(
    index: &Index<'_>,
    pod: &PodSeen,
    kind: ObjectKind,
    routing: RoutingKind,
    object: &Object,
) -> Option<Finding> {
    if !is_ours(index, pod, kind, object) {
        return None;
    }
    let (recover, remove) = match routing {
        RoutingKind::Server => (SERVER_RECOVER, SERVER_REMOVE),
        _ => (VOLUME_RECOVER, VOLUME_REMOVE),
    };
    let intent = object.mark.as_deref().and_then(|id| index.routing(id));
    let known = index.routing_of(routing, &object.id);
    let rows = || known.into_iter().chain(intent);
    // A row that changed while the pod was being asked says nothing about its answer.
    let unsettled = rows().any(|row| row.updated_at > index.seen.began);
    let alive = known.is_some_and(|row| {
        row.pod_id == pod.id && matches!(row.state, RoutingState::Active | RoutingState::Deleting)
    });
    let intended = intent.is_some_and(|row| {
        matches!(row.state, RoutingState::Creating | RoutingState::Recovering)
            && index.has_job(&[recover], &row.id)
    });
    if alive || intended || unsettled || index.has_job(&[remove], &object.id) {
        return None;
    }
    let detail = match (known, intent) {
        (Some(row), _) => format!("its routing is {}", row.state.as_str()),
        (None, Some(row)) => format!("its intent {} is {}", row.id, row.state.as_str()),
        (None, None) => "no routing".to_owned(),
    };
    let remedy = match known {
        // Whoever deleted it was told so; whether it may live again is for people.
        Some(_) => Remedy::ByHand,
        None => Remedy::Adopt(Box::new(adopted(index, pod, routing, object, intent))),
    };
    Some(finding(Problem::Orphan, pod, kind, object, detail, remedy))
}

/// By its mark, or, where the pod does not show that, by the mark of a port it has.
fn is_ours(index: &Index<'_>, pod: &PodSeen, kind: ObjectKind, object: &Object) -> bool {
    let by_port = || {
        kind == ObjectKind::Server
            && index
                .objects(&pod.id, ObjectKind::Port)
                .is_some_and(|ports| {
                    let mut ports = ports.values();
                    ports.any(|port| port.mark.is_some() && port.device_id == object.id)
                })
    };
    object.mark.is_some() || by_port()
}

/// The routing that a server or volume without one gets. What counts for quotas is taken
/// from its intent, where that is known.
fn adopted(
    index: &Index<'_>,
    pod: &PodSeen,
    kind: RoutingKind,
    object: &Object,
    intent: Option<&Routing>,
) -> Routing {
    let now = index.seen.began;
    let of_intent = intent.cloned();
    Routing {
        id: String::new(),
        kind,
        top_id: Some(object.id.clone()),
        pod_id: pod.id.clone(),
        bottom_id: Some(object.id.clone()),
        project_id: object.project_id.clone(),
        user_id: object.user_id.clone(),
        name: object.name.chars().take(255).collect(),
        state: RoutingState::Active,
        availability_zone: of_intent
            .as_ref()
            .and_then(|row| row.availability_zone.clone()),
        flavor_id: of_intent.as_ref().and_then(|row| row.flavor_id.clone()),
        image_id: of_intent.as_ref().and_then(|row| row.image_id.clone()),
        vcpus: of_intent.as_ref().map_or(0, |row| row.vcpus),
        ram_mb: of_intent.as_ref().map_or(0, |row| row.ram_mb),
        size_gb: of_intent.as_ref().map_or(0, |row| row.size_gb),
        reservation_id: None,
        request_id: String::new(),
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

/// A realized thing must have a realization that names it or is an intent of it.
fn owned_by_top(
    index: &Index<'_>,
    pod: &PodSeen,
    kind: ObjectKind,
    object: &Object,
) -> Option<Finding> {
    let realization = kind.realization()?;
    let top_id = object.mark.as_deref()?;
    let row = index.realization(realization, top_id, &pod.id);
    if let Some(row) = row {
        let other = row.bottom_id.as_deref().filter(|id| *id != object.id)?;
        if row.updated_at > index.seen.began {
            return None;
        }
        let both = index
            .objects(&pod.id, kind)
            .is_some_and(|objects| objects.contains_key(other));
        // Without the other one the row is lost, and that is said of the row.
        let detail = format!("{top_id} is {other} there");
        let remedy = match both {
            true => remove(pod, kind, top_id, object),
            false => Remedy::ByHand,
        };
        return Some(finding(Problem::Twin, pod, kind, object, detail, remedy));
    }
    if kind.is_of_router() {
        let detail = format!("no realization of {top_id}");
        let remedy = remove(pod, kind, top_id, object);
        return Some(finding(Problem::Orphan, pod, kind, object, detail, remedy));
    }
    let thing = index.thing(realization, top_id);
    if thing.is_some_and(|thing| thing.updated_at > index.seen.began) {
        return None;
    }
    let live = thing.filter(|thing| thing.state == RowState::Live);
    let (detail, remedy) = match live {
        Some(thing) => (
            format!("no realization of {top_id}"),
            Remedy::Claim {
                kind: realization,
                top_id: top_id.to_owned(),
                pod_id: pod.id.clone(),
                project_id: thing.project_id.clone(),
            },
        ),
        None => (
            format!("{top_id} is not at the top"),
            remove(pod, kind, top_id, object),
        ),
    };
    Some(finding(Problem::Orphan, pod, kind, object, detail, remedy))
}

/// Several objects of a kind in a pod with one mark. Those of networks are found by their
/// rows too, when one has an id.
fn twins<'a>(
    pod: &PodSeen,
    kind: ObjectKind,
    objects: impl Iterator<Item = &'a Object>,
) -> Vec<Finding> {
    if kind.routing().is_none() {
        return Vec::new();
    }
    let mut sorted: Vec<&Object> = objects.filter(|object| object.mark.is_some()).collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let mut seen = HashSet::new();
    let again = sorted
        .into_iter()
        .filter(|object| !seen.insert(&object.mark));
    let twin = |object: &Object| {
        let intent = object.mark.clone().unwrap_or_default();
        let detail = format!("a second one of intent {intent}");
        finding(Problem::Twin, pod, kind, object, detail, Remedy::ByHand)
    };
    again.map(twin).collect()
}

fn remove(pod: &PodSeen, kind: ObjectKind, top_id: &str, object: &Object) -> Remedy {
    Remedy::Remove {
        pod_id: pod.id.clone(),
        kind,
        top_id: top_id.to_owned(),
        bottom_id: object.id.clone(),
    }
}

fn finding(
    problem: Problem,
    pod: &PodSeen,
    kind: ObjectKind,
    object: &Object,
    detail: String,
    remedy: Remedy,
) -> Finding {
    Finding {
        problem,
        pod: pod.region.clone(),
        kind: kind.as_str().to_owned(),
        id: object.id.clone(),
        detail,
        remedy,
    }
}
