//! `GET /os-availability-zone`: the zones of all pods that may be called.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_db::models::ZoneService;
use tricircle_gateway::Call;

use crate::state::State;

/// Lists the zones; one is available while a pod takes new servers in it.
pub(crate) async fn index(
    state: State,
    _call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let snapshot = state.compute.pods.snapshot();
    let mut zones: Vec<(String, bool)> = Vec::new();
    for entry in snapshot.callable() {
        let of_pod = entry.view.zones.iter();
        for zone in of_pod.filter(|zone| zone.service == ZoneService::Compute) {
            match zones.iter_mut().find(|(name, _)| *name == zone.top_az) {
                Some((_, available)) => *available |= entry.takes_new(),
                None => zones.push((zone.top_az.clone(), entry.takes_new())),
            }
        }
    }
    zones.sort();
    let info: Vec<Value> = zones
        .into_iter()
        .map(|(name, available)| {
            json!({"zoneName": name, "zoneState": {"available": available}, "hosts": null})
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"availabilityZoneInfo": info})))
}
