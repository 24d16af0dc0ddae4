//! Another flavor for a server.
//!
//! While a server is being resized it counts as what it was or as what it becomes,
//! whichever is more. That is written, with the `server_settle` job, before the pod is
//! asked; the job waits until the pod is done and lets the row say what the pod says. A
//! resize that is reverted, at once or later, gives back what it had taken.

use async_trait::async_trait;
use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::{NewJob, Routing, RoutingKind, RoutingUsage};
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, pod_fault};
use tricircle_intent::pod_job_error;
use tricircle_jobs::{JobError, JobKind, JobRun};
use tricircle_pods::{PodSession, Service};

use crate::checks::over_quota_grown;
use crate::{Compute, SERVER_SETTLE};

impl Compute {
    /// Before a resize: the flavor is made in the server's pod, and the quota asked and
    /// taken. The pod itself checks all the rest. True when [`Compute::resized`] is to
    /// be called after the pod answered.
    pub async fn prepare_resize(
        &self,
        call: &Call,
        pod: &std::sync::Arc<tricircle_pods::PodEntry>,
        server_id: &str,
        flavor_ref: &str,
    ) -> Result<bool, Fault> {
        let context = &call.context;
        let flavor_id = flavor_ref.rsplit('/').next().unwrap_or_default();
        let flavor = self
            .usable_flavor(flavor_id, &context.project_id, context.is_admin())
            .await?;
        let admin = self
            .pods
            .admin(pod.id(), call.request_id())
            .map_err(pod_fault)?;
        self.ensure_flavor(&admin, &flavor, &context.project_id)
            .await?;
        let kind = RoutingKind::Server;
        let Some(row) = self.store.routing_by_top(kind, server_id).await? else {
            return Ok(false);
        };
        if call.is_of_another_project(kind, server_id).await? {
            // Nothing of somebody else's quota is taken; the pod says that it is not there.
            return Ok(false);
        }
        let job = self.size_job(call, &row);
        let (vcpus, ram_mb) = (flavor.vcpus, flavor.memory_mb);
        let limits = self.limits();
        let refused = self
            .store
            .server_grow(&row, vcpus, ram_mb, &job, &limits)
            .await?;
        if let Some(room) = refused {
            let more = RoutingUsage {
                vcpus: i64::from(vcpus.saturating_sub(row.vcpus).max(0)),
                ram_mb: i64::from(ram_mb.saturating_sub(row.ram_mb).max(0)),
                ..RoutingUsage::default()
            };
            let (used, limits) = room.exceeded_by_growth(more).unwrap_or(room.project);
            return Err(over_quota_grown(more, used, limits));
        }
        hit("server_resize.counted");
        Ok(true)
    }

    /// Before a revert: the job that lets the server count as what it is again.
    pub async fn prepare_revert(&self, call: &Call, server_id: &str) -> Result<bool, Fault> {
        let kind = RoutingKind::Server;
        let Some(row) = self.store.routing_by_top(kind, server_id).await? else {
            return Ok(false);
        };
        if call.is_of_another_project(kind, server_id).await? {
            return Ok(false);
        }
        self.jobs.enqueue(&self.size_job(call, &row)).await?;
        hit("server_revert.intended");
        Ok(true)
    }

    /// The pod answered: the job may look now.
    pub async fn resized(&self, call: &Call, pod_id: &str, server_id: &str) {
        hit("server_resize.asked");
        let soon = NewJob {
            pod_id: pod_id.to_owned(),
            run_after: std::time::Duration::ZERO,
            request_id: call.request_id().to_owned(),
            ..NewJob::new(SERVER_SETTLE, server_id)
        };
        if let Err(error) = self.jobs.enqueue(&soon).await {
            tracing::warn!(%error, "the job of a resize runs when its time comes");
        }
    }

    fn size_job(&self, call: &Call, row: &Routing) -> NewJob {
        NewJob {
            pod_id: row.pod_id.clone(),
            project_id: row.project_id.clone(),
            run_after: self.config.jobs.create_grace,
            request_id: call.request_id().to_owned(),
            ..NewJob::new(SERVER_SETTLE, row.top_id.as_deref().unwrap_or_default())
        }
    }
}

/// Lets a server count as what its pod says it is, once the pod is done with it.
#[derive(Debug, Clone)]
pub struct ServerSettle(pub Compute);

#[async_trait]
impl JobKind for ServerSettle {
    fn name(&self) -> &'static str {
        SERVER_SETTLE
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let store = &self.0.store;
        let id = run.resource_id();
        let Some(row) = store.routing_by_top(RoutingKind::Server, id).await? else {
            return Ok(());
        };
        if row.deleted_at.is_some() {
            return Ok(());
        }
        let pod_id = &row.pod_id;
        let in_pod = |error| pod_job_error(pod_id, error);
        let admin = self
            .0
            .pods
            .admin(pod_id, run.request_id())
            .map_err(in_pod)?;
        let path = format!("/servers/{id}");
        let shown = match admin.get_json(Service::Compute, &path).await {
            Ok(shown) => shown,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(in_pod(error)),
        };
        if is_moving(&shown) {
            return Err(JobError::transient("the pod is still resizing the server"));
        }
        let flavor_id = text(&shown, "/server/flavor/id");
        let Some((vcpus, ram_mb)) = self.size(&admin, id, flavor_id).await.map_err(in_pod)? else {
            return Ok(());
        };
        run.check()?;
        store
            .server_sized(&row.id, flavor_id, vcpus, ram_mb)
            .await?;
        hit("server_settle.sized");
        Ok(())
    }
}

impl ServerSettle {
    /// Processors and memory of a server: those of its flavor, or what the pod remembers
    /// of a flavor that is gone.
    async fn size(
        &self,
        admin: &PodSession,
        id: &str,
        flavor_id: &str,
    ) -> Result<Option<(i32, i32)>, tricircle_pods::PodError> {
        let flavor = self.0.store.flavor_by_flavor_id(flavor_id).await;
        if let Ok(Some(flavor)) = flavor {
            return Ok(Some((flavor.vcpus, flavor.memory_mb)));
        }
        let newer = admin.clone().at_compute_version("2.47");
        let shown = newer
            .get_json(Service::Compute, &format!("/servers/{id}"))
            .await?;
        let number = |pointer: &str| {
            let number = shown.pointer(pointer).and_then(Value::as_i64)?;
            i32::try_from(number).ok()
        };
        Ok(number("/server/flavor/vcpus").zip(number("/server/flavor/ram")))
    }
}

/// Whether the pod is between two flavors. A server that waits for its owner's word
/// (`VERIFY_RESIZE`) has the new one.
fn is_moving(shown: &Value) -> bool {
    text(shown, "/server/OS-EXT-STS:task_state").starts_with("resize_")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_server_counts_when_it_has_come_to_rest() {
        let server = |task: Value| json!({"server": {"OS-EXT-STS:task_state": task}});
        for (task, moving) in [
            (json!("resize_prep"), true),
            (json!("resize_migrating"), true),
            (json!("resize_reverting"), true),
            (json!(null), false),
            (json!("rebooting"), false),
        ] {
            assert_eq!(is_moving(&server(task.clone())), moving, "{task}");
        }
    }
}
