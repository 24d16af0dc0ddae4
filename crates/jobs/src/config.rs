//! Sizes and times of the engine.

use std::time::Duration;

/// How an [`crate::Engine`] works; the defaults are those of the sample configuration.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Name of this worker in the rows that it holds; best `host:process`.
    pub owner: String,
    /// Most jobs that run at a time.
    pub workers: usize,
    /// Most jobs of one pod that run at a time, so that a slow pod leaves room for
    /// the others.
    pub per_pod: usize,
    /// How long a job stays with a worker that gives no sign of life. Much more than
    /// the time that one database statement may take.
    pub lease: Duration,
    /// How often the table is looked at without a wake-up.
    pub poll_interval: Duration,
    /// The pause after the first failure; it doubles with each further one.
    pub retry_base: Duration,
    /// The longest pause, and the longest wait for a pod without asking it again.
    pub retry_max: Duration,
    /// How long running jobs may go on after the stop was asked for.
    pub grace: Duration,
    /// How long finished jobs are kept.
    pub keep_finished: Duration,
    /// How long routings of deleted resources are kept.
    pub keep_deleted: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            owner: format!("worker-{}", std::process::id()),
            workers: 4,
            per_pod: 3,
            lease: Duration::from_secs(30),
            poll_interval: Duration::from_secs(5),
            retry_base: Duration::from_secs(1),
            retry_max: Duration::from_secs(300),
            grace: Duration::from_secs(20),
            keep_finished: Duration::from_secs(86_400),
            keep_deleted: Duration::from_secs(604_800),
        }
    }
}
