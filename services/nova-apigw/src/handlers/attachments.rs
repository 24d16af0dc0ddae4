//! `POST /servers/{id}/os-volume_attachments`: a volume is attached in its own pod.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Payload};
use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, ForwardBody, forward_to};

use super::read;
use crate::state::State;

/// Attaches a volume; one in another pod is a 400 that says why.
pub(crate) async fn create(
    _state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, bytes) = read(&call, payload).await?;
    let pod = call.pod_of(RoutingKind::Server, call.param("id")).await?;
    let volume = body
        .get("volumeAttachment")
        .and_then(|attachment| attachment.get("volumeId"))
        .and_then(Value::as_str);
    if let Some(volume) = volume
        && !call
            .is_of_another_project(RoutingKind::Volume, volume)
            .await?
    {
        match call.pod_of(RoutingKind::Volume, volume).await {
            Ok(other) if other.id() != pod.id() => {
                return Err(Fault::bad_request(format!(
                    "Invalid volume: Volume {volume} and the server are in different pods \
                     ({} and {}): a volume can be attached within its own pod only. Create the \
                     volume in the server's availability zone.",
                    other.region(),
                    pod.region()
                )));
            }
            // No such volume is Nova's to say, in its words.
            Ok(_) => {}
            Err(fault) if fault.status() == 404 => {}
            Err(fault) => return Err(fault),
        }
    }
    hit("attach.begun");
    let answer = forward_to(&call, &pod, ForwardBody::Made(Bytes::from(bytes))).await;
    hit("attach.asked");
    answer
}
