//! Jobs: what has still to be done in the pods.
//!
//! What an event does to a row is decided here, by pure functions ([`Job::wanted_again`],
//! [`Job::settled`], …); the queries only write the outcome if nobody was faster.

use std::time::Duration;

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};

use super::text_enum;
use crate::Timestamp;
use crate::schema::{job_steps, jobs};

text_enum!(
    /// Where a job stands.
    JobState {
        /// To be run as soon as `run_after` is past.
        Ready = "ready",
        /// A worker holds its lease.
        Running = "running",
        /// A pod that it needs is down.
        Waiting = "waiting",
        /// Undoing failed; a human must look. Still the live job of its key.
        Stuck = "stuck",
        /// It happened.
        Done = "done",
        /// It could not happen and everything made for it was removed.
        Undone = "undone",
        /// It could not happen.
        Failed = "failed",
        /// Its reason is gone.
        Cancelled = "cancelled",
    }
);

impl JobState {
    /// Whether the job is over.
    pub const fn is_finished(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Undone | Self::Failed | Self::Cancelled
        )
    }
}

text_enum!(
    /// What happened to a step of a job.
    StepPhase {
        /// About to be done; it may have happened.
        Started = "started",
        /// Done.
        Succeeded = "succeeded",
        /// About to be undone.
        UndoStarted = "undo_started",
        /// Undone.
        Undone = "undone",
    }
);

/// A wish: what [`crate::Store::job_enqueue`] turns into a job or joins to the live one.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Name of the kind.
    pub kind: String,
    /// What it is about; with kind and pod the key of the live job.
    pub resource_id: String,
    /// The pod it works in; empty when it spans pods.
    pub pod_id: String,
    /// Owner of the resource; may be empty.
    pub project_id: String,
    /// What the kind needs to know besides the resource.
    pub payload: serde_json::Value,
    /// Version of the payload's shape; workers that do not know it leave the job alone.
    pub payload_version: i32,
    /// How long from now it should rest before it is run.
    pub run_after: Duration,
    /// The request that wants it; empty for periodic work.
    pub request_id: String,
}

impl NewJob {
    /// A job to be run at once, with an empty payload of version 1.
    pub fn new(kind: &str, resource_id: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            resource_id: resource_id.to_owned(),
            pod_id: String::new(),
            project_id: String::new(),
            payload: serde_json::json!({}),
            payload_version: 1,
            run_after: Duration::ZERO,
            request_id: String::new(),
        }
    }
}

/// A job.
#[derive(
    Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, serde::Serialize,
)]
#[diesel(table_name = jobs, treat_none_as_null = true)]
pub struct Job {
    /// UUID (version 7).
    pub id: String,
    /// Name of the kind.
    pub kind: String,
    /// What it is about.
    pub resource_id: String,
    /// The pod it works in, or empty.
    pub pod_id: String,
    /// Empty while it is live, then its id.
    pub active_slot: String,
    /// Owner of the resource, or empty.
    pub project_id: String,
    /// JSON object.
    pub payload: String,
    /// Version of the payload's shape.
    pub payload_version: i32,
    /// Where it stands.
    pub state: JobState,
    /// Whether it is on its way back (only jobs made of steps).
    pub undoing: bool,
    /// Whether the run that is on should stop at its next step.
    pub cancel_requested: bool,
    /// Counts the wishes.
    pub wanted_rev: i64,
    /// The wish that the present or last run answers.
    pub run_rev: i64,
    /// The last wish that was fulfilled.
    pub done_rev: i64,
    /// Failed runs since the last success.
    pub attempts: i32,
    /// Not to be run before.
    pub run_after: Timestamp,
    /// The pod whose return is waited for, or empty.
    pub waiting_for: String,
    /// The worker that holds or last held the lease.
    pub lease_owner: Option<String>,
    /// Counts the leases; a write with an older one is refused.
    pub lease_epoch: i64,
    /// When the lease ends unless renewed.
    pub lease_until: Option<Timestamp>,
    /// The request that wants it, or empty.
    pub request_id: String,
    /// Why the last run failed.
    pub last_error: Option<String>,
    /// When it was first wanted.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// How a run ended, as the worker tells the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// It happened. With a newer wish the job is ready again, else done.
    Done,
    /// All steps are undone.
    Undone,
    /// It can never happen.
    Failed(String),
    /// Undoing failed; a human must look.
    Stuck(String),
    /// It stopped because its cancellation was asked for.
    Cancelled,
    /// Once more, after this time.
    Retry(Duration, String),
    /// Once more when this pod is back, or after this time at the latest.
    Waiting {
        /// The pod.
        pod_id: String,
        /// The longest wait.
        at_most: Duration,
        /// What the pod said, or did not say.
        error: String,
    },
    /// The worker stops; somebody else should go on at once.
    Released,
}

