//! `POST /volumes`, `DELETE /volumes/{id}`, and the actions that end a volume.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, detached, forward_to};

use super::read;
use crate::state::State;

/// Actions after which the volume is gone from the API.
const ENDINGS: [&str; 2] = ["os-force_delete", "os-unmanage"];

/// Creates a volume.
pub(crate) async fn create(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    // A client that goes away does not stop half of a create.
    let answer = detached(async move { state.volumes.create(&call, Value::Object(body)).await });
    Ok(HttpResponse::Accepted().json(answer.await?))
}

/// Deletes a volume.
pub(crate) async fn delete(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    detached(async move {
        let id = call.param("id").to_owned();
        state.volumes.delete(&call, &id, ForwardBody::Empty).await
    })
    .await
}

/// Any action; those that end the volume are seen through.
pub(crate) async fn action(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, bytes) = read(&call, payload).await?;
    let id = call.param("id").to_owned();
    let body_to_pod = ForwardBody::Made(bytes);
    if ENDINGS.iter().any(|ending| body.contains_key(*ending)) {
        return detached(async move { state.volumes.delete(&call, &id, body_to_pod).await }).await;
    }
    let pod = call.pod_of(RoutingKind::Volume, &id).await?;
    forward_to(&call, &pod, body_to_pod).await
}
