//! `POST` and `DELETE` of `/servers/{id}/os-interface`: the ports are the top's.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use tricircle_api::Fault;
use tricircle_gateway::{Call, detached};

use super::read;
use crate::state::State;

/// Attaches an interface.
pub(crate) async fn attach(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    // A client that goes away does not stop half of an attach.
    let answer =
        detached(async move { state.compute.attach_interface(&call, &body).await }).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Detaches one.
pub(crate) async fn detach(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    detached(async move { state.compute.detach_interface(&call).await }).await
}
