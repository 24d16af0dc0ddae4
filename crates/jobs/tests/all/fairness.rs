//! Thousands of jobs of one pod, or that span pods, and one of somebody else.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tricircle_db::models::JobFilter;
use tricircle_db::testing::TestStore;
use tricircle_jobs::{Engine, EngineConfig, JobError, JobKind, JobRun, JobState, Kinds, NewJob};
use tricircle_messaging::{JobBus, LocalBus};

/// Longer than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Remembers in which order pods had runs.
#[derive(Clone, Default)]
struct Turns(Arc<(Mutex<Vec<String>>, Notify)>);

#[async_trait]
impl JobKind for Turns {
    fn name(&self) -> &'static str {
        "turns"
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        self.0.0.lock().unwrap().push(run.pod_id().to_owned());
        self.0.1.notify_waiters();
        tokio::task::yield_now().await;
        Ok(())
    }
}

impl Turns {
    /// The pods of the first runs, once each of these has had one.
    async fn until_each_of(&self, pods: &[&str]) -> Vec<String> {
        let all = async {
            loop {
                let changed = self.0.1.notified();
                let turns = self.0.0.lock().unwrap().clone();
                if pods.iter().all(|pod| turns.iter().any(|turn| turn == pod)) {
                    return turns;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.unwrap()
    }
}

fn wish(pod: &str, resource: &str) -> NewJob {
    NewJob {
        pod_id: pod.to_owned(),
        ..NewJob::new("turns", resource)
    }
}

/// 16 384 jobs of a pod, all due for a while. Each letter doubles what has this number.
async fn flood(test: &TestStore, number: u32, pod: &str) {
    let doublings = "abcdefghijklmn";
    let first = test.store.job_enqueue(&wish(pod, "flood")).await.unwrap();
    let name = format!("{doublings}-{number}");
    let mut statements = format!(
        "UPDATE jobs SET id = '{name}', resource_id = '{name}', \
         run_after = '2020-01-01 00:00:00' WHERE id = '{}';",
        first.id
    );
    let columns = "pod_id, active_slot, project_id, payload, payload_version, state, undoing, \
        cancel_requested, wanted_rev, run_rev, done_rev, attempts, run_after, waiting_for, \
        lease_epoch, request_id, created_at, updated_at";
    for letter in doublings.chars() {
        let digit = letter.to_ascii_uppercase();
        let next = format!("REPLACE(id, '{letter}', '{digit}')");
        statements += &format!(
            "INSERT INTO jobs (id, kind, resource_id, {columns}) \
             SELECT {next}, kind, {next}, {columns} FROM jobs WHERE id LIKE '%-{number}';"
        );
    }
    test.execute(&statements).await.unwrap();
    let filter = JobFilter {
        pod_id: Some(pod.to_owned()),
        states: vec![JobState::Ready],
        ..JobFilter::default()
    };
    assert!(test.store.jobs(&filter).await.unwrap().len() > 10_000);
}

struct Worker {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Worker {
    fn start(test: &TestStore, turns: &Turns, workers: usize) -> Self {
        let config = EngineConfig {
            workers,
            per_pod: workers.saturating_sub(1).max(1),
            ..EngineConfig::default()
        };
        let bus: Arc<dyn JobBus> = Arc::new(LocalBus::new());
        let kinds = Kinds::new().with(turns.clone());
        let engine = Engine::new(test.store.clone(), bus, kinds, config);
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

#[tokio::test]
async fn ten_thousand_jobs_of_a_pod_do_not_starve_another() {
    for test in TestStore::both().await.unwrap() {
        // Of a pod and of none, both before anybody else.
        flood(&test, 1, "many").await;
        flood(&test, 2, "").await;
        for pod in ["late1", "late2"] {
            test.store.job_enqueue(&wish(pod, "r")).await.unwrap();
        }
        for workers in [1, 4] {
            let turns = Turns::default();
            let worker = Worker::start(&test, &turns, workers);
            let seen = turns.until_each_of(&["many", "", "late1", "late2"]).await;
            // Each has a turn in the first round; other places go on meanwhile.
            assert!(seen.len() <= 4 + workers, "{seen:?}");
            worker.stop().await;
            for pod in ["late1", "late2"] {
                test.store.job_enqueue(&wish(pod, "r")).await.unwrap();
            }
        }
        test.drop_schema().await.unwrap();
    }
}
