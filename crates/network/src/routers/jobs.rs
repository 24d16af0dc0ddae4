//! What the jobs of routers do.
//!
//! `router_sync` looks at a router as a whole: which pods have or are to have a part of
//! it. `router_setup` brings one pod's part in order. They are two kinds so that a pod
//! that is away delays its own part only.

use serde_json::json;
use tricircle_db::models::{NewJob, RealizationKind};
use tricircle_failpoint::hit;

use super::facts::Known;
use super::plan::layout;
use crate::kinds::{NETWORK_REMOVE, ROUTER_SETUP, look_again};
use crate::{Network, NetworkError};

impl Network {
    /// Wants every part of a router brought in order, and removes what of a deleted
    /// router no pod has any more.
    pub(crate) async fn sync_router(
        &self,
        id: &str,
        again: bool,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let Some(known) = self.known(id).await? else {
            return Ok(());
        };
        let mut pods = self.pods_of(RealizationKind::Router, id).await?;
        pods.extend(layout(&known.facts, self.host_routes()).into_keys());
        pods.sort_unstable();
        pods.dedup();
        for pod_id in pods {
            let job = NewJob {
                pod_id,
                project_id: known.router.project_id.clone(),
                request_id: request_id.to_owned(),
                payload: if again { look_again() } else { json!({}) },
                ..NewJob::new(ROUTER_SETUP, id)
            };
            self.store.job_enqueue(&job).await?;
            hit("router_sync.wanted");
        }
        self.finish_router(&known).await?;
        hit("router_sync.finished");
        self.jobs.wake_all();
        Ok(())
    }

    /// Brings the part of a router that is in this pod in order.
    pub(crate) async fn setup_router(
        &self,
        id: &str,
        pod_id: &str,
        again: bool,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let Some(known) = self.known(id).await? else {
            return Ok(());
        };
        let parts = layout(&known.facts, self.host_routes());
        let session = self.admin(pod_id, request_id)?;
        match parts.get(pod_id) {
            Some(part) => self.bring_part(&session, &known, part, again).await?,
            None => self.remove_part(&session, &known).await?,
        }
        hit("router_setup.done");
        self.finish_router(&known).await
    }

    /// Removes what of a router no pod has any more.
    async fn finish_router(&self, known: &Known) -> Result<(), NetworkError> {
        self.store
            .router_finish(&known.router.id, NETWORK_REMOVE)
            .await?;
        Ok(())
    }

    fn host_routes(&self) -> usize {
        usize::try_from(self.config.tricircle.router_host_routes).unwrap_or(usize::MAX)
    }
}
