//! Calls in which ids of networking stand: the top's for users, the pod's for the pod.
//!
//! Networks, subnets, ports and security groups have other ids in each pod. The closed
//! table is the realizations: an id that is none of ours passes unchanged.

use std::collections::{BTreeSet, HashMap};

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::{RealizationKind, RoutingKind};
use tricircle_pods::PodEntry;

use crate::forward::{self, ForwardBody};
use crate::resolve::place;
use crate::{Call, answer};

/// Kinds whose ids differ between the top and the pods and stand in such calls.
const KINDS: [RealizationKind; 4] = [
    RealizationKind::Port,
    RealizationKind::Network,
    RealizationKind::Subnet,
    RealizationKind::SecurityGroup,
];

/// [`crate::Strategy::Translated`].
pub(crate) async fn by_resource(
    call: &Call,
    kind: RoutingKind,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let id = call.param("id").to_owned();
    let pod = call.pod_of(kind, &id).await?;
    let mut call = call.clone();
    let (path, renamed) = path_in_pod(&call, &pod).await?;
    call.path = path;
    if call.request.method() != actix_web::http::Method::GET {
        return forward::forward_to(&call, &pod, ForwardBody::Streamed(payload)).await;
    }
    let (service, _, _) = place(kind);
    let mut body = call
        .session(&pod)
        .get_json(service, &call.path_and_query())
        .await
        .map_err(|error| in_the_tops_words(answer::pod_fault(error), &renamed))?;
    to_top(&call, &pod, &mut body).await?;
    call.rewriter(&pod).value(&mut body);
    Ok(HttpResponse::Ok().json(body))
}

/// The path with the ids after the resource's own in the pod's words, and these ids there
/// and at the top.
async fn path_in_pod(
    call: &Call,
    pod: &PodEntry,
) -> Result<(String, Vec<(String, String)>), Fault> {
    let mut out = Vec::new();
    let mut renamed = Vec::new();
    for (place, segment) in call.path.split('/').enumerate() {
        // "", collection, id, sub-collection, id …
        if place < 4 || uuid::Uuid::parse_str(segment).is_err() {
            out.push(segment.to_owned());
            continue;
        }
        let mut bottom = None;
        for kind in KINDS {
            let row = call
                .gateway
                .store
                .realization_find(kind, segment, pod.id())
                .await?;
            bottom = bottom.or(row.and_then(|row| row.bottom_id));
        }
        if let Some(bottom) = &bottom {
            renamed.push((bottom.clone(), segment.to_owned()));
        }
        out.push(bottom.unwrap_or_else(|| segment.to_owned()));
    }
    Ok((out.join("/"), renamed))
}

/// A pod's fault that names things by the ids that the user named them by; pairs of the
/// pod's id and the top's.
pub fn in_the_tops_words(fault: Fault, renamed: &[(String, String)]) -> Fault {
    let mut message = fault.message().to_owned();
    for (bottom, top) in renamed {
        message = message.replace(bottom, top);
    }
    if message == fault.message() {
        return fault;
    }
    let detail = fault.detail().unwrap_or_default().to_owned();
    Fault::new(fault.kind(), message).with_detail(detail)
}

/// Puts the top's ids of ports, networks, subnets and groups in the place of the pod's.
pub async fn to_top(call: &Call, pod: &PodEntry, body: &mut Value) -> Result<(), Fault> {
    let mut ids = BTreeSet::new();
    collect(body, &mut ids);
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = ids.into_iter().collect();
    let known: HashMap<String, String> = call
        .gateway
        .store
        .realizations_by_bottom(pod.id(), &ids)
        .await?
        .into_iter()
        .filter_map(|row| Some((row.bottom_id?, row.top_id)))
        .collect();
    replace(body, &known);
    Ok(())
}

fn collect(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if uuid::Uuid::parse_str(text).is_ok() => {
            ids.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, ids)),
        Value::Object(map) => map.values().for_each(|item| collect(item, ids)),
        _ => {}
    }
}

fn replace(value: &mut Value, known: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(top) = known.get(text) {
                text.clone_from(top);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, known)),
        Value::Object(map) => map.values_mut().for_each(|item| replace(item, known)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fault_names_what_the_user_named() {
        let renamed = [("bottom".to_owned(), "top".to_owned())];
        let fault = Fault::not_found("Instance i does not have a port with id bottom");
        let fault = in_the_tops_words(fault, &renamed);
        assert_eq!(
            fault.message(),
            "Instance i does not have a port with id top"
        );
        assert_eq!(fault.status(), 404);
    }

    #[test]
    fn only_known_ids_are_replaced() {
        let (ours, other) = (
            "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d",
            "1b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d",
        );
        let mut body = json!({"list": [{"port_id": ours, "net_id": other, "name": "x"}]});
        let mut ids = BTreeSet::new();
        collect(&body, &mut ids);
        assert_eq!(ids.len(), 2);
        replace(
            &mut body,
            &HashMap::from([(ours.to_owned(), "top".to_owned())]),
        );
        assert_eq!(
            body,
            json!({"list": [{"port_id": "top", "net_id": other, "name": "x"}]})
        );
    }
}
