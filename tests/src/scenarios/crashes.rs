//! kill -9 between two side effects, and answers that are lost on their way. Afterwards:
//! no server in a pod without a routing, no port or address left over, no second server.

use std::time::Duration;

use serde_json::json;
use tricircle_pod_sim::{Fault, Match, Service as PodService, Times};

use crate::http::{list, string};
use crate::identity::Region;
use crate::process::Service;
use crate::resources::LIMIT;
use crate::simulated::Simulated;
use crate::wait::until;
use crate::world::World;

/// How long a create may stay unfinished in these worlds: longer than a create takes on
/// a busy machine, or it is taken over while it is under way.
pub const GRACE: Duration = Duration::from_secs(4);

/// nova-apigw dies when the pod has the server and nobody at the top knows its id. The
/// server is adopted: the user finds it, with its port, and can delete it.
pub async fn gateway_dies_after_the_pods_create(world: &mut Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let network = network(world, &demo).await;
    let on_create = Match::service(PodService::Nova)
        .method("POST")
        .path("/servers$")
        .unwrap();
    let late = Fault::CommitThenDelay(Duration::from_secs(600));
    world.pods[0].faults().inject(on_create, late, Times::N(1));

    let create = begin_create(&world.world, &demo, &network);
    let made = world.pods[0]
        .wait_until(LIMIT, |all| !all.servers.is_empty())
        .await;
    assert!(made, "the pod was never asked for a server");
    world.process(Service::Compute).kill().await;
    assert!(create.await.unwrap().is_err(), "nobody answered the create");
    world.process(Service::Compute).restart().await;

    let server = adopted(world, &demo).await;
    finish(world, &demo, &server, &network, &before).await;
}

/// nova-apigw dies before the pod has a server, with ports made. They go again, and so do
/// their addresses.
pub async fn gateway_dies_before_the_pods_create(world: &mut Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let network = network(world, &demo).await;
    let on_create = Match::service(PodService::Nova)
        .method("POST")
        .path("/servers$")
        .unwrap();
    world.pods[0]
        .faults()
        .inject(on_create, Fault::HangForever, Times::N(1));

    let create = begin_create(&world.world, &demo, &network);
    fault_played(world, 0).await;
    assert_ne!(
        ports_on(&demo, &network).await,
        0,
        "the create was under way"
    );
    world.process(Service::Compute).kill().await;
    assert!(create.await.unwrap().is_err(), "nobody answered the create");
    world.process(Service::Compute).restart().await;

    until(LIMIT, "ports and addresses free", || async {
        match ports_on(&demo, &network).await {
            0 => Ok(()),
            n => Err(format!("{n} ports")),
        }
    })
    .await;
    assert_eq!(servers(&demo).await, Vec::<String>::new());
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
    world.assert_pods_clean();
}

/// The pod makes the server and its answer is lost. There is one server, and the user
/// sees it in the end.
pub async fn reply_to_a_create_is_lost(world: &Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let network = network(world, &demo).await;
    let on_create = Match::service(PodService::Nova)
        .method("POST")
        .path("/servers$")
        .unwrap();
    world.pods[0]
        .faults()
        .inject(on_create, Fault::DropReplyAfterCommit, Times::N(1));
    let body = world.server_body("vm", world.zone(0), json!([{"uuid": network}]));
    let answer = demo.compute.post("/servers", body).await;
    assert!(answer.status >= 500, "{}: {}", answer.status, answer.text);

    let server = adopted(world, &demo).await;
    finish(world, &demo, &server, &network, &before).await;
}

/// xjob dies while it removes the ports of a deleted server, and again while it removes
/// the network. After each restart the work is done to its end.
pub async fn worker_dies_in_a_job(world: &mut Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let network = network(world, &demo).await;
    let server = world
        .create_server(&demo, "vm", world.zone(0), &network)
        .await;
    demo.wait_server(&server, "ACTIVE").await;

    hang_once(world, "/ports/");
    let path = format!("/servers/{server}");
    demo.compute.delete(&path).await.expect(204);
    fault_played(world, 0).await;
    world.process(Service::Jobs).kill().await;
    assert_ne!(
        world.pods[0].inventory().ports,
        [],
        "killed before the port went"
    );
    world.process(Service::Jobs).restart().await;
    demo.wait_server_gone(&server).await;

    world.pods[0].faults().clear();
    hang_once(world, "/(networks|subnets)/");
    demo.delete_network(&network).await;
    fault_played(world, 0).await;
    world.process(Service::Jobs).kill().await;
    assert_ne!(
        world.pods[0].inventory().networks,
        [],
        "killed before the network went"
    );
    world.process(Service::Jobs).restart().await;
    world.nothing_left_since(&before).await;
    world.assert_pods_clean();
}

