//! The job kinds, cut off at every point where they wait, on a simulated pod.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tricircle_config::{Config, SecretString};
use tricircle_db::Store;
use tricircle_db::models::{
    AuthMode, NewJob, Pod, PodState, Routing, RoutingFilter, RoutingKind, RoutingState,
};
use tricircle_db::testing::TestStore;
use tricircle_jobs::JobSender;
use tricircle_jobs::testing::{Scene, survives_being_repeated, survives_crashes_anywhere};
use tricircle_keystone::Keystone;
use tricircle_pod_sim::{SimCloud, SimPod};
use tricircle_pods::{Pods, Service};
use tricircle_volume::{
    INTENT_KEY, VOLUME_RECOVER, VOLUME_REMOVE, VolumeRecover, VolumeRemove, Volumes,
};

const INTENT: &str = "6f1c3e9a-2b7d-4c50-9a41-0c2f6a3d9e11";

/// A pod and a database.
struct World {
    test: TestStore,
    _cloud: SimCloud,
    sim: SimPod,
    pod_id: String,
    volumes: Volumes,
}

impl World {
    async fn fresh() -> Self {
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
        let config = Arc::new(config);
        let keystone = Keystone::new(&config.keystone_authtoken).unwrap();
        let pods = Pods::new(test.store.clone(), keystone, config.clone()).unwrap();
        pods.refresh().await.unwrap();
        let bus = tricircle_messaging::connect("").unwrap();
        let volumes = Volumes {
            store: test.store.clone(),
            pods,
            jobs: JobSender::new(test.store.clone(), bus),
            config,
        };
        Self {
            test,
            _cloud: cloud,
            sim,
            pod_id: pod.id,
            volumes,
        }
    }

    fn row(&self, state: RoutingState) -> Routing {
        let now = tricircle_db::now();
        Routing {
            id: INTENT.to_owned(),
            kind: RoutingKind::Volume,
            top_id: None,
            pod_id: self.pod_id.clone(),
            bottom_id: None,
            project_id: "p".to_owned(),
            user_id: "u".to_owned(),
            name: "v".to_owned(),
            state,
            availability_zone: None,
            flavor_id: None,
            image_id: None,
            vcpus: 0,
            ram_mb: 0,
            size_gb: 1,
            reservation_id: None,
            request_id: "req-1".to_owned(),
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }

    /// What a create leaves whose answer was lost.
    async fn volume_in_pod(&self) -> String {
        let admin = self.volumes.pods.admin(&self.pod_id, "req-1").unwrap();
        let metadata = json!({INTENT_KEY: INTENT});
        let body = json!({"volume": {"size": 1, "name": "v", "metadata": metadata}});
        let made = admin.post_json(Service::Volume, "/volumes", &body).await;
        made.unwrap()["volume"]["id"].as_str().unwrap().to_owned()
    }

    async fn seen(&self) -> Value {
        let all = RoutingFilter::default();
        let rows = self.test.store.routings(&all).await.unwrap();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| json!([row.state, row.top_id.is_some(), row.deleted_at.is_some()]))
            .collect();
        json!({"rows": rows, "volumes": self.sim.inventory().volumes.len()})
    }
}

macro_rules! scene {
    ($name:ident, $kind:ident, |$world:ident| $prepare:expr) => {
        struct $name {
            world: World,
            wish: NewJob,
        }

        #[async_trait]
        impl Scene for $name {
            type Kind = $kind;
            async fn fresh() -> Self {
                let $world = World::fresh().await;
                let wish: NewJob = $prepare;
                let wish = NewJob {
                    pod_id: $world.pod_id.clone(),
                    ..wish
                };
                Self {
                    world: $world,
                    wish,
                }
            }
            fn store(&self) -> &Store {
                &self.world.test.store
            }
            fn kind(&self) -> $kind {
                $kind(self.world.volumes.clone())
            }
            fn wish(&self) -> NewJob {
                self.wish.clone()
            }
            async fn world(&self) -> Value {
                self.world.seen().await
            }
        }
    };
}

scene!(LostAnswer, VolumeRecover, |world| {
    let row = world.row(RoutingState::Creating);
    world.test.store.insert_routing(&row).await.unwrap();
    world.volume_in_pod().await;
    NewJob::new(VOLUME_RECOVER, INTENT)
});

scene!(NeverMade, VolumeRecover, |world| {
    let row = world.row(RoutingState::Creating);
    world.test.store.insert_routing(&row).await.unwrap();
    NewJob::new(VOLUME_RECOVER, INTENT)
});

scene!(Gone, VolumeRemove, |world| {
    let id = uuid::Uuid::new_v4().to_string();
    let row = Routing {
        top_id: Some(id.clone()),
        bottom_id: Some(id.clone()),
        ..world.row(RoutingState::Deleting)
    };
    world.test.store.insert_routing(&row).await.unwrap();
    NewJob::new(VOLUME_REMOVE, &id)
});

async fn end_of<S: Scene>() -> Value {
    let scene = S::fresh().await;
    let wish = scene.wish();
    scene.store().job_enqueue(&wish).await.unwrap();
    tricircle_jobs::testing::run_to_the_end(scene.store(), &scene.kind())
        .await
        .unwrap();
    scene.world().await
}

#[tokio::test]
async fn an_unfinished_create_ends_the_same_way_wherever_its_job_is_cut_off() {
    assert_eq!(
        end_of::<LostAnswer>().await,
        json!({"rows": [["active", true, false]], "volumes": 1})
    );
    assert_eq!(
        end_of::<NeverMade>().await,
        json!({"rows": [["failed", false, true]], "volumes": 0})
    );
    survives_being_repeated::<LostAnswer>().await.unwrap();
    let points = survives_crashes_anywhere::<LostAnswer>().await.unwrap();
    assert!(points > 3, "{points}");
    survives_crashes_anywhere::<NeverMade>().await.unwrap();
}

#[tokio::test]
async fn a_removal_ends_the_same_way_wherever_its_job_is_cut_off() {
    assert_eq!(
        end_of::<Gone>().await,
        json!({"rows": [["deleted", true, true]], "volumes": 0})
    );
    survives_crashes_anywhere::<Gone>().await.unwrap();
}