/// What a heartbeat brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whether the run should stop at its next step.
    pub cancel_requested: bool,
}

/// What a worker can run and for how long it may hold it.
#[derive(Debug, Clone)]
pub struct ClaimTerms {
    /// Name of the worker, for the operator.
    pub owner: String,
    /// Kinds, each with the newest payload version that is understood.
    pub kinds: Vec<(String, i32)>,
    /// Pods that have enough work at the moment.
    pub busy_pods: Vec<String>,
    /// Length of the lease.
    pub lease: Duration,
}

/// Which jobs to list; `None` and empty mean "any".
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Kind.
    pub kind: Option<String>,
    /// Resource.
    pub resource_id: Option<String>,
    /// Any of these resources.
    pub resource_ids: Vec<String>,
    /// Pod.
    pub pod_id: Option<String>,
    /// Owner of the resource.
    pub project_id: Option<String>,
    /// States.
    pub states: Vec<JobState>,
    /// Only those that come after this one, which is newer.
    pub after: Option<String>,
    /// Most rows to return.
    pub limit: Option<i64>,
}

/// Jobs of one kind in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCount {
    /// Kind.
    pub kind: String,
    /// State.
    pub state: JobState,
    /// How many.
    pub count: i64,
}

/// What metrics say about the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobStatistics {
    /// Live jobs.
    pub counts: Vec<JobCount>,
    /// For each kind that has one, how long the oldest job that could be run has been
    /// waiting for a worker.
    pub oldest_ready: Vec<(String, Duration)>,
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = job_steps)]
pub struct JobStep {
    /// The job.
    pub job_id: String,
    /// Place of the step in the job, from 0.
    pub seq: i32,
    /// What happened.
    pub phase: StepPhase,
    /// Name of the step.
    pub name: String,
    /// JSON that the step hands on.
    pub output: String,
    /// The lease under which it happened.
    pub epoch: i64,
    /// When.
    pub at: Timestamp,
}

/// The moment `after` later; the far future instead of an overflow.
pub(crate) fn later(moment: Timestamp, after: Duration) -> Timestamp {
    let micros = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
    moment
        .checked_add_signed(chrono::Duration::microseconds(micros))
        .unwrap_or(Timestamp::MAX)
}

