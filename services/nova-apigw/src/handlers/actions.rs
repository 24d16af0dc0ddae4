//! `POST /servers/{id}/action`: forwarded, except what concerns the top.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Payload};
use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, detached, forward_to};

use super::{networking, read};
use crate::state::State;

/// Actions on floating IPs, which the pods' Neutron must not do by itself. Nova forgot
/// them with 2.44.
const FLOATING: [&str; 2] = ["addFloatingIp", "removeFloatingIp"];

/// Runs an action on a server.
pub(crate) async fn action(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, bytes) = read(&call, payload).await?;
    if let Some(action) = networking::Action::of(&body) {
        return detached(async move { networking::act(&state, &call, action, body).await }).await;
    }
    let bytes = ForwardBody::Made(Bytes::from(bytes));
    let id = call.param("id").to_owned();
    if body.keys().any(|key| FLOATING.contains(&key.as_str())) {
        // 404 comes first, as for any other action.
        call.pod_of(RoutingKind::Server, &id).await?;
        return Err(Fault::not_implemented(
            "Floating IPs of a server are changed by the Networking API.",
        ));
    }
    if body.contains_key("forceDelete") {
        return detached(async move { state.compute.delete(&call, &id, bytes).await }).await;
    }
    let pod = call.pod_of(RoutingKind::Server, &id).await?;
    let flavor = body
        .get("resize")
        .and_then(|resize| resize.get("flavorRef"))
        .and_then(Value::as_str);
    if let Some(flavor) = flavor {
        state.compute.prepare_resize(&call, &pod, flavor).await?;
    }
    forward_to(&call, &pod, bytes).await
}
