//! Two ways out: each pod has an external network of its own and a local router to it,
//! and a third router joins the networks behind them.

use serde_json::{Value, json};

use super::routers::{add_interface, create_router, external_network, floating_ip_works};
use crate::http::{list, string};
use crate::identity::Region;
use crate::resources::LIMIT;
use crate::wait::until;
use crate::world::World;

/// The host part of the address that the joining router has on a network.
const JOIN: &str = "200";

/// A network with a server, its local router, and what leads outside.
struct Side {
    network: String,
    subnet: String,
    outside: String,
    router: String,
    join_port: String,
    server: String,
    floating: Value,
}

/// Servers leave by the router of their own pod, which needs no bridge; what is between
/// the networks takes the third router, whose parts the bridge joins.
pub async fn two_ways_out(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let admin = world.admin().await;
    let joining = create_router(world, &demo, "joining", None).await;
    let mut sides = Vec::new();
    for place in 0..2 {
        sides.push(side(world, &demo, &admin, &joining, place).await);
    }
    for (place, side) in sides.iter().enumerate() {
        local_router(world, &side.router, place).await;
        floating_ip_works(&demo, &side.server, &side.floating).await;
        floats_in(world, &side.floating, place).await;
        host_route(world, &side.subnet, place).await;
    }
    joined(world, &joining).await;

    for side in &sides {
        let path = format!("/floatingips/{}", string(&side.floating, "/id"));
        demo.network.delete(&path).await.expect(204);
        demo.delete_server(&side.server).await;
        let path = format!("/routers/{joining}/remove_router_interface");
        let body = json!({"port_id": side.join_port});
        demo.network.put(&path, body).await.expect(200);
        let path = format!("/routers/{}", side.router);
        let none = json!({"router": {"external_gateway_info": null}});
        demo.network.put(&path, none).await.expect(200);
        let remove = format!("{path}/remove_router_interface");
        let body = json!({"subnet_id": side.subnet});
        demo.network.put(&remove, body).await.expect(200);
        demo.network.delete(&path).await.expect(204);
    }
    let path = format!("/routers/{joining}");
    demo.network.delete(&path).await.expect(204);
    for side in &sides {
        demo.delete_network(&side.network).await;
        admin.delete_network(&side.outside).await;
    }
    world.nothing_left_since(&before).await;
}

async fn side(world: &World, demo: &Region, admin: &Region, joining: &str, place: usize) -> Side {
    let name = format!("net{place}");
    let other = format!("10.0.{}.0/24", 2 - place);
    let nexthop = format!("10.0.{}.{JOIN}", place + 1);
    let network = world.create_network(demo, &name).await;
    let further = json!({"host_routes": [{"destination": other, "nexthop": nexthop}]});
    let cidr = format!("10.0.{}.0/24", place + 1);
    let subnet = demo.create_subnet(&network, &cidr, further).await;

    let zone = world.zone(place);
    let outside = external_network(world, admin, place).await;
    let router = create_router(world, demo, &format!("local{place}"), Some(zone)).await;
    add_interface(demo, &router, &subnet).await;
    let path = format!("/routers/{router}");
    let gateway = json!({"router": {"external_gateway_info": {"network_id": outside}}});
    demo.network.put(&path, gateway).await.expect(200);

    let body = json!({"port": {
        "network_id": network,
        "name": world.name(&format!("join{place}")),
        "fixed_ips": [{"subnet_id": subnet, "ip_address": nexthop}],
    }});
    let made = demo.network.post("/ports", body).await.expect(201);
    let join_port = string(&made, "/port/id");
    let path = format!("/routers/{joining}/add_router_interface");
    let body = json!({ "port_id": join_port });
    demo.network.put(&path, body).await.expect(200);

    let server = world
        .create_server(demo, &format!("vm{place}"), zone, &network)
        .await;
    demo.wait_server(&server, "ACTIVE").await;
    let port = string(&demo.ports_of(&server).await[0], "/id");
    let body = json!({"floatingip": {"floating_network_id": outside, "port_id": port}});
    let made = demo.network.post("/floatingips", body).await.expect(201);
    Side {
        network,
        subnet,
        outside,
        router,
        join_port,
        server,
        floating: made["floatingip"].clone(),
    }
}

