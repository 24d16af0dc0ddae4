//! What is refused: with the code and the words of the service that users think they
//! talk to. Most scenarios here make the same call to the top and to a pod and compare.

use serde_json::{Value, json};

use crate::http::{Answer, Client, string};
use crate::identity::Region;
use crate::world::World;

/// An id that nothing has.
const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";

/// Bad server creates are refused as a pod's Nova refuses them.
pub async fn server_creates(world: &World) {
    let create = |change: Value| {
        let mut body = world.server_body("never", "", json!("none"));
        body["server"]["availability_zone"] = Value::Null;
        for (key, value) in change.as_object().into_iter().flatten() {
            body["server"][key] = value.clone();
        }
        let server = body["server"].as_object_mut().unwrap();
        server.retain(|_, value| !value.is_null());
        body
    };
    let cases = [
        ("unknown zone", create(json!({"availability_zone": "nowhere"}))),
        ("unknown network", create(json!({"networks": [{"uuid": NOBODY}]}))),
        ("unknown port", create(json!({"networks": [{"port": NOBODY}]}))),
        ("network that is no id", create(json!({"networks": [{"uuid": "x"}]}))),
        ("unknown flavor", create(json!({"flavorRef": "no-such-flavor"}))),
        ("unknown image", create(json!({"imageRef": NOBODY}))),
        ("unknown key", create(json!({"key_name": "no-such-key"}))),
        ("no name", create(json!({"name": null}))),
        ("unknown attribute", create(json!({"nonsense": 1}))),
        ("empty", json!({})),
    ];
    for (what, body) in cases {
        // From 2.37 on `networks` may be "none", so that the networks of the project
        // are no part of the question.
        same(world, what, |region| region.compute.version("compute 2.90"), |client| {
            let body = body.clone();
            async move { client.post("/servers", body).await }
        })
        .await;
    }
}

/// Calls that no service understands are refused alike by top and pod.
pub async fn malformed_calls(world: &World) {
    for broken in ["{", "[]", "\"x\"", "{\"server\": 1}"] {
        same(world, broken, |r| r.compute.clone(), |client| async move {
            raw(&client, "/servers", broken).await
        })
        .await;
    }
    for broken in ["{", "{\"network\": 1}", "{\"network\": {\"nonsense\": 1}}"] {
        same(world, broken, |r| r.network.clone(), |client| async move {
            raw(&client, "/networks", broken).await
        })
        .await;
    }
    for broken in ["{", "{}", "{\"volume\": {}}", "{\"volume\": {\"size\": -1}}"] {
        same(world, broken, |r| r.volume.clone(), |client| async move {
            raw(&client, "/volumes", broken).await
        })
        .await;
    }
    for version in ["compute 2.999", "compute 1.0", "compute x"] {
        same(world, version, |r| r.compute.version(version), |client| async move {
            client.get("/servers").await
        })
        .await;
    }
    for version in ["volume 3.999", "volume x"] {
        same(world, version, |r| r.volume.version(version), |client| async move {
            client.get("/volumes").await
        })
        .await;
    }
}

/// What is not there is not there in the same words.
pub async fn unknown_resources(world: &World) {
    for path in ["/servers", "/flavors", "/os-keypairs"] {
        same(world, path, |r| r.compute.clone(), |client| async move {
            client.get(&format!("{path}/{NOBODY}")).await
        })
        .await;
    }
    same(world, "delete a server", |r| r.compute.clone(), |client| async move {
        client.delete(&format!("/servers/{NOBODY}")).await
    })
    .await;
    for path in ["/networks", "/subnets", "/ports", "/security-groups"] {
        same(world, path, |r| r.network.clone(), |client| async move {
            client.get(&format!("{path}/{NOBODY}")).await
        })
        .await;
    }
    same(world, "port on no network", |r| r.network.clone(), |client| async move {
        client.post("/ports", json!({"port": {"network_id": NOBODY}})).await
    })
    .await;
    same(world, "volume", |r| r.volume.clone(), |client| async move {
        client.get(&format!("/volumes/{NOBODY}")).await
    })
    .await;
    same(world, "unknown volume zone", |r| r.volume.clone(), |client| async move {
        let volume = json!({"size": 1, "availability_zone": "nowhere"});
        client.post("/volumes", json!({ "volume": volume })).await
    })
    .await;
}

