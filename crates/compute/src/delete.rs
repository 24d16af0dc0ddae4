//! Deleting a server: the wish and its job are written before the pod is asked.

use actix_web::HttpResponse;
use tricircle_api::Fault;
use tricircle_db::models::{NewJob, RoutingKind};
use tricircle_gateway::{Call, ForwardBody, forward_to};

use crate::{Compute, SERVER_REMOVE};

impl Compute {
    /// `DELETE /servers/{id}`, and `forceDelete`: forwards `body` and sees the server
    /// gone. Nothing is cleaned up before the pod says that the server is gone.
    pub async fn delete(
        &self,
        call: &Call,
        id: &str,
        body: ForwardBody,
    ) -> Result<HttpResponse, Fault> {
        let kind = RoutingKind::Server;
        let pod = call.pod_of(kind, id).await?;
        let job = NewJob {
            pod_id: pod.id().to_owned(),
            project_id: call.context.project_id.clone(),
            // A crash before the pod was asked leaves a job that finds the server
            // alive and lets it live.
            run_after: self.config.jobs.create_grace,
            request_id: call.context.request_id().to_owned(),
            ..NewJob::new(SERVER_REMOVE, id)
        };
        let mut soon = job.clone();
        self.store.removal_begin(kind, id, &job).await?;
        let answer = forward_to(call, &pod, body).await;
        match &answer {
            Ok(response) if response.status().is_success() || response.status() == 404 => {
                soon.run_after = std::time::Duration::ZERO;
                self.jobs.enqueue(&soon).await?;
                call.gateway.routings.forget(kind, id).await;
            }
            Ok(response) if response.status().is_client_error() => {
                self.store.removal_refused(kind, id, SERVER_REMOVE).await?;
            }
            // Nobody knows: the job looks.
            _ => {}
        }
        answer
    }
}
