//! Who may not: callers without a good token, other projects, readers.

use serde_json::{Value, json};

use crate::http::{Client, list, string};
use crate::identity::{Api, Region};
use crate::world::World;

use super::refusals::comparable;

/// Without a token, and with one that is none: 401, with the way to Keystone.
pub async fn without_a_good_token(world: &World) {
    let (top, pod) = (world.demo().await, world.pod(0, "demo", "demo").await);
    for (api, path) in [
        (Api::Compute, "/servers"),
        (Api::Volume, "/volumes"),
        (Api::Network, "/networks"),
    ] {
        for token in [None, Some("no-token-at-all")] {
            let call = |region: &Region| {
                let client = region.api(api).without("X-Auth-Token");
                let client = match token {
                    Some(token) => client.with("X-Auth-Token", token),
                    None => client,
                };
                async move { client.get(path).await }
            };
            let (ours, theirs) = (call(&top).await, call(&pod).await);
            assert_eq!(ours.status, 401, "{}: {}", ours.call, ours.text);
            assert_eq!(
                ours.header("WWW-Authenticate"),
                theirs.header("WWW-Authenticate")
            );
            assert_eq!(comparable(&ours), comparable(&theirs), "{}", ours.call);
        }
    }
    let admin = world.admin().await.admin.without("X-Auth-Token");
    let refused = admin.get("/pods").await;
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("WWW-Authenticate")
            .starts_with("Keystone uri=")
    );
    let user = world.demo().await.admin.get("/pods").await;
    assert_eq!(user.status, 403, "the admin API is for administrators");
}

/// What belongs to one project does not exist for another, whatever is asked for it; and
/// who may only read may not create.
pub async fn projects_and_readers(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, subnet) = world
        .create_network_and_subnet(&demo, "own", "10.0.3.0/24")
        .await;
    let server = world
        .create_server(&demo, "own", world.zone(0), &network)
        .await;
    let volume = world.create_volume(&demo, "own", world.zone(1)).await;
    demo.wait_server(&server, "ACTIVE").await;

    other_project(world, &server, &volume, &network, &subnet).await;
    networking_of_others(world, &demo, &network, &subnet, &server).await;
    named_by_others(world, &network, &volume).await;
    keypairs_of_others(world, &demo).await;
    reader(world, &server, &network).await;

    demo.delete_server(&server).await;
    demo.delete_volume(&volume).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

async fn other_project(world: &World, server: &str, volume: &str, network: &str, subnet: &str) {
    let other = world.top("demo2", "demo2").await;
    let calls = [
        (&other.compute, "GET", format!("/servers/{server}")),
        (
            &other.compute,
            "GET",
            format!("/servers/{server}/os-volume_attachments"),
        ),
        (&other.compute, "DELETE", format!("/servers/{server}")),
        (&other.volume, "GET", format!("/volumes/{volume}")),
        (&other.volume, "DELETE", format!("/volumes/{volume}")),
        (&other.network, "GET", format!("/networks/{network}")),
        (&other.network, "DELETE", format!("/networks/{network}")),
        (&other.network, "GET", format!("/subnets/{subnet}")),
    ];
    for (client, method, path) in calls {
        let answer = client.send(method, &path, None).await;
        assert_eq!(answer.status, 404, "{}: {}", answer.call, answer.text);
    }
    let reboot = json!({"reboot": {"type": "SOFT"}});
    let path = format!("/servers/{server}/action");
    assert_eq!(other.compute.post(&path, reboot).await.status, 404);
    let on_it = world.server_body("thief", world.zone(0), json!([{"uuid": network}]));
    let refused = other.compute.post("/servers", on_it).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    for (client, path, key) in [
        (&other.compute, "/servers", "/servers"),
        (&other.volume, "/volumes", "/volumes"),
        (&other.network, "/networks", "/networks"),
    ] {
        let body = client.get(path).await.expect(200);
        let ids: Vec<_> = list(&body, key).iter().map(|i| string(i, "/id")).collect();
        for id in [server, volume, network] {
            assert!(!ids.iter().any(|known| known == id), "{path} shows {id}");
        }
    }
}

/// Asserts that each of these calls is answered 404.
async fn all_missing(calls: Vec<(&Client, &str, String, Value)>) {
    for (client, method, path, body) in calls {
        let body = (!body.is_null()).then_some(&body);
        let answer = client.send(method, &path, body).await;
        assert_eq!(answer.status, 404, "{}: {}", answer.call, answer.text);
    }
}

