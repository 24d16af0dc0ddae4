//! Deleting a volume: the wish and its job are written before the pod is asked.

use std::time::Duration;

use actix_web::HttpResponse;
use tricircle_api::Fault;
use tricircle_db::models::{NewJob, RoutingKind};
use tricircle_gateway::{Call, ForwardBody, forward_to};

use crate::{VOLUME_REMOVE, Volumes};

impl Volumes {
    /// `DELETE /volumes/{id}`, and the actions that delete or unmanage: forwards `body`
    /// and sees the volume gone.
    pub async fn delete(
        &self,
        call: &Call,
        id: &str,
        body: ForwardBody,
    ) -> Result<HttpResponse, Fault> {
        let kind = RoutingKind::Volume;
        let pod = call.pod_of(kind, id).await?;
        if call.is_of_another_project(kind, id).await? {
            // The pod says that it does not exist; nothing is to be written for that.
            return forward_to(call, &pod, body).await;
        }
        let later = NewJob {
            pod_id: pod.id().to_owned(),
            project_id: call.context.project_id.clone(),
            // After a crash before the pod was asked the job finds the volume alive
            // and lets it live.
            run_after: self.config.jobs.create_grace,
            request_id: call.context.request_id().to_owned(),
            ..NewJob::new(VOLUME_REMOVE, id)
        };
        self.store.removal_begin(kind, id, &later).await?;
        let answer = forward_to(call, &pod, body).await;
        if let Ok(response) = &answer
            && !response.status().is_server_error()
        {
            // Refused or accepted: the job looks at once. It is not called off after a
            // refusal, for it may also be that of another request for the same volume,
            // which the pod accepted.
            let soon = NewJob {
                run_after: Duration::ZERO,
                ..later
            };
            self.jobs.enqueue(&soon).await?;
            if response.status().is_success() || response.status() == 404 {
                call.gateway.routings.forget(kind, id).await;
            }
        }
        answer
    }
}
