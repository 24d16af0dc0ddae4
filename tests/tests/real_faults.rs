//! Real pods that fail: the faults of `scenarios::faults`, played by a proxy in front of
//! their endpoints (`make real`); and the same table on simulated pods.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tricircle_pod_sim::Faults;
use tricircle_tests::scenarios::faults;
use tricircle_tests::troubled::Troubled;
use tricircle_tests::{Simulated, Where};

/// One after the other: a world's regions are taken away at its end, those that a killed
/// run left at its begin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_real_pods_is_survived() {
    let Some(troubled) = Troubled::real().await else {
        return;
    };
    faults::of_servers(&troubled.world, &troubled.faults).await;
    faults::of_volumes(&troubled.world, &troubled.faults).await;
    faults::of_lists(&troubled.world, &troubled.faults).await;
    let calls: usize = troubled
        .proxies
        .iter()
        .flatten()
        .map(|p| p.journal().len())
        .sum();
    assert_ne!(calls, 0, "the pods were called past the proxies");
    troubled.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_simulated_pods_is_survived() {
    let place = Where {
        create_grace: std::time::Duration::from_secs(4),
        ..Where::default()
    };
    let world = Simulated::new(place).await.unwrap();
    let pods: Vec<Faults> = world.pods.iter().map(|pod| pod.faults().clone()).collect();
    faults::of_servers(&world, &pods).await;
    faults::of_volumes(&world, &pods).await;
    faults::of_lists(&world, &pods).await;
    world.assert_pods_clean();
    world.end().await;
}