/// Ports, groups and rules of another project, and what would be made on its network.
async fn networking_of_others(
    world: &World,
    owner: &Region,
    network: &str,
    subnet: &str,
    server: &str,
) {
    let named = |name: &str| json!({"security_group": {"name": world.name(name)}});
    let group = owner.network.post("/security-groups", named("own")).await;
    let group = string(&group.expect(201), "/security_group/id");
    let rule = json!({"security_group_id": group, "direction": "ingress", "protocol": "tcp"});
    let rule = json!({ "security_group_rule": rule });
    let made = owner.network.post("/security-group-rules", rule).await;
    let rule = string(&made.expect(201), "/security_group_rule/id");
    let ports = owner.ports_of(server).await;
    let port = string(&ports[0], "/id");

    let other = world.top("demo2", "demo2").await;
    let net = &other.network;
    let own_group = net.post("/security-groups", named("other")).await;
    let own_group = string(&own_group.expect(201), "/security_group/id");
    let change = |kind: &str| json!({ kind: {"name": "mine"} });
    let rule_of = |group: &str, remote: Option<&str>| {
        json!({"security_group_rule": {
            "security_group_id": group, "direction": "ingress", "remote_group_id": remote,
        }})
    };
    let on_network = json!({"network_id": network, "ip_version": 4, "cidr": "10.0.4.0/24"});
    all_missing(vec![
        (
            net,
            "PUT",
            format!("/networks/{network}"),
            change("network"),
        ),
        (net, "PUT", format!("/subnets/{subnet}"), change("subnet")),
        (net, "DELETE", format!("/subnets/{subnet}"), Value::Null),
        (net, "GET", format!("/ports/{port}"), Value::Null),
        (net, "PUT", format!("/ports/{port}"), change("port")),
        (net, "DELETE", format!("/ports/{port}"), Value::Null),
        (net, "GET", format!("/security-groups/{group}"), Value::Null),
        (
            net,
            "PUT",
            format!("/security-groups/{group}"),
            change("security_group"),
        ),
        (
            net,
            "DELETE",
            format!("/security-groups/{group}"),
            Value::Null,
        ),
        (
            net,
            "GET",
            format!("/security-group-rules/{rule}"),
            Value::Null,
        ),
        (
            net,
            "DELETE",
            format!("/security-group-rules/{rule}"),
            Value::Null,
        ),
        (
            net,
            "POST",
            "/ports".to_owned(),
            json!({"port": {"network_id": network}}),
        ),
        (
            net,
            "POST",
            "/subnets".to_owned(),
            json!({ "subnet": on_network }),
        ),
        (
            net,
            "POST",
            "/security-group-rules".to_owned(),
            rule_of(&group, None),
        ),
        (
            net,
            "POST",
            "/security-group-rules".to_owned(),
            rule_of(&own_group, Some(&group)),
        ),
    ])
    .await;
    for (path, key) in [
        (format!("/networks?id={network}"), "networks"),
        (
            format!("/networks?project_id={}", owner.project_id),
            "networks",
        ),
        (format!("/subnets?network_id={network}"), "subnets"),
        (format!("/ports?network_id={network}"), "ports"),
        (format!("/ports?device_id={server}"), "ports"),
        (format!("/security-groups?id={group}"), "security_groups"),
        (
            format!("/security-group-rules?id={rule}"),
            "security_group_rules",
        ),
        (
            format!("/security-group-rules?security_group_id={group}"),
            "security_group_rules",
        ),
    ] {
        let body = net.get(&path).await.expect(200);
        assert_eq!(body[key], json!([]), "{path}");
    }
    // Given to somebody else's server, a port would be a way in.
    let body = world.server_body("thief", world.zone(0), json!([{"port": port}]));
    let refused = other.compute.post("/servers", body).await;
    assert!([400, 404].contains(&refused.status), "{}", refused.text);

    for (client, id) in [(net, own_group), (&owner.network, group)] {
        client
            .delete(&format!("/security-groups/{id}"))
            .await
            .expect(204);
    }
}

