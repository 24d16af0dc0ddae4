//! Workers that lose their jobs without knowing it.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use tricircle_pod_sim::{Fault, Match, Service as PodService, Times};
use tricircle_runtime::Parts;

use crate::http::{list, string};
use crate::process::Service;
use crate::resources::LIMIT;
use crate::simulated::Simulated;
use crate::wait::until;

/// xjob is stopped while it removes the port of a deleted server, for longer than its
/// lease. Another worker does it, and the port, which is the user's own, goes to a new
/// server. Then the first one goes on: the port stays where it is.
pub async fn a_stopped_worker_comes_back(world: &mut Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.11.0/24")
        .await;
    let body = json!({"port": {"network_id": network, "name": world.name("mine")}});
    let made = demo.network.post("/ports", body).await.expect(201);
    let port = string(&made, "/port/id");
    let first = server_on(world, &port, "vm1").await;

    let on_delete = Match::service(PodService::Neutron)
        .method("DELETE")
        .path("/ports/")
        .unwrap();
    world.pods[0]
        .faults()
        .inject(on_delete, Fault::HangForever, Times::N(1));
    let path = format!("/servers/{first}");
    demo.compute.delete(&path).await.expect(204);
    until(LIMIT, "the worker is in the job", || async {
        match world.pods[0].faults().played() {
            0 => Err("not yet".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
    world.process(Service::Jobs).pause().await;

    let mut config = (*world.parts.config).clone();
    config.xjob.bind_port = 0;
    let parts = Parts {
        config: Arc::new(config),
        ..world.parts.clone()
    };
    let stop = CancellationToken::new();
    let other = Service::Jobs.start(parts, stop.clone()).await.unwrap();
    let path = format!("/ports/{port}");
    until(LIMIT, "another worker has freed the port", || async {
        let body = demo.network.get(&path).await.expect(200);
        match string(&body, "/port/device_id").as_str() {
            "" => Ok(()),
            device => Err(device.to_owned()),
        }
    })
    .await;
    demo.wait_server_gone(&first).await;
    let second = server_on(world, &port, "vm2").await;

    // Whatever the stopped one waited for is answered by now, badly.
    world.pods[0].faults().clear();
    world.process(Service::Jobs).resume().await;
    let worker = world.process(Service::Jobs);
    until(LIMIT, "the stopped worker lets go", || async {
        let log = worker.log();
        match log.contains("the lease was lost") {
            true => Ok(()),
            false => Err(log.lines().last().unwrap_or_default().to_owned()),
        }
    })
    .await;
    let body = demo.network.get(&path).await.expect(200);
    assert_eq!(string(&body, "/port/device_id"), second, "{body}");
    let ports = world.pods[0].inventory().ports;
    let ours = ports
        .iter()
        .filter(|port| port.detail["device_id"] == *second);
    assert_eq!(ours.count(), 1, "{ports:?}");

    demo.delete_server(&second).await;
    demo.network.delete(&path).await.expect(204);
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
    world.assert_pods_clean();
    stop.cancel();
    other.wait().await;
}

async fn server_on(world: &Simulated, port: &str, name: &str) -> String {
    let demo = world.demo().await;
    let body = world.server_body(name, world.zone(0), json!([{"port": port}]));
    let made = demo.compute.post("/servers", body).await.expect(202);
    let id = string(&made, "/server/id");
    demo.wait_server(&id, "ACTIVE").await;
    let path = format!("/ports?device_id={id}");
    let body = demo.network.get(&path).await.expect(200);
    assert_eq!(list(&body, "/ports").len(), 1, "{body}");
    id
}

/// The broker takes connections and says nothing: whoever wants something done is
/// answered all the same, and it is done.
pub async fn a_broker_that_hangs(world: &Simulated) {
    let before = world.inventory().await;
    let broker = world.broker.as_ref().unwrap();
    let connected = world.parts.bus.wait_connected(true);
    tokio::time::timeout(LIMIT, connected).await.unwrap();
    let demo = world.demo().await;
    broker.hang();
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.12.0/24")
        .await;
    let server = world
        .create_server(&demo, "vm", world.zone(0), &network)
        .await;
    demo.wait_server(&server, "ACTIVE").await;
    demo.delete_server(&server).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
    broker.start();
    let connected = world.parts.bus.wait_connected(true);
    tokio::time::timeout(LIMIT, connected).await.unwrap();
}
