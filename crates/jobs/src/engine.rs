//! The loop that claims jobs and runs them side by side.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use tricircle_db::models::{ClaimTerms, Job};
use tricircle_db::{DbError, Store};
use tricircle_messaging::{JobBus, Subscription, Wake};

use crate::worker::{Workplace, work};
use crate::{EngineConfig, Kinds, sweep};

/// How long the engine waits after the database failed it.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// A worker: claims jobs of its kinds and runs them.
pub struct Engine {
    store: Store,
    bus: Arc<dyn JobBus>,
    kinds: Kinds,
    config: EngineConfig,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("kinds", &self.kinds)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// What the loop keeps while it runs.
struct Running {
    tasks: JoinSet<String>,
    by_pod: HashMap<String, usize>,
}

impl Engine {
    /// An engine that does nothing until it is [run](Self::run).
    pub fn new(store: Store, bus: Arc<dyn JobBus>, kinds: Kinds, config: EngineConfig) -> Self {
        Self {
            store,
            bus,
            kinds,
            config,
        }
    }

    /// Works until `shutdown`. Then nothing more is claimed, running jobs get the
    /// configured grace, and the leases of those that did not end are given back, so
    /// that another worker goes on at once.
    pub async fn run(&self, shutdown: CancellationToken) {
        let nudge = Notify::new();
        let housekeeping = sweep::sweep(&self.store, &self.config, || nudge.notify_one());
        let stop = CancellationToken::new();
        let mut running = Running {
            tasks: JoinSet::new(),
            by_pod: HashMap::new(),
        };
        tracing::info!(kinds = ?self.kinds, workers = self.config.workers, "the job engine runs");
        tokio::select! {
            () = housekeeping => {}
            () = self.dispatch(&mut running, &stop, &nudge, &shutdown) => {}
        }
        let all_ended = async { while running.tasks.join_next().await.is_some() {} };
        if timeout(self.config.grace, all_ended).await.is_err() {
            tracing::info!(jobs = running.tasks.len(), "jobs are handed on");
            stop.cancel();
            while running.tasks.join_next().await.is_some() {}
        }
        tracing::info!("the job engine has stopped");
    }

    /// Returns when the shutdown was asked for, never in the middle of a claim: a job
    /// that was claimed and not begun would wait for its lease to end.
    async fn dispatch(
        &self,
        running: &mut Running,
        stop: &CancellationToken,
        nudge: &Notify,
        shutdown: &CancellationToken,
    ) {
        // Subscribed before the first look at the table: a job written after the look
        // is announced to somebody who listens.
        let mut wakes = self.bus.subscribe();
        let mut bus_open = true;
        while !shutdown.is_cancelled() {
            let rest = match self.fill(running, stop, shutdown).await {
                Ok(rest) => rest,
                Err(error) => {
                    tracing::warn!(%error, "jobs could not be claimed");
                    PAUSE_AFTER_ERROR
                }
            };
            // A wake-up while all places are taken is answered by the next free one.
            tokio::select! {
                Some(ended) = running.tasks.join_next() => running.ended(ended),
                open = self.next_wake(&mut wakes), if bus_open && self.has_room(running) => {
                    bus_open = open;
                }
                () = nudge.notified() => {}
                () = sleep(rest) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    fn has_room(&self, running: &Running) -> bool {
        running.tasks.len() < self.config.workers.max(1)
    }

    /// Claims until all places are taken or nothing is due; returns how long to rest
    /// when nothing happens.
    async fn fill(
        &self,
        running: &mut Running,
        stop: &CancellationToken,
        shutdown: &CancellationToken,
    ) -> Result<Duration, DbError> {
        let kinds = self.kinds.claimable();
        while self.has_room(running) && !shutdown.is_cancelled() {
            let terms = ClaimTerms {
                owner: self.config.owner.clone(),
                kinds: kinds.clone(),
                busy_pods: running.busy_pods(self.config.per_pod),
                lease: self.config.lease,
            };
            let Some(job) = self.store.job_claim(&terms).await? else {
                let names: Vec<_> = kinds.into_iter().map(|(name, _)| name).collect();
                let due = self.store.jobs_next_due(&names).await?;
                let poll = jittered(self.config.poll_interval);
                return Ok(due.map_or(poll, |due| due.min(poll)));
            };
            self.start(running, job, stop);
        }
        Ok(jittered(self.config.poll_interval))
    }

    fn start(&self, running: &mut Running, job: Job, stop: &CancellationToken) {
        let Some(kind) = self.kinds.get(&job.kind).cloned() else {
            return;
        };
        let place = Workplace {
            store: self.store.clone(),
            config: self.config.clone(),
            stop: stop.clone(),
        };
        let span = tracing::info_span!(
            "job",
            req.id = job.request_id,
            job.id = job.id,
            job.kind = job.kind,
            job.resource = job.resource_id,
            pod.id = job.pod_id,
        );
        let pod_id = job.pod_id.clone();
        *running.by_pod.entry(pod_id.clone()).or_default() += 1;
        let run = async move {
            work(&place, kind.as_ref(), job).await;
            pod_id
        };
        running.tasks.spawn(run.instrument(span));
    }

    /// Waits for a wake-up that concerns this worker and takes those behind it too:
    /// one look at the table answers them all. False when the bus is closed.
    async fn next_wake(&self, wakes: &mut Subscription) -> bool {
        loop {
            match wakes.next().await {
                None => return false,
                Some(Wake::Job { kind, .. }) if self.kinds.get(&kind).is_none() => {}
                Some(_) => break,
            }
        }
        while let Some(Some(_)) = wakes.next().now_or_never() {}
        true
    }
}

impl Running {
    fn ended(&mut self, ended: Result<String, tokio::task::JoinError>) {
        match ended {
            Ok(pod_id) => {
                if let Some(count) = self.by_pod.get_mut(&pod_id) {
                    *count = count.saturating_sub(1);
                }
                self.by_pod.retain(|_, count| *count > 0);
            }
            // The engine's own code panicked: the lease will run out. Which pod it
            // was is not known, so the counts are begun anew.
            Err(error) => {
                tracing::error!(%error, "a run was lost");
                self.by_pod.clear();
            }
        }
    }

    /// Pods that have all the places they may have. Jobs without a pod are not counted.
    fn busy_pods(&self, limit: usize) -> Vec<String> {
        let busy = self
            .by_pod
            .iter()
            .filter(|(pod_id, count)| !pod_id.is_empty() && **count >= limit.max(1));
        busy.map(|(pod_id, _)| pod_id.clone()).collect()
    }
}

/// Between 80 and 120 percent, so that workers started together drift apart.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(rand::random_range(0.8..1.2))
}
