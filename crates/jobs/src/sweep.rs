//! The housekeeping beside the runs: leases that ran out, old rows, metrics.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tricircle_db::Store;
use tricircle_db::models::JobState;

use crate::EngineConfig;

/// How often old rows are removed, counted in sweeps.
const PURGE_EVERY: u64 = 60;

/// Sweeps until it is dropped. Calls `freed` when jobs became ready. Several workers
/// may sweep at a time; each row is changed by one of them.
pub(crate) async fn sweep(store: &Store, config: &EngineConfig, freed: impl Fn()) {
    let mut ticks = interval(period(config));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut gauges = Gauges::default();
    let mut count = 0_u64;
    loop {
        ticks.tick().await;
        match store.jobs_expire().await {
            Ok(0) => {}
            Ok(jobs) => {
                tracing::warn!(jobs, "leases ran out; their jobs are ready again");
                metrics::counter!("tricircle_jobs_leases_expired_total").increment(jobs as u64);
                freed();
            }
            Err(error) => tracing::warn!(%error, "expired leases could not be looked for"),
        }
        if count.is_multiple_of(PURGE_EVERY) {
            purge(store, config).await;
        }
        gauges.update(store).await;
        count += 1;
    }
}

/// Removes old rows. No lease is needed: what several workers remove at a time is gone
/// all the same.
async fn purge(store: &Store, config: &EngineConfig) {
    if let Err(error) = store.jobs_purge(config.keep_finished).await {
        tracing::warn!(%error, "finished jobs could not be removed");
    }
    if let Err(error) = store.routings_purge(config.keep_deleted).await {
        tracing::warn!(%error, "routings of deleted resources could not be removed");
    }
}

/// A job of a worker that died is found within a lease and a bit.
fn period(config: &EngineConfig) -> Duration {
    (config.lease / 3).clamp(Duration::from_millis(20), Duration::from_secs(60))
}

/// The series that were once set: those that are gone must be set to zero.
#[derive(Default)]
struct Gauges {
    seen: HashSet<(String, JobState)>,
    waited: HashSet<String>,
}

impl Gauges {
    async fn update(&mut self, store: &Store) {
        let Ok(statistics) = store.jobs_statistics().await else {
            return;
        };
        let gauge = |kind: &str, state: JobState| metrics::gauge!("tricircle_jobs", "kind" => kind.to_owned(), "state" => state.as_str());
        for (kind, state) in &self.seen {
            gauge(kind, *state).set(0.0);
        }
        for count in statistics.counts {
            gauge(&count.kind, count.state).set(count.count as f64);
            self.seen.insert((count.kind, count.state));
        }
        let oldest = |kind: &str| metrics::gauge!("tricircle_jobs_oldest_ready_seconds", "kind" => kind.to_owned());
        for kind in &self.waited {
            oldest(kind).set(0.0);
        }
        for (kind, age) in statistics.oldest_ready {
            oldest(&kind).set(age.as_secs_f64());
            self.waited.insert(kind);
        }
    }
}