/// A project in the path that is not the token's.
pub async fn other_project_in_the_path(world: &World) {
    same(world, "compute", |r| r.compute.clone(), |client| async move {
        client.get(&format!("/{}/servers", NOBODY.replace('-', ""))).await
    })
    .await;
    same(world, "volume", |r| {
        let (root, _) = r.volume.base().rsplit_once('/').unwrap();
        r.volume.at(root)
    }, |client| async move {
        client.get(&format!("/{}/volumes", NOBODY.replace('-', ""))).await
    })
    .await;
}

/// A network of type `local` lives in one pod. A server of another zone on it is refused
/// with the reason, and leaves nothing.
pub async fn local_network_in_another_pod(world: &World) {
    let before = world.inventory().await;
    let (demo, admin) = (world.demo().await, world.admin().await);
    let body = json!({"network": {
        "name": world.name("local"), "project_id": demo.project_id,
        "provider:network_type": "local",
    }});
    let body = admin.network.post("/networks", body).await.expect(201);
    let network = string(&body, "/network/id");
    demo.create_subnet(&network, "10.0.2.0/24", json!({})).await;
    let first = world.create_server(&demo, "here", world.zone(0), &network).await;
    demo.wait_server(&first, "ACTIVE").await;

    let ports = ports_on(&demo, &network).await;
    let body = world.server_body("there", world.zone(1), json!([{"uuid": network}]));
    let refused = demo.compute.post("/servers", body).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let message = refused.string("/badRequest/message");
    assert!(
        message.contains("local") && message.contains(&network),
        "it says why: {message}"
    );
    assert_eq!(ports_on(&demo, &network).await, ports, "no port is left of it");

    demo.delete_server(&first).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// A volume of one pod cannot be attached to a server of another; the answer says so.
pub async fn attach_across_pods(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let mut body = world.server_body("apart", world.zone(1), json!("none"));
    body["server"]["networks"] = json!("none");
    let compute = demo.compute.version("compute 2.37");
    let body = compute.post("/servers", body).await.expect(202);
    let server = string(&body, "/server/id");
    let volume = world.create_volume(&demo, "apart", world.zone(0)).await;
    demo.wait_server(&server, "ACTIVE").await;

    let path = format!("/servers/{server}/os-volume_attachments");
    let body = json!({"volumeAttachment": {"volumeId": volume}});
    let refused = demo.compute.post(&path, body).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let message = refused.string("/badRequest/message");
    assert!(
        message.contains(&volume) && message.contains("pod"),
        "it says why: {message}"
    );
    demo.wait_volume(&volume, "available").await;

    demo.delete_server(&server).await;
    demo.delete_volume(&volume).await;
    world.nothing_left_since(&before).await;
}

async fn ports_on(region: &Region, network: &str) -> usize {
    let path = format!("/ports?network_id={network}");
    let body = region.network.get(&path).await.expect(200);
    crate::http::list(&body, "/ports").len()
}

async fn raw(client: &Client, path: &str, body: &str) -> Answer {
    client
        .try_raw("POST", path, Some(body.to_owned()))
        .await
        .unwrap()
}

/// Makes a call to the top and to the first pod and asserts that both refuse it with one
/// code and one body.
async fn same<F>(
    world: &World,
    what: &str,
    client: impl Fn(&Region) -> Client,
    call: impl Fn(Client) -> F,
) where
    F: Future<Output = Answer>,
{
    let top = call(client(&world.demo().await)).await;
    let pod = call(client(&world.pod(0, "demo", "demo").await)).await;
    assert!(
        pod.status >= 400,
        "{what}: the pod does not refuse {}: {}",
        pod.call,
        pod.text
    );
    assert_eq!(
        (top.status, comparable(&top)),
        (pod.status, comparable(&pod)),
        "{what}: top (left) and pod (right) differ"
    );
}

/// A body without what is another in every answer: the host's URL and the request's id.
/// JSON is compared as JSON: blanks are nobody's business.
pub fn comparable(answer: &Answer) -> Value {
    let mut text = answer.text.clone();
    let id = answer.header("x-openstack-request-id");
    if !id.is_empty() {
        text = text.replace(id, "REQUEST-ID");
    }
    let origin = answer.call.split_once(' ').map_or("", |(_, url)| url);
    let origin: Vec<&str> = origin.splitn(4, '/').take(3).collect();
    let text = text.replace(&origin.join("/"), "ORIGIN");
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
