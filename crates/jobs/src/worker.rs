//! One run of one job: under its lease, to its end or until the lease is lost.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tricircle_db::models::{Job, JobOutcome};
use tricircle_db::{DbError, Store};

use crate::verdict::{Circumstances, Verdict, verdict};
use crate::{EngineConfig, JobError, JobKind, JobRun};

/// What a run needs besides its job.
#[derive(Debug, Clone)]
pub(crate) struct Workplace {
    pub store: Store,
    pub config: EngineConfig,
    /// Running jobs are dropped where they are when this is cancelled.
    pub stop: CancellationToken,
}

/// How the job's future ended.
enum End {
    Verdict(Verdict),
    LeaseLost,
    Stopped,
}

/// Runs a claimed job and writes how it ended. Returns the row as it was left, none
/// when it is no longer ours.
pub(crate) async fn work(place: &Workplace, kind: &dyn JobKind, job: Job) -> Option<Job> {
    tricircle_failpoint::hit("job.claimed");
    let started = Instant::now();
    let mut lease = Lease::new(place, &job, started);
    let run = JobRun::new(place.store.clone(), job);
    let end = tokio::select! {
        biased;
        () = place.stop.cancelled() => End::Stopped,
        () = lease.keep(&run) => End::LeaseLost,
        verdict = both_ways(place, kind, &run) => End::Verdict(verdict),
    };
    let outcome = match end {
        End::Verdict(Verdict::Settle(outcome)) => outcome,
        End::Stopped => JobOutcome::Released,
        End::LeaseLost | End::Verdict(Verdict::LetGo | Verdict::TurnBack(_)) => {
            tracing::warn!("the lease was lost; the run stops");
            metrics::counter!("tricircle_jobs_leases_lost_total").increment(1);
            return None;
        }
    };
    report(kind.name(), &outcome, started.elapsed());
    tricircle_failpoint::hit("job.ran");
    let settled = settle(place, &run, &outcome, lease.until).await;
    tricircle_failpoint::hit("job.settled");
    settled
}

/// Forward, and where it must be, back.
async fn both_ways(place: &Workplace, kind: &dyn JobKind, run: &JobRun) -> Verdict {
    let job = run.job();
    let circumstances = |undoing| {
        let age = (tricircle_db::now() - job.created_at).to_std();
        Circumstances {
            undoing,
            has_undo: kind.has_undo(),
            given_up: kind
                .give_up_after()
                .is_some_and(|limit| age.unwrap_or_default() > limit),
            attempts: u32::try_from(job.attempts).unwrap_or_default(),
            retry_base: place.config.retry_base,
            retry_max: place.config.retry_max,
            jitter: rand::random(),
        }
    };
    if !job.undoing {
        let end = match run.check() {
            Ok(()) => guarded(kind.run(run)).await,
            cancelled => cancelled,
        };
        let reason = match log_end(&end, verdict(&end, &circumstances(false))) {
            Verdict::TurnBack(reason) => reason,
            other => return other,
        };
        let turned = place
            .store
            .job_turn_back(&job.id, job.lease_epoch, &reason)
            .await;
        match turned {
            Ok(true) => {}
            Ok(false) => return Verdict::LetGo,
            Err(error) => return verdict(&Err(error.into()), &circumstances(false)),
        }
    }
    let end = guarded(kind.undo(run)).await;
    log_end(&end, verdict(&end, &circumstances(true)))
}

fn log_end(end: &Result<(), JobError>, verdict: Verdict) -> Verdict {
    if let Err(error) = end {
        match &verdict {
            Verdict::Settle(JobOutcome::Stuck(_)) => {
                tracing::error!(%error, "undoing failed; the job is stuck until somebody looks");
            }
            Verdict::Settle(JobOutcome::Retry(pause, _)) => {
                tracing::info!(%error, pause_ms = pause.as_millis(), "the job will be tried again");
            }
            Verdict::Settle(JobOutcome::Waiting { pod_id, .. }) => {
                tracing::info!(%error, pod.id = pod_id, "the job waits for its pod");
            }
            Verdict::Settle(JobOutcome::Failed(_)) => tracing::error!(%error, "the job failed"),
            Verdict::TurnBack(_) => tracing::warn!(%error, "the job is being undone"),
            _ => tracing::debug!(%error, "the job ended"),
        }
    }
    verdict
}

