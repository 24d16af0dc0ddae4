//! Attaching an interface.
//!
//! | step | side effect | healed by |
//! |---|---|---|
//! | 1 | the job `interface_settle`, due after `create_grace` | the job finds nothing to do |
//! | 2 | the port at the top is the server's | the job releases it |
//! | 3 | networks, groups and port in the pod | the job removes the port |
//! | 4 | the pod's Nova attaches the port | the job finds it on the server, and lets it be |
//! | 5 | the job is made due | nothing to heal |

use std::time::Instant;

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, FaultKind};
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, in_the_tops_words, pod_fault, to_top};
use tricircle_network::{InterfaceError, PlannedInterface, RealizedPort};
use tricircle_pods::{PodError, Service};

use super::ServerSeen;
use super::request::read;
use super::settle::{Look, Settled};
use crate::Compute;
use crate::fault::network_fault;

const RULE: &str = "os_compute_api:os-attach-interfaces:create";

/// How an attach failed.
enum Failure {
    /// Nothing was asked of the pod's Nova.
    Before(Fault),
    /// The pod's Nova refused.
    Refused(Fault),
    /// The pod may have attached it.
    Unknown(Fault),
}

impl Compute {
    /// `POST /servers/{id}/os-interface`: the answer's body. Status is 200.
    pub async fn attach_interface(
        &self,
        call: &Call,
        body: &Map<String, Value>,
    ) -> Result<Value, Fault> {
        let Some(wanted) = read(body, call.context.version()) else {
            return Err(self.refusal_of_body(call, body).await);
        };
        let server = self.seen_server(call, RULE).await?;
        if wanted.uuid.is_some() && wanted.port.is_some() {
            return Err(Fault::bad_request(
                "Must not input both network_id and port_id",
            ));
        }
        if wanted.fixed_ip.is_some() && wanted.uuid.is_none() {
            return Err(Fault::bad_request(
                "Must input network_id when request IP address",
            ));
        }
        let planned = self
            .network
            .plan_interface(&server.actor(call), &server.id, &wanted)
            .await
            .map_err(interface_fault)?;
        self.network
            .check_pod(&planned.networks, server.pod.id(), &server.zone)
            .map_err(network_fault)?;

        // From before the job on: its clock starts with it.
        let begun = Instant::now();
        let job = self.settle_job(&server, &planned.port_id, call);
        self.store.job_enqueue(&job).await?;
        hit("interface_attach.intended");
        match self.attach(call, &server, &planned, begun).await {
            Ok(mut answer) => {
                hit("interface_attach.posted");
                self.settle_soon(job).await;
                hit("interface_attach.recorded");
                to_top(call, &server.pod, &mut answer).await?;
                Ok(answer)
            }
            Err(Failure::Unknown(fault)) => Err(fault),
            Err(Failure::Before(fault)) => {
                hit("interface_undo.begun");
                let released =
                    self.network
                        .release_interface(&planned.port_id, &server.id, call.request_id());
                if let Err(error) = released.await {
                    tracing::info!(port.id = planned.port_id, %error, "its job releases the port");
                }
                hit("interface_undo.released");
                Err(fault)
            }
            Err(Failure::Refused(fault)) => {
                hit("interface_undo.begun");
                self.undo_attach(&server, &planned.port_id, call.request_id())
                    .await;
                hit("interface_undo.released");
                Err(fault)
            }
        }
    }

    async fn attach(
        &self,
        call: &Call,
        server: &ServerSeen,
        planned: &PlannedInterface,
        begun: Instant,
    ) -> Result<Value, Failure> {
        let ports = self
            .network
            .allocate_interface(planned, &server.id, &server.zone)
            .await
            .map_err(|error| Failure::Before(interface_fault(error)))?;
        hit("interface_attach.allocated");
        let limit = self.time_to_post(begun).ok_or_else(too_late)?;
        let realized = self.network.realize_ports(server.pod.id(), &ports);
        let realized = actix_web::rt::time::timeout(limit, realized)
            .await
            .map_err(|_| too_late())?
            .map_err(|error| Failure::Before(network_fault(error)))?;
        let Some(port) = realized.first() else {
            let detail = "an interface was planned without a port";
            return Err(Failure::Before(Fault::internal(detail)));
        };
        hit("interface_attach.realized");
        let limit = self.time_to_post(begun).ok_or_else(too_late)?;
        let limit = limit.min(self.config.client.create_timeout);
        let mut attachment = json!({"port_id": port.bottom_id});
        if let Some(tag) = &port.tag {
            attachment["tag"] = json!(tag);
        }
        call.session(&server.pod)
            .with_timeout(limit)
            .post_json(
                Service::Compute,
                &format!("/servers/{}/os-interface", server.id),
                &json!({"interfaceAttachment": attachment}),
            )
            .await
            .map_err(|error| failure(error, port))
    }

    /// Takes back what a refused attach made, unless another request attached the same
    /// port meanwhile. What cannot be done now is left to the job.
    async fn undo_attach(&self, server: &ServerSeen, port_id: &str, request_id: &str) {
        let look = Look {
            port_id,
            pod_id: server.pod.id(),
            request_id,
            // The pod has answered.
            patient: false,
        };
        match self.settle_interface(&look).await {
            Ok(Settled::Released | Settled::Kept) => {}
            Ok(Settled::UnderWay) | Err(_) => {
                tracing::info!(port.id = port_id, "a refused attach is undone by its job");
            }
        }
    }
}

fn too_late() -> Failure {
    Failure::Before(Fault::new(
        FaultKind::PodTimeout,
        "The pod took too long to prepare the network of the interface.",
    ))
}

fn failure(error: PodError, port: &RealizedPort) -> Failure {
    let by_itself = error.code() == Some(500);
    if !error.outcome_unknown() || by_itself {
        let ids = [(port.bottom_id.clone(), port.top_id.clone())];
        return Failure::Refused(in_the_tops_words(pod_fault(error), &ids));
    }
    let kind = match error {
        PodError::NoAnswer { .. } => FaultKind::PodTimeout,
        _ => FaultKind::of_status(StatusCode::BAD_GATEWAY),
    };
    Failure::Unknown(
        Fault::new(
            kind,
            "The pod did not confirm the attachment of the interface. It will appear among the \
             server's interfaces if it was made.",
        )
        .with_detail(tricircle_api::chain(&error)),
    )
}

fn interface_fault(error: InterfaceError) -> Fault {
    let error = match error {
        InterfaceError::Other(error) => return network_fault(error),
        other => other,
    };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    Fault::new(FaultKind::of_status(status), error.to_string())
}
