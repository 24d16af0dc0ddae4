//! Routers over pods, as the pods' own Neutron shows them. That packets arrive is proved
//! where there are packets (`packets`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::{list, string};
use crate::identity::Region;
use crate::resources::LIMIT;
use crate::wait::until;
use crate::world::World;

/// Two networks with a server each in two pods, one router, and an external network in
/// the second pod: the pods are wired as they have to be, floating IPs show where users
/// look for them, and nothing is left in the end.
pub async fn one_way_out(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let admin = world.admin().await;
    let outside = external_network(world, &admin, 1).await;
    let router = create_router(world, &demo, "router1", None).await;
    let mut networks = Vec::new();
    let mut servers = Vec::new();
    for place in 0..2 {
        let name = format!("net{place}");
        let cidr = format!("10.0.{}.0/24", place + 1);
        let (network, subnet) = world.create_network_and_subnet(&demo, &name, &cidr).await;
        add_interface(&demo, &router, &subnet).await;
        let zone = world.zone(place);
        let server = world
            .create_server(&demo, &format!("vm{place}"), zone, &network)
            .await;
        networks.push((network, subnet));
        servers.push(server);
    }
    let path = format!("/routers/{router}");
    let gateway = json!({"router": {"external_gateway_info": {"network_id": outside}}});
    demo.network.put(&path, gateway).await.expect(200);
    for id in &servers {
        demo.wait_server(id, "ACTIVE").await;
    }
    let mut floating = Vec::new();
    for server in &servers {
        let port = string(&demo.ports_of(server).await[0], "/id");
        let body = json!({"floatingip": {"floating_network_id": outside, "port_id": port}});
        let made = demo.network.post("/floatingips", body).await.expect(201);
        floating.push(made["floatingip"].clone());
    }
    wired(world, &router).await;
    for (server, floating) in servers.iter().zip(&floating) {
        floating_ip_works(&demo, server, floating).await;
    }
    only_one_pod_has_the_floating_ips(world, &floating).await;

    for one in &floating {
        let path = format!("/floatingips/{}", string(one, "/id"));
        demo.network.delete(&path).await.expect(204);
    }
    for id in &servers {
        demo.delete_server(id).await;
    }
    for (_, subnet) in &networks {
        let path = format!("/routers/{router}/remove_router_interface");
        let body = json!({"subnet_id": subnet});
        demo.network.put(&path, body).await.expect(200);
    }
    demo.network.delete(&path).await.expect(204);
    for (network, _) in &networks {
        demo.delete_network(network).await;
    }
    admin.delete_network(&outside).await;
    world.nothing_left_since(&before).await;
}

