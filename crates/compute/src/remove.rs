//! The job that sees a deleted server gone and removes what was made for it.

use async_trait::async_trait;
use serde_json::Value;
use tricircle_db::models::{RoutingKind, RoutingState};
use tricircle_failpoint::hit;
use tricircle_intent::{Presence, ended, pod_job_error};
use tricircle_jobs::{JobError, JobKind, JobRun};
use tricircle_pods::Service;

use crate::fault::network_job_error;
use crate::{Compute, SERVER_REMOVE};

/// Waits until the pod has removed the server, then removes the ports that the gateway
/// made for it and frees those that are the user's own.
#[derive(Debug, Clone)]
pub struct ServerRemove(pub Compute);

#[async_trait]
impl JobKind for ServerRemove {
    fn name(&self) -> &'static str {
        SERVER_REMOVE
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let compute = &self.0;
        let (id, pod_id) = (run.resource_id(), run.pod_id());
        match compute.presence(id, pod_id, run.request_id()).await? {
            Presence::Gone => {}
            Presence::Going => {
                return Err(JobError::transient("the pod is still deleting the server"));
            }
            Presence::There => {
                let kind = RoutingKind::Server;
                compute.store.removal_refused(kind, id, "").await?;
                return Ok(());
            }
        }
        run.check()?;
        hit("server_remove.gone");
        compute.forget_server(id, pod_id).await
    }
}

impl Compute {
    /// A pod said that it has no such server. When that was wished, what was made for the
    /// server goes before the caller hears of it: who waits for a server to be gone removes
    /// its networks next. Where this fails the job does it.
    pub async fn seen_gone(&self, id: &str, request_id: &str) {
        if let Err(error) = self.follow_to_the_end(id, request_id).await {
            tracing::info!(server.id = id, %error, "what was made for a server is left to its job");
        }
    }

    async fn follow_to_the_end(&self, id: &str, request_id: &str) -> Result<(), JobError> {
        let row = self.store.routing_by_top(RoutingKind::Server, id).await?;
        let Some(row) = row.filter(|row| row.state == RoutingState::Deleting) else {
            return Ok(());
        };
        // The caller may just not be allowed to see it.
        match self.presence(id, &row.pod_id, request_id).await? {
            Presence::Gone => self.forget_server(id, &row.pod_id).await,
            Presence::Going | Presence::There => Ok(()),
        }
    }

    /// Whether the pod still has a server, as its administrator sees it.
    async fn presence(
        &self,
        id: &str,
        pod_id: &str,
        request_id: &str,
    ) -> Result<Presence, JobError> {
        if pod_id.is_empty() {
            // No pod is known to have had it: the auditor found ports that are held for
            // something that is nowhere.
            return Ok(Presence::Gone);
        }
        let admin = self.pods.admin(pod_id, request_id);
        let admin = admin.map_err(|error| pod_job_error(pod_id, error))?;
        let path = format!("/servers/{id}");
        let shown = admin.get_json(Service::Compute, &path).await;
        Presence::read(pod_id, shown, is_going)
    }

    /// Removes what was made for a server that is gone. May be done by two at a time.
    async fn forget_server(&self, id: &str, pod_id: &str) -> Result<(), JobError> {
        let released = self.network.release(id, pod_id).await;
        released.map_err(|error| network_job_error(pod_id, error))?;
        hit("server_remove.released");
        ended(&self.store, RoutingKind::Server, id).await
    }
}

/// Whether the pod has begun to remove a server, or keeps it as deleted for a while
/// (`SOFT_DELETED`), in which case it may be restored and is not gone yet.
fn is_going(body: &Value) -> bool {
    let text = |key: &str| {
        body.get("server")
            .and_then(|server| server.get(key))
            .and_then(Value::as_str)
    };
    matches!(
        text("OS-EXT-STS:task_state"),
        Some("deleting" | "soft-deleting")
    ) || matches!(text("status"), Some("DELETED" | "SOFT_DELETED"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_servers_on_their_way_out_are_waited_for() {
        let server = |task: Value, status: &str| json!({"server": {"OS-EXT-STS:task_state": task, "status": status}});
        assert!(is_going(&server(json!("deleting"), "ACTIVE")));
        assert!(is_going(&server(json!(null), "SOFT_DELETED")));
        assert!(!is_going(&server(json!(null), "ACTIVE")));
        assert!(!is_going(&json!({})));
    }
}
