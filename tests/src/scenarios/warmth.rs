//! What a call costs that has been made before.

use crate::simulated::Simulated;

/// How often the call is repeated.
const ROUNDS: usize = 20;

/// A show of a server that was shown before goes to its pod and nowhere else: no SQL, no
/// call to Keystone. The world has its workers in a process of their own, so that the
/// counters of this one are the gateway's.
pub async fn warm_show(world: &Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.8.0/24")
        .await;
    let server = world
        .create_server(&demo, "vm", world.zone(1), &network)
        .await;
    demo.wait_server(&server, "ACTIVE").await;
    demo.server(&server).await.expect(200);

    world.pods[1].clear_journal();
    let costs = || {
        (
            world.parts.store.operations(),
            world.parts.keystone.requests(),
        )
    };
    let paid = costs();
    for _ in 0..ROUNDS {
        demo.server(&server).await.expect(200);
    }
    assert_eq!(costs(), paid, "(SQL, Keystone) after {ROUNDS} warm calls");
    let asked = world.pods[1]
        .journal_handle()
        .count("GET", &format!("/servers/{server}"));
    assert_eq!(asked, ROUNDS, "the pod was asked each time, once");

    demo.delete_server(&server).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}
