//! What the pods have together: availability zones and agents. And the
//! service providers, of which there are none.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_db::models::ZoneService;
use tricircle_network::resource::{Chain, ResourceError};

use crate::call::{Call, refused};

/// Registers the paths.
pub fn routes(config: &mut web::ServiceConfig) {
    for suffix in ["", ".json"] {
        config
            .route(
                &format!("/v2.0/availability_zones{suffix}"),
                web::get().to(zones),
            )
            .route(&format!("/v2.0/agents{suffix}"), web::get().to(agents))
            .route(
                &format!("/v2.0/service-providers{suffix}"),
                web::get().to(providers),
            );
    }
    config.route("/v2.0/agents/{id}", web::get().to(agent));
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

/// Refuses hints of zones that no pod has.
pub async fn check_zones(call: &Call, hints: &Value) -> Result<(), Fault> {
    let hints: Vec<&str> = hints
        .as_array()
        .map(|hints| hints.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if hints.is_empty() {
        return Ok(());
    }
    let known = zone_names(call).await?;
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
    let zones: Vec<Value> = zone_names(&call)
        .await?
        .into_iter()
        .map(|name| json!({"name": name, "resource": "network", "state": "available"}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "availability_zones": zones })))
}

/// The agents belong to the pods; the top has none of its own.
async fn agents(call: Call) -> Result<HttpResponse, Fault> {
    if !call.is_admin() {
        return Ok(HttpResponse::Ok().json(json!({"agents": []})));
    }
    Ok(HttpResponse::Ok().json(json!({"agents": []})))
}

async fn agent(call: Call, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    if !call.is_admin() {
        return Err(refused(Chain::of("get_agent").denied()));
    }
    Err(refused(ResourceError::new(
        404,
        "AgentNotFound",
        format!("Agent {id} could not be found."),
    )))
}

async fn providers(_call: Call) -> HttpResponse {
    HttpResponse::Ok().json(json!({"service_providers": []}))
}
