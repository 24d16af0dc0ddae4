//! What the top answers by itself or routes by more than the path, a file per subject.

pub(crate) mod by_volume;
pub(crate) mod limits;
pub(crate) mod search;
pub(crate) mod summary;
pub(crate) mod volumes;
pub(crate) mod zones;

use actix_web::web::{Bytes, Payload};
use serde_json::{Map, Value};
use tricircle_api::{Fault, FaultStyle, Site, json as body};
use tricircle_gateway::{Call, pod_fault};
use tricircle_pods::{PodAnswer, fan_out};

/// The request's body as a JSON object, with the bytes it came as.
async fn read(call: &Call, payload: Payload) -> Result<(Map<String, Value>, Bytes), Fault> {
    let max = call
        .request
        .app_data::<Site>()
        .map_or(114_688, Site::max_body);
    let bytes = body::read(payload.into_inner(), max).await?;
    let content_type = call
        .request
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let object = body::parse(FaultStyle::Cinder, content_type, &bytes)?;
    Ok((object, Bytes::from(bytes)))
}

/// What each pod answers to a GET of this call's path; pods that are away are left
/// out, unless all are.
async fn ask_all(call: &Call) -> Result<Vec<Value>, Fault> {
    let snapshot = call.gateway.pods.snapshot();
    let deadline = call.gateway.pods.config().client.list_timeout;
    let service = call.gateway.surface.service;
    let answers = fan_out(snapshot.callable().cloned(), deadline, |pod| {
        let session = call.session(&pod);
        let path = call.path_and_query();
        async move { session.get_json(service, &path).await }
    })
    .await;
    let mut bodies = Vec::new();
    let (mut refused, mut away) = (None, None);
    for PodAnswer { result, .. } in answers {
        match result {
            Ok(body) => bodies.push(body),
            Err(error) if error.is_refusal() => refused = refused.or(Some(error)),
            Err(error) => away = away.or(Some(error)),
        }
    }
    // What no pod grants is about the caller or the query.
    match refused.or(away) {
        Some(error) if bodies.is_empty() => Err(pod_fault(error)),
        None if bodies.is_empty() => Err(Fault::unavailable("No pod is registered.")),
        _ => Ok(bodies),
    }
}
