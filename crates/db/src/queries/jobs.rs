//! Jobs.
//!
//! Every change reads a row, lets the model decide, and writes the whole row back
//! where it is still as it was read ([`replace`]); whoever was slower reads again.
//! So no lock is held between two statements, on either database, and the functions
//! may run inside the transaction of the change that needs a job.

use std::time::Duration;

use diesel::dsl::{count_star, min};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::{database_now, transaction};
use crate::models::*;
use crate::schema::{job_steps, jobs};
use crate::{DbError, Timestamp};

/// How many due jobs are looked at for one claim. Workers start at different
/// places among them, so that few races are lost.
const CANDIDATES: i64 = 32;
/// How often a change is decided anew because somebody else was faster.
const ROUNDS: u32 = 16;
/// Most rows that one sweep touches.
const SWEEP: i64 = 200;

/// Wants something done: makes a job, or joins the wish to the live job of the same
/// kind, resource and pod. To be called in the transaction of the change.
pub(crate) async fn job_enqueue(conn: &mut Conn, new: &NewJob) -> Result<Job, DbError> {
    for _ in 0..ROUNDS {
        let now = database_now(conn).await?;
        let live = jobs::table
            .filter(jobs::kind.eq(&new.kind))
            .filter(jobs::resource_id.eq(&new.resource_id))
            .filter(jobs::pod_id.eq(&new.pod_id))
            .filter(jobs::active_slot.eq(""))
            .select(Job::as_select())
            .first(conn)
            .await
            .optional()?;
        match live {
            Some(before) => {
                let after = before.clone().wanted_again(new, now);
                if replace(conn, &before, &after).await? {
                    return Ok(after);
                }
            }
            None => {
                let job = Job::first_wanted(new, now);
                let inserted = diesel::insert_into(jobs::table)
                    .values(&job)
                    .execute(conn)
                    .await
                    .map_err(DbError::from);
                match inserted {
                    Ok(_) => return Ok(job),
                    Err(DbError::Duplicate(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Err(contended())
}

/// The reason of the live jobs of this kind for this resource, in any pod, is gone:
/// those that wait are over, those that run stop at their next step. Returns how many
/// there were.
pub(crate) async fn job_cancel(
    conn: &mut Conn,
    kind: &str,
    resource_id: &str,
) -> Result<usize, DbError> {
    let live: Vec<String> = jobs::table
        .filter(jobs::kind.eq(kind))
        .filter(jobs::resource_id.eq(resource_id))
        .filter(jobs::active_slot.eq(""))
        .select(jobs::id)
        .load(conn)
        .await?;
    let mut cancelled = 0;
    for id in live {
        if job_abandon(conn, &id).await? {
            cancelled += 1;
        }
    }
    Ok(cancelled)
}

/// Gives up a live job by its id; false when there is none.
pub(crate) async fn job_abandon(conn: &mut Conn, id: &str) -> Result<bool, DbError> {
    let changed = change(conn, id, |job, now| {
        (!job.state.is_finished()).then(|| job.cancelled(now))
    });
    Ok(changed.await?.is_some())
}

/// Makes a job ready now: one that waits, is stuck, or is over. False when there is
/// none, or it runs, or another job of the same key is live.
pub(crate) async fn job_retry(conn: &mut Conn, id: &str) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let Some(before) = job_by_id(conn, id).await? else {
            return Ok(false);
        };
        if before.state == JobState::Running {
            return Ok(false);
        }
        if before.state.is_finished() {
            forget_steps(conn, id).await?;
        }
        let now = database_now(conn).await?;
        let after = before.clone().retried(now);
        match replace(conn, &before, &after).await {
            Err(DbError::Duplicate(_)) => Ok(false),
            other => other,
        }
    })
    .await
}

/// Takes a job that is due, if any, and its lease with it.
pub(crate) async fn job_claim(conn: &mut Conn, terms: &ClaimTerms) -> Result<Option<Job>, DbError> {
    let now = database_now(conn).await?;
    let candidates = due(conn, terms, now).await?;
    if candidates.is_empty() {
        return Ok(None);
    }
    let start = rand::random_range(0..candidates.len());
    for before in candidates.iter().cycle().skip(start).take(candidates.len()) {
        let after = before.clone().claimed(&terms.owner, terms.lease, now);
        if replace(conn, before, &after).await? {
            return Ok(Some(after));
        }
        metrics::counter!("tricircle_jobs_claims_lost_total").increment(1);
    }
    Ok(None)
}

async fn due(conn: &mut Conn, terms: &ClaimTerms, now: Timestamp) -> Result<Vec<Job>, DbError> {
    let Some(((kind, version), more)) = terms.kinds.split_first() else {
        return Ok(Vec::new());
    };
    let mut query = jobs::table
        .select(Job::as_select())
        .filter(jobs::kind.eq(kind).and(jobs::payload_version.le(version)))
        .into_boxed();
    // or_filter joins with all that was said before: the kinds come first.
    for (kind, version) in more {
        query = query.or_filter(jobs::kind.eq(kind).and(jobs::payload_version.le(version)));
    }
    query = query
        .filter(jobs::state.eq_any([JobState::Ready, JobState::Waiting]))
        .filter(jobs::run_after.le(now));
    if !terms.busy_pods.is_empty() {
        query = query.filter(jobs::pod_id.ne_all(&terms.busy_pods));
    }
    Ok(query
        .order((jobs::run_after, jobs::id))
        .limit(CANDIDATES)
        .load(conn)
        .await?)
}

/// Keeps a lease. None when it is lost: somebody else may be running the job.
pub(crate) async fn job_heartbeat(
    conn: &mut Conn,
    id: &str,
    epoch: i64,
    lease: Duration,
) -> Result<Option<Heartbeat>, DbError> {
    let now = database_now(conn).await?;
    let kept = diesel::update(held(id, epoch))
        .set((
            jobs::lease_until.eq(Some(later(now, lease))),
            jobs::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    if kept == 0 {
        return Ok(None);
    }
    let flag: Option<bool> = held(id, epoch)
        .select(jobs::cancel_requested)
        .first(conn)
        .await
        .optional()?;
    Ok(flag.map(|cancel_requested| Heartbeat { cancel_requested }))
}

/// Ends a run. None when the lease was lost; then nothing is written.
pub(crate) async fn job_settle(
    conn: &mut Conn,
    id: &str,
    epoch: i64,
    outcome: &JobOutcome,
) -> Result<Option<Job>, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let settled = change(conn, id, |job, now| {
            is_held(&job, epoch).then(|| job.settled(outcome, now))
        })
        .await?;
        // A run that is over and is wanted again begins with its first step.
        if let Some(job) = &settled {
            let over = matches!(
                outcome,
                JobOutcome::Done
                    | JobOutcome::Undone
                    | JobOutcome::Cancelled
                    | JobOutcome::Failed(_)
            );
            if over && !job.state.is_finished() {
                forget_steps(conn, id).await?;
            }
        }
        Ok(settled)
    })
    .await
}

/// Turns a job of steps around, for this reason. False when the lease was lost.
pub(crate) async fn job_turn_back(
    conn: &mut Conn,
    id: &str,
    epoch: i64,
    reason: &str,
) -> Result<bool, DbError> {
    let turned = change(conn, id, |mut job, now| {
        is_held(&job, epoch).then(|| {
            job.undoing = true;
            job.last_error = Some(reason.to_owned());
            job.updated_at = now;
            job
        })
    });
    Ok(turned.await?.is_some())
}

/// Makes jobs ready whose worker let the lease run out; returns how many.
pub(crate) async fn jobs_expire(conn: &mut Conn) -> Result<usize, DbError> {
    let now = database_now(conn).await?;
    let expired: Vec<Job> = jobs::table
        .filter(jobs::state.eq(JobState::Running))
        .filter(jobs::lease_until.le(now))
        .order(jobs::lease_until)
        .limit(SWEEP)
        .select(Job::as_select())
        .load(conn)
        .await?;
    let mut freed = 0;
    for before in expired {
        let after = before.clone().expired(now);
        if replace(conn, &before, &after).await? {
            freed += 1;
        }
    }
    Ok(freed)
}

/// Makes jobs ready that wait for a pod; returns how many.
pub(crate) async fn jobs_pod_is_back(conn: &mut Conn, pod_id: &str) -> Result<usize, DbError> {
    let now = database_now(conn).await?;
    let woken = diesel::update(
        jobs::table
            .filter(jobs::state.eq(JobState::Waiting))
            .filter(jobs::waiting_for.eq(pod_id)),
    )
    .set((
        jobs::state.eq(JobState::Ready),
        jobs::run_after.eq(now),
        jobs::waiting_for.eq(""),
        jobs::updated_at.eq(now),
    ))
    .execute(conn)
    .await?;
    Ok(woken)
}

/// Adds a line to a job's log, once. False when the lease was lost; then nothing is written.
pub(crate) async fn job_step_record(
    conn: &mut Conn,
    id: &str,
    epoch: i64,
    seq: i32,
    phase: StepPhase,
    name: &str,
    output: &serde_json::Value,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let at = database_now(conn).await?;
        // Also locks the row, so that the lease cannot change hands in between.
        let mine = diesel::update(held(id, epoch))
            .set(jobs::updated_at.eq(at))
            .execute(conn)
            .await?;
        if mine == 0 {
            return Ok(false);
        }
        let step = JobStep {
            job_id: id.to_owned(),
            seq,
            phase,
            name: name.to_owned(),
            output: output.to_string(),
            epoch,
            at,
        };
        let inserted = diesel::insert_into(job_steps::table)
            .values(&step)
            .execute(conn)
            .await
            .map_err(DbError::from);
        match inserted {
            Ok(_) | Err(DbError::Duplicate(_)) => Ok(true),
            Err(error) => Err(error),
        }
    })
    .await
}

