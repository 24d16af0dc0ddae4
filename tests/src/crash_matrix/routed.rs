//! Flows of routers: two networks with a server each in two pods, a router, and an external
//! network in the second pod. So each has parts in both pods, joined by a bridge network, and
//! a floating IP for a server of another pod.
//!
//! What the pods have in the end is compared with the plan by the auditor.

use serde_json::{Value, json};

use super::flows::Flow;
use crate::http::{list, string};
use crate::identity::Region;
use crate::resources::LIMIT;
use crate::simulated::Simulated;
use crate::wait::until;

/// What these flows play with; ids are empty for what a flow has none of.
#[derive(Debug, Default)]
pub struct Routed {
    outside: String,
    router: String,
    /// Networks and subnets, by pod.
    networks: Vec<(String, String)>,
    servers: Vec<String>,
    /// The port of the server in the first pod.
    port: String,
    floating: String,
}

/// What is there before.
pub async fn prepare(flow: Flow, world: &Simulated, demo: &Region) -> Routed {
    let mut routed = Routed {
        outside: external_network(world).await,
        ..Routed::default()
    };
    if flow == Flow::CreateRouter {
        return routed;
    }
    let (_, path, body) = create_router(world, &routed);
    let made = demo.network.post(&path, body).await.expect(201);
    routed.router = string(&made, "/router/id");
    if flow == Flow::DeleteRouter {
        return routed;
    }
    for place in 0..2 {
        let cidr = format!("10.0.{}.0/24", 20 + place);
        let made = world.create_network_and_subnet(demo, "net", &cidr).await;
        let (name, zone) = (format!("routed{place}"), world.zone(place));
        let server = world.create_server(demo, &name, zone, &made.0).await;
        demo.wait_server(&server, "ACTIVE").await;
        if place == 0 || flow != Flow::JoinRouter {
            interface(demo, &routed.router, "add", &json!({"subnet_id": made.1})).await;
        }
        routed.networks.push(made);
        routed.servers.push(server);
    }
    routed.port = string(&demo.ports_of(&routed.servers[0]).await[0], "/id");
    if flow == Flow::DropFloatingIp {
        let body = json!({"floatingip": {
            "floating_network_id": routed.outside, "port_id": routed.port,
        }});
        let made = demo.network.post("/floatingips", body).await.expect(201);
        routed.floating = string(&made, "/floatingip/id");
    }
    routed
}

/// What the user does.
pub fn request(
    flow: Flow,
    world: &Simulated,
    routed: &Routed,
) -> (&'static str, String, Option<Value>) {
    let second = || json!({"subnet_id": routed.networks[1].1});
    let action = |word: &str| format!("/routers/{}/{word}_router_interface", routed.router);
    match flow {
        Flow::JoinRouter => ("PUT", action("add"), Some(second())),
        Flow::LeaveRouter => ("PUT", action("remove"), Some(second())),
        Flow::LeadFloatingIp => {
            let body = json!({"floatingip": {
                "floating_network_id": routed.outside, "port_id": routed.port,
            }});
            ("POST", "/floatingips".to_owned(), Some(body))
        }
        Flow::DropFloatingIp => {
            let path = format!("/floatingips/{}", routed.floating);
            ("DELETE", path, None)
        }
        Flow::DeleteRouter => ("DELETE", format!("/routers/{}", routed.router), None),
        _ => {
            let (method, path, body) = create_router(world, routed);
            (method, path, Some(body))
        }
    }
}

/// The user takes all of it away again, whatever became of the flow.
pub async fn finish(world: &Simulated, demo: &Region, routed: Routed) {
    let all = demo.network.get("/floatingips").await.expect(200);
    for floating in list(&all, "/floatingips") {
        let path = format!("/floatingips/{}", string(floating, "/id"));
        demo.network.delete(&path).await.expect(204);
    }
    let all = demo.network.get("/routers").await.expect(200);
    for router in list(&all, "/routers") {
        let id = string(router, "/id");
        let path = format!("/ports?device_id={id}&device_owner=network:router_interface");
        let ports = demo.network.get(&path).await.expect(200);
        for port in list(&ports, "/ports") {
            interface(demo, &id, "remove", &json!({"port_id": port["id"]})).await;
        }
        let path = format!("/routers/{id}");
        demo.network.delete(&path).await.expect(204);
    }
    for server in &routed.servers {
        demo.delete_server(server).await;
    }
    let admin = world.admin().await.network;
    let path = format!("/networks/{}", routed.outside);
    until(LIMIT, "the external network is free", || async {
        let answer = admin.delete(&path).await;
        match answer.status {
            204 | 404 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
}

async fn interface(demo: &Region, router: &str, word: &str, body: &Value) {
    let path = format!("/routers/{router}/{word}_router_interface");
    demo.network.put(&path, body.clone()).await.expect(200);
}

fn create_router(world: &Simulated, routed: &Routed) -> (&'static str, String, Value) {
    let body = json!({"router": {
        "name": world.name("router"),
        "external_gateway_info": {"network_id": routed.outside},
    }});
    ("POST", "/routers".to_owned(), body)
}

async fn external_network(world: &Simulated) -> String {
    let admin = world.admin().await.network;
    let body = json!({"network": {
        "name": world.name("outside"),
        "router:external": true,
        "provider:network_type": "flat",
        "provider:physical_network": world.tag,
        "availability_zone_hints": [world.zone(1)],
    }});
    let made = admin.post("/networks", body).await.expect(201);
    let network = string(&made, "/network/id");
    let body = json!({"subnet": {
        "network_id": network, "ip_version": 4, "cidr": "203.0.113.0/24",
        "enable_dhcp": false,
    }});
    admin.post("/subnets", body).await.expect(201);
    network
}
