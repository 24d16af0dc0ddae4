//! `POST /servers/{id}/action`: forwarded, except what concerns the top.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Payload};
use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, detached, forward_to};

use super::read;
use crate::state::State;

/// Actions that change networking, which the pods' Neutron must not do by itself.
const NETWORKING: [&str; 6] = [
    "addFixedIp",
    "removeFixedIp",
    "addFloatingIp",
    "removeFloatingIp",
    "addSecurityGroup",
    "removeSecurityGroup",
];

/// Runs an action on a server.
pub(crate) async fn action(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, bytes) = read(&call, payload).await?;
    let bytes = ForwardBody::Made(Bytes::from(bytes));
    let id = call.param("id").to_owned();
    if body.keys().any(|key| NETWORKING.contains(&key.as_str())) {
        // 404 comes first, as for any other action.
        call.pod_of(RoutingKind::Server, &id).await?;
        return Err(Fault::not_implemented(
            "Changing the networking of a server is not supported over several pods yet.",
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
