//! A pod does not take a server or a volume: the next one that fits is tried, and nothing
//! of the first try is left.

use serde_json::{Value, json};
use tricircle_pod_sim::{Fault, Match, Service as PodService, Times};

use crate::crash_matrix::in_order;
use crate::http::{Client, list, string};
use crate::identity::Region;
use crate::simulated::Simulated;
use crate::world::World;

/// A pod that uses a network's VLAN itself is passed over; where it is the only one that
/// fits, the answer names it and the segment.
pub async fn a_pod_uses_the_vlan_itself(world: &World) {
    let before = world.inventory().await;
    let (demo, admin) = (world.demo().await, world.admin().await);
    let made = world.create_network_and_subnet(&demo, "net", "10.0.11.0/24");
    let (network, _) = made.await;
    let path = format!("/networks/{network}");
    let shown = admin.network.get(&path).await.expect(200);
    let vlan = shown["network"]["provider:segmentation_id"].clone();

    let pod = world.pod(0, "admin", "admin").await;
    let mut own = json!({"name": world.name("own"), "provider:network_type": "vlan"});
    for key in ["provider:physical_network", "provider:segmentation_id"] {
        own[key] = shown["network"][key].clone();
    }
    let own = json!({ "network": own });
    let own = pod.network.post("/networks", own).await.expect(201);
    let own = string(&own, "/network/id");

    let body = world.server_body("no", world.zone(0), json!([{"uuid": network}]));
    let refused = demo.compute.post("/servers", body).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let message = refused.string("/conflictingRequest/message");
    let told = [world.pods[0].region.as_str(), &vlan.to_string()];
    assert!(told.iter().all(|part| message.contains(part)), "{message}");
    assert_eq!(ports_on(&demo, &network).await, 0, "no port is left of it");

    let server = create(&demo, "/servers", anywhere(world, &network)).await;
    demo.wait_server(&server, "ACTIVE").await;
    let path = format!("/servers/{server}");
    let in_first = world.pod(0, "demo", "demo").await.compute.get(&path).await;
    assert_eq!(in_first.status, 404, "{}", in_first.text);
    assert_eq!(demo.ports_of(&server).await.len(), 1);
    assert_eq!(ports_on(&demo, &network).await, 1);

    demo.delete_server(&server).await;
    demo.delete_network(&network).await;
    let path = format!("/networks/{own}");
    pod.network.delete(&path).await.expect(204);
    world.nothing_left_since(&before).await;
}

/// The first pod answers a create of a server with all that makes another pod worth a try,
/// and with what does not.
pub async fn servers_that_the_first_pod_refuses(world: &Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let made = world.create_network_and_subnet(&demo, "net", "10.0.12.0/24");
    let (network, _) = made.await;
    let refusal =
        |code: u16, name: &str, text: &str| (code, json!({name: {"code": code, "message": text}}));
    let quota = refusal(
        403,
        "forbidden",
        "Quota exceeded for instances: Requested 1",
    );
    let unwell = refusal(503, "serviceUnavailable", "Try later");
    let failed = refusal(500, "computeFault", "Unexpected API Error.");
    let bad = refusal(400, "badRequest", "Block Device Mapping is Invalid");
    let fault = |(code, body): &(u16, Value)| Fault::Status(*code, body.clone());
    let after = |(code, body): &(u16, Value)| Fault::CommitThenStatus(*code, body.clone());

    for played in [
        fault(&quota),
        fault(&unwell),
        after(&unwell),
        after(&failed),
    ] {
        play(world, PodService::Nova, "/servers$", played.clone());
        let server = create(&demo, "/servers", anywhere(world, &network)).await;
        demo.wait_server(&server, "ACTIVE").await;
        assert_eq!(
            world.servers_in(1, "vm"),
            std::slice::from_ref(&server),
            "{played:?}"
        );
        assert_eq!(demo.ports_of(&server).await.len(), 1, "{played:?}");
        in_order(world).await;
        // What it made all the same was not wanted any more.
        assert_eq!(
            world.servers_in(0, "vm"),
            Vec::<String>::new(),
            "{played:?}"
        );
        assert_eq!(ports_on(&demo, &network).await, 1, "{played:?}");
        world.pods[0].faults().clear();
        demo.delete_server(&server).await;
    }

    // The only pod that fits: the user gets its answer.
    play(world, PodService::Nova, "/servers$", fault(&quota));
    let body = world.server_body("vm", world.zone(0), json!([{"uuid": network}]));
    let refused = demo.compute.post("/servers", body).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(refused.string("/forbidden/message").starts_with("Quota"));

    // All refuse: the weightiest is told.
    play(world, PodService::Nova, "/servers$", fault(&quota));
    let posts = on(PodService::Nova, "/servers$");
    let faults = world.pods[1].faults();
    faults.inject(
        posts,
        fault(&refusal(404, "itemNotFound", "?")),
        Times::N(1),
    );
    let refused = demo
        .compute
        .post("/servers", anywhere(world, &network))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(faults.played(), 1, "both were asked");
    faults.clear();

    // What is wrong with the request is wrong everywhere.
    play(world, PodService::Nova, "/servers$", fault(&bad));
    world.pods[1].clear_journal();
    let refused = demo
        .compute
        .post("/servers", anywhere(world, &network))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let asked = world.pods[1].journal_handle().count("POST", "/servers");
    assert_eq!(asked, 0, "no other pod was asked");

    assert_eq!(ports_on(&demo, &network).await, 0);
    demo.delete_network(&network).await;
    in_order(world).await;
    world.nothing_left_since(&before).await;
}

