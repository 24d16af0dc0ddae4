//! The job that sees a deleted server gone and removes what was made for it.

use async_trait::async_trait;
use serde_json::Value;
use tricircle_db::models::RoutingKind;
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
        let Compute {
            store,
            pods,
            network,
            ..
        } = &self.0;
        let id = run.resource_id();
        let pod_id = run.pod_id();
        let presence = if pod_id.is_empty() {
            // No pod is known to have had it: the auditor found ports that are held for
            // something that is nowhere.
            Presence::Gone
        } else {
            let admin = pods
                .admin(pod_id, run.request_id())
                .map_err(|error| pod_job_error(pod_id, error))?;
            let path = format!("/servers/{id}");
            let shown = admin.get_json(Service::Compute, &path).await;
            Presence::read(pod_id, shown, is_going)?
        };
        match presence {
            Presence::Gone => {}
            Presence::Going => {
                return Err(JobError::transient("the pod is still deleting the server"));
            }
            Presence::There => {
                store.removal_refused(RoutingKind::Server, id, "").await?;
                return Ok(());
            }
        }
        run.check()?;
        hit("server_remove.gone");
        network
            .release(id, pod_id)
            .await
            .map_err(|error| network_job_error(pod_id, error))?;
        hit("server_remove.released");
        ended(store, RoutingKind::Server, id).await
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
