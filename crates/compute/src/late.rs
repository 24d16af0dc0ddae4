//! The job that looks for a server whose create was given up.

use async_trait::async_trait;
use tricircle_failpoint::hit;
use tricircle_intent::{late, pod_job_error};
use tricircle_jobs::{JobError, JobKind, JobRun};

use crate::{Compute, SERVER_LATE, ServerRecover};

/// Gives a server that its pod made too late a routing. Its ports are gone by then, so it
/// may well be in error, which its user sees and can delete.
#[derive(Debug, Clone)]
pub struct ServerLate(pub Compute);

#[async_trait]
impl JobKind for ServerLate {
    fn name(&self) -> &'static str {
        SERVER_LATE
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let Compute {
            store,
            pods,
            config,
            ..
        } = &self.0;
        let Some(intent) = late::given_up(store, run).await? else {
            return Ok(());
        };
        let admin = pods
            .admin(&intent.pod_id, run.request_id())
            .map_err(|error| pod_job_error(&intent.pod_id, error))?;
        let found = ServerRecover(self.0.clone()).find(&admin, &intent).await?;
        run.check()?;
        match found {
            Some(id) => {
                late::adopt(store, &intent, &id).await?;
                hit("server_late.adopted");
                tracing::warn!(
                    server.id = id,
                    "a pod made a server after its create was given up"
                );
                Ok(())
            }
            None => late::look_again(store, run, &intent, config.jobs.create_grace).await,
        }
    }
}
