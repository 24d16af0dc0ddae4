//! `/os-hypervisors` over all pods.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion};
use tricircle_gateway::{Call, pod_fault};
use tricircle_pods::{PodEntry, Service};

use super::{Said, ask_all, ask_for_one, has_uuids, hosts, items, numbers, page};
use crate::state::State;

/// Members that hold the name of a host.
const HOSTS: [&str; 2] = ["/hypervisor_hostname", "/service/host"];

fn at_top(pod: &PodEntry, hypervisor: &mut Value) {
    numbers::member_at_top(pod, hypervisor, "id");
    if let Some(service) = hypervisor.get_mut("service") {
        numbers::member_at_top(pod, service, "id");
    }
}

/// The hypervisors of all pods in the pods' order.
fn joined(said: Vec<Said>) -> Vec<Value> {
    let mut list = Vec::new();
    for mut said in said {
        for mut item in items(&mut said.body, "hypervisors") {
            at_top(&said.pod, &mut item);
            list.push((said.pod.region().to_owned(), item));
        }
    }
    hosts::qualify(&mut list, &HOSTS);
    list.into_iter().map(|(_, item)| item).collect()
}

/// Lists, with and without details.
pub(crate) async fn index(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let pairs = call.query_pairs();
    let pattern = pairs
        .iter()
        .any(|(key, _)| key == "hypervisor_hostname_pattern");
    if call.context.version() < Microversion::new(2, 33) || pattern {
        // No pages; a pod refuses them with a pattern in its own words.
        let list = joined(ask_all(&call, &call.path_and_query()).await?);
        return Ok(HttpResponse::Ok().json(json!({ "hypervisors": list })));
    }
    let asked = page::asked(&pairs, state.compute.config.tricircle.max_limit)?;
    let query = page::rest(&pairs);
    let said = page::read_all(&call, &call.path, &query, "hypervisors", "id").await?;
    let (list, more) = page::cut(joined(said), "id", &asked).map_err(page::NoMarker::not_found)?;
    let mut body = Map::new();
    if let (true, Some(last)) = (more, list.last().and_then(|item| item.get("id"))) {
        let last = last
            .as_str()
            .map_or_else(|| last.to_string(), str::to_owned);
        body.insert(
            "hypervisors_links".to_owned(),
            page::next(&call, &pairs, &last),
        );
    }
    body.insert("hypervisors".to_owned(), Value::Array(list));
    Ok(HttpResponse::Ok().json(body))
}

/// One, and its uptime.
pub(crate) async fn show(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let id = call.param("id").to_owned();
    let Said { pod, mut body } = if has_uuids(&call) {
        ask_for_one(&call, &call.path_and_query()).await?
    } else {
        let missing = || Fault::not_found(format!("Hypervisor with ID '{id}' could not be found."));
        let number: i64 = id.parse().map_err(|_| missing())?;
        let snapshot = call.gateway.pods.snapshot();
        let (pod, number) = numbers::in_pod(&snapshot, number).ok_or_else(missing)?;
        let path = call.path_and_query().replacen(&id, &number.to_string(), 1);
        let shown = call.session(&pod).get_json(Service::Compute, &path).await;
        let mut body = shown.map_err(|error| match error.is_not_found() {
            true => missing(),
            false => pod_fault(error),
        })?;
        call.rewriter(&pod).value(&mut body);
        Said { pod, body }
    };
    if let Some(hypervisor) = body.get_mut("hypervisor") {
        at_top(&pod, hypervisor);
    }
    Ok(HttpResponse::Ok().json(body))
}

/// `GET /os-hypervisors/statistics`: added up.
pub(crate) async fn statistics(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let mut sums = Map::new();
    for said in ask_all(&call, &call.path_and_query()).await? {
        let of_pod = said.body.get("hypervisor_statistics");
        for (key, value) in of_pod.and_then(Value::as_object).into_iter().flatten() {
            let sum = sums.get(key).and_then(Value::as_i64).unwrap_or(0);
            sums.insert(key.clone(), json!(sum + value.as_i64().unwrap_or(0)));
        }
    }
    Ok(HttpResponse::Ok().json(json!({ "hypervisor_statistics": sums })))
}

/// `GET /os-hypervisors/{pattern}/search` and `/servers`, which ended with 2.52.
pub(crate) async fn search(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let list = joined(ask_all(&call, &call.path_and_query()).await?);
    Ok(HttpResponse::Ok().json(json!({ "hypervisors": list })))
}
