//! Deleting what a pod owns: the wish and the job that sees to it are written before
//! the pod is asked, and nothing is cleaned up before the pod says that it is gone.

use std::time::Duration;

use actix_web::HttpResponse;
use tricircle_api::Fault;
use tricircle_db::models::{NewJob, RoutingKind};
use tricircle_failpoint::hit;
use tricircle_jobs::JobSender;

use crate::{Call, ForwardBody, forward_to};

/// Forwards a call that deletes the resource `id`, with `body`, and leaves a job of the
/// kind `job_kind` that sees it gone.
pub async fn remove(
    call: &Call,
    kind: RoutingKind,
    id: &str,
    body: ForwardBody,
    job_kind: &str,
    jobs: &JobSender,
) -> Result<HttpResponse, Fault> {
    let gateway = &call.gateway;
    let pod = call.pod_of(kind, id).await?;
    if call.is_of_another_project(kind, id).await? {
        // The pod says that it does not exist; nothing is to be written for that.
        return forward_to(call, &pod, body).await;
    }
    let later = NewJob {
        pod_id: pod.id().to_owned(),
        project_id: call.context.project_id.clone(),
        // After a crash before the pod was asked the job finds the resource alive and
        // lets it live.
        run_after: gateway.pods.config().jobs.create_grace,
        request_id: call.context.request_id().to_owned(),
        ..NewJob::new(job_kind, id)
    };
    gateway.store.removal_begin(kind, id, &later).await?;
    hit("remove.intended");
    let answer = forward_to(call, &pod, body).await;
    hit("remove.asked");
    if let Ok(response) = &answer
        && !response.status().is_server_error()
    {
        // Refused or accepted: the job looks at once. It is not called off after a
        // refusal, for it may also be that of another request for the same resource,
        // which the pod accepted.
        let soon = NewJob {
            run_after: Duration::ZERO,
            ..later
        };
        jobs.enqueue(&soon).await?;
        hit("remove.enqueued");
        if response.status().is_success() || response.status() == 404 {
            gateway.routings.forget(kind, id).await;
        }
    }
    answer
}
