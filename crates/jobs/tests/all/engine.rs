//! The engine: woken or polling, crashing or losing its lease, stopping.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tricircle_db::models::JobFilter;
use tricircle_db::testing::TestStore;
use tricircle_db::{Store, now};
use tricircle_jobs::{
    Engine, EngineConfig, Job, JobError, JobKind, JobRun, JobSender, JobState, Kinds, NewJob,
};
use tricircle_messaging::{JobBus, LocalBus};

/// Longer than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind whose runs the test follows and lets go on.
#[derive(Clone)]
struct Probe(Arc<ProbeState>);

struct ProbeState {
    /// Runs begun, by resource.
    begun: watch::Sender<HashMap<String, usize>>,
    /// Runs under way, and the most there were at a time, by pod.
    busy: Mutex<HashMap<String, (usize, usize)>>,
    /// A run ends by taking one of these.
    permits: Semaphore,
    /// Ends to give, the first one first; success when empty.
    ends: Mutex<Vec<JobError>>,
    dropped: Notify,
    drops: AtomicUsize,
}

impl Probe {
    fn new(permits: usize) -> Self {
        Self(Arc::new(ProbeState {
            begun: watch::channel(HashMap::new()).0,
            busy: Mutex::default(),
            permits: Semaphore::new(permits),
            ends: Mutex::default(),
            dropped: Notify::new(),
            drops: AtomicUsize::new(0),
        }))
    }

    async fn wait_for(&self, resource: &str, runs: usize) {
        let mut begun = self.0.begun.subscribe();
        let reached = begun.wait_for(|b| b.get(resource).is_some_and(|n| *n >= runs));
        tokio::time::timeout(PATIENCE, reached)
            .await
            .unwrap_or_else(|_| panic!("{resource} was not run {runs} times"))
            .unwrap();
    }
}

/// Notices when the run ends or is dropped.
struct Presence<'a>(&'a ProbeState, String, bool);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        if let Some((now, _)) = self.0.busy.lock().unwrap().get_mut(&self.1) {
            *now -= 1;
        }
        if !self.2 {
            self.0.drops.fetch_add(1, Ordering::SeqCst);
            self.0.dropped.notify_one();
        }
    }
}

#[async_trait]
impl JobKind for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let state = &self.0;
        let pod = run.pod_id().to_owned();
        {
            let mut busy = state.busy.lock().unwrap();
            let (now, most) = busy.entry(pod.clone()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        let mut presence = Presence(state, pod, false);
        let resource = run.resource_id().to_owned();
        state
            .begun
            .send_modify(|begun| *begun.entry(resource).or_default() += 1);
        state.permits.acquire().await.unwrap().forget();
        presence.2 = true;
        run.check()?;
        let mut ends = state.ends.lock().unwrap();
        if ends.is_empty() {
            Ok(())
        } else {
            Err(ends.remove(0))
        }
    }
}

struct Worker {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Worker {
    fn start(store: &Store, bus: &Arc<LocalBus>, probe: &Probe, config: EngineConfig) -> Self {
        Self::of(store, bus, Kinds::new().with(probe.clone()), config)
    }

