//! What the pods have together: availability zones and agents. And the
//! service providers, of which there are none.

use std::collections::BTreeSet;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_api::table::{Access, Line};
use tricircle_db::models::{RealizationKind, ZoneService};
use tricircle_network::resource::{Chain, ResourceError};
use tricircle_pods::{PodAnswer, Service, fan_out};
use tricircle_policy::Target;

use crate::call::{Call, refused};

/// The paths.
pub fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for suffix in ["", ".json"] {
        let path = |name: &str| format!("/v2.0/{name}{suffix}");
        let (zone, agent) = ("get_availability_zone", "get_agent");
        let provider = "get_service_provider";
        lines.extend([
            Line::new(
                Method::GET,
                path("availability_zones"),
                Access::rule(zone),
                zones,
            ),
            Line::new(Method::GET, path("agents"), Access::rule(agent), agents),
            Line::new(
                Method::GET,
                path("service-providers"),
                Access::rule(provider),
                providers,
            ),
        ]);
    }
    let by = Access::rule("get_agent");
    lines.push(Line::new(Method::GET, "/v2.0/agents/{id}", by, agent));
    lines.push(Line::new(
        Method::GET,
        "/v2.0/routers/{id}/l3-agents",
        Access::rule("get_l3-agents"),
        agents_of_router,
    ));
    lines
}

/// The zones of the pods that have a thing of the top.
pub async fn zones_of(call: &Call, kind: RealizationKind, id: &str) -> Result<Vec<String>, Fault> {
    let realized = call.api.store.realizations_of(kind, id).await?;
    if realized.is_empty() {
        return Ok(Vec::new());
    }
    let pods = call.api.store.pods_all().await?;
    let zones: BTreeSet<String> = pods
        .into_iter()
        .filter(|pod| realized.iter().any(|there| there.pod_id == pod.pod.id))
        .flat_map(|pod| pod.zones)
        .map(|zone| zone.top_az)
        .collect();
    Ok(zones.into_iter().collect())
}

/// What a thing may be hinted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// Zones where servers can be.
    Zones,
    /// These, and pods by the names of their regions.
    ZonesAndPods,
}

/// The zones that networks may be hinted to: those where servers can be.
pub async fn zone_names(call: &Call) -> Result<BTreeSet<String>, Fault> {
    let pods = call.api.store.pods_all().await?;
    Ok(pods
        .into_iter()
        .flat_map(|pod| pod.zones)
        .filter(|zone| matches!(zone.service, ZoneService::Compute | ZoneService::Network))
        .map(|zone| zone.top_az)
        .collect())
}

