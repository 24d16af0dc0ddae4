//! A pod that makes something long after its create was given up, and the looks for it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tricircle_db::models::*;
use tricircle_jobs::{Engine, EngineConfig};
use tricircle_messaging::LocalBus;
use tricircle_pods::Service;
use tricircle_volume::{INTENT_KEY, VOLUME_LATE};

use crate::plots::{INTENT, begun, look};
use crate::world::World;

/// Longer than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `what` is so.
async fn until<T>(mut what: impl AsyncFnMut() -> Option<T>) -> T {
    let so = async {
        loop {
            if let Some(found) = what().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, so).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_looked_for_again_until_it_is_there() {
    let world = World::with_grace(Duration::from_millis(300)).await;
    let store = &world.test.store;
    begun(&world, RoutingKind::Volume, RoutingState::Failed, None).await;
    let job = store.job_enqueue(&look(VOLUME_LATE, 0)).await.unwrap();
    let config = EngineConfig {
        poll_interval: Duration::from_millis(50),
        ..EngineConfig::default()
    };
    let bus = Arc::new(LocalBus::new());
    let engine = Engine::new(store.clone(), bus, world.kinds().clone(), config);
    let stop = CancellationToken::new();
    let shutdown = stop.clone();
    let task = tokio::spawn(async move { engine.run(shutdown).await });

    // Nothing is there: it rests, twice as long as before.
    until(async || {
        let row = store.job_by_id(&job.id).await.unwrap().unwrap();
        let said: Value = serde_json::from_str(&row.payload).unwrap();
        (said["look"] == 1 && row.state == JobState::Ready).then_some(())
    })
    .await;
    let metadata = json!({INTENT_KEY: INTENT});
    let body = json!({"volume": {"size": 1, "name": "late", "metadata": metadata}});
    let admin = world.admin(0);
    let made = admin.post_json(Service::Volume, "/volumes", &body).await;
    let made = made.unwrap();
    let id = made["volume"]["id"].as_str().unwrap();

    let adopted = until(async || {
        let found = store.routing_by_top(RoutingKind::Volume, id).await;
        found.unwrap()
    })
    .await;
    assert_eq!(adopted.state, RoutingState::Active);
    assert_eq!(adopted.user_id, "u", "what is known of the intent");
    until(async || {
        let row = store.job_by_id(&job.id).await.unwrap().unwrap();
        (row.state == JobState::Done).then_some(())
    })
    .await;
    stop.cancel();
    task.await.unwrap();
}
