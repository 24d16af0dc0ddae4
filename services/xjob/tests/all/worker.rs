//! A whole worker against a simulated pod that goes away and comes back.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tricircle_config::{Config, SecretString};
use tricircle_db::models::{AuthMode, JobState, NewJob, Pod, PodState};
use tricircle_db::testing::TestStore;
use tricircle_pod_sim::SimCloud;
use tricircle_runtime::Parts;
use tricircle_volume::VOLUME_REMOVE;

/// Longer than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_waits_for_its_pod_and_is_woken_when_it_answers_again() {
    let cloud = SimCloud::start().await.unwrap();
    let sim = cloud.add_pod("Pod1").await.unwrap();
    let test = TestStore::sqlite().await.unwrap();
    let now = tricircle_db::now();
    let pod = Pod {
        id: uuid::Uuid::new_v4().to_string(),
        region_name: "Pod1".to_owned(),
        ordinal: 0,
        state: PodState::Enabled,
        auth_mode: AuthMode::Shared,
        created_at: now,
        updated_at: now,
    };
    test.store.pod_create(&pod, &[]).await.unwrap();
    let mut config = Config::default();
    config.keystone_authtoken.auth_url = cloud.keystone_url();
    config.keystone_authtoken.password = SecretString::from("secret");
    config.database.connection = SecretString::from(test.connection.clone());
    config.xjob.bind_port = 0;
    config.jobs.poll_interval = Duration::from_millis(100);
    let shutdown = CancellationToken::new();
    let parts = Parts::build(config, &shutdown).await.unwrap();
    let started = xjob::start(parts, shutdown.clone()).await.unwrap();

    sim.stop().await;
    let wish = NewJob {
        pod_id: pod.id.clone(),
        ..NewJob::new(VOLUME_REMOVE, "11111111-1111-1111-1111-111111111111")
    };
    let job = test.store.job_enqueue(&wish).await.unwrap();
    let reached = |state: JobState| {
        let (store, id) = (test.store.clone(), job.id.clone());
        let reached = async move {
            while store.job_by_id(&id).await.unwrap().unwrap().state != state {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
    };
    reached(JobState::Waiting).await.unwrap();
    let waiting = test.store.job_by_id(&job.id).await.unwrap().unwrap();
    assert_eq!(waiting.waiting_for, pod.id);
    // The longest wait is five minutes: only the watch can wake it in time.
    sim.start().await.unwrap();
    reached(JobState::Done).await.unwrap();
    shutdown.cancel();
    started.wait().await;
}
