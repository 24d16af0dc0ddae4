//! What is refused: with the code and the words of the service that users think they
//! talk to. Most scenarios here make the same call to the top and to a pod and compare.

use serde_json::{Value, json};

use crate::http::{Answer, Client, list, string};
use crate::identity::{Api, Region};
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
        (
            "unknown zone",
            create(json!({"availability_zone": "nowhere"})),
        ),
        (
            "unknown network",
            create(json!({"networks": [{"uuid": NOBODY}]})),
        ),
        (
            "unknown port",
            create(json!({"networks": [{"port": NOBODY}]})),
        ),
        (
            "network that is no id",
            create(json!({"networks": [{"uuid": "x"}]})),
        ),
        (
            "unknown flavor",
            create(json!({"flavorRef": "no-such-flavor"})),
        ),
        ("unknown image", create(json!({"imageRef": NOBODY}))),
        ("unknown key", create(json!({"key_name": "no-such-key"}))),
        ("no name", create(json!({"name": null}))),
        ("unknown attribute", create(json!({"nonsense": 1}))),
        ("empty", json!({})),
    ];
    for (what, body) in cases {
        let create = |client: Client| {
            let body = body.clone();
            // From 2.37 on `networks` may be "none", so that the networks of the project
            // are no part of the question.
            async move {
                let client = client.version("compute 2.90");
                client.post("/servers", body).await
            }
        };
        same(world, what, Api::Compute, create).await;
    }
}

/// Calls that no service understands are refused alike by top and pod.
pub async fn malformed_calls(world: &World) {
    let broken = [
        (Api::Compute, "/servers", "{"),
        (Api::Compute, "/servers", "[]"),
        (Api::Compute, "/servers", "\"x\""),
        (Api::Compute, "/servers", "{\"server\": 1}"),
        (Api::Network, "/networks", "{"),
        (Api::Network, "/networks", "{\"network\": 1}"),
        (
            Api::Network,
            "/networks",
            "{\"network\": {\"nonsense\": 1}}",
        ),
        (Api::Volume, "/volumes", "{"),
        (Api::Volume, "/volumes", "{}"),
        (Api::Volume, "/volumes", "{\"volume\": {}}"),
        (Api::Volume, "/volumes", "{\"volume\": {\"size\": -1}}"),
    ];
    for (api, path, body) in broken {
        let send = |client: Client| async move {
            let body = Some(body.to_owned());
            client.try_raw("POST", path, body).await.unwrap()
        };
        same(world, body, api, send).await;
    }
    let versions = [
        (Api::Compute, "/servers", "compute 2.999"),
        (Api::Compute, "/servers", "compute 1.0"),
        (Api::Compute, "/servers", "compute x"),
        (Api::Volume, "/volumes", "volume 3.999"),
        (Api::Volume, "/volumes", "volume x"),
    ];
    for (api, path, version) in versions {
        let ask = |client: Client| async move { client.version(version).get(path).await };
        same(world, version, api, ask).await;
    }
}

/// What is not there is not there in the same words.
pub async fn unknown_resources(world: &World) {
    let unknown = [
        (Api::Compute, "GET", "/servers"),
        (Api::Compute, "DELETE", "/servers"),
        (Api::Compute, "GET", "/flavors"),
        (Api::Compute, "GET", "/os-keypairs"),
        (Api::Network, "GET", "/networks"),
        (Api::Network, "DELETE", "/networks"),
        (Api::Network, "GET", "/subnets"),
        (Api::Network, "GET", "/ports"),
        (Api::Network, "GET", "/security-groups"),
        (Api::Volume, "GET", "/volumes"),
    ];
    for (api, method, path) in unknown {
        let ask = |client: Client| async move {
            let path = format!("{path}/{NOBODY}");
            client.send(method, &path, None).await
        };
        same(world, path, api, ask).await;
    }
    let port = json!({"port": {"network_id": NOBODY}});
    let volume = json!({"volume": {"size": 1, "availability_zone": "nowhere"}});
    for (api, path, body) in [
        (Api::Network, "/ports", port),
        (Api::Volume, "/volumes", volume),
    ] {
        let create = |client: Client| {
            let body = body.clone();
            async move { client.post(path, body).await }
        };
        same(world, path, api, create).await;
    }
}