/// The parts of a router in a pod, each with its ports.
async fn parts(pod: &Region, router: &str) -> Vec<(Value, Vec<Value>)> {
    let path = format!("/routers?description=tricircle:{router}");
    let body = pod.network.get(&path).await.expect(200);
    let mut parts = Vec::new();
    for part in list(&body, "/routers") {
        let path = format!("/ports?device_id={}", string(part, "/id"));
        let ports = pod.network.get(&path).await.expect(200);
        parts.push((part.clone(), list(&ports, "/ports").clone()));
    }
    parts
}

fn bridge_port(ports: &[Value]) -> Option<String> {
    let on_bridge = |port: &&Value| {
        port["description"]
            .as_str()
            .is_some_and(|text| text.starts_with("tricircle:bridge:"))
    };
    let port = ports.iter().find(on_bridge)?;
    Some(string(port, "/fixed_ips/0/ip_address"))
}

/// It is in its pod only, leads outside there, and has neither bridge nor routes.
async fn local_router(world: &World, router: &str, place: usize) {
    until(LIMIT, "the local router is in its pod", || async {
        for other in 0..2 {
            let pod = world.pod(other, "admin", "admin").await;
            let found = parts(&pod, router).await;
            let right = match found.as_slice() {
                [(part, ports)] if other == place => {
                    !part["external_gateway_info"].is_null()
                        && list(part, "/routes").is_empty()
                        && bridge_port(ports).is_none()
                        && ports.len() == 2
                }
                found => other != place && found.is_empty(),
            };
            if !right {
                return Err(format!("{}: {found:?}", pod.name));
            }
        }
        Ok(())
    })
    .await;
}

/// Its parts are in both pods, without ways outside, each with the port that the user
/// made, and the way to the other's network is over the bridge.
async fn joined(world: &World, router: &str) {
    until(LIMIT, "the networks are joined", || async {
        let mut seen = Vec::new();
        for place in 0..2 {
            let pod = world.pod(place, "admin", "admin").await;
            let mut found = parts(&pod, router).await;
            let Some((part, ports)) = found.pop().filter(|_| found.is_empty()) else {
                return Err(format!("{}: not one part", pod.name));
            };
            let bridge = bridge_port(&ports).ok_or("no port on the bridge")?;
            seen.push((part, ports, bridge));
        }
        for place in 0..2 {
            let (part, ports, _) = &seen[place];
            let other = &seen[1 - place];
            let route = json!([{
                "destination": format!("10.0.{}.0/24", 2 - place), "nexthop": other.2,
            }]);
            let own = format!("10.0.{}.{JOIN}", place + 1);
            let has_own = ports
                .iter()
                .any(|port| string(port, "/fixed_ips/0/ip_address") == own);
            if part["routes"] != route || !part["external_gateway_info"].is_null() || !has_own {
                return Err(format!("part {place}: {part} {ports:?}"));
            }
        }
        Ok(())
    })
    .await;
}

/// Servers of the pod are told the way to the other network.
async fn host_route(world: &World, subnet: &str, place: usize) {
    let pod = world.pod(place, "admin", "admin").await;
    let path = format!("/subnets?description=tricircle:{subnet}");
    let body = pod.network.get(&path).await.expect(200);
    let route = json!([{
        "destination": format!("10.0.{}.0/24", 2 - place),
        "nexthop": format!("10.0.{}.{JOIN}", place + 1),
    }]);
    assert_eq!(list(&body, "/subnets")[0]["host_routes"], route);
}

async fn floats_in(world: &World, floating: &Value, place: usize) {
    for other in 0..2 {
        let pod = world.pod(other, "admin", "admin").await;
        let path = format!(
            "/floatingips?description=tricircle:{}",
            string(floating, "/id")
        );
        let body = pod.network.get(&path).await.expect(200);
        let there = list(&body, "/floatingips").len();
        assert_eq!(there, usize::from(other == place), "{}", pod.name);
    }
}
