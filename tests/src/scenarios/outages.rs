//! A part of the world is away: the rest goes on, and what was accepted gets done.

use std::time::{Duration, Instant};

use serde_json::json;
use tricircle_pod_sim::{Fault, Match, SimPod, Times};

use crate::http::{Client, list, string};
use crate::identity::Region;
use crate::process::Service;
use crate::resources::LIMIT;
use crate::simulated::Simulated;
use crate::wait::until;

/// The deadline for a pod's part of a list (see `settings`) and what the rest may take.
const LIST_LIMIT: Duration = Duration::from_secs(6);

/// With one pod stopped the other still gets servers, lists come in time without the
/// missing part, and nothing hangs; when it is back, so are its servers, and what had to
/// wait for it is done.
pub async fn one_pod_stopped(world: &Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.6.0/24")
        .await;
    let lost = world
        .create_server(&demo, "lost", world.zone(1), &network)
        .await;
    demo.wait_server(&lost, "ACTIVE").await;

    world.pods[1].stop().await;
    let kept = world
        .create_server(&demo, "kept", world.zone(0), &network)
        .await;
    demo.wait_server(&kept, "ACTIVE").await;
    for path in ["/servers", "/servers/detail"] {
        let begun = Instant::now();
        let body = demo.compute.get(path).await.expect(200);
        assert!(
            begun.elapsed() < LIST_LIMIT,
            "{path}: {:?}",
            begun.elapsed()
        );
        let ids: Vec<_> = list(&body, "/servers")
            .iter()
            .map(|s| string(s, "/id"))
            .collect();
        assert!(ids.contains(&kept), "{path}: {body}");
    }
    let begun = Instant::now();
    let answer = demo.server(&lost).await;
    assert!((500..600).contains(&answer.status), "{}", answer.text);
    let nowhere = world.server_body("no", world.zone(1), json!([{"uuid": network}]));
    let refused = demo.compute.post("/servers", nowhere).await;
    assert!((500..600).contains(&refused.status), "{}", refused.text);
    assert!(begun.elapsed() < LIST_LIMIT * 2, "{:?}", begun.elapsed());

    demo.delete_server(&kept).await;
    world.pods[1].start().await.unwrap();
    until(LIMIT, "the lost server is back", || async {
        let answer = demo.server(&lost).await;
        match answer.status {
            200 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
    demo.delete_server(&lost).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
    world.assert_pods_clean();
}

/// A pod that accepts connections and never answers costs a list its deadline, no more.
pub async fn one_pod_silent(world: &Simulated) {
    let demo = world.demo().await;
    world.pods[1]
        .faults()
        .inject(Match::any(), Fault::HangForever, Times::Always);
    for (client, path) in [
        (&demo.compute, "/servers/detail"),
        (&demo.volume, "/volumes"),
    ] {
        let begun = Instant::now();
        client.get(path).await.expect(200);
        assert!(
            begun.elapsed() < LIST_LIMIT,
            "{path}: {:?}",
            begun.elapsed()
        );
    }
    world.pods[1].faults().clear();
}

/// One pod of many goes silent: soon it is not asked any more, and the others answer as if
/// it were not there. What is in it is shown as unknown where the API has a word for that.
/// What has to be done in it waits. It is found well again without any user's doing.
pub async fn one_of_many_silent(world: &Simulated) {
    let before = world.inventory().await;
    let (demo, admin) = (world.demo().await, world.admin().await);
    let silent = world.pods.len() - 1;
    let pod = &world.pods[silent];
    let region = pod.name().to_owned();
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.9.0/24")
        .await;
    let mut servers = Vec::new();
    for place in [silent, 0] {
        let zone = world.zone(place);
        let id = world.create_server(&demo, "vm", zone, &network).await;
        demo.wait_server(&id, "ACTIVE").await;
        servers.push(id);
    }
    let [lost, kept] = [servers[0].as_str(), servers[1].as_str()];

    pod.faults()
        .inject(Match::any(), Fault::HangForever, Times::Always);
    let health = || async {
        let pods = admin.admin.get("/pods").await.expect(200);
        let pods = list(&pods, "/pods");
        let pod = pods.iter().find(|pod| pod["region_name"] == region);
        pod.map(|pod| pod["health"]["compute"].clone()).unwrap()
    };
    until(LIMIT, "the silent pod is given up", || async {
        demo.compute.get("/servers").await.expect(200);
        let health = health().await;
        match health["state"].as_str() {
            Some("open" | "half-open") => Ok(()),
            _ => Err(health.to_string()),
        }
    })
    .await;
    assert_eq!(health().await["last_error"], "no answer in time");

    // A call from before may still arrive, once.
    until(LIMIT, "the pod is left alone", || async {
        world.pods.iter().for_each(|pod| pod.clear_journal());
        for _ in 0..3 {
            demo.compute.get("/servers/detail").await.expect(200);
        }
        let asked = |pod: &SimPod| pod.journal_handle().count("GET", "/servers/detail");
        let asked: Vec<_> = world.pods.iter().map(asked).collect();
        match asked[silent] {
            0 => {
                assert!(asked[..silent].iter().all(|n| *n == 3), "{asked:?}");
                Ok(())
            }
            n => Err(format!("asked {n} times")),
        }
    })
    .await;
    unknown_where_nova_says_so(world, &demo, lost, kept).await;
    let metrics = Client::new(demo.compute.base().trim_end_matches("/v2.1"));
    until(LIMIT, "the metric tells it", || async {
        let text = metrics.get("/metrics").await.text;
        let series = "tricircle_pod_breaker_state{";
        let lines = text.lines().filter(|line| line.starts_with(series));
        let mut open = lines.filter(|l| l.contains(&region) && l.contains("\"compute\""));
        match open.any(|line| line.ends_with(" 2") || line.ends_with(" 1")) {
            true => Ok(()),
            false => Err("not set".to_owned()),
        }
    })
    .await;

    pod.faults().clear();
    until(LIMIT, "a probe finds the pod well", || async {
        let health = health().await;
        match health["state"].as_str() {
            Some("closed") => Ok(()),
            _ => Err(health.to_string()),
        }
    })
    .await;
    let found = demo.server(lost).await.expect(200);
    assert_eq!(found["server"]["status"], "ACTIVE");
    for server in &servers {
        demo.delete_server(server).await;
    }
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
    world.assert_pods_clean();
}

/// The answers about a server `lost` in a pod that does not answer and one that does.
async fn unknown_where_nova_says_so(world: &Simulated, demo: &Region, lost: &str, kept: &str) {
    let at = |version: &str| demo.compute.version(&format!("compute {version}"));
    let named = |body: &serde_json::Value, id: &str| {
        let servers = list(body, "/servers");
        servers.iter().find(|server| server["id"] == id).cloned()
    };
    for path in ["/servers", "/servers/detail"] {
        let body = at("2.69").get(path).await.expect(200);
        let record = named(&body, lost).unwrap();
        assert_eq!(record["status"], "UNKNOWN", "{path}");
        assert!(record.get("name").is_none() && record["links"].is_array());
        assert_eq!(
            record.get("created").is_some(),
            path == "/servers/detail",
            "{record}"
        );
        assert!(named(&body, kept).is_some());
        for (version, query) in [("2.68", ""), ("2.69", "?limit=9"), ("2.69", "?name=vm")] {
            let body = at(version).get(&format!("{path}{query}")).await.expect(200);
            assert!(named(&body, lost).is_none(), "{path}{query}: {body}");
        }
    }
    let path = format!("/servers/{lost}");
    let shown = at("2.71").get(&path).await.expect(200);
    let server = shown["server"].as_object().unwrap();
    let keys: Vec<_> = server.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "id",
            "status",
            "tenant_id",
            "created",
            "links",
            "image",
            "flavor",
            "OS-EXT-AZ:availability_zone",
            "OS-EXT-STS:power_state",
            "user_id",
            "server_groups",
        ]
    );
    assert_eq!(server["status"], "UNKNOWN");
    assert_eq!(server["image"]["id"], world.image);
    assert_eq!(server["flavor"]["original_name"], "m1.tiny");
    assert_eq!(server["tenant_id"], world.cloud.project_id("demo"));
    let refused = [
        at("2.68").get(&path).await,
        at("2.69").get(&format!("{path}/metadata")).await,
        at("2.69")
            .post(
                &format!("{path}/action"),
                json!({"reboot": {"type": "SOFT"}}),
            )
            .await,
    ];
    for answer in refused {
        assert_eq!(answer.status, 503, "{}: {}", answer.call, answer.text);
        assert_eq!(answer.body["serviceUnavailable"]["code"], 503);
    }
    let stranger = world.top("demo2", "demo2").await;
    let answer = stranger.compute.version("compute 2.69").get(&path).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
}

/// What is to be done in a pod that is away waits for it, without using up its tries, and
/// goes on by itself.
pub async fn jobs_wait_for_a_pod(world: &Simulated) {
    let before = world.inventory().await;
    let (demo, admin) = (world.demo().await, world.admin().await);
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.10.0/24")
        .await;
    let server = world
        .create_server(&demo, "vm", world.zone(1), &network)
        .await;
    demo.wait_server(&server, "ACTIVE").await;
    demo.delete_server(&server).await;

    world.pods[1].stop().await;
    demo.network
        .delete(&format!("/networks/{network}"))
        .await
        .expect(204);
    until(LIMIT, "the job waits", || async {
        let jobs = admin.admin.get("/jobs?state=waiting").await.expect(200);
        let jobs = list(&jobs, "/jobs").clone();
        match jobs.iter().find(|job| job["kind"] == "network_remove") {
            Some(job) => {
                assert_eq!(job["attempts"], 0, "{job}");
                Ok(())
            }
            None => Err(format!("{jobs:?}")),
        }
    })
    .await;
    world.pods[1].start().await.unwrap();
    world.nothing_left_since(&before).await;
    world.assert_pods_clean();
}

/// nova-apigw starts while a pod is silent: it knows the other pods, and what is in them,
/// from its first answer on.
pub async fn start_beside_a_silent_pod(world: &mut Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.5.0/24")
        .await;
    let kept = world
        .create_server(&demo, "kept", world.zone(0), &network)
        .await;
    demo.wait_server(&kept, "ACTIVE").await;

    world.pods[1]
        .faults()
        .inject(Match::any(), Fault::HangForever, Times::Always);
    world.process(Service::Compute).kill().await;
    world.process(Service::Compute).restart().await;
    demo.server(&kept).await.expect(200);
    let body = demo.compute.get("/servers").await.expect(200);
    let ids: Vec<_> = list(&body, "/servers")
        .iter()
        .map(|s| string(s, "/id"))
        .collect();
    assert_eq!(ids, [kept.as_str()]);
    world.pods[1].faults().clear();

    demo.delete_server(&kept).await;
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// Keystone is away: a token that nobody has seen yet cannot be judged. That is a 503,
/// not a 401, which would make clients throw good tokens away.
pub async fn keystone_away(world: &Simulated) {
    let known = world.demo().await;
    known.compute.get("/servers").await.expect(200);
    let fresh = world.demo().await;
    world.cloud.stop_keystone().await;
    for (client, path) in [
        (&fresh.compute, "/servers"),
        (&fresh.volume, "/volumes"),
        (&fresh.network, "/networks"),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 503, "{}: {}", answer.call, answer.text);
    }
    let answer = known.compute.get("/servers").await;
    assert_eq!(answer.status, 200, "a token that was seen stays good");
    world.cloud.start_keystone().await.unwrap();
    until(LIMIT, "Keystone is asked again", || async {
        let answer = fresh.compute.get("/servers").await;
        match answer.status {
            200 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
}

/// The broker stops in the middle: creates and deletes that come then are done all the
/// same, and after its return too.
pub async fn broker_stopped(world: &Simulated) {
    let before = world.inventory().await;
    let broker = world.broker.as_ref().unwrap();
    let bus = &world.parts.bus;
    tokio::time::timeout(LIMIT, bus.wait_connected(true))
        .await
        .unwrap();
    let demo = world.demo().await;
    for running in [false, true] {
        if running {
            broker.start();
        } else {
            broker.stop();
        }
        tokio::time::timeout(LIMIT, bus.wait_connected(running))
            .await
            .unwrap();
        let (network, _) = world
            .create_network_and_subnet(&demo, "net", "10.0.7.0/24")
            .await;
        let server = world
            .create_server(&demo, "vm", world.zone(0), &network)
            .await;
        demo.wait_server(&server, "ACTIVE").await;
        demo.delete_server(&server).await;
        demo.delete_network(&network).await;
        world.nothing_left_since(&before).await;
    }
    world.assert_pods_clean();
}
