//! Names of hosts over pods.
//!
//! A host is named as its pod names it. Where two pods have one of the same name, both
//! are shown as `host@Pod`; that form is understood for every host.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_gateway::ForwardBody;
use tricircle_gateway::{Call, forward_to};
use tricircle_pods::{PodEntry, Snapshot};

use super::{ask_all, items};
use crate::state::State;

/// Between a host and its pod.
const AT: char = '@';

/// Puts the pod's name behind those hosts that more than one pod has. `items` are pairs
/// of a pod's name and what it has; `keys` are the members that hold a host.
pub(crate) fn qualify(items: &mut [(String, Value)], keys: &[&str]) {
    for key in keys {
        let mut pods_of = BTreeMap::<String, Vec<String>>::new();
        for (pod, item) in items.iter() {
            if let Some(host) = item.pointer(key).and_then(Value::as_str) {
                let pods = pods_of.entry(host.to_owned()).or_default();
                if !pods.contains(pod) {
                    pods.push(pod.clone());
                }
            }
        }
        for (pod, item) in items.iter_mut() {
            let Some(value) = item.pointer_mut(key) else {
                continue;
            };
            let Some(host) = value.as_str().map(str::to_owned) else {
                continue;
            };
            if pods_of.get(&host).is_some_and(|pods| pods.len() > 1) {
                *value = json!(format!("{host}{AT}{pod}"));
            }
        }
    }
}

/// A host's name without its pod, and the pod if it was named.
pub(crate) fn parse(snapshot: &Snapshot, name: &str) -> (String, Option<Arc<PodEntry>>) {
    if let Some((host, region)) = name.rsplit_once(AT)
        && let Some(pod) = snapshot.by_region(region)
    {
        return (host.to_owned(), Some(pod.clone()));
    }
    (name.to_owned(), None)
}

/// The pod that has a compute host, and the name there; none when no pod has it.
pub(crate) async fn find(
    call: &Call,
    name: &str,
) -> Result<Option<(Arc<PodEntry>, String)>, Fault> {
    let snapshot = call.gateway.pods.snapshot();
    let (host, pod) = parse(&snapshot, name);
    if let Some(pod) = pod {
        return Ok(Some((pod, host)));
    }
    let escaped: String = url::form_urlencoded::byte_serialize(host.as_bytes()).collect();
    let path = format!("/os-services?host={escaped}");
    let mut found = None;
    for mut said in ask_all(call, &path).await? {
        if items(&mut said.body, "services").is_empty() {
            continue;
        }
        if found.is_some() {
            return Err(Fault::conflict(format!(
                "Several pods have a host {host}: name it {host}{AT}Pod."
            )));
        }
        found = Some((said.pod, host.clone()));
    }
    Ok(found)
}

/// `GET /os-hosts`, which ended with 2.42.
pub(crate) async fn index(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let mut list = Vec::new();
    for mut said in ask_all(&call, &call.path_and_query()).await? {
        for mut host in items(&mut said.body, "hosts") {
            super::services::zone_at_top(&said.pod, &mut host);
            list.push((said.pod.region().to_owned(), host));
        }
    }
    qualify(&mut list, &["/host_name"]);
    let list: Vec<Value> = list.into_iter().map(|(_, host)| host).collect();
    Ok(HttpResponse::Ok().json(json!({ "hosts": list })))
}

/// One host of `/os-hosts`: its pod's business.
pub(crate) async fn one(
    _state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let name = call.param("host").to_owned();
    let Some((pod, host)) = find(&call, &name).await? else {
        return Err(Fault::not_found(format!(
            "Compute host {name} could not be found."
        )));
    };
    let mut call = call.clone();
    call.path = call.path.replacen(&name, &host, 1);
    forward_to(&call, &pod, ForwardBody::Streamed(payload)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_clash_carry_the_pod() {
        let mut list: Vec<(String, Value)> = [("Pod1", "a"), ("Pod1", "b"), ("Pod2", "a")]
            .into_iter()
            .map(|(pod, host)| {
                (
                    pod.to_owned(),
                    json!({"host": host, "service": {"host": host}}),
                )
            })
            .collect();
        qualify(&mut list, &["/host", "/service/host"]);
        let shown: Vec<_> = list
            .iter()
            .map(|(_, item)| item["host"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(shown, ["a@Pod1", "b", "a@Pod2"]);
        assert_eq!(list[2].1["service"]["host"], "a@Pod2");
    }
}
