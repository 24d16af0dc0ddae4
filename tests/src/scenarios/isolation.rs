//! Who may not: callers without a good token, other projects, readers.

use serde_json::json;

use crate::http::{list, string};
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
