//! Interfaces of servers: attached, detached, with other groups and addresses. The ports are
//! the top's, and the pod has them with what the top says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http::{list, string};
use crate::identity::Region;
use crate::resources::LIMIT;
use crate::wait::until;
use crate::world::World;

/// A server gets an interface on a network that its pod did not have, and one by a port of
/// the user; both come off again. What was made for the server is gone, the user's port is
/// free, and may be attached again.
pub async fn attach_and_detach(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let first = world.create_network_and_subnet(&demo, "first", "10.0.20.0/24");
    let (first, _) = first.await;
    let second = world.create_network_and_subnet(&demo, "second", "10.0.21.0/24");
    let (second, subnet) = second.await;
    let server = world
        .create_server(&demo, "nics", world.zone(0), &first)
        .await;
    demo.wait_server(&server, "ACTIVE").await;

    let made = made_for_the_server(world, &demo, &server, &second, &subnet).await;
    both_are_listed(&demo, &server, &made).await;
    detach(&demo, &server, &made).await;
    until(LIMIT, "the port that was made is gone", || async {
        let answer = demo.network.get(&format!("/ports/{made}")).await;
        match answer.status {
            404 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;

    let body = json!({"port": {"network_id": second, "name": world.name("own")}});
    let body = demo.network.post("/ports", body).await.expect(201);
    let own = string(&body, "/port/id");
    for _ in 0..2 {
        let attachment = json!({"interfaceAttachment": {"port_id": own}});
        let path = format!("/servers/{server}/os-interface");
        let body = demo.compute.post(&path, attachment.clone()).await;
        let body = body.expect(200);
        assert_eq!(body["interfaceAttachment"]["port_id"], *own);
        let twice = demo.compute.post(&path, attachment).await;
        assert_eq!(twice.status, 409, "{}", twice.text);
        assert_eq!(
            twice.string("/conflictingRequest/message"),
            format!("Port {own} is still in use.")
        );
        detach(&demo, &server, &own).await;
        until(LIMIT, "the user's port is free", || async {
            let port = port(&demo, &own).await;
            match port["device_id"].as_str() {
                Some("") => Ok(()),
                _ => Err(port.to_string()),
            }
        })
        .await;
    }
    assert_eq!(demo.ports_of(&server).await.len(), 1);

    // It goes with the server, if it is there then.
    let attachment = json!({"interfaceAttachment": {"port_id": own}});
    let path = format!("/servers/{server}/os-interface");
    demo.compute.post(&path, attachment).await.expect(200);
    demo.delete_server(&server).await;
    assert_eq!(port(&demo, &own).await["device_id"], "");
    let path = format!("/ports/{own}");
    demo.network.delete(&path).await.expect(204);
    demo.delete_network(&first).await;
    demo.delete_network(&second).await;
    world.nothing_left_since(&before).await;
}

/// Attaches by network and address; the port's id.
async fn made_for_the_server(
    world: &World,
    demo: &Region,
    server: &str,
    network: &str,
    subnet: &str,
) -> String {
    let path = format!("/servers/{server}/os-interface");
    let body = json!({"interfaceAttachment": {
        "net_id": network, "fixed_ips": [{"ip_address": "10.0.21.77"}], "tag": "second",
    }});
    let newer = demo.compute.version("compute 2.70");
    let body = newer.post(&path, body).await.expect(200);
    let shown = &body["interfaceAttachment"];
    assert_eq!(shown["net_id"], *network);
    assert_eq!(shown["tag"], "second");
    let address = json!([{"subnet_id": subnet, "ip_address": "10.0.21.77"}]);
    assert_eq!(shown["fixed_ips"], address);
    let id = string(shown, "/port_id");
    let top = port(demo, &id).await;
    assert_eq!(top["device_id"], *server);
    assert_eq!(
        top["device_owner"],
        format!("compute:{}", world.zone(0)),
        "zones as users know them"
    );
    assert_eq!(top["fixed_ips"], address);
    assert_eq!(top["mac_address"], shown["mac_addr"]);
    // The pod's port is the top's.
    let pod = world.pod(0, "admin", "admin").await;
    let path = format!("/ports?device_id={server}");
    let body = pod.network.get(&path).await.expect(200);
    let marks: BTreeSet<String> = list(&body, "/ports")
        .iter()
        .map(|port| string(port, "/description"))
        .collect();
    assert!(marks.contains(&format!("tricircle:{id}")), "{marks:?}");
    assert_eq!(marks.len(), 2, "and no other: {marks:?}");
    id
}

async fn both_are_listed(demo: &Region, server: &str, made: &str) {
    let path = format!("/servers/{server}/os-interface");
    let body = demo.compute.get(&path).await.expect(200);
    let listed: BTreeSet<String> = list(&body, "/interfaceAttachments")
        .iter()
        .map(|one| string(one, "/port_id"))
        .collect();
    let ports = demo.ports_of(server).await;
    let ports: BTreeSet<String> = ports.iter().map(|port| string(port, "/id")).collect();
    assert_eq!(listed, ports, "the top's ids");
    assert_eq!(ports.len(), 2);
    let path = format!("{path}/{made}");
    let one = demo.compute.get(&path).await.expect(200);
    assert_eq!(one["interfaceAttachment"]["port_id"], *made);
    assert!(
        one["interfaceAttachment"].get("tag").is_none(),
        "since 2.70"
    );
}

async fn detach(demo: &Region, server: &str, port: &str) {
    let path = format!("/servers/{server}/os-interface/{port}");
    demo.compute.delete(&path).await.expect(202);
    until(LIMIT, "the interface is off", || async {
        let answer = demo.compute.get(&path).await;
        match answer.status {
            404 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
}

async fn port(demo: &Region, id: &str) -> Value {
    let path = format!("/ports/{id}");
    let mut body = demo.network.get(&path).await.expect(200);
    body["port"].take()
}

/// A server gets a group and loses it, in the pod too; and, as old clients ask for it, an
/// address.
pub async fn groups_and_addresses(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let network = world.create_network_and_subnet(&demo, "net", "10.0.22.0/24");
    let (network, subnet) = network.await;
    let body = json!({"security_group": {"name": world.name("web"), "description": "web"}});
    let body = demo.network.post("/security-groups", body).await;
    let group = string(&body.expect(201), "/security_group/id");
    let body = json!({"security_group_rule": {
        "security_group_id": group, "direction": "ingress", "protocol": "tcp",
        "port_range_min": 80, "port_range_max": 80, "ethertype": "IPv4",
    }});
    let body = demo.network.post("/security-group-rules", body).await;
    let rule = string(&body.expect(201), "/security_group_rule/id");
    let server = world
        .create_server(&demo, "grouped", world.zone(0), &network)
        .await;
    demo.wait_server(&server, "ACTIVE").await;
    let act = |body: Value| {
        let (compute, path) = (demo.compute.clone(), format!("/servers/{server}/action"));
        async move { compute.post(&path, body).await }
    };

    let add = json!({"addSecurityGroup": {"name": world.name("web")}});
    act(add.clone()).await.expect(202);
    let again = act(add).await;
    assert_eq!(again.status, 400, "{}", again.text);
    assert!(again.text.contains(&group), "{}", again.text);
    let path = format!("/servers/{server}/os-security-groups");
    let body = demo.compute.get(&path).await.expect(200);
    let shown = list(&body, "/security_groups");
    let web = shown.iter().find(|one| one["id"] == *group).unwrap();
    assert_eq!(shown.len(), 2, "the default group too: {body}");
    assert_eq!(web["description"], "web");
    assert_eq!(web["rules"][0]["id"], *rule);
    assert_eq!(web["rules"][0]["from_port"], 80);
    let names = groups_in_pod(world, &server, 2).await;
    assert_eq!(
        names,
        BTreeSet::from(["default".to_owned(), world.name("web")])
    );

    let remove = json!({"removeSecurityGroup": {"name": group}});
    act(remove.clone()).await.expect(202);
    groups_in_pod(world, &server, 1).await;
    let again = act(remove).await;
    assert_eq!(again.status, 404, "{}", again.text);

    act(json!({"addFixedIp": {"networkId": network}}))
        .await
        .expect(202);
    let ports = demo.ports_of(&server).await;
    let addresses = list(&ports[0], "/fixed_ips");
    assert_eq!(addresses.len(), 2, "{ports:?}");
    assert!(addresses.iter().all(|one| one["subnet_id"] == *subnet));
    addresses_in_pod(world, &server, 2).await;
    let address = string(&addresses[1], "/ip_address");
    let remove = json!({"removeFixedIp": {"address": address}});
    act(remove.clone()).await.expect(202);
    addresses_in_pod(world, &server, 1).await;
    let again = act(remove).await;
    assert_eq!(again.status, 400, "{}", again.text);

    demo.delete_server(&server).await;
    let path = format!("/security-groups/{group}");
    demo.network.delete(&path).await.expect(204);
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// The port of the server in its pod, once `ready` says so.
async fn port_in_pod(world: &World, server: &str, ready: impl Fn(&Value) -> bool) -> Value {
    let pod = world.pod(0, "admin", "admin").await;
    let path = format!("/ports?device_id={server}");
    until(LIMIT, "the pod follows", || async {
        let body = pod.network.get(&path).await.expect(200);
        let port = &list(&body, "/ports")[0];
        if ready(port) {
            Ok(port.clone())
        } else {
            Err(port.to_string())
        }
    })
    .await
}

/// The names of the groups that the server has in its pod, once there are so many.
async fn groups_in_pod(world: &World, server: &str, count: usize) -> BTreeSet<String> {
    let many = |port: &Value| list(port, "/security_groups").len() == count;
    let port = port_in_pod(world, server, many).await;
    let pod = world.pod(0, "admin", "admin").await;
    let mut names = BTreeSet::new();
    for id in list(&port, "/security_groups") {
        let path = format!("/security-groups/{}", id.as_str().unwrap());
        let body = pod.network.get(&path).await.expect(200);
        names.insert(string(&body, "/security_group/name"));
    }
    names
}

async fn addresses_in_pod(world: &World, server: &str, count: usize) {
    let many = |port: &Value| list(port, "/fixed_ips").len() == count;
    port_in_pod(world, server, many).await;
}