/// The same for volumes.
pub async fn volumes_that_the_first_pod_refuses(world: &Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let text = "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota";
    let quota = json!({"overLimit": {"code": 413, "message": text}});
    let unwell = json!({"serviceUnavailable": {"code": 503, "message": "Try later"}});
    let bad = json!({"badRequest": {"code": 400, "message": "Invalid input received"}});
    let body = || json!({"volume": {"name": world.name("vol"), "size": 1}});
    for played in [
        Fault::Status(413, quota.clone()),
        Fault::Status(503, unwell.clone()),
        Fault::CommitThenStatus(503, unwell),
    ] {
        play(world, PodService::Cinder, "/volumes$", played.clone());
        let volume = create_volume(&demo.volume, body()).await;
        demo.wait_volume(&volume, "available").await;
        assert_eq!(
            volumes_in(world, 1),
            std::slice::from_ref(&volume),
            "{played:?}"
        );
        in_order(world).await;
        assert_eq!(volumes_in(world, 0), Vec::<String>::new(), "{played:?}");
        world.pods[0].faults().clear();
        demo.delete_volume(&volume).await;
    }

    play(
        world,
        PodService::Cinder,
        "/volumes$",
        Fault::Status(413, quota),
    );
    let mut here = body();
    here["volume"]["availability_zone"] = json!(world.zone(0));
    let refused = demo.volume.post("/volumes", here).await;
    assert_eq!(refused.status, 413, "{}", refused.text);

    play(
        world,
        PodService::Cinder,
        "/volumes$",
        Fault::Status(400, bad),
    );
    world.pods[1].clear_journal();
    let refused = demo.volume.post("/volumes", body()).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let asked = world.pods[1].journal_handle().count("POST", "/volumes");
    assert_eq!(asked, 0, "no other pod was asked");
    in_order(world).await;
    world.nothing_left_since(&before).await;
}

/// A server on the network, in no zone in particular.
fn anywhere(world: &World, network: &str) -> Value {
    let mut body = world.server_body("vm", "", json!([{"uuid": network}]));
    if let Some(server) = body["server"].as_object_mut() {
        server.remove("availability_zone");
    }
    body
}

async fn create(region: &Region, path: &str, body: Value) -> String {
    let body = region.compute.post(path, body).await.expect(202);
    string(&body, "/server/id")
}

async fn create_volume(client: &Client, body: Value) -> String {
    let body = client.post("/volumes", body).await.expect(202);
    string(&body, "/volume/id")
}

fn on(service: PodService, path: &str) -> Match {
    Match::service(service).method("POST").path(path).unwrap()
}

/// The next create in the first pod ends so.
fn play(world: &Simulated, service: PodService, path: &str, fault: Fault) {
    let faults = world.pods[0].faults();
    faults.clear();
    faults.inject(on(service, path), fault, Times::N(1));
}

fn volumes_in(world: &Simulated, place: usize) -> Vec<String> {
    let name = world.name("vol");
    let volumes = world.pods[place].inventory().volumes;
    let named = volumes.into_iter().filter(|volume| volume.name == name);
    named.map(|volume| volume.id).collect()
}

async fn ports_on(demo: &Region, network: &str) -> usize {
    let path = format!("/ports?network_id={network}&fields=id&fields=device_owner");
    let body = demo.network.get(&path).await.expect(200);
    list(&body, "/ports").len()
}