impl Job {
    /// A wish for which there is no live job.
    pub(crate) fn first_wanted(new: &NewJob, now: Timestamp) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            kind: new.kind.clone(),
            resource_id: new.resource_id.clone(),
            pod_id: new.pod_id.clone(),
            active_slot: String::new(),
            project_id: new.project_id.clone(),
            payload: new.payload.to_string(),
            payload_version: new.payload_version,
            state: JobState::Ready,
            undoing: false,
            cancel_requested: false,
            wanted_rev: 1,
            run_rev: 0,
            done_rev: 0,
            attempts: 0,
            run_after: later(now, new.run_after),
            waiting_for: String::new(),
            lease_owner: None,
            lease_epoch: 0,
            lease_until: None,
            request_id: new.request_id.clone(),
            last_error: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
        }
    }

    /// Another wish for a live job: it replaces the payload, and is never later
    /// than the wishes before it that were not begun.
    pub(crate) fn wanted_again(mut self, new: &NewJob, now: Timestamp) -> Self {
        let at = later(now, new.run_after);
        // A wish that is being answered has had its time; only the new one counts.
        let nothing_pending = self.state == JobState::Running && self.wanted_rev == self.run_rev;
        self.run_after = if nothing_pending {
            at
        } else {
            self.run_after.min(at)
        };
        match self.state {
            JobState::Stuck => {
                self.state = JobState::Ready;
                self.run_after = at;
            }
            // The pod is still down; a fresh wish may find out that it is not.
            JobState::Waiting => {
                self.state = JobState::Ready;
                self.waiting_for.clear();
            }
            _ => {}
        }
        self.wanted_rev += 1;
        self.project_id = new.project_id.clone();
        self.payload = new.payload.to_string();
        self.payload_version = new.payload_version;
        self.request_id = new.request_id.clone();
        self.updated_at = now;
        self
    }

    /// Its reason is gone: over at once, or as soon as the run that is on notices.
    pub(crate) fn cancelled(mut self, now: Timestamp) -> Self {
        if self.state == JobState::Running {
            self.cancel_requested = true;
            self.wanted_rev = self.run_rev;
            self.updated_at = now;
            self
        } else {
            self.finished(JobState::Cancelled, now)
        }
    }

    /// A worker takes it.
    pub(crate) fn claimed(mut self, owner: &str, lease: Duration, now: Timestamp) -> Self {
        self.state = JobState::Running;
        // A run that only takes back what an earlier one did answers no newer wish.
        if !(self.undoing || self.cancel_requested) {
            self.run_rev = self.wanted_rev;
        }
        self.waiting_for.clear();
        self.lease_owner = Some(owner.to_owned());
        self.lease_epoch += 1;
        self.lease_until = Some(later(now, lease));
        self.updated_at = now;
        self
    }

    /// Its worker vanished.
    pub(crate) fn expired(mut self, now: Timestamp) -> Self {
        self.last_error = Some(format!(
            "the lease of {} ran out",
            self.lease_owner.as_deref().unwrap_or("a worker")
        ));
        self.attempts = self.attempts.saturating_add(1);
        self.lease_epoch += 1;
        self.ready(now, now)
    }

    /// An operator wants it tried now; a finished one from its beginning.
    pub(crate) fn retried(mut self, now: Timestamp) -> Self {
        if self.state.is_finished() {
            self.active_slot.clear();
            self.finished_at = None;
            self.cancel_requested = false;
            self.undoing = false;
        }
        self.attempts = 0;
        self.ready(now, now)
    }

    /// The run that is on is over.
    pub(crate) fn settled(mut self, outcome: &JobOutcome, now: Timestamp) -> Self {
        let wanted_more = self.wanted_rev > self.run_rev;
        match outcome {
            JobOutcome::Done => {
                self.done_rev = self.run_rev;
                self.attempts = 0;
                self.last_error = None;
                if wanted_more {
                    self.again(now)
                } else {
                    self.finished(JobState::Done, now)
                }
            }
            JobOutcome::Cancelled if wanted_more => self.again(now),
            JobOutcome::Undone if wanted_more => self.again(now),
            JobOutcome::Failed(error) if wanted_more => {
                self.last_error = Some(error.clone());
                self.again(now)
            }
            JobOutcome::Cancelled => self.finished(JobState::Cancelled, now),
            JobOutcome::Undone => self.finished(JobState::Undone, now),
            JobOutcome::Failed(error) => {
                self.last_error = Some(error.clone());
                self.attempts = self.attempts.saturating_add(1);
                self.finished(JobState::Failed, now)
            }
            JobOutcome::Stuck(error) => {
                self.last_error = Some(error.clone());
                self.attempts = self.attempts.saturating_add(1);
                self.ready(now, now).in_state(JobState::Stuck)
            }
            JobOutcome::Retry(after, error) => {
                self.last_error = Some(error.clone());
                self.attempts = self.attempts.saturating_add(1);
                // A newer wish does not shorten the pause: what failed for the
                // old one would fail for it.
                let at = later(now, *after);
                self.ready(at, now)
            }
            JobOutcome::Waiting {
                pod_id,
                at_most,
                error,
            } => {
                self.last_error = Some(error.clone());
                let at = later(now, *at_most);
                let mut job = self.ready(at, now).in_state(JobState::Waiting);
                job.waiting_for.clone_from(pod_id);
                job
            }
            JobOutcome::Released => self.ready(now, now),
        }
    }

    /// Ready for the wish that came during the run, as a run of its own.
    fn again(mut self, now: Timestamp) -> Self {
        self.undoing = false;
        self.cancel_requested = false;
        let at = self.run_after;
        self.ready(at, now)
    }

    fn ready(mut self, at: Timestamp, now: Timestamp) -> Self {
        self.run_after = at;
        self.waiting_for.clear();
        self.lease_until = None;
        self.updated_at = now;
        self.in_state(JobState::Ready)
    }

    fn finished(mut self, state: JobState, now: Timestamp) -> Self {
        self.active_slot.clone_from(&self.id);
        self.waiting_for.clear();
        self.lease_until = None;
        self.finished_at = Some(now);
        self.updated_at = now;
        self.in_state(state)
    }

    fn in_state(mut self, state: JobState) -> Self {
        self.state = state;
        self
    }
}
