//! Rows that nobody can do anything with: they end, and cost nobody else anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tricircle_db::testing::TestStore;
use tricircle_jobs::{
    Engine, EngineConfig, Job, JobError, JobKind, JobRun, JobSender, JobState, Kinds, NewJob,
};
use tricircle_messaging::{JobBus, LocalBus};

/// Longer than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind that has to read its payload.
#[derive(Clone, Default)]
struct Reader(Arc<AtomicUsize>);

#[derive(Deserialize)]
struct Payload {
    #[allow(dead_code)] // That it is there is the point.
    count: u32,
}

#[async_trait]
impl JobKind for Reader {
    fn name(&self) -> &'static str {
        "reader"
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        run.payload::<Payload>().map(drop)
    }
}

async fn row(test: &TestStore, job: &Job) -> Job {
    test.store.job_by_id(&job.id).await.unwrap().unwrap()
}

async fn ends(test: &TestStore, job: &Job, state: JobState) -> Job {
    let ended = async {
        loop {
            let now = row(test, job).await;
            if now.state == state {
                return now;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap()
}

#[tokio::test]
async fn a_job_that_cannot_be_read_fails_once_and_one_of_another_kind_is_let_alone() {
    for test in TestStore::both().await.unwrap() {
        let reader = Reader::default();
        let bus: Arc<dyn JobBus> = Arc::new(LocalBus::new());
        let sender = JobSender::new(test.store.clone(), bus.clone());
        let wish = |resource: &str, payload| NewJob {
            payload,
            ..NewJob::new("reader", resource)
        };
        let strange = sender
            .enqueue(&wish("strange", json!(["?"])))
            .await
            .unwrap();
        let broken = sender.enqueue(&wish("broken", json!({}))).await.unwrap();
        let statement = format!(
            "UPDATE jobs SET payload = '{{no json' WHERE id = '{}'",
            broken.id
        );
        test.execute(&statement).await.unwrap();
        let unknown = sender.enqueue(&NewJob::new("unknown", "r")).await.unwrap();
        let newer = NewJob {
            payload_version: 2,
            ..wish("newer", json!({"count": 1}))
        };
        let newer = sender.enqueue(&newer).await.unwrap();

        let config = EngineConfig {
            retry_base: Duration::ZERO,
            retry_max: Duration::ZERO,
            ..EngineConfig::default()
        };
        let kinds = Kinds::new().with(reader.clone());
        let engine = Engine::new(test.store.clone(), bus, kinds, config);
        let stop = CancellationToken::new();
        let shutdown = stop.clone();
        let task = tokio::spawn(async move { engine.run(shutdown).await });
        for job in [&strange, &broken] {
            let ended = ends(&test, job, JobState::Failed).await;
            let why = ended.last_error.unwrap_or_default();
            assert!(why.contains("the payload cannot be read"), "{why}");
        }
        // What comes after them is done, so nobody was at them again.
        let good = sender
            .enqueue(&wish("good", json!({"count": 1})))
            .await
            .unwrap();
        ends(&test, &good, JobState::Done).await;
        assert_eq!(reader.0.load(Ordering::SeqCst), 3, "one run each");
        for job in [&unknown, &newer] {
            let left = row(&test, job).await;
            assert_eq!(
                (left.state, left.lease_epoch),
                (JobState::Ready, 0),
                "{}",
                left.kind
            );
        }
        stop.cancel();
        task.await.unwrap();
        test.drop_schema().await.unwrap();
    }
}
