//! [`JobSender`]: how services want something done.

use std::sync::Arc;

use tricircle_db::models::{Job, NewJob};
use tricircle_db::{DbError, Store};
use tricircle_messaging::{JobBus, Wake};

/// Writes jobs and wakes the workers. Waking never waits and never fails: whoever
/// misses it finds the job by polling.
#[derive(Clone)]
pub struct JobSender {
    store: Store,
    bus: Arc<dyn JobBus>,
}

impl std::fmt::Debug for JobSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobSender").finish_non_exhaustive()
    }
}

impl JobSender {
    /// A sender on this database and bus.
    pub fn new(store: Store, bus: Arc<dyn JobBus>) -> Self {
        Self { store, bus }
    }

    /// Writes a job in a transaction of its own and wakes a worker. Where the job
    /// belongs to a change, the change's query writes it and the caller only
    /// [wakes](Self::wake).
    pub async fn enqueue(&self, new: &NewJob) -> Result<Job, DbError> {
        let job = self.store.job_enqueue(new).await?;
        tricircle_failpoint::hit("job.enqueued");
        self.wake(&job);
        Ok(job)
    }

    /// Wakes a worker for a job whose transaction is committed.
    pub fn wake(&self, job: &Job) {
        // An id that is no UUID is not ours; the next poll finds it all the same.
        match uuid::Uuid::parse_str(&job.id) {
            Ok(id) => self.bus.wake(Wake::job(id, job.kind.clone())),
            Err(_) => self.bus.wake(Wake::LookAtAll),
        }
    }

    /// Wakes the workers for jobs that were written by a query which does not give
    /// them back.
    pub fn wake_all(&self) {
        self.bus.wake(Wake::LookAtAll);
    }

    /// Makes the jobs ready that wait for this pod; returns how many.
    pub async fn pod_is_back(&self, pod_id: &str) -> Result<usize, DbError> {
        let woken = self.store.jobs_pod_is_back(pod_id).await?;
        if woken > 0 {
            self.bus.wake(Wake::LookAtAll);
        }
        Ok(woken)
    }
}