/// One port of a user's, for a server in one pod, then in the other, then in the first.
pub async fn a_port_goes_from_pod_to_pod(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net1", "10.0.1.0/24")
        .await;
    let body = json!({"port": {"network_id": network, "name": world.name("port1")}});
    let made = demo.network.post("/ports", body).await.expect(201);
    let (port, address) = (
        made["port"]["id"].clone(),
        string(&made, "/port/fixed_ips/0/ip_address"),
    );
    for place in [0, 1, 0] {
        let networks = json!([{ "port": port }]);
        let body = world.server_body("vm", world.zone(place), networks);
        let made = demo.compute.post("/servers", body).await.expect(202);
        let server = string(&made, "/server/id");
        let shown = demo.wait_server(&server, "ACTIVE").await;
        let seen = crate::scenarios::main_job::addresses(&shown);
        assert_eq!(seen[0].1.to_string(), address);
        demo.delete_server(&server).await;
        until(LIMIT, "the port is free", || async {
            let path = format!("/ports/{}", port.as_str().unwrap());
            let body = demo.network.get(&path).await.expect(200);
            match string(&body, "/port/device_id").as_str() {
                "" => Ok(()),
                device => Err(device.to_owned()),
            }
        })
        .await;
    }
    let path = format!("/ports/{}", port.as_str().unwrap());
    demo.network.delete(&path).await.expect(204);
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// An external network in the zone of a pod, with a subnet, made by the administrator.
pub(super) async fn external_network(world: &World, admin: &Region, place: usize) -> String {
    let body = json!({"network": {
        "name": world.name(&format!("outside{place}")),
        "router:external": true,
        "provider:network_type": "flat",
        "provider:physical_network": format!("{}-{place}", world.tag),
        "availability_zone_hints": [world.zone(place)],
    }});
    let made = admin.network.post("/networks", body).await.expect(201);
    let network = string(&made, "/network/id");
    let body = json!({"subnet": {
        "network_id": network, "ip_version": 4, "cidr": "203.0.113.0/24",
        "gateway_ip": "203.0.113.1", "enable_dhcp": false,
    }});
    admin.network.post("/subnets", body).await.expect(201);
    network
}

/// A router, in one zone only where one is named.
pub(super) async fn create_router(
    world: &World,
    region: &Region,
    name: &str,
    zone: Option<&str>,
) -> String {
    let mut body = json!({"router": {"name": world.name(name)}});
    if let Some(zone) = zone {
        body["router"]["availability_zone_hints"] = json!([zone]);
    }
    let made = region.network.post("/routers", body).await.expect(201);
    string(&made, "/router/id")
}

/// An interface by subnet.
pub(super) async fn add_interface(region: &Region, router: &str, subnet: &str) {
    let path = format!("/routers/{router}/add_router_interface");
    let body = json!({"subnet_id": subnet});
    let added = region.network.put(&path, body).await.expect(200);
    assert_eq!(added["subnet_id"], *subnet, "{added}");
}

/// Each pod's part reaches the other's subnet over the bridge; the first leaves by the
/// second, which has the gateway.
async fn wired(world: &World, router: &str) {
    until(LIMIT, "the pods are wired", || async {
        let mut parts = Vec::new();
        for place in 0..2 {
            let pod = world.pod(place, "admin", "admin").await;
            let path = format!("/routers?description=tricircle:{router}");
            let body = pod.network.get(&path).await.expect(200);
            let Some(part) = list(&body, "/routers").first().cloned() else {
                return Err(format!("{} has no part", pod.name));
            };
            let path = format!("/ports?device_id={}", string(&part, "/id"));
            let ports = pod.network.get(&path).await.expect(200);
            parts.push((part, list(&ports, "/ports").clone()));
        }
        let bridge: Vec<String> = parts
            .iter()
            .map(|(_, ports)| {
                let on_bridge = |port: &&Value| {
                    port["description"]
                        .as_str()
                        .is_some_and(|text| text.starts_with("tricircle:bridge:"))
                };
                let port = ports.iter().find(on_bridge);
                port.map_or_else(String::new, |port| string(port, "/fixed_ips/0/ip_address"))
            })
            .collect();
        let wanted = [
            BTreeMap::from([
                ("0.0.0.0/0".to_owned(), bridge[1].clone()),
                ("10.0.2.0/24".to_owned(), bridge[1].clone()),
            ]),
            BTreeMap::new(),
        ];
        for (place, (part, _)) in parts.iter().enumerate() {
            let mut routes: BTreeMap<String, String> = list(part, "/routes")
                .iter()
                .map(|route| (string(route, "/destination"), string(route, "/nexthop")))
                .collect();
            // The server's subnet is here too, for its floating IP; then no route is needed.
            if place == 1 {
                routes.retain(|to, _| to != "10.0.1.0/24");
            }
            if routes != wanted[place] {
                return Err(format!("part {place}: {part}"));
            }
        }
        let [first, second] = [0, 1].map(|place: usize| &parts[place].0["external_gateway_info"]);
        match (first.is_null(), second.is_null()) {
            (true, false) => Ok(()),
            _ => Err(format!("gateways: {first} {second}")),
        }
    })
    .await;
}

/// It is active, and Nova's view of the server shows it.
pub(super) async fn floating_ip_works(demo: &Region, server: &str, floating: &Value) {
    let path = format!("/floatingips/{}", string(floating, "/id"));
    let address = string(floating, "/floating_ip_address");
    until(LIMIT, "the floating IP works", || async {
        let body = demo.network.get(&path).await.expect(200);
        if body["floatingip"]["status"] != "ACTIVE" {
            return Err(body.to_string());
        }
        let shown = demo.server(server).await.expect(200);
        let networks = shown["server"]["addresses"].as_object().unwrap();
        let found = networks.values().flat_map(|list| list.as_array().unwrap());
        let mut floats = found.filter(|ip| ip["OS-EXT-IPS:type"] == "floating");
        match (floats.next(), floats.next()) {
            (Some(ip), None) if ip["addr"] == *address => Ok(()),
            _ => Err(shown["server"]["addresses"].to_string()),
        }
    })
    .await;
}

async fn only_one_pod_has_the_floating_ips(world: &World, floating: &[Value]) {
    for place in 0..2 {
        let pod = world.pod(place, "admin", "admin").await;
        for one in floating {
            let path = format!("/floatingips?description=tricircle:{}", string(one, "/id"));
            let body = pod.network.get(&path).await.expect(200);
            assert_eq!(list(&body, "/floatingips").len(), place, "{}", pod.name);
        }
    }
}