    fn of(store: &Store, bus: &Arc<LocalBus>, kinds: Kinds, config: EngineConfig) -> Self {
        let bus: Arc<dyn JobBus> = bus.clone();
        let engine = Engine::new(store.clone(), bus, kinds, config);
        let stop = CancellationToken::new();
        let shutdown = stop.clone();
        let task = tokio::spawn(async move { engine.run(shutdown).await });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Polls so seldom that a test which passes was woken.
fn only_woken() -> EngineConfig {
    EngineConfig {
        poll_interval: PATIENCE * 10,
        retry_base: Duration::from_millis(10),
        ..EngineConfig::default()
    }
}

async fn state_of(store: &Store, job: &Job) -> JobState {
    store.job_by_id(&job.id).await.unwrap().unwrap().state
}

async fn until(store: &Store, job: &Job, state: JobState) {
    let reached = async {
        while state_of(store, job).await != state {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .unwrap_or_else(|_| panic!("{} did not become {state}", job.resource_id));
}

#[tokio::test]
async fn a_job_runs_when_its_worker_is_woken() {
    for test in TestStore::both().await.unwrap() {
        let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(100));
        let worker = Worker::start(&test.store, &bus, &probe, only_woken());
        let sender = JobSender::new(test.store.clone(), bus.clone());
        for n in 0..5 {
            let new = NewJob::new("probe", &format!("r{n}"));
            let job = sender.enqueue(&new).await.unwrap();
            until(&test.store, &job, JobState::Done).await;
        }
        worker.stop().await;
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn without_a_bus_jobs_are_found_by_polling() {
    let test = TestStore::sqlite().await.unwrap();
    let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(100));
    bus.close().await;
    let config = EngineConfig {
        poll_interval: Duration::from_millis(20),
        ..EngineConfig::default()
    };
    let worker = Worker::start(&test.store, &bus, &probe, config);
    let sender = JobSender::new(test.store.clone(), bus.clone());
    let job = sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
    until(&test.store, &job, JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_job_that_rests_is_run_when_its_time_comes() {
    let test = TestStore::sqlite().await.unwrap();
    let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(100));
    let worker = Worker::start(&test.store, &bus, &probe, only_woken());
    let sender = JobSender::new(test.store.clone(), bus.clone());
    let mut new = NewJob::new("probe", "r");
    new.run_after = Duration::from_millis(150);
    let written = now();
    let job = sender.enqueue(&new).await.unwrap();
    until(&test.store, &job, JobState::Done).await;
    assert!((now() - written).to_std().unwrap() >= new.run_after);
    worker.stop().await;
}

#[tokio::test]
async fn a_wish_during_the_run_causes_one_more_run() {
    let test = TestStore::sqlite().await.unwrap();
    let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(0));
    let worker = Worker::start(&test.store, &bus, &probe, only_woken());
    let sender = JobSender::new(test.store.clone(), bus.clone());
    let job = sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
    probe.wait_for("r", 1).await;
    for _ in 0..3 {
        sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
    }
    probe.0.permits.add_permits(100);
    until(&test.store, &job, JobState::Done).await;
    assert_eq!(probe.0.begun.borrow()["r"], 2);
    worker.stop().await;
}

#[tokio::test]
async fn failures_are_tried_again_and_a_refusal_is_not() {
    let test = TestStore::sqlite().await.unwrap();
    let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(100));
    let worker = Worker::start(&test.store, &bus, &probe, only_woken());
    let sender = JobSender::new(test.store.clone(), bus.clone());
    *probe.0.ends.lock().unwrap() = vec![
        JobError::transient("503"),
        JobError::transient("timeout"),
        JobError::permanent("400"),
    ];
    let job = sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
    until(&test.store, &job, JobState::Failed).await;
    assert_eq!(probe.0.begun.borrow()["r"], 3);
    let row = test.store.job_by_id(&job.id).await.unwrap().unwrap();
    assert_eq!(row.last_error.as_deref(), Some("400"));
    assert_eq!(row.attempts, 3);
    worker.stop().await;
}

#[tokio::test]
async fn a_job_waits_for_its_pod_and_goes_on_when_it_is_back() {
    let test = TestStore::sqlite().await.unwrap();
    let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(100));
    let worker = Worker::start(&test.store, &bus, &probe, only_woken());
    let sender = JobSender::new(test.store.clone(), bus.clone());
    *probe.0.ends.lock().unwrap() = vec![JobError::pod_down("pod-1", "refused")];
    let job = sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
    until(&test.store, &job, JobState::Waiting).await;
    assert_eq!(sender.pod_is_back("pod-2").await.unwrap(), 0);
    assert_eq!(sender.pod_is_back("pod-1").await.unwrap(), 1);
    until(&test.store, &job, JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_slow_pod_leaves_room_for_the_others() {
    let test = TestStore::sqlite().await.unwrap();
    let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(0));
    let config = EngineConfig {
        workers: 3,
        per_pod: 2,
        ..only_woken()
    };
    for n in 0..10 {
        let mut new = NewJob::new("probe", &format!("slow{n}"));
        new.pod_id = "slow".to_owned();
        test.store.job_enqueue(&new).await.unwrap();
    }
    let mut new = NewJob::new("probe", "quick");
    new.pod_id = "quick".to_owned();
    test.store.job_enqueue(&new).await.unwrap();
    let worker = Worker::start(&test.store, &bus, &probe, config);
    // Nothing ends yet: the quick pod's job has the third place all the same.
    probe.wait_for("quick", 1).await;
    let mut begun = probe.0.begun.subscribe();
    let all_places = begun.wait_for(|begun| begun.len() == 3);
    tokio::time::timeout(PATIENCE, all_places)
        .await
        .unwrap()
        .unwrap();
    probe.0.permits.add_permits(100);
    let filter = JobFilter {
        states: vec![JobState::Done],
        ..JobFilter::default()
    };
    while test.store.jobs(&filter).await.unwrap().len() < 11 {
        tokio::task::yield_now().await;
    }
    assert_eq!(probe.0.busy.lock().unwrap()["slow"].1, 2);
    worker.stop().await;
}

#[tokio::test]
async fn another_worker_takes_over_when_one_vanishes() {
    for test in TestStore::both().await.unwrap() {
        let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(0));
        let config = EngineConfig {
            lease: Duration::from_millis(300),
            ..only_woken()
        };
        let sender = JobSender::new(test.store.clone(), bus.clone());
        let job = sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
        let first = Worker::start(&test.store, &bus, &probe, config.clone());
        probe.wait_for("r", 1).await;
        // As by kill -9: nothing is given back.
        first.task.abort();
        assert!(first.task.await.unwrap_err().is_cancelled());
        let second = Worker::start(&test.store, &bus, &probe, config);
        probe.wait_for("r", 2).await;
        probe.0.permits.add_permits(100);
        until(&test.store, &job, JobState::Done).await;
        second.stop().await;
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_lease_is_kept_while_the_run_lasts() {
    let test = TestStore::sqlite().await.unwrap();
    let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(0));
    let config = EngineConfig {
        lease: Duration::from_millis(400),
        ..only_woken()
    };
    let worker = Worker::start(&test.store, &bus, &probe, config.clone());
    let rival = Worker::start(&test.store, &bus, &Probe::new(0), config);
    let sender = JobSender::new(test.store.clone(), bus.clone());
    rival.stop().await;
    let job = sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
    probe.wait_for("r", 1).await;
    let claimed = test.store.job_by_id(&job.id).await.unwrap().unwrap();
    // Until the lease that the claim gave is long over.
    while now() < claimed.lease_until.unwrap() + Duration::from_millis(400) {
        assert_eq!(test.store.jobs_expire().await.unwrap(), 0);
        tokio::task::yield_now().await;
    }
    probe.0.permits.add_permits(1);
    until(&test.store, &job, JobState::Done).await;
    assert_eq!(probe.0.begun.borrow()["r"], 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_run_is_dropped_at_once_when_its_lease_is_lost() {
    let test = TestStore::sqlite().await.unwrap();
    let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(0));
    let config = EngineConfig {
        lease: Duration::from_millis(300),
        workers: 1,
        ..only_woken()
    };
    let sender = JobSender::new(test.store.clone(), bus.clone());
    let job = sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
    let worker = Worker::start(&test.store, &bus, &probe, config);
    probe.wait_for("r", 1).await;
    // The lease goes to somebody else, as it would if this process had been paused.
    let row = test.store.job_by_id(&job.id).await.unwrap().unwrap();
    let released = tricircle_db::models::JobOutcome::Released;
    let freed = test.store.job_settle(&row.id, row.lease_epoch, &released);
    assert!(freed.await.unwrap().is_some());
    let dropped = tokio::time::timeout(PATIENCE, probe.0.dropped.notified());
    dropped.await.unwrap();
    probe.wait_for("r", 2).await;
    probe.0.permits.add_permits(100);
    until(&test.store, &job, JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_stopping_worker_lets_runs_end_or_hands_them_on() {
    for (grace, end) in [
        (PATIENCE, JobState::Done),
        (Duration::from_millis(10), JobState::Ready),
    ] {
        let test = TestStore::sqlite().await.unwrap();
        let (bus, probe) = (Arc::new(LocalBus::new()), Probe::new(0));
        let config = EngineConfig {
            grace,
            ..only_woken()
        };
        let worker = Worker::start(&test.store, &bus, &probe, config);
        let sender = JobSender::new(test.store.clone(), bus.clone());
        let job = sender.enqueue(&NewJob::new("probe", "r")).await.unwrap();
        probe.wait_for("r", 1).await;
        worker.stop.cancel();
        if end == JobState::Done {
            probe.0.permits.add_permits(1);
        }
        worker.task.await.unwrap();
        assert_eq!(state_of(&test.store, &job).await, end);
        let drops = usize::from(end == JobState::Ready);
        assert_eq!(probe.0.drops.load(Ordering::SeqCst), drops);
    }
}

/// A kind that goes from step to step until it is told to stop.
struct Patient(watch::Sender<bool>);

#[async_trait]
impl JobKind for Patient {
    fn name(&self) -> &'static str {
        "patient"
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        self.0.send_replace(true);
        loop {
            run.check()?;
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_cancelled_run_notices_at_its_next_step() {
    let test = TestStore::sqlite().await.unwrap();
    let bus = Arc::new(LocalBus::new());
    let (begun, mut has_begun) = watch::channel(false);
    let config = EngineConfig {
        // The next heartbeat brings the news.
        lease: Duration::from_millis(300),
        ..only_woken()
    };
    let worker = Worker::of(&test.store, &bus, Kinds::new().with(Patient(begun)), config);
    let sender = JobSender::new(test.store.clone(), bus.clone());
    let job = sender.enqueue(&NewJob::new("patient", "r")).await.unwrap();
    has_begun.wait_for(|begun| *begun).await.unwrap();
    assert_eq!(test.store.job_cancel("patient", "r").await.unwrap(), 1);
    until(&test.store, &job, JobState::Cancelled).await;
    worker.stop().await;
}
