//! A part of the world is away: the rest goes on, and what was accepted gets done.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::{list, string};
use crate::process::Service;
use crate::resources::LIMIT;
use crate::simulated::Simulated;
use crate::wait::until;

/// The deadline for a pod's part of a list (see `settings`) and what the rest may take.
const LIST_LIMIT: Duration = Duration::from_secs(6);

/// With one pod stopped the other still gets servers, lists come in time without the
/// missing part, and nothing hangs; when it is back, so are its servers, and what had to
/// wait for it is done.
pub async fn one_pod_stopped(world: &Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.6.0/24")
        .await;
    let lost = world
        .create_server(&demo, "lost", world.zone(1), &network)
        .await;
    demo.wait_server(&lost, "ACTIVE").await;

    world.pods[1].stop().await;
    let kept = world
        .create_server(&demo, "kept", world.zone(0), &network)
        .await;
    demo.wait_server(&kept, "ACTIVE").await;
    for path in ["/servers", "/servers/detail"] {
        let begun = Instant::now();
        let body = demo.compute.get(path).await.expect(200);
        assert!(
            begun.elapsed() < LIST_LIMIT,
            "{path}: {:?}",
            begun.elapsed()
        );
        let ids: Vec<_> = list(&body, "/servers")
            .iter()
            .map(|s| string(s, "/id"))
            .collect();
        assert!(ids.contains(&kept), "{path}: {body}");
    }
    let begun = Instant::now();
    let answer = demo.server(&lost).await;
    assert!((500..600).contains(&answer.status), "{}", answer.text);
    let nowhere = world.server_body("no", world.zone(1), json!([{"uuid": network}]));
    let refused = demo.compute.post("/servers", nowhere).await;
    assert!((500..600).contains(&refused.status), "{}", refused.text);
    assert!(begun.elapsed() < LIST_LIMIT * 2, "{:?}", begun.elapsed());

    demo.delete_server(&kept).await;
    world.pods[1].start().await.unwrap();
    until(LIMIT, "the lost server is back", || async {
        let answer = demo.server(&lost).await;
        match answer.status {
            200 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
    demo.delete_server(&lost).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
    world.assert_pods_clean();
}

/// A pod that accepts connections and never answers costs a list its deadline, no more.
pub async fn one_pod_silent(world: &Simulated) {
    use tricircle_pod_sim::{Fault, Match, Times};
    let demo = world.demo().await;
    world.pods[1]
        .faults()
        .inject(Match::any(), Fault::HangForever, Times::Always);
    for (client, path) in [
        (&demo.compute, "/servers/detail"),
        (&demo.volume, "/volumes"),
    ] {
        let begun = Instant::now();
        client.get(path).await.expect(200);
        assert!(
            begun.elapsed() < LIST_LIMIT,
            "{path}: {:?}",
            begun.elapsed()
        );
    }
    world.pods[1].faults().clear();
}

/// nova-apigw starts while a pod is silent: it knows the other pods, and what is in them,
/// from its first answer on.
pub async fn start_beside_a_silent_pod(world: &mut Simulated) {
    use tricircle_pod_sim::{Fault, Match, Times};
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.5.0/24")
        .await;
    let kept = world
        .create_server(&demo, "kept", world.zone(0), &network)
        .await;
    demo.wait_server(&kept, "ACTIVE").await;

    world.pods[1]
        .faults()
        .inject(Match::any(), Fault::HangForever, Times::Always);
    world.process(Service::Compute).kill().await;
    world.process(Service::Compute).restart().await;
    demo.server(&kept).await.expect(200);
    let body = demo.compute.get("/servers").await.expect(200);
    let ids: Vec<_> = list(&body, "/servers")
        .iter()
        .map(|s| string(s, "/id"))
        .collect();
    assert_eq!(ids, [kept.as_str()]);
    world.pods[1].faults().clear();

    demo.delete_server(&kept).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// Keystone is away: a token that nobody has seen yet cannot be judged. That is a 503,
/// not a 401, which would make clients throw good tokens away.
pub async fn keystone_away(world: &Simulated) {
    let known = world.demo().await;
    known.compute.get("/servers").await.expect(200);
    let fresh = world.demo().await;
    world.cloud.stop_keystone().await;
    for (client, path) in [
        (&fresh.compute, "/servers"),
        (&fresh.volume, "/volumes"),
        (&fresh.network, "/networks"),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 503, "{}: {}", answer.call, answer.text);
    }
    let answer = known.compute.get("/servers").await;
    assert_eq!(answer.status, 200, "a token that was seen stays good");
    world.cloud.start_keystone().await.unwrap();
    until(LIMIT, "Keystone is asked again", || async {
        let answer = fresh.compute.get("/servers").await;
        match answer.status {
            200 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
}

/// The broker stops in the middle: creates and deletes that come then are done all the
/// same, and after its return too.
pub async fn broker_stopped(world: &Simulated) {
    let before = world.inventory().await;
    let broker = world.broker.as_ref().unwrap();
    let bus = &world.parts.bus;
    tokio::time::timeout(LIMIT, bus.wait_connected(true))
        .await
        .unwrap();
    let demo = world.demo().await;
    for running in [false, true] {
        if running {
            broker.start();
        } else {
            broker.stop();
        }
        tokio::time::timeout(LIMIT, bus.wait_connected(running))
            .await
            .unwrap();
        let (network, _) = world
            .create_network_and_subnet(&demo, "net", "10.0.7.0/24")
            .await;
        let server = world
            .create_server(&demo, "vm", world.zone(0), &network)
            .await;
        demo.wait_server(&server, "ACTIVE").await;
        demo.delete_server(&server).await;
        demo.delete_network(&network).await;
        world.nothing_left_since(&before).await;
    }
    world.assert_pods_clean();
}