/// Networks and volumes of another project in the bodies of creates and actions.
async fn named_by_others(world: &World, network: &str, volume: &str) {
    let other = world.top("demo2", "demo2").await;
    let volumes = &other.volume;
    all_missing(vec![
        (
            volumes,
            "PUT",
            format!("/volumes/{volume}"),
            json!({"volume": {"name": "mine"}}),
        ),
        (
            volumes,
            "POST",
            format!("/volumes/{volume}/action"),
            json!({"os-extend": {"new_size": 2}}),
        ),
        (
            volumes,
            "GET",
            format!("/volumes/{volume}/metadata"),
            Value::Null,
        ),
        (
            volumes,
            "POST",
            "/snapshots".to_owned(),
            json!({"snapshot": {"volume_id": volume, "name": "mine"}}),
        ),
        (
            volumes,
            "POST",
            "/volumes".to_owned(),
            json!({"volume": {"source_volid": volume, "size": 1}}),
        ),
    ])
    .await;
    let mapping = json!([{
        "boot_index": 0, "uuid": volume, "source_type": "volume",
        "destination_type": "volume",
    }]);
    let mut boot = world.server_body("thief", world.zone(1), json!("none"));
    boot["server"]["block_device_mapping_v2"] = mapping;
    let compute = other.compute.version("compute 2.37");
    let refused = compute.post("/servers", boot).await;
    assert!([400, 404].contains(&refused.status), "{}", refused.text);

    // Wherever lists are asked to look further, they do not.
    for (client, path) in [
        (&other.compute, "/servers/detail?all_tenants=1"),
        (&other.compute, "/servers?all_tenants=1"),
        (&other.volume, "/volumes/detail?all_tenants=1"),
        (&other.network, "/networks?shared=False"),
    ] {
        let answer = client.get(path).await;
        assert!([200, 403].contains(&answer.status), "{}", answer.text);
        for what in [world.name("own"), network.to_owned(), volume.to_owned()] {
            assert!(!answer.text.contains(&what), "{path}: {}", answer.text);
        }
    }
    for path in ["/pods", "/routings", "/jobs", "/bindings"] {
        assert_eq!(other.admin.get(path).await.status, 403, "{path}");
    }
}

/// Keypairs are their user's, whatever the project.
async fn keypairs_of_others(world: &World, owner: &Region) {
    let name = world.name("key");
    let body = json!({"keypair": {"name": name}});
    let made = owner.compute.post("/os-keypairs", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let other = world.top("demo2", "demo2").await;
    let path = format!("/os-keypairs/{name}");
    all_missing(vec![
        (&other.compute, "GET", path.clone(), Value::Null),
        (&other.compute, "DELETE", path.clone(), Value::Null),
    ])
    .await;
    let compute = other.compute.version("compute 2.10");
    let of_owner = format!("user_id={}", owner.user_id);
    for (method, path) in [
        ("GET", format!("/os-keypairs?{of_owner}")),
        ("GET", format!("{path}?{of_owner}")),
        ("DELETE", format!("{path}?{of_owner}")),
    ] {
        let refused = compute.send(method, &path, None).await;
        assert_eq!(refused.status, 403, "{}: {}", refused.call, refused.text);
    }
    let mut body = world.server_body("thief", world.zone(0), json!("none"));
    body["server"]["key_name"] = json!(name);
    let compute = other.compute.version("compute 2.37");
    assert_eq!(compute.post("/servers", body).await.status, 400);
    let admin = world.admin().await.compute.version("compute 2.10");
    admin.get(&format!("{path}?{of_owner}")).await.expect(200);
    owner.compute.delete(&path).await.expect(202);
}

async fn reader(world: &World, server: &str, network: &str) {
    let Some(reader) = world.reader().await else {
        return;
    };
    let shown = reader.server(server).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let before = world.inventory().await;
    let on_it = world.server_body("no", world.zone(0), json!([{"uuid": network}]));
    let own = json!({"network": {"name": world.name("no")}});
    let volume = json!({"volume": {"size": 1, "name": world.name("no")}});
    for (client, path, body) in [
        (&reader.compute, "/servers", on_it),
        (&reader.network, "/networks", own),
        (&reader.volume, "/volumes", volume),
    ] {
        let refused = client.post(path, body).await;
        assert_eq!(refused.status, 403, "{}: {}", refused.call, refused.text);
    }
    let path = format!("/servers/{server}");
    assert_eq!(reader.compute.delete(&path).await.status, 403);
    world.nothing_left_since(&before).await;
    assert_eq!(reader.server(server).await.status, 200);
}
