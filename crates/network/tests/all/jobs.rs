//! The jobs that clean up, whatever happens to their worker.

use async_trait::async_trait;
use serde_json::{Value, json};
use tricircle_db::Store;
use tricircle_db::models::{JobFilter, NewJob, Realization, RealizationKind};
use tricircle_jobs::testing::{
    Scene, run_to_the_end, survives_being_repeated, survives_crashes_anywhere,
};
use tricircle_jobs::{JobError, JobKind, JobRun, JobState, Kinds};
use tricircle_network::Network;
use tricircle_network::kinds::{NETWORK_REMOVE, REALIZATION_SETTLE, settle_wish};

use crate::world::{POD1, POD2, World, is_clean};

/// Runs every job that is wanted until none is left.
pub async fn finish_all(world: &World) {
    finish_jobs(&world.network).await;
}

pub async fn finish_jobs(network: &Network) {
    let kinds = network.job_kinds();
    for _ in 0..50 {
        let jobs = network.store().jobs(&JobFilter::default()).await.unwrap();
        let Some(job) = jobs.into_iter().find(|job| !job.state.is_finished()) else {
            return;
        };
        let kind = kinds.get(&job.kind).unwrap();
        let end = run_to_the_end(network.store(), kind.as_ref())
            .await
            .unwrap();
        assert_eq!(end, JobState::Done, "{}", job.kind);
    }
    panic!("jobs are left");
}

#[tokio::test]
async fn a_deleted_network_leaves_both_pods_and_then_frees_its_segment() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
        world.server(&network.id, pod, intent).await.unwrap();
    }
    let in_use = world.network.delete_network(&network.id, None, "").await;
    assert_eq!(in_use.unwrap_err().status(), (409, "NetworkInUse"));
    for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
        world.network.release(intent, pod).await.unwrap();
    }
    world
        .network
        .delete_network(&network.id, None, "")
        .await
        .unwrap();
    let used = || world.store().network_segments_used("vlan", "physnet1");
    assert_eq!(used().await.unwrap().len(), 1, "the pods still have it");
    finish_all(&world).await;
    is_clean(&world.pod1.inventory());
    is_clean(&world.pod2.inventory());
    assert!(used().await.unwrap().is_empty());
    let left = world.store().realizations(None, None).await.unwrap();
    assert!(left.iter().all(|row| row.kind.as_str() == "security_group"));
}

/// A network in both pods, deleted at the top.
struct Removal {
    world: World,
    network_id: String,
}

/// One of the crate's kinds, by name.
struct Named(Kinds, &'static str);

#[async_trait]
impl JobKind for Named {
    fn name(&self) -> &'static str {
        self.1
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let kind = self.0.get(self.1).cloned();
        kind.ok_or_else(|| JobError::permanent("no such kind"))?
            .run(run)
            .await
    }
}

#[async_trait]
impl Scene for Removal {
    type Kind = Named;

    async fn fresh() -> Self {
        let world = World::new().await;
        let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
        for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
            world.server(&network.id, pod, intent).await.unwrap();
            world.network.release(intent, pod).await.unwrap();
        }
        finish_all(&world).await;
        world
            .network
            .delete_network(&network.id, None, "")
            .await
            .unwrap();
        Self {
            world,
            network_id: network.id,
        }
    }

    fn store(&self) -> &Store {
        self.world.store()
    }

    fn kind(&self) -> Named {
        Named(self.world.network.job_kinds(), NETWORK_REMOVE)
    }

    fn wish(&self) -> NewJob {
        NewJob::new(NETWORK_REMOVE, &self.network_id)
    }

    async fn world(&self) -> Value {
        let rows = self.world.store().realizations(None, None).await.unwrap();
        let networks = rows
            .iter()
            .filter(|row| row.kind.as_str() != "security_group");
        json!({
            "pod1": self.world.pod1.inventory().leftovers(),
            "pod2": self.world.pod2.inventory().leftovers(),
            "rows": networks.count(),
            "network": self.world.store().network_by_id(&self.network_id).await.unwrap().is_some(),
        })
    }
}

#[tokio::test]
async fn the_removal_of_a_network_may_be_repeated() {
    survives_being_repeated::<Removal>().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_removal_of_a_network_may_be_cut_off_anywhere() {
    let points = survives_crashes_anywhere::<Removal>().await.unwrap();
    assert!(points > 10, "{points}");
}

/// A realization that was begun by somebody who died.
struct Unfinished {
    world: World,
    intent: Realization,
}

#[async_trait]
impl Scene for Unfinished {
    type Kind = Named;

    async fn fresh() -> Self {
        let world = World::new().await;
        let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
        let kind = RealizationKind::Network;
        let intent = Realization::intent(kind, &network.id, POD1, &network.project_id);
        world.store().realization_claim(&intent).await.unwrap();
        Self { world, intent }
    }

    fn store(&self) -> &Store {
        self.world.store()
    }

    fn kind(&self) -> Named {
        Named(self.world.network.job_kinds(), REALIZATION_SETTLE)
    }

    fn wish(&self) -> NewJob {
        settle_wish(&self.intent)
    }

    async fn world(&self) -> Value {
        let rows = self.world.store().realizations(None, None).await.unwrap();
        let found = self.world.pod1.inventory().networks;
        json!({
            "networks": found.len(),
            "states": rows.iter().map(|row| row.state.as_str()).collect::<Vec<_>>(),
            "known": rows.iter().all(|row| row.bottom_id.as_ref() == found.first().map(|n| &n.id)),
        })
    }
}

#[tokio::test]
async fn an_unfinished_realization_is_completed_once() {
    survives_being_repeated::<Unfinished>().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_completion_of_a_realization_may_be_cut_off_anywhere() {
    let points = survives_crashes_anywhere::<Unfinished>().await.unwrap();
    assert!(points > 5, "{points}");
}
