//! Collections that are joined without order: what administrators see of each pod.

use actix_web::HttpResponse;
use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_pods::fan_out;

use crate::{Call, answer};

/// [`crate::Strategy::Collect`]: `{"<key>": [all pods' items]}`.
pub(crate) async fn collect(call: &Call, key: &'static str) -> Result<HttpResponse, Fault> {
    let snapshot = call.gateway.pods.snapshot();
    let deadline = call.gateway.pods.config().client.list_timeout;
    let path = call.path_and_query();
    let held = call.gateway.pods.held_answers();
    let service = call.gateway.surface.service;
    let answers = fan_out(snapshot.callable().cloned(), deadline, |pod| {
        let session = call.session(&pod).holding(held.clone());
        let path = path.clone();
        async move { session.get_json(service, &path).await }
    })
    .await;
    let mut items = Vec::new();
    let mut refused = None;
    let mut first_error = None;
    let mut answered = false;
    for answer in answers {
        match answer.result {
            Ok(mut body) => {
                answered = true;
                if let Some(Value::Array(list)) = body.get_mut(key).map(Value::take) {
                    let rewriter = call.rewriter(&answer.pod);
                    items.extend(list.into_iter().map(|mut item| {
                        rewriter.value(&mut item);
                        item
                    }));
                }
            }
            Err(error) if error.is_refusal() => refused = refused.or(Some(error)),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    // What no pod grants is about the caller or the query.
    match refused.or(first_error) {
        Some(error) if !answered => Err(answer::pod_fault(error)),
        _ => Ok(HttpResponse::Ok().json(json!({ key: items }))),
    }
}
