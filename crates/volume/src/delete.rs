//! Deleting a volume: the wish and its job are written before the pod is asked.

use actix_web::HttpResponse;
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, remove};

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
        remove(
            call,
            RoutingKind::Volume,
            id,
            body,
            VOLUME_REMOVE,
            &self.jobs,
        )
        .await
    }
}
