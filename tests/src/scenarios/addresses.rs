//! Addresses: the top gives them, each once, and none when they are used up.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use crate::http::{list, string};
use crate::resources::LIMIT;
use crate::wait::until;
use crate::world::World;

use super::main_job::addresses;

/// Many creates at the same time, in both pods: every server gets an address of its own.
pub async fn unique_in_a_crowd(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "crowd", "10.0.4.0/24")
        .await;
    let creates = (0..world.crowd).map(|n| {
        let zone = world.zone(n % world.pods.len());
        let (demo, network) = (&demo, &network);
        async move {
            let name = format!("crowd{n}");
            world.create_server(demo, &name, zone, network).await
        }
    });
    let servers = join_all(creates).await;
    let ready = join_all(servers.iter().map(|id| demo.wait_server(id, "ACTIVE"))).await;
    let mut seen = BTreeSet::new();
    for server in &ready {
        for (_, address) in addresses(server) {
            assert!(seen.insert(address), "{address} was given twice");
        }
    }
    assert_eq!(seen.len(), world.crowd);
    // What servers show is what the top gave.
    let path = format!("/ports?network_id={network}");
    let body = demo.network.get(&path).await.expect(200);
    let given: BTreeSet<_> = list(&body, "/ports")
        .iter()
        .map(|port| string(port, "/fixed_ips/0/ip_address").parse().unwrap())
        .collect();
    assert!(given.is_superset(&seen), "{given:?} {seen:?}");

    join_all(servers.iter().map(|id| demo.delete_server(id))).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// When a subnet has no address left, a port is refused as Neutron refuses it, and a
/// server is refused without a trace.
pub async fn used_up(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let network = world.create_network(&demo, "small").await;
    // Six addresses, of which the gateway has one.
    demo.create_subnet(&network, "10.0.5.0/29", json!({})).await;
    let mut ports = Vec::new();
    let refused = loop {
        let body = json!({"port": {"network_id": network, "name": world.name("small")}});
        let answer = demo.network.post("/ports", body).await;
        if answer.status != 201 {
            break answer;
        }
        ports.push(answer.string("/port/id"));
        assert!(ports.len() <= 5, "more ports than addresses");
    };
    assert!(!ports.is_empty());
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(
        refused.string("/NeutronError/type"),
        "IpAddressGenerationFailure"
    );

    let body = world.server_body("homeless", world.zone(0), json!([{"uuid": network}]));
    let refused = demo.compute.post("/servers", body).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    let path = format!("/servers?name={}", world.name("homeless"));
    let body = demo.compute.get(&path).await.expect(200);
    assert_eq!(body["servers"], json!([]));

    // An address that is given back is given again.
    let freed = ports.pop().unwrap();
    let path = format!("/ports/{freed}");
    demo.network.delete(&path).await.expect(204);
    let body = json!({"port": {"network_id": network, "name": world.name("small")}});
    let body = demo.network.post("/ports", body).await.expect(201);
    ports.push(string(&body, "/port/id"));

    for port in ports {
        let path = format!("/ports/{port}");
        demo.network.delete(&path).await.expect(204);
    }
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// Several servers by one call: as many as were asked for, numbered; or, when they do not
/// all fit, none and no trace.
pub async fn several_or_none(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let network = world.create_network(&demo, "several").await;
    // Five addresses beside the gateway's, some of which the pod keeps for itself.
    demo.create_subnet(&network, "10.0.6.0/29", json!({})).await;
    let wanted = |count: u32| {
        let mut body = world.server_body("many", world.zone(0), json!([{"uuid": network}]));
        body["server"]["min_count"] = json!(count);
        body["server"]["return_reservation_id"] = json!(true);
        body
    };
    let refused = demo.compute.post("/servers", wanted(6)).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);

    let path = format!("/servers?name={}", world.name("many"));
    let ports = format!("/ports?network_id={network}");
    until(LIMIT, "no trace of the six", || async {
        let servers = demo.compute.get(&path).await.expect(200);
        let ports = demo.network.get(&ports).await.expect(200);
        match list(&servers, "/servers").len() + list(&ports, "/ports").len() {
            0 => Ok(()),
            left => Err(format!("{left} servers and ports")),
        }
    })
    .await;
    let made = demo.compute.post("/servers", wanted(2)).await.expect(202);
    assert!(string(&made, "/reservation_id").starts_with("r-"));
    let body = demo.compute.get(&path).await.expect(200);
    let servers = list(&body, "/servers");
    let names: BTreeSet<_> = servers.iter().map(|s| string(s, "/name")).collect();
    let numbered = ["-1", "-2"].map(|end| world.name("many") + end);
    assert_eq!(names, BTreeSet::from(numbered));
    for server in servers {
        let id = string(server, "/id");
        demo.wait_server(&id, "ACTIVE").await;
        demo.delete_server(&id).await;
    }
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}
