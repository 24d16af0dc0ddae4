//! `POST /servers`, `GET` and `DELETE /servers/{id}`.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, Shown, detached};

use super::{away, read};
use crate::state::State;

/// Creates one server or several.
pub(crate) async fn create(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    // A client that goes away does not stop half of a create.
    let answer = detached(async move {
        let answer = state.compute.create(&call, Value::Object(body)).await?;
        Ok((call.top_root.clone(), answer))
    });
    let (root, answer) = answer.await?;
    let mut response = HttpResponse::Accepted();
    if let Some(id) = answer.pointer("/server/id").and_then(Value::as_str) {
        response.append_header(("location", format!("{root}/v2.1/servers/{id}")));
    }
    Ok(response.json(answer))
}

/// Shows a server, as far as that is possible: one in a pod that does not answer from what
/// the top knows.
pub(crate) async fn show(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    match tricircle_gateway::show(&call, RoutingKind::Server, payload).await? {
        Shown::ByPod(answer) => Ok(answer),
        Shown::Away(_, fault) if call.context.version() < away::RECORDS.since => Err(fault),
        Shown::Away(routing, _) => {
            let server = away::shown(&state, &call, &routing).await?;
            Ok(HttpResponse::Ok().json(server))
        }
    }
}

/// Deletes a server.
pub(crate) async fn delete(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    detached(async move {
        let id = call.param("id").to_owned();
        state.compute.delete(&call, &id, ForwardBody::Empty).await
    })
    .await
}