/// Refuses hints of zones that no pod has, and of pods that there are not.
pub async fn check_hints(call: &Call, hints: &Value, of: Hints) -> Result<(), Fault> {
    let hints: Vec<&str> = hints
        .as_array()
        .map(|hints| hints.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if hints.is_empty() {
        return Ok(());
    }
    let mut known = zone_names(call).await?;
    if of == Hints::ZonesAndPods {
        let pods = call.api.store.pods_all().await?;
        known.extend(pods.into_iter().map(|pod| pod.pod.region_name));
    }
    match hints.into_iter().find(|hint| !known.contains(*hint)) {
        None => Ok(()),
        Some(hint) => Err(refused(ResourceError::new(
            404,
            "AvailabilityZoneNotFound",
            format!("AvailabilityZone {hint} could not be found."),
        ))),
    }
}

async fn zones(call: Call) -> Result<HttpResponse, Fault> {
    let mut names = zone_names(&call).await?;
    names.retain(|_| call.may("get_availability_zone", &Target::new()));
    let of = |resource| {
        let zone = move |name| json!({"name": name, "resource": resource, "state": "available"});
        names.iter().map(zone)
    };
    let zones: Vec<Value> = of("network").chain(of("router")).collect();
    Ok(HttpResponse::Ok().json(json!({ "availability_zones": zones })))
}

/// The agents of all pods that answer in time, for administrators: the top has
/// none of its own. `tricircle:pod` says where each is.
async fn all_agents(call: &Call) -> Vec<Map<String, Value>> {
    if !call.may("get_agent", &Target::new()) {
        return Vec::new();
    }
    let pods = &call.api.pods;
    let snapshot = pods.snapshot();
    let deadline = call.api.config.client.list_timeout;
    let answers = fan_out(snapshot.callable().cloned(), deadline, |pod| async move {
        let session = pods.admin(pod.id(), call.context.request_id())?;
        session.get_json(Service::Network, "/agents").await
    })
    .await;
    answers.into_iter().flat_map(agents_in).collect()
}

/// The agents in a pod's answer, with the pod's name; none where it failed.
fn agents_in(answer: PodAnswer<Value>) -> Vec<Map<String, Value>> {
    let Ok(Value::Object(mut body)) = answer.result else {
        return Vec::new();
    };
    let Some(Value::Array(list)) = body.remove("agents") else {
        return Vec::new();
    };
    let named = list.into_iter().filter_map(|agent| match agent {
        Value::Object(mut agent) => {
            agent.insert("tricircle:pod".to_owned(), json!(answer.pod.region()));
            Some(agent)
        }
        _ => None,
    });
    named.collect()
}

async fn agents(call: Call, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let fields: Vec<&str> = query
        .iter()
        .filter(|(key, _)| key == "fields")
        .map(|(_, value)| value.as_str())
        .collect();
    let shown = all_agents(&call)
        .await
        .into_iter()
        .filter(|agent| {
            query
                .iter()
                .all(|(key, value)| agent_has(agent, key, value))
        })
        .map(|mut agent| {
            agent.retain(|key, _| fields.is_empty() || fields.contains(&key.as_str()));
            Value::Object(agent)
        })
        .collect::<Vec<_>>();
    Ok(HttpResponse::Ok().json(json!({ "agents": shown })))
}

/// Whether an agent passes a filter; what no agent has does not restrict.
fn agent_has(agent: &Map<String, Value>, key: &str, value: &str) -> bool {
    match agent.get(key) {
        Some(Value::String(held)) => held == value,
        Some(Value::Bool(held)) => value.eq_ignore_ascii_case(&held.to_string()),
        _ => true,
    }
}

async fn agent(call: Call, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    let missing = || {
        refused(ResourceError::new(
            404,
            "AgentNotFound",
            format!("Agent {id} could not be found."),
        ))
    };
    let agents = all_agents(&call).await;
    let wanted = json!(*id);
    let found = agents
        .into_iter()
        .find(|agent| agent.get("id") == Some(&wanted));
    let agent = found.ok_or_else(missing)?;
    Ok(HttpResponse::Ok().json(json!({ "agent": agent })))
}

/// The L3 agents that have a router's parts in the pods, as far as these answer in time.
async fn agents_of_router(call: Call, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    call.require(&Chain::of("get_l3-agents"), &Target::new())?;
    let parts = match id.is_ascii() {
        true => {
            let store = &call.api.store;
            store.realizations_of(RealizationKind::Router, &id).await?
        }
        // Ids are ASCII; MariaDB refuses to compare them with anything else.
        false => Vec::new(),
    };
    let pods = &call.api.pods;
    let part_in = |pod_id: &str| {
        let part = parts.iter().find(|part| part.pod_id == pod_id)?;
        part.bottom_id.clone()
    };
    let snapshot = pods.snapshot();
    let having = snapshot
        .callable()
        .filter(|pod| part_in(pod.id()).is_some());
    let deadline = call.api.config.client.list_timeout;
    let answers = fan_out(having.cloned(), deadline, |pod| {
        let path = format!(
            "/routers/{}/l3-agents",
            part_in(pod.id()).unwrap_or_default()
        );
        let request = call.context.request_id();
        async move {
            let session = pods.admin(pod.id(), request)?;
            session.get_json(Service::Network, &path).await
        }
    })
    .await;
    let agents: Vec<Value> = answers
        .into_iter()
        .flat_map(agents_in)
        .map(Value::Object)
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "agents": agents })))
}

async fn providers(_call: Call) -> HttpResponse {
    HttpResponse::Ok().json(json!({"service_providers": []}))
}
