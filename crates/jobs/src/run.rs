//! [`JobRun`]: what a kind knows about the run it is in.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::de::DeserializeOwned;
use tricircle_db::Store;
use tricircle_db::models::{Job, JobStep, StepPhase};

use crate::JobError;

/// One run of a job, under one lease.
#[derive(Debug)]
pub struct JobRun {
    job: Job,
    store: Store,
    cancel: AtomicBool,
}

impl JobRun {
    pub(crate) fn new(store: Store, job: Job) -> Self {
        let cancel = AtomicBool::new(job.cancel_requested);
        Self { job, store, cancel }
    }

    /// The row as it was when the run began.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Id of the job.
    pub fn id(&self) -> &str {
        &self.job.id
    }

    /// What it is about.
    pub fn resource_id(&self) -> &str {
        &self.job.resource_id
    }

    /// The pod it works in; empty when it spans pods.
    pub fn pod_id(&self) -> &str {
        &self.job.pod_id
    }

    /// Owner of the resource, or empty.
    pub fn project_id(&self) -> &str {
        &self.job.project_id
    }

    /// The request that wants it, or empty; the pods get it as the global request id.
    pub fn request_id(&self) -> &str {
        &self.job.request_id
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The payload. One that cannot be read is a permanent error: it would not become
    /// readable by waiting.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_str(&self.job.payload)
            .map_err(|error| JobError::Permanent(format!("the payload cannot be read: {error}")))
    }

    /// Whether the run should stop at its next step.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// To be asked between two side effects: an error when the run should stop.
    pub fn check(&self) -> Result<(), JobError> {
        if self.is_cancelled() {
            Err(JobError::Cancelled)
        } else {
            Ok(())
        }
    }

    pub(crate) fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Adds a line to the job's log, if this run still holds the job.
    pub(crate) async fn record(
        &self,
        seq: i32,
        phase: StepPhase,
        name: &str,
        output: &serde_json::Value,
    ) -> Result<(), JobError> {
        let mine = self
            .store
            .job_step_record(&self.job.id, self.job.lease_epoch, seq, phase, name, output)
            .await?;
        if mine {
            Ok(())
        } else {
            Err(JobError::LeaseLost)
        }
    }

    pub(crate) async fn log(&self) -> Result<Vec<JobStep>, JobError> {
        Ok(self.store.job_steps(&self.job.id).await?)
    }
}
