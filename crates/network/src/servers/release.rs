//! Taking back the networking of a server that is gone or never came.

use tricircle_db::models::{NewJob, PortFilter, PortView, RowState};
use tricircle_failpoint::hit;

use crate::kinds::PORT_REMOVE;
use crate::realize::Makers;
use crate::{Network, NetworkError};

impl Network {
    /// Frees the ports of a server or an intent: those that the gateway made are
    /// deleted in their pod and at the top, the user's own are free again and no longer
    /// in the pod. `pod_id`: the server's pod; empty when it is not known.
    ///
    /// May be called again after any failure; then it goes on. An address is free only
    /// after its port was seen gone in the pod.
    pub async fn release(&self, device_id: &str, pod_id: &str) -> Result<(), NetworkError> {
        self.release_after(device_id, pod_id, Makers::Perhaps).await
    }

    /// The same for an intent whose makers have surely ended, because the time that they
    /// had is over: what they left unfinished goes without waiting for them.
    pub async fn release_abandoned(
        &self,
        intent_id: &str,
        pod_id: &str,
    ) -> Result<(), NetworkError> {
        self.release_after(intent_id, pod_id, Makers::Ended).await
    }

    /// The same for one port of a server that has, or was to get, others. Nothing when the
    /// port is another device's meanwhile.
    pub async fn release_interface(
        &self,
        port_id: &str,
        server_id: &str,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        self.release_one(port_id, server_id, request_id, Makers::Perhaps)
            .await
    }

    /// The same when whoever made the port in the pod has surely ended.
    pub async fn release_abandoned_interface(
        &self,
        port_id: &str,
        server_id: &str,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        self.release_one(port_id, server_id, request_id, Makers::Ended)
            .await
    }

    async fn release_one(
        &self,
        port_id: &str,
        server_id: &str,
        request_id: &str,
        makers: Makers,
    ) -> Result<(), NetworkError> {
        match self.store.port_by_id(port_id).await? {
            Some(view) => {
                self.release_port(&view, server_id, request_id, makers)
                    .await
            }
            None => Ok(()),
        }
    }

    async fn release_after(
        &self,
        device_id: &str,
        pod_id: &str,
        makers: Makers,
    ) -> Result<(), NetworkError> {
        if device_id.is_empty() {
            return Ok(());
        }
        // Jobs and undone creates call this; the pods' logs find it by an id of its own.
        let request_id = format!("req-{}", uuid::Uuid::new_v4());
        let filter = PortFilter {
            device_ids: vec![device_id.to_owned()],
            deleting_too: true,
            ..PortFilter::default()
        };
        let mut ended = Ok(());
        for view in self.store.ports(&filter).await? {
            let one = self
                .release_port(&view, device_id, &request_id, makers)
                .await;
            if let Err(error) = &one {
                tracing::warn!(
                    req.id = request_id, pod.id = pod_id, port.id = view.port.id, server.id = device_id, %error,
                    "a port of a server is not free yet"
                );
            }
            ended = ended.and(one);
        }
        ended
    }

    async fn release_port(
        &self,
        view: &PortView,
        device_id: &str,
        request_id: &str,
        makers: Makers,
    ) -> Result<(), NetworkError> {
        let port = &view.port;
        let job = NewJob {
            request_id: request_id.to_owned(),
            project_id: port.project_id.clone(),
            ..NewJob::new(PORT_REMOVE, &port.id)
        };
        let begun = self.store.port_release_begin(&port.id, device_id, &job);
        let Some(in_pods) = begun.await? else {
            // Whoever was faster has finished, and the port may be another server's now.
            return Ok(());
        };
        hit("release.marked");
        self.remove_all(&in_pods, request_id, makers).await?;
        hit("release.unrealized");
        if port.created_by_gateway || port.state == RowState::Deleting {
            self.store.port_purge(&port.id).await?;
        } else {
            self.store.port_unbind(&port.id, device_id).await?;
        }
        hit("release.freed");
        Ok(())
    }
}
