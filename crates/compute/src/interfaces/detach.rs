//! Detaching an interface. The pod's Nova accepts at once and does it later, so the port
//! stays the server's at the top until the job has seen that it is not any more.

use actix_web::HttpResponse;
use tricircle_api::Fault;
use tricircle_db::models::{RealizationKind, RoutingKind};
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, ForwardBody, forward_to};

use super::ServerSeen;
use crate::Compute;

impl Compute {
    /// `DELETE /servers/{id}/os-interface/{port_id}`: the pod's answer.
    pub async fn detach_interface(&self, call: &Call) -> Result<HttpResponse, Fault> {
        let (id, port_id) = (
            call.param("id").to_owned(),
            call.param("port_id").to_owned(),
        );
        let kind = RoutingKind::Server;
        let pod = call.pod_of(kind, &id).await?;
        let view = self.store.port_by_id(&port_id).await?;
        let own = view.filter(|view| view.port.device_id == id);
        let row = match &own {
            Some(_) => {
                let kind = RealizationKind::Port;
                let row = self.store.realization_find(kind, &port_id, pod.id());
                row.await?.and_then(|row| row.bottom_id)
            }
            None => None,
        };
        let (Some(view), Some(bottom_id)) = (own, row) else {
            let of_pod = [port_id.clone()];
            let known = self.store.realizations_by_bottom(pod.id(), &of_pod);
            if !known.await?.is_empty() {
                // The pod would take it off, and the top would not know.
                return Err(Fault::not_found(format!(
                    "Port id {port_id} could not be found."
                )));
            }
            // No port of this server: what the pod says of any other.
            return forward_to(call, &pod, ForwardBody::Empty).await;
        };
        let mut there = call.clone();
        there.path = format!("/servers/{id}/os-interface/{bottom_id}");
        if call.is_of_another_project(kind, &id).await? {
            // The pod says that there is no such server; nothing is to be written for that.
            return forward_to(&there, &pod, ForwardBody::Empty).await;
        }
        let server = ServerSeen {
            id,
            pod,
            project_id: view.port.project_id,
            zone: String::new(),
        };
        let job = self.settle_job(&server, &port_id, call);
        self.store.job_enqueue(&job).await?;
        hit("interface_detach.intended");
        let answer = forward_to(&there, &server.pod, ForwardBody::Empty).await;
        hit("interface_detach.asked");
        if answer
            .as_ref()
            .is_ok_and(|response| !response.status().is_server_error())
        {
            // Refused or accepted, the job looks.
            self.settle_soon(job).await;
            hit("interface_detach.enqueued");
        }
        answer
    }
}
