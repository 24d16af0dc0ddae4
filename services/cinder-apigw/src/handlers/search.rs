//! Resources for which no routing is kept: the pod that has one is found by asking
//! all of them with the caller's token.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use tricircle_api::Fault;
use tricircle_gateway::{Call, ForwardBody, forward_to, pod_fault};
use tricircle_pods::fan_out;

/// Forwards the call to the pod that has the resource of the path's first two
/// segments. Where none has it the answer is a pod's own 404.
pub(crate) async fn forward(call: Call, payload: Payload) -> Result<HttpResponse, Fault> {
    let snapshot = call.gateway.pods.snapshot();
    let deadline = call.gateway.pods.config().client.list_timeout;
    let service = call.gateway.surface.service;
    let resource = resource_path(&call.path);
    let answers = fan_out(snapshot.callable().cloned(), deadline, |pod| {
        let session = call.session(&pod);
        let resource = resource.clone();
        async move { session.get_json(service, &resource).await }
    })
    .await;
    let mut missing = None;
    let mut away = None;
    for answer in answers {
        match answer.result {
            Ok(_) => return forward_to(&call, &answer.pod, ForwardBody::Streamed(payload)).await,
            Err(error) if error.is_refusal() => missing = missing.or(Some(error)),
            Err(error) => away = away.or(Some(error)),
        }
    }
    // It may be in the pod that did not answer: "not found" would be a lie.
    match away.or(missing) {
        Some(error) => Err(pod_fault(error)),
        None => Err(Fault::unavailable("No pod is registered.")),
    }
}

/// `/attachments/<id>` of `/attachments/<id>/action`.
fn resource_path(path: &str) -> String {
    let segments: Vec<_> = path.split('/').filter(|s| !s.is_empty()).take(2).collect();
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::resource_path;

    #[test]
    fn sub_resources_are_looked_for_by_what_they_belong_to() {
        for path in ["/a/1", "/a/1/", "/a/1/b", "/a/1/b/c"] {
            assert_eq!(resource_path(path), "/a/1");
        }
    }
}
