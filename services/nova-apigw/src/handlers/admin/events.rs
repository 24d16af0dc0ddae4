//! `POST /os-server-external-events`: each event to the pod of its server.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tricircle_api::{Fault, Microversion, schema};
use tricircle_db::models::RoutingKind;
use tricircle_gateway::Call;
use tricircle_pods::{PodEntry, Service};

use super::items;
use crate::handlers::read;
use crate::state::State;

/// Events, with the version that brought each.
const NAMES: [(&str, u16); 8] = [
    ("network-changed", 0),
    ("network-vif-plugged", 0),
    ("network-vif-unplugged", 0),
    ("network-vif-deleted", 0),
    ("volume-extended", 51),
    ("power-update", 76),
    ("accelerator-request-bound", 82),
    ("volume-reimaged", 93),
];

fn body_schema(version: Microversion) -> Value {
    let names: Vec<&str> = NAMES
        .iter()
        .filter(|(_, since)| version >= Microversion::new(2, *since))
        .map(|(name, _)| *name)
        .collect();
    json!({
        "type": "object",
        "properties": {"events": {
            "type": "array", "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "enum": names},
                    "server_uuid": {"type": "string", "format": "uuid"},
                    "status": {
                        "type": "string", "enum": ["failed", "completed", "in-progress"],
                    },
                    "tag": {"type": "string", "maxLength": 255},
                },
                "required": ["name", "server_uuid"],
                "additionalProperties": false,
            },
        }},
        "required": ["events"],
        "additionalProperties": false,
    })
}

/// An event that did not reach its server.
fn failed(event: &mut Value, code: u16) {
    event["status"] = json!("failed");
    event["code"] = json!(code);
}

/// The events of one pod, with their places in the request.
type OfPod = (Arc<PodEntry>, Vec<usize>);

/// Passes the events on.
pub(crate) async fn create(
    _state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    schema::body(&body_schema(call.context.version()), &body)?;
    let mut events = items(&mut Value::Object(body), "events");
    let mut by_pod = BTreeMap::<String, OfPod>::new();
    for (place, event) in events.iter_mut().enumerate() {
        let id = event.get("server_uuid").and_then(Value::as_str);
        let id = id.unwrap_or_default().to_owned();
        match call.pod_of(RoutingKind::Server, &id).await {
            Ok(pod) => {
                let of_pod = by_pod.entry(pod.id().to_owned());
                of_pod.or_insert_with(|| (pod, Vec::new())).1.push(place);
            }
            Err(fault) if fault.status() == 404 => failed(event, 404),
            Err(fault) => failed(event, fault.status().as_u16()),
        }
    }
    let asked = by_pod.into_values().map(|(pod, places)| {
        let own: Vec<Value> = places
            .iter()
            .filter_map(|place| events.get(*place).cloned())
            .collect();
        let session = call.session(&pod);
        async move {
            let body = json!({ "events": own });
            let said = session.post_json(Service::Compute, "/os-server-external-events", &body);
            (places, said.await)
        }
    });
    let answers = join_all(asked).await;
    for (places, said) in answers {
        match said {
            Ok(mut said) => {
                let answered = items(&mut said, "events");
                for (place, answer) in places.into_iter().zip(answered) {
                    if let Some(event) = events.get_mut(place) {
                        *event = answer;
                    }
                }
            }
            Err(error) => {
                // The other pods have taken theirs.
                tracing::warn!(%error, "external events did not reach a pod");
                let code = error.code().unwrap_or(503);
                for place in places {
                    if let Some(event) = events.get_mut(place) {
                        failed(event, code);
                    }
                }
            }
        }
    }
    let all_well = events
        .iter()
        .all(|event| event.get("code") == Some(&json!(200)));
    let body = json!({ "events": events });
    Ok(match all_well {
        true => HttpResponse::Ok().json(body),
        false => HttpResponse::MultiStatus().json(body),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_events() {
        let id = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";
        let body = |name: &str| {
            let body = json!({"events": [{"server_uuid": id, "name": name}]});
            body.as_object().unwrap().clone()
        };
        for (name, since) in NAMES {
            let at = |minor| schema::body(&body_schema(Microversion::new(2, minor)), &body(name));
            assert!(at(since.max(1)).is_ok(), "{name}");
            assert_eq!(
                at(since.saturating_sub(1).max(1)).is_ok(),
                since < 2,
                "{name}"
            );
        }
    }
}