/// What Nova refuses of a server's interfaces and groups is refused in its words. The
/// server is the same at the top and in its pod, and nothing of what is asked may be.
pub async fn interfaces(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let mut body = world.server_body("plain", world.zone(0), json!("none"));
    body["server"]["networks"] = json!("none");
    let compute = demo.compute.version("compute 2.37");
    let body = compute.post("/servers", body).await.expect(202);
    let server = string(&body, "/server/id");
    demo.wait_server(&server, "ACTIVE").await;
    let attach = |change: Value| json!({"interfaceAttachment": change});
    let (interfaces, action) = ("os-interface", "action");
    let cases = [
        // Not an unknown network: Nova has a 500 for it, the top a 404.
        (
            "unknown port",
            interfaces,
            attach(json!({"port_id": NOBODY})),
        ),
        (
            "network and port",
            interfaces,
            attach(json!({"net_id": NOBODY, "port_id": NOBODY})),
        ),
        (
            "an address of no network",
            interfaces,
            attach(json!({"fixed_ips": [{"ip_address": "10.0.0.5"}]})),
        ),
        ("no id", interfaces, attach(json!({"net_id": "x"}))),
        (
            "unknown group",
            action,
            json!({"addSecurityGroup": {"name": "no-such-group"}}),
        ),
        (
            "unknown group",
            action,
            json!({"removeSecurityGroup": {"name": "no-such-group"}}),
        ),
    ];
    for (what, path, body) in cases {
        for id in [server.as_str(), NOBODY] {
            // Nova looks at the body's shape first, the top at where the server is.
            if what == "no id" && id == NOBODY {
                continue;
            }
            let ask = |client: Client| {
                let (path, body) = (format!("/servers/{id}/{path}"), body.clone());
                async move { client.post(&path, body).await }
            };
            same(world, what, Api::Compute, ask).await;
        }
    }
    for id in [server.as_str(), NOBODY] {
        let ask = |client: Client| {
            let path = format!("/servers/{id}/os-interface/{NOBODY}");
            async move { client.get(&path).await }
        };
        same(world, "an interface that is not there", Api::Compute, ask).await;
    }
    let ask = |client: Client| {
        let path = format!("/servers/{NOBODY}/os-security-groups");
        async move { client.get(&path).await }
    };
    same(world, "groups of nothing", Api::Compute, ask).await;
    demo.delete_server(&server).await;
    world.nothing_left_since(&before).await;
}

/// A project in the path that is not the token's.
pub async fn other_project_in_the_path(world: &World) {
    let other = NOBODY.replace('-', "");
    let ask = |client: Client| {
        let path = format!("/{other}/servers");
        async move { client.get(&path).await }
    };
    same(world, "compute", Api::Compute, ask).await;
    let ask = |client: Client| {
        let path = format!("/{other}/volumes");
        // The endpoint has the right project in it.
        let (root, _) = client.base().rsplit_once('/').unwrap();
        let client = client.at(root);
        async move { client.get(&path).await }
    };
    same(world, "volume", Api::Volume, ask).await;
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
    let first = world
        .create_server(&demo, "here", world.zone(0), &network)
        .await;
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
    assert_eq!(
        ports_on(&demo, &network).await,
        ports,
        "no port is left of it"
    );

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
    list(&body, "/ports").len()
}

/// Makes a call to the top and to the first pod and asserts that both refuse it with one
/// code and one body.
async fn same<F>(world: &World, what: &str, api: Api, call: impl Fn(Client) -> F)
where
    F: Future<Output = Answer>,
{
    let (top, pod) = (world.demo().await, world.pod(0, "demo", "demo").await);
    let top = call(top.api(api).clone()).await;
    let pod = call(pod.api(api).clone()).await;
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
