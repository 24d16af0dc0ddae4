//! A table of faults of one pod, each played while somebody makes a server (or a volume)
//! there and deletes it again. Whatever the answers: in the end there is one server or
//! none, it can be used and deleted, and nothing is left.
//!
//! The pods may be simulated, or real ones behind a proxy ([`crate::troubled`]).

use std::time::Duration;

use serde_json::{Value, json};
use tricircle_pod_sim::{Fault, Faults, Match, Service, Times};

use crate::http::{Answer, list, string};
use crate::identity::Region;
use crate::wait::until;
use crate::world::World;

/// Longer than a create may stay unfinished, on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Which calls are spoiled, how, and how often.
struct Case {
    name: &'static str,
    service: Service,
    method: &'static str,
    path: &'static str,
    fault: fn() -> Fault,
    times: Times,
}

fn nothing() -> Value {
    json!({"fault": {"code": 500, "message": "played"}})
}

const fn once(
    name: &'static str,
    service: Service,
    method: &'static str,
    path: &'static str,
    fault: fn() -> Fault,
) -> Case {
    Case {
        name,
        service,
        method,
        path,
        fault,
        times: Times::N(1),
    }
}

const LOST: fn() -> Fault = || Fault::DropReplyAfterCommit;
const RESET: fn() -> Fault = || Fault::ResetBefore;
const SILENT: fn() -> Fault = || Fault::HangForever;
const REFUSED: fn() -> Fault = || Fault::Status(503, nothing());
const BROKEN_AFTER: fn() -> Fault = || Fault::CommitThenStatus(500, nothing());

use Service::{Cinder, Neutron, Nova};

#[rustfmt::skip]
const SERVERS: &[Case] = &[
    once("reply to the create lost",        Nova,    "POST",   "/servers$",        LOST),
    once("create done and answered 500",    Nova,    "POST",   "/servers$",        BROKEN_AFTER),
    once("create refused with 503",         Nova,    "POST",   "/servers$",        REFUSED),
    once("create never answered",           Nova,    "POST",   "/servers$",        SILENT),
    once("reply to the delete lost",        Nova,    "DELETE", "/servers/",        LOST),
    once("delete refused with 503",         Nova,    "DELETE", "/servers/",        REFUSED),
    once("reply to the network lost",       Neutron, "POST",   "/networks$",       LOST),
    once("subnet done and answered 500",    Neutron, "POST",   "/subnets$",        BROKEN_AFTER),
    once("connection reset for the port",   Neutron, "POST",   "/ports$",          RESET),
    once("reply to the port lost",          Neutron, "POST",   "/ports$",          LOST),
    once("reply to the port's delete lost", Neutron, "DELETE", "/ports/",          LOST),
    once("network's delete reset",          Neutron, "DELETE", "/networks/",       RESET),
    Case { name: "everything slow", service: Neutron, method: "", path: "",
           fault: || Fault::DelayThen(Duration::from_millis(300)), times: Times::Always },
];

#[rustfmt::skip]
const VOLUMES: &[Case] = &[
    once("reply to the volume lost",          Cinder, "POST",   "/volumes$", LOST),
    once("volume done and answered 500",      Cinder, "POST",   "/volumes$", BROKEN_AFTER),
    once("reply to the volume's delete lost", Cinder, "DELETE", "/volumes/", LOST),
];

/// All faults on servers, half of them in each pod at the same time.
pub async fn of_servers(world: &World, pods: &[Faults]) {
    let before = world.inventory().await;
    let (first, second) = SERVERS.split_at(SERVERS.len() / 2);
    tokio::join!(lane(world, pods, 0, first), lane(world, pods, 1, second));
    world.nothing_left_since(&before).await;
}

async fn lane(world: &World, pods: &[Faults], place: usize, cases: &[Case]) {
    for (number, case) in cases.iter().enumerate() {
        let name = format!("vm{place}{number}");
        play(case, &pods[place], server(world, place, &name)).await;
    }
}

/// All faults on volumes.
pub async fn of_volumes(world: &World, pods: &[Faults]) {
    let before = world.inventory().await;
    for (number, case) in VOLUMES.iter().enumerate() {
        let name = format!("volume{number}");
        play(case, &pods[0], volume(world, 0, &name)).await;
    }
    world.nothing_left_since(&before).await;
}

/// A pod that answers lists with 503, or not at all, costs a list its own part.
pub async fn of_lists(world: &World, pods: &[Faults]) {
    let demo = world.demo().await;
    for fault in [REFUSED(), Fault::HangForever] {
        let lists = Match::any().method("GET");
        pods[1].inject(lists, fault, Times::Always);
        for (client, path) in [
            (&demo.compute, "/servers/detail"),
            (&demo.volume, "/volumes/detail"),
        ] {
            client.get(path).await.expect(200);
        }
        assert_ne!(pods[1].played(), 0, "the pod was asked");
        pods[1].clear();
    }
}

