//! Deleting a server: the wish and its job are written before the pod is asked.

use actix_web::HttpResponse;
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, remove};

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
        remove(
            call,
            RoutingKind::Server,
            id,
            body,
            SERVER_REMOVE,
            &self.jobs,
        )
        .await
    }
}