/// xjob dies while it looks for the server of an unfinished create. The next one finds
/// it; there is no second server.
pub async fn worker_dies_in_a_recovery(world: &mut Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let network = network(world, &demo).await;
    let nova = |method: &str, path: &str| {
        Match::service(PodService::Nova)
            .method(method)
            .path(path)
            .unwrap()
    };
    let faults = world.pods[0].faults();
    faults.inject(
        nova("POST", "/servers$"),
        Fault::DropReplyAfterCommit,
        Times::N(1),
    );
    let body = world.server_body("vm", world.zone(0), json!([{"uuid": network}]));
    let answer = demo.compute.post("/servers", body).await;
    assert!(answer.status >= 500, "{}: {}", answer.status, answer.text);
    faults.clear();
    faults.inject(
        nova("GET", "/servers/detail"),
        Fault::HangForever,
        Times::N(1),
    );
    fault_played(world, 0).await;
    world.process(Service::Jobs).kill().await;
    world.process(Service::Jobs).restart().await;

    let server = adopted(world, &demo).await;
    finish(world, &demo, &server, &network, &before).await;
}

async fn network(world: &World, demo: &Region) -> String {
    let made = world.create_network_and_subnet(demo, "net", "10.0.9.0/24");
    made.await.0
}

/// Sends a create on its way.
fn begin_create(
    world: &World,
    demo: &Region,
    network: &str,
) -> tokio::task::JoinHandle<Result<crate::http::Answer, reqwest::Error>> {
    let body = world.server_body("vm", world.zone(0), json!([{"uuid": network}]));
    let compute = demo.compute.clone();
    tokio::spawn(async move {
        let body = Some(body.to_string());
        compute.try_raw("POST", "/servers", body).await
    })
}

/// The next delete of these things in the first pod hangs.
fn hang_once(world: &Simulated, path: &str) {
    let matcher = Match::service(PodService::Neutron)
        .method("DELETE")
        .path(path)
        .unwrap();
    world.pods[0]
        .faults()
        .inject(matcher, Fault::HangForever, Times::N(1));
}

async fn fault_played(world: &Simulated, place: usize) {
    let faults = world.pods[place].faults();
    until(LIMIT, "the fault is played", || async {
        match faults.played() {
            0 => Err("not yet".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
}

/// Waits until the one server in the pod has a routing, and its ports; its id.
async fn adopted(world: &Simulated, demo: &Region) -> String {
    let made = world.servers_in(0, "vm");
    assert_eq!(made.len(), 1, "{made:?}");
    let server = made[0].clone();
    let admin = world.admin().await;
    until(LIMIT, "the server has a routing", || async {
        let path = "/routings?resource_type=server&state=active";
        let body = admin.admin.get(path).await.expect(200);
        let known = list(&body, "/routings")
            .iter()
            .any(|r| r["top_id"] == *server);
        if known { Ok(()) } else { Err(body.to_string()) }
    })
    .await;
    demo.wait_server(&server, "ACTIVE").await;
    assert_eq!(servers(demo).await, made);
    let ports = demo.ports_of(&server).await;
    assert_eq!(ports.len(), 1, "{ports:?}");
    server
}

/// The server is an ordinary one: it goes as any other, and there never was a second.
async fn finish(
    world: &Simulated,
    demo: &Region,
    server: &str,
    network: &str,
    before: &crate::inventory::Inventory,
) {
    let creates = world.pods[0].journal_handle().count("POST", "/servers");
    assert_eq!(creates, 1, "the pod was asked for a server once");
    assert_eq!(world.servers_in(0, "vm"), [server]);
    assert_eq!(world.servers_in(1, "vm"), Vec::<String>::new());
    demo.delete_server(server).await;
    demo.delete_network(network).await;
    world.nothing_left_since(before).await;
    world.assert_pods_clean();
}

async fn servers(demo: &Region) -> Vec<String> {
    let body = demo.compute.get("/servers").await.expect(200);
    list(&body, "/servers")
        .iter()
        .map(|s| string(s, "/id"))
        .collect()
}

async fn ports_on(demo: &Region, network: &str) -> usize {
    let path = format!("/ports?network_id={network}");
    let body = demo.network.get(&path).await.expect(200);
    list(&body, "/ports").len()
}