async fn play(case: &Case, faults: &Faults, flow: impl Future<Output = ()>) {
    let mut matcher = Match::service(case.service).path(case.path).unwrap();
    if !case.method.is_empty() {
        matcher = matcher.method(case.method);
    }
    faults.inject(matcher, (case.fault)(), case.times);
    flow.await;
    // What a job does comes after the answer to the user.
    until(
        LIMIT,
        &format!("{}: something spoiled", case.name),
        || async {
            match faults.played() {
                0 => Err("nothing yet".to_owned()),
                _ => Ok(()),
            }
        },
    )
    .await;
    faults.clear();
}

/// A server on a network of its own: made, used, deleted, gone.
async fn server(world: &World, place: usize, name: &str) {
    let demo = world.demo().await;
    let net = format!("net-{name}");
    let (network, _) = world
        .create_network_and_subnet(&demo, &net, "10.0.8.0/24")
        .await;
    let body = world.server_body(name, world.zone(place), json!([{"uuid": network}]));
    let path = format!("/servers?name={}", world.name(name));
    let server = made(world, &demo, Kind::Server, &path, &body).await;
    until(LIMIT, &format!("{name} ACTIVE"), || async {
        let answer = demo.server(&server).await;
        match answer.body["server"]["status"] == "ACTIVE" {
            true => Ok(()),
            false => Err(answer.text),
        }
    })
    .await;
    assert_eq!(demo.ports_of(&server).await.len(), 1, "ports of {name}");
    gone(&demo, Kind::Server, &server).await;
    until(LIMIT, &format!("the network of {name} deleted"), || async {
        let answer = demo.network.delete(&format!("/networks/{network}")).await;
        done(&answer)
    })
    .await;
}

/// A volume: made, deleted, gone.
async fn volume(world: &World, place: usize, name: &str) {
    let demo = world.demo().await;
    let full = world.name(name);
    let body = json!({"volume": {
        "name": full, "size": 1, "availability_zone": world.zone(place),
    }});
    let path = format!("/volumes?name={full}");
    let volume = made(world, &demo, Kind::Volume, &path, &body).await;
    demo.wait_volume(&volume, "available").await;
    gone(&demo, Kind::Volume, &volume).await;
}

#[derive(Clone, Copy)]
enum Kind {
    Server,
    Volume,
}

impl Kind {
    fn of(self, region: &Region) -> (&crate::http::Client, &'static str, &'static str) {
        match self {
            Self::Server => (&region.compute, "/servers", "server"),
            Self::Volume => (&region.volume, "/volumes", "volume"),
        }
    }
}

/// Creates it, once more when it turns out that a failed create made nothing. There is
/// never more than one.
async fn made(world: &World, demo: &Region, kind: Kind, named: &str, body: &Value) -> String {
    let (client, path, key) = kind.of(demo);
    for attempt in 0..2 {
        let answer = client.post(path, body.clone()).await;
        if answer.status == 202 {
            return string(&answer.body, &format!("/{key}/id"));
        }
        // Never 500: nothing is wrong with the top.
        let excuse = (502..=504).contains(&answer.status);
        assert!(excuse, "{}: {} {}", answer.call, answer.status, answer.text);
        no_create_is_open(world).await;
        let found = client.get(named).await.expect(200);
        match list(&found, &format!("/{key}s")).as_slice() {
            [] => assert_eq!(attempt, 0, "nothing after {}", answer.text),
            [one] => return string(one, "/id"),
            more => panic!("made {} times: {more:?}", more.len()),
        }
    }
    panic!("two creates failed: {body}");
}

/// Waits until the job of every unfinished create has decided.
async fn no_create_is_open(world: &World) {
    let admin = world.admin().await.admin;
    until(LIMIT, "unfinished creates ended", || async {
        let body = admin.get("/jobs").await.expect(200);
        let open: Vec<&Value> = list(&body, "/jobs")
            .iter()
            .filter(|job| string(job, "/kind").ends_with("_recover"))
            .filter(|job| {
                !["done", "undone", "cancelled"].contains(&string(job, "/state").as_str())
            })
            .collect();
        match open.is_empty() {
            true => Ok(()),
            false => Err(format!("{open:?}")),
        }
    })
    .await;
}

/// Deletes it, as often as it takes, and waits until it is gone.
async fn gone(demo: &Region, kind: Kind, id: &str) {
    let (client, path, key) = kind.of(demo);
    let path = format!("{path}/{id}");
    until(LIMIT, &format!("{key} {id} deleted"), || async {
        done(&client.delete(&path).await)
    })
    .await;
    until(LIMIT, &format!("{key} {id} gone"), || async {
        let answer = client.get(&path).await;
        match answer.status {
            404 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
}

fn done(answer: &Answer) -> Result<(), String> {
    match answer.status {
        202 | 204 | 404 => Ok(()),
        // A pod's excuse, a volume that is being deleted already, or the servers' ports
        // are still on their way out.
        400 | 409 | 500.. => Err(answer.text.clone()),
        _ => panic!("{}: {} {}", answer.call, answer.status, answer.text),
    }
}
