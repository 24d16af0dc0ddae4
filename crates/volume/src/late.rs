//! The job that looks for a volume whose create was given up.

use async_trait::async_trait;
use tricircle_failpoint::hit;
use tricircle_intent::{late, pod_job_error};
use tricircle_jobs::{JobError, JobKind, JobRun};

use crate::recover::find_by_mark;
use crate::{VOLUME_LATE, Volumes};

/// Gives a volume that its pod made too late a routing.
#[derive(Debug, Clone)]
pub struct VolumeLate(pub Volumes);

#[async_trait]
impl JobKind for VolumeLate {
    fn name(&self) -> &'static str {
        VOLUME_LATE
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let store = &self.0.store;
        let Some(intent) = late::given_up(store, run).await? else {
            return Ok(());
        };
        let in_pod = |error| pod_job_error(&intent.pod_id, error);
        let admin = self.0.pods.admin(&intent.pod_id, run.request_id());
        let admin = admin.map_err(in_pod)?;
        let found = find_by_mark(&admin, &intent.id).await.map_err(in_pod)?;
        run.check()?;
        match found {
            Some(id) => {
                late::adopt(store, &intent, &id).await?;
                hit("volume_late.adopted");
                tracing::warn!(
                    volume.id = id,
                    "a pod made a volume after its create was given up"
                );
                Ok(())
            }
            None => {
                let grace = self.0.config.jobs.create_grace;
                late::look_again(store, run, &intent, grace).await
            }
        }
    }
}
