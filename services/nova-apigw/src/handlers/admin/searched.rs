//! Things that one pod has and no routing knows: all pods are asked, and the one that has
//! it answers.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Payload};
use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, forward_to};

use super::ask_for_one;
use crate::handlers::read;
use crate::state::State;

/// `GET /os-console-auth-tokens/{token}`.
pub(crate) async fn console(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let said = ask_for_one(&call, &call.path_and_query()).await?;
    Ok(HttpResponse::Ok().json(said.body))
}

/// `POST /os-assisted-volume-snapshots`, which names the volume in its body.
pub(crate) async fn snapshot(
    _state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, bytes) = read(&call, payload).await?;
    let volume = body
        .get("snapshot")
        .and_then(|s| s.get("volume_id")?.as_str());
    to_pod_of(&call, volume, ForwardBody::Made(Bytes::from(bytes))).await
}

/// `DELETE /os-assisted-volume-snapshots/{id}`, which names it in its query.
pub(crate) async fn snapshot_delete(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let pairs = call.query_pairs();
    let info = pairs.iter().find(|(key, _)| key == "delete_info");
    let info: Option<Value> = info.and_then(|(_, text)| serde_json::from_str(text).ok());
    let volume = info
        .as_ref()
        .and_then(|info| info.get("volume_id")?.as_str());
    to_pod_of(&call, volume, ForwardBody::Empty).await
}

/// The pod of the volume; any other says of it what there is to say.
async fn to_pod_of(
    call: &Call,
    volume: Option<&str>,
    body: ForwardBody,
) -> Result<HttpResponse, Fault> {
    let found = match volume {
        Some(id) => call.pod_of(RoutingKind::Volume, id).await,
        None => call.any_pod(),
    };
    let pod = match found {
        Err(fault) if fault.status() == 404 => call.any_pod()?,
        other => other?,
    };
    forward_to(call, &pod, body).await
}
