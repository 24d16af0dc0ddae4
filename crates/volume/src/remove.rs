//! The job that sees a deleted volume gone.

use async_trait::async_trait;
use serde_json::Value;
use tricircle_db::models::RoutingKind;
use tricircle_failpoint::hit;
use tricircle_intent::{Presence, ended, pod_job_error};
use tricircle_jobs::{JobError, JobKind, JobRun};
use tricircle_pods::Service;

use crate::{VOLUME_REMOVE, Volumes};

/// Waits until the pod has removed the volume; only then its share of the quota is
/// free again.
#[derive(Debug, Clone)]
pub struct VolumeRemove(pub Volumes);

#[async_trait]
impl JobKind for VolumeRemove {
    fn name(&self) -> &'static str {
        VOLUME_REMOVE
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let store = &self.0.store;
        let (id, pod_id) = (run.resource_id(), run.pod_id());
        let in_pod = |error| pod_job_error(pod_id, error);
        let admin = self
            .0
            .pods
            .admin(pod_id, run.request_id())
            .map_err(in_pod)?;
        let path = format!("/volumes/{id}");
        let shown = admin.get_json(Service::Volume, &path).await;
        match Presence::read(pod_id, shown, is_going)? {
            Presence::Gone => {
                hit("volume_remove.gone");
                ended(store, RoutingKind::Volume, id).await
            }
            Presence::Going => Err(JobError::transient("the pod is still deleting the volume")),
            Presence::There => {
                store.removal_refused(RoutingKind::Volume, id, "").await?;
                Ok(())
            }
        }
    }
}

fn is_going(body: &Value) -> bool {
    let status = body.pointer("/volume/status").and_then(Value::as_str);
    matches!(status, Some("deleting" | "unmanaging"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_volume_that_failed_to_be_deleted_is_not_waited_for() {
        for (status, going) in [
            ("deleting", true),
            ("unmanaging", true),
            ("available", false),
            ("error_deleting", false),
        ] {
            assert_eq!(is_going(&json!({"volume": {"status": status}})), going);
        }
    }
}
