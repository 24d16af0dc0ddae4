//! Interfaces of servers that are there: attached and detached in the pod, owned at the
//! top.
//!
//! A pod's Nova is only ever given ports of the top, made in the pod, so that it makes
//! none by itself and deletes none. Both directions go the same way: a job that will look
//! is written, then the pod is asked, then the job is made due. The job
//! ([`InterfaceSettle`]) does not know what was wished: it looks whether the port is on the
//! server, and the top follows. So a crash anywhere, a lost answer, and an attach and a
//! detach that meet all end alike.

mod attach;
mod detach;
mod request;
mod settle;

pub use settle::InterfaceSettle;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_db::models::{NewJob, RoutingKind, ZoneService};
use tricircle_gateway::{Call, pod_fault};
use tricircle_network::Actor;
use tricircle_pods::{PodEntry, Service};

use crate::{Compute, INTERFACE_SETTLE};

/// The id that no server has.
const NO_SERVER: &str = "00000000-0000-0000-0000-000000000000";

/// A server as its pod shows it to the caller.
#[derive(Debug, Clone)]
pub struct ServerSeen {
    /// Its id.
    pub id: String,
    /// Its pod.
    pub pod: Arc<PodEntry>,
    /// Its owner.
    pub project_id: String,
    /// Its zone at the top; empty when it has none there.
    pub zone: String,
}

impl ServerSeen {
    /// The caller, where the server's project is meant: Nova's for new ports.
    fn actor(&self, call: &Call) -> Actor {
        Actor {
            project_id: self.project_id.clone(),
            ..caller(call)
        }
    }
}

/// The caller in its own project.
pub fn caller(call: &Call) -> Actor {
    Actor {
        project_id: call.context.project_id.clone(),
        user_id: call.context.user_id.clone(),
        is_admin: call.context.is_admin(),
        request_id: call.request_id().to_owned(),
    }
}

impl Compute {
    /// The server whose id is `{id}` in the path, if the caller may do what the rule says
    /// with it; else the pod's own 404, or 403.
    pub async fn seen_server(&self, call: &Call, rule: &str) -> Result<ServerSeen, Fault> {
        let id = call.param("id");
        let pod = call.pod_of(RoutingKind::Server, id).await?;
        let shown = call
            .session(&pod)
            .get_json(Service::Compute, &format!("/servers/{id}"))
            .await
            .map_err(pod_fault)?;
        let text = |key: &str| {
            let value = shown.get("server").and_then(|server| server.get(key));
            value.and_then(Value::as_str).unwrap_or_default()
        };
        let zone = pod
            .view
            .top_az(ZoneService::Compute, text("OS-EXT-AZ:availability_zone"));
        let server = ServerSeen {
            id: id.to_owned(),
            project_id: text("tenant_id").to_owned(),
            zone: zone.unwrap_or_default().to_owned(),
            pod: pod.clone(),
        };
        call.require_on(rule, &server.project_id, text("user_id"))?;
        Ok(server)
    }

    /// What a pod says of a body that cannot be read here. The pod is asked for a server
    /// that it has not, so that nothing happens should it understand.
    pub async fn refusal_of_body(&self, call: &Call, body: &Map<String, Value>) -> Fault {
        let pod = match call.pod_of(RoutingKind::Server, call.param("id")).await {
            Ok(pod) => pod,
            Err(fault) => return fault,
        };
        let path = call.path.replace(call.param("id"), NO_SERVER);
        let body = Value::Object(body.clone());
        let asked = call
            .session(&pod)
            .post_json(Service::Compute, &path, &body)
            .await;
        match asked {
            Err(error) if !error.is_not_found() => pod_fault(error),
            _ => Fault::bad_request("The request body could not be understood."),
        }
    }

    /// The job that will look where a port is.
    fn settle_job(&self, server: &ServerSeen, port_id: &str, call: &Call) -> NewJob {
        NewJob {
            pod_id: server.pod.id().to_owned(),
            project_id: server.project_id.clone(),
            payload: json!({"wished_at": tricircle_db::now().and_utc().timestamp()}),
            // Not before the pod can have done what it is asked for.
            run_after: self.config.jobs.create_grace,
            request_id: call.context.request_id().to_owned(),
            ..NewJob::new(INTERFACE_SETTLE, port_id)
        }
    }

    /// The pod has answered: the job may look now.
    async fn settle_soon(&self, job: NewJob) {
        let soon = NewJob {
            run_after: Duration::ZERO,
            ..job
        };
        if let Err(error) = self.jobs.enqueue(&soon).await {
            tracing::warn!(%error, "the job of an interface runs when its time comes");
        }
    }
}
