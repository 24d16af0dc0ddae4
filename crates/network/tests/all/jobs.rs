//! What the jobs leave when all are done. That they survive whatever happens to their
//! worker is tested with the other kinds, in `services/xjob`.

use tricircle_db::models::{JobFilter, NewJob};
use tricircle_jobs::JobState;
use tricircle_jobs::testing::run_to_the_end;
use tricircle_network::Network;
use tricircle_network::kinds::PORT_REMOVE;

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

/// A worker that was stopped in the middle, and goes on when another has finished and
/// the port is another server's.
#[tokio::test]
async fn a_port_that_moved_on_is_left_alone() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    world.server(&network.id, POD1, "first").await.unwrap();
    let port = world.network.server_ports("first").await.unwrap().remove(0);
    let id = port.port.id;
    let store = world.store();
    store
        .ports_move_device("first", "second", "compute:az1")
        .await
        .unwrap();
    let job = NewJob::new(PORT_REMOVE, &id);
    let late = store.port_release_begin(&id, "first", &job).await.unwrap();
    assert_eq!(late, None);
    world.network.release("first", POD1).await.unwrap();
    store.port_purge(&id).await.unwrap();
    assert_eq!(world.pod1.inventory().ports.len(), 1);
    let jobs = store.jobs(&JobFilter::default()).await.unwrap();
    assert!(jobs.iter().all(|job| job.kind != PORT_REMOVE), "{jobs:?}");
    let in_time = store.port_release_begin(&id, "second", &job).await.unwrap();
    assert_eq!(in_time.map(|rows| rows.len()), Some(1));
}