/// A panic of a kind costs this run and no more.
async fn guarded(run: impl Future<Output = Result<(), JobError>>) -> Result<(), JobError> {
    match AssertUnwindSafe(run).catch_unwind().await {
        Ok(end) => end,
        Err(_) => Err(JobError::transient("the job panicked")),
    }
}

/// Writes the end of the run, for as long as the lease lasts: a database that
/// restarts in between must not make the job run twice.
async fn settle(
    place: &Workplace,
    run: &JobRun,
    outcome: &JobOutcome,
    until: Instant,
) -> Option<Job> {
    let job = run.job();
    let mut pause = Duration::from_millis(50);
    loop {
        let settled = place.store.job_settle(&job.id, job.lease_epoch, outcome);
        match settled.await {
            Ok(settled) => return settled,
            Err(error @ (DbError::Busy(_) | DbError::Unavailable(_) | DbError::Unknown(_)))
                if Instant::now() + pause < until =>
            {
                tracing::debug!(%error, "the end of the run could not be written yet");
            }
            Err(error) => {
                tracing::error!(%error, "the end of the run could not be written");
                return None;
            }
        }
        sleep(pause).await;
        pause *= 2;
    }
}

/// The lease as this process knows it, by its own clock.
struct Lease<'a> {
    place: &'a Workplace,
    id: String,
    epoch: i64,
    until: Instant,
}

impl<'a> Lease<'a> {
    fn new(place: &'a Workplace, job: &Job, claimed: Instant) -> Self {
        Self {
            place,
            id: job.id.clone(),
            epoch: job.lease_epoch,
            until: claimed + place.config.lease,
        }
    }

    /// Renews the lease again and again; returns when it is lost.
    async fn keep(&mut self, run: &JobRun) {
        let length = self.place.config.lease;
        let mut next = Instant::now() + length / 3;
        loop {
            sleep_until(next).await;
            // Measured from before the statement: the database counts from later.
            let asked = Instant::now();
            if asked >= self.until {
                return;
            }
            let store = &self.place.store;
            let beat = store.job_heartbeat(&self.id, self.epoch, length);
            match timeout(length / 3, beat).await {
                Ok(Ok(Some(beat))) => {
                    self.until = asked + length;
                    if beat.cancel_requested {
                        run.cancel();
                    }
                }
                Ok(Ok(None)) => return,
                // The database is away: try again soon, as long as the lease lasts.
                Ok(Err(_)) | Err(_) => {
                    tracing::warn!("the lease could not be renewed");
                    next = (Instant::now() + length / 12).min(self.until);
                    continue;
                }
            }
            next = asked + length / 3;
        }
    }
}

fn report(kind: &'static str, outcome: &JobOutcome, took: Duration) {
    let word = match outcome {
        JobOutcome::Done => "done",
        JobOutcome::Undone => "undone",
        JobOutcome::Failed(_) => "failed",
        JobOutcome::Stuck(_) => "stuck",
        JobOutcome::Cancelled => "cancelled",
        JobOutcome::Retry(..) => "retry",
        JobOutcome::Waiting { .. } => "waiting",
        JobOutcome::Released => "released",
    };
    metrics::counter!("tricircle_job_runs_total", "kind" => kind, "outcome" => word).increment(1);
    metrics::histogram!("tricircle_job_run_seconds", "kind" => kind).record(took);
    tracing::debug!(
        outcome = word,
        duration_ms = took.as_millis(),
        "run finished"
    );
}
