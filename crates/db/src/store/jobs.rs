//! Methods of [`Store`]: jobs.

use super::*;
use crate::models::*;

store! {
    jobs {
        /// Wants something done: makes a job, or joins the wish to the live job of the same
        /// kind, resource and pod. To be called in the transaction of the change.
        write job_enqueue(new: &NewJob) -> Job;
        /// The reason of the live jobs of this kind for this resource, in any pod, is gone:
        /// those that wait are over, those that run stop at their next step. Returns how many
        /// there were.
        write job_cancel(kind: &str, resource_id: &str) -> usize;
        /// Gives up a live job by its id; false when there is none.
        write job_abandon(id: &str) -> bool;
        /// Makes a job ready now: one that waits, is stuck, or is over. False when there is
        /// none, or it runs, or another job of the same key is live.
        transaction job_retry(id: &str) -> bool;
        /// Takes a job that is due, if any, and its lease with it.
        write job_claim(terms: &ClaimTerms) -> Option<Job>;
        /// Keeps a lease. None when it is lost: somebody else may be running the job.
        write job_heartbeat(id: &str, epoch: i64, lease: Duration) -> Option<Heartbeat>;
        /// Ends a run. None when the lease was lost; then nothing is written.
        transaction job_settle(id: &str, epoch: i64, outcome: &JobOutcome) -> Option<Job>;
        /// Turns a job of steps around, for this reason. False when the lease was lost.
        write job_turn_back(id: &str, epoch: i64, reason: &str) -> bool;
        /// Makes jobs ready whose worker let the lease run out; returns how many.
        write jobs_expire() -> usize;
        /// Makes jobs ready that wait for a pod; returns how many.
        write jobs_pod_is_back(pod_id: &str) -> usize;
        /// Adds a line to a job's log, once. False when the lease was lost; then nothing is written.
        transaction job_step_record(id: &str, epoch: i64, seq: i32, phase: StepPhase, name: &str, output: &serde_json::Value) -> bool;
        /// The log of a job, in the order of its steps.
        read job_steps(id: &str) -> Vec<JobStep>;
        /// A job.
        read job_by_id(id: &str) -> Option<Job>;
        /// Jobs, newest first.
        read jobs(filter: &JobFilter) -> Vec<Job>;
        /// Counts of the live jobs, and how long the oldest due one has been waiting.
        read jobs_statistics() -> JobStatistics;
        /// When the next job of these kinds that rests may be run, as a time from now.
        read jobs_next_due(kinds: &[String]) -> Option<Duration>;
        /// Forgets jobs that were over this long ago, oldest first; returns how many.
        transaction jobs_purge(older_than: Duration) -> usize;
    }
}