/// The log of a job, in the order of its steps.
pub(crate) async fn job_steps(conn: &mut Conn, id: &str) -> Result<Vec<JobStep>, DbError> {
    Ok(job_steps::table
        .filter(job_steps::job_id.eq(id))
        .order((job_steps::seq, job_steps::at, job_steps::phase))
        .select(JobStep::as_select())
        .load(conn)
        .await?)
}

/// A job.
pub(crate) async fn job_by_id(conn: &mut Conn, id: &str) -> Result<Option<Job>, DbError> {
    Ok(jobs::table
        .find(id)
        .select(Job::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Jobs, newest first.
pub(crate) async fn jobs(conn: &mut Conn, filter: &JobFilter) -> Result<Vec<Job>, DbError> {
    let mut query = jobs::table
        .select(Job::as_select())
        .order(jobs::id.desc())
        .into_boxed();
    if let Some(kind) = &filter.kind {
        query = query.filter(jobs::kind.eq(kind));
    }
    if let Some(resource_id) = &filter.resource_id {
        query = query.filter(jobs::resource_id.eq(resource_id));
    }
    if let Some(pod_id) = &filter.pod_id {
        query = query.filter(jobs::pod_id.eq(pod_id));
    }
    if let Some(project_id) = &filter.project_id {
        query = query.filter(jobs::project_id.eq(project_id));
    }
    if !filter.states.is_empty() {
        query = query.filter(jobs::state.eq_any(filter.states.clone()));
    }
    if !filter.resource_ids.is_empty() {
        query = query.filter(jobs::resource_id.eq_any(filter.resource_ids.clone()));
    }
    if let Some(after) = &filter.after {
        query = query.filter(jobs::id.lt(after));
    }
    if let Some(limit) = filter.limit {
        query = query.limit(limit);
    }
    Ok(query.load(conn).await?)
}

/// Counts of the live jobs, and how long the oldest due one has been waiting.
pub(crate) async fn jobs_statistics(conn: &mut Conn) -> Result<JobStatistics, DbError> {
    let now = database_now(conn).await?;
    let counts: Vec<(String, JobState, i64)> = jobs::table
        .filter(jobs::active_slot.eq(""))
        .group_by((jobs::kind, jobs::state))
        .select((jobs::kind, jobs::state, count_star()))
        .load(conn)
        .await?;
    let oldest: Vec<(String, Option<Timestamp>)> = jobs::table
        .filter(jobs::state.eq(JobState::Ready))
        .filter(jobs::run_after.le(now))
        .group_by(jobs::kind)
        .select((jobs::kind, min(jobs::run_after)))
        .load(conn)
        .await?;
    Ok(JobStatistics {
        counts: counts
            .into_iter()
            .map(|(kind, state, count)| JobCount { kind, state, count })
            .collect(),
        oldest_ready: oldest
            .into_iter()
            .filter_map(|(kind, at)| Some((kind, (now - at?).to_std().ok()?)))
            .collect(),
    })
}

/// When the next job of these kinds that rests may be run, as a time from now.
pub(crate) async fn jobs_next_due(
    conn: &mut Conn,
    kinds: &[String],
) -> Result<Option<Duration>, DbError> {
    let now = database_now(conn).await?;
    let next: Option<Timestamp> = jobs::table
        .filter(jobs::state.eq_any([JobState::Ready, JobState::Waiting]))
        .filter(jobs::kind.eq_any(kinds))
        .filter(jobs::run_after.gt(now))
        .order(jobs::run_after)
        .select(jobs::run_after)
        .first(conn)
        .await
        .optional()?;
    Ok(next.and_then(|at| (at - now).to_std().ok()))
}

/// Forgets jobs that were over this long ago, oldest first; returns how many.
pub(crate) async fn jobs_purge(conn: &mut Conn, older_than: Duration) -> Result<usize, DbError> {
    let now = database_now(conn).await?;
    let age = chrono::Duration::from_std(older_than).unwrap_or(chrono::Duration::MAX);
    let Some(before) = now.checked_sub_signed(age) else {
        return Ok(0);
    };
    transaction!(conn, async |conn: &mut Conn| {
        let old: Vec<String> = jobs::table
            .filter(jobs::finished_at.lt(before))
            .order(jobs::finished_at)
            .limit(SWEEP)
            .select(jobs::id)
            .load(conn)
            .await?;
        diesel::delete(job_steps::table.filter(job_steps::job_id.eq_any(&old)))
            .execute(conn)
            .await?;
        Ok(diesel::delete(jobs::table.filter(jobs::id.eq_any(&old)))
            .execute(conn)
            .await?)
    })
    .await
}

type Held = diesel::dsl::Filter<
    diesel::dsl::Filter<
        diesel::dsl::Filter<jobs::table, diesel::dsl::Eq<jobs::id, String>>,
        diesel::dsl::Eq<jobs::lease_epoch, i64>,
    >,
    diesel::dsl::Eq<jobs::state, JobState>,
>;

/// The row, if it is leased in this epoch: the fence of every write of a worker.
fn held(id: &str, epoch: i64) -> Held {
    jobs::table
        .filter(jobs::id.eq(id.to_owned()))
        .filter(jobs::lease_epoch.eq(epoch))
        .filter(jobs::state.eq(JobState::Running))
}

fn is_held(job: &Job, epoch: i64) -> bool {
    job.lease_epoch == epoch && job.state == JobState::Running
}

/// Reads a job, lets `decide` change it, and writes it back. None when there is no
/// such job or `decide` wants no change.
async fn change(
    conn: &mut Conn,
    id: &str,
    decide: impl Fn(Job, Timestamp) -> Option<Job>,
) -> Result<Option<Job>, DbError> {
    for _ in 0..ROUNDS {
        let now = database_now(conn).await?;
        let Some(before) = job_by_id(conn, id).await? else {
            return Ok(None);
        };
        let Some(after) = decide(before.clone(), now) else {
            return Ok(None);
        };
        if replace(conn, &before, &after).await? {
            return Ok(Some(after));
        }
    }
    Err(contended())
}

/// Writes a row where it is still as it was read.
///
/// Epoch, revision, state and flag tell all changes apart but a heartbeat, which
/// the time of the change gives away.
async fn replace(conn: &mut Conn, before: &Job, after: &Job) -> Result<bool, DbError> {
    let written = diesel::update(
        jobs::table
            .filter(jobs::id.eq(&before.id))
            .filter(jobs::lease_epoch.eq(before.lease_epoch))
            .filter(jobs::wanted_rev.eq(before.wanted_rev))
            .filter(jobs::state.eq(before.state))
            .filter(jobs::cancel_requested.eq(before.cancel_requested))
            .filter(jobs::updated_at.eq(before.updated_at)),
    )
    .set(after)
    .execute(conn)
    .await?;
    Ok(written > 0)
}

async fn forget_steps(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    diesel::delete(job_steps::table.filter(job_steps::job_id.eq(id)))
        .execute(conn)
        .await?;
    Ok(())
}

fn contended() -> DbError {
    DbError::Busy("a job is changed by too many at once".to_owned())
}
