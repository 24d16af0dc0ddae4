//! `/os-services` over all pods.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Payload};
use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_db::models::ZoneService;
use tricircle_gateway::{Call, ForwardBody, forward_to, pod_fault};
use tricircle_pods::{PodEntry, Service};

use super::{ask_all, has_uuids, hosts, items, numbers};
use crate::handlers::read;
use crate::state::State;

/// The zone of Nova's own services, which is no zone for servers.
const INTERNAL: &str = "internal";

/// The zone of a host or a service in the top's words.
pub(crate) fn zone_at_top(pod: &PodEntry, item: &mut Value) {
    if let Some(Value::String(zone)) = item.get_mut("zone")
        && zone != INTERNAL
        && let Some(top) = pod.view.top_az(ZoneService::Compute, zone)
    {
        *zone = top.to_owned();
    }
}

/// Lists.
pub(crate) async fn index(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let snapshot = call.gateway.pods.snapshot();
    let pairs = call.query_pairs();
    let named = pairs.iter().find(|(key, _)| key == "host");
    let (host, only) = match named {
        Some((_, name)) => hosts::parse(&snapshot, name),
        None => (String::new(), None),
    };
    let pairs = pairs.iter().map(|(key, value)| match key.as_str() {
        "host" => (key.as_str(), host.as_str()),
        _ => (key.as_str(), value.as_str()),
    });
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let path = format!("{}?{query}", call.path);
    let mut list = Vec::new();
    for mut said in ask_all(&call, path.trim_end_matches('?')).await? {
        if only.as_ref().is_some_and(|pod| pod.id() != said.pod.id()) {
            continue;
        }
        for mut service in items(&mut said.body, "services") {
            numbers::member_at_top(&said.pod, &mut service, "id");
            zone_at_top(&said.pod, &mut service);
            list.push((said.pod.region().to_owned(), service));
        }
    }
    match only {
        // Named so, shown so.
        Some(_) => list.iter_mut().for_each(|(pod, service)| {
            service["host"] = json!(format!("{host}@{pod}"));
        }),
        None => hosts::qualify(&mut list, &["/host"]),
    }
    let list: Vec<Value> = list.into_iter().map(|(_, service)| service).collect();
    Ok(HttpResponse::Ok().json(json!({ "services": list })))
}

/// The pod that has a service, by its UUID.
async fn pod_of(call: &Call, id: &str) -> Result<Option<Arc<PodEntry>>, Fault> {
    for mut said in ask_all(call, "/os-services").await? {
        let services = items(&mut said.body, "services");
        let has = |service: &Value| service.get("id").and_then(Value::as_str) == Some(id);
        if services.iter().any(has) {
            return Ok(Some(said.pod));
        }
    }
    Ok(None)
}

/// `PUT /os-services/{id}`; before 2.53 what is in the place of the id is the action, and
/// the body names the host.
pub(crate) async fn update(
    _state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (mut body, bytes) = read(&call, payload).await?;
    let id = call.param("id").to_owned();
    if has_uuids(&call) {
        let pod = match uuid::Uuid::parse_str(&id) {
            // A pod refuses it in its own words.
            Err(_) => call.any_pod()?,
            Ok(_) => match pod_of(&call, &id).await? {
                Some(pod) => pod,
                None => {
                    return Err(Fault::not_found(format!(
                        "Service {id} could not be found."
                    )));
                }
            },
        };
        let sent = put(&call, &pod, &Value::Object(body)).await?;
        return Ok(HttpResponse::Ok().json(shown(&pod, sent, None)));
    }
    let Some(name) = body.get("host").and_then(Value::as_str).map(str::to_owned) else {
        let pod = call.any_pod()?;
        return forward_to(&call, &pod, ForwardBody::Made(Bytes::from(bytes))).await;
    };
    let (pod, host) = match hosts::find(&call, &name).await? {
        Some(found) => found,
        // A pod knows what to say of a host that is nowhere, and of all else that is
        // wrong.
        None => (call.any_pod()?, name.clone()),
    };
    body.insert("host".to_owned(), json!(host));
    let sent = put(&call, &pod, &Value::Object(body)).await?;
    Ok(HttpResponse::Ok().json(shown(&pod, sent, Some(&name))))
}

async fn put(call: &Call, pod: &Arc<PodEntry>, body: &Value) -> Result<Value, Fault> {
    let session = call.session(pod);
    let path = call.path_and_query();
    let sent = session.put_json(Service::Compute, &path, body).await;
    sent.map_err(pod_fault)
}

fn shown(pod: &PodEntry, mut body: Value, name: Option<&str>) -> Value {
    if let Some(service) = body.get_mut("service") {
        zone_at_top(pod, service);
        numbers::member_at_top(pod, service, "id");
        if let Some(name) = name {
            service["host"] = json!(name);
        }
    }
    body
}

/// `DELETE /os-services/{id}`.
pub(crate) async fn delete(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let id = call.param("id").to_owned();
    let missing = || Fault::not_found(format!("Service {id} not found."));
    let mut call = call.clone();
    let pod = if has_uuids(&call) {
        match uuid::Uuid::parse_str(&id) {
            Err(_) => call.any_pod()?,
            Ok(_) => pod_of(&call, &id).await?.ok_or_else(missing)?,
        }
    } else {
        match id.parse::<i64>() {
            Err(_) => call.any_pod()?,
            Ok(number) => {
                let snapshot = call.gateway.pods.snapshot();
                let (pod, number) = numbers::in_pod(&snapshot, number).ok_or_else(missing)?;
                call.path = call.path.replacen(&id, &number.to_string(), 1);
                pod
            }
        }
    };
    forward_to(&call, &pod, ForwardBody::Empty).await
}
