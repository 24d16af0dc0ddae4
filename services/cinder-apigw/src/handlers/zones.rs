//! `GET /os-availability-zone`: the zones of all pods that may be called.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_db::models::ZoneService;
use tricircle_gateway::Call;

use crate::state::State;

/// Lists the zones; one is available while a pod takes new volumes in it.
pub(crate) async fn index(
    state: State,
    _call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let snapshot = state.volumes.pods.snapshot();
    let mut zones = std::collections::BTreeMap::<&str, bool>::new();
    for entry in snapshot.callable() {
        let of_pod = entry.view.zones.iter();
        for zone in of_pod.filter(|zone| zone.service == ZoneService::Volume) {
            *zones.entry(&zone.top_az).or_default() |= entry.takes_new();
        }
    }
    let info: Vec<Value> = zones
        .into_iter()
        .map(|(name, available)| json!({"zoneName": name, "zoneState": {"available": available}}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({"availabilityZoneInfo": info})))
}
