//! Volumes in two pods, seen as one.

use reqwest::Method;
use serde_json::{Value, json};
use tricircle_db::models::RoutingState;

use crate::world::World;

#[tokio::test]
async fn versions_need_no_token_and_volumes_do() {
    let world = World::start().await;
    let root = world.without_token("/").await;
    assert_eq!(root.status, 300);
    assert_eq!(root.body["versions"][0]["id"], "v3.0");
    assert_eq!(world.without_token("/v3/").await.status, 200);
    assert_eq!(world.without_token("/v3/volumes").await.status, 401);
}

#[tokio::test]
async fn a_zone_names_the_pod_and_lists_show_all_pods() {
    let world = World::start().await;
    let one = world.volume("one", "az1").await;
    let two = world.volume("two", "az2").await;
    assert_eq!(world.volumes_in(0), ["one"]);
    assert_eq!(world.volumes_in(1), ["two"]);
    let list = world.get("/volumes/detail").await;
    let seen = |key: &str| -> Vec<&str> {
        let volumes = list["volumes"].as_array().unwrap().iter();
        let mut seen: Vec<_> = volumes.map(|v| v[key].as_str().unwrap()).collect();
        seen.sort_unstable();
        seen
    };
    let mut ids = [one.as_str(), two.as_str()];
    ids.sort_unstable();
    assert_eq!(seen("id"), ids);
    assert_eq!(seen("availability_zone"), ["az1", "az2"]);
    let project = world.cloud.project_id("demo");
    for id in [&one, &two] {
        let shown = world.get(&format!("/{project}/volumes/{id}")).await;
        assert_eq!(shown["volume"]["id"], json!(id));
        assert_eq!(shown["volume"]["metadata"], json!({}), "no mark of ours");
        let links = shown["volume"]["links"].to_string();
        assert!(links.contains(&world.url), "{links}");
    }
    let brief = world.get("/volumes?limit=1").await;
    let first = brief["volumes"][0].as_object().unwrap();
    assert_eq!(first.keys().collect::<Vec<_>>(), ["id", "name", "links"]);
    assert!(brief["volumes_links"][0]["href"].as_str().is_some());
}

#[tokio::test]
async fn refusals_are_cinders_own() {
    let world = World::start().await;
    for body in [
        json!({"volume": {"size": 1, "availability_zone": "nonsense"}}),
        json!({"volume": {"size": 0}}),
        json!({"volume": {"size": "big"}}),
        json!({"volume": {}}),
        json!({}),
        json!({"volume": {"size": 1, "volume_type": "none such"}}),
    ] {
        let found = world.post("/volumes", body.clone()).await;
        let cinders = world
            .pod_call(0, Method::POST, "/volumes", body.clone())
            .await;
        assert_eq!(found.status, cinders.status, "{body}: {}", found.body);
        assert_eq!(found.body, cinders.body, "{body}");
    }
    for path in [
        "/volumes?limit=x",
        "/volumes?limit=-1",
        "/volumes?marker=bogus",
    ] {
        let found = world.call(Method::GET, path, None).await;
        let (code, message) = match path {
            "/volumes?limit=x" => (400, "limit param must be an integer"),
            "/volumes?limit=-1" => (400, "limit param must be positive"),
            _ => (404, "Volume bogus could not be found."),
        };
        assert_eq!(found.status, code, "{path}");
        assert!(found.body.to_string().contains(message), "{}", found.body);
    }
    let unfinished = |row: &tricircle_db::models::Routing| row.state == RoutingState::Creating;
    assert!(!world.rows().await.iter().any(unfinished));
    let missing = "/volumes/11111111-1111-1111-1111-111111111111";
    let answer = world.call(Method::GET, missing, None).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.body["itemNotFound"]["message"],
        "Volume 11111111-1111-1111-1111-111111111111 could not be found."
    );
}

#[tokio::test]
async fn a_deleted_volume_frees_its_quota_when_it_is_gone() {
    let world = World::start_with(|config| config.quota.volumes = 1).await;
    let worker = world.start_worker();
    let id = world.volume("one", "az1").await;
    let second = json!({"volume": {"size": 1, "availability_zone": "az1"}});
    let refused = world.post("/volumes", second).await;
    assert_eq!(refused.status, 413);
    assert!(
        refused.body["overLimit"]["message"].is_string(),
        "{}",
        refused.body
    );
    let path = format!("/volumes/{id}");
    wait_available(&world, &path).await;
    let deleted = world.call(Method::DELETE, &path, None).await;
    assert_eq!(deleted.status, 202, "{}", deleted.body);
    world.quiet().await;
    assert!(world.volumes_in(0).is_empty());
    let rows = world.rows().await;
    assert_eq!(rows[0].state, RoutingState::Deleted);
    world.volume("two", "az2").await;
    worker.abort();
}

#[tokio::test]
async fn a_stopped_pod_takes_nothing_else_with_it() {
    let world = World::start().await;
    let one = world.volume("one", "az1").await;
    let two = world.volume("two", "az2").await;
    world.pods[0].stop().await;
    let list = world.get("/volumes").await;
    assert_eq!(list["volumes"].as_array().unwrap().len(), 1);
    world.get(&format!("/volumes/{two}")).await;
    world.volume("three", "az2").await;
    let away = world
        .call(Method::GET, &format!("/volumes/{one}"), None)
        .await;
    assert_eq!(away.status, 503);
    world.pods[0].start().await.unwrap();
    world.get(&format!("/volumes/{one}")).await;
}

#[tokio::test]
async fn limits_zones_and_the_summary_are_those_of_all_pods() {
    let world = World::start().await;
    world.volume("one", "az1").await;
    world.volume("two", "az2").await;
    let limits = world.get("/limits").await;
    let absolute = &limits["limits"]["absolute"];
    assert_eq!(absolute["totalVolumesUsed"], 2);
    assert_eq!(absolute["totalGigabytesUsed"], 2);
    assert_eq!(absolute["maxTotalVolumes"], 10);
    let zones = world.get("/os-availability-zone").await;
    let available = json!({"available": true});
    assert_eq!(
        zones["availabilityZoneInfo"],
        json!([
            {"zoneName": "az1", "zoneState": available},
            {"zoneName": "az2", "zoneState": available},
        ])
    );
    assert!(world.get("/types").await["volume_types"].is_array());
    let foreign = world.call(Method::GET, "/abc/volumes", None).await;
    assert_eq!(foreign.status, 400, "a project that is not the token's");
}

/// The simulated pod makes volumes in its own time.
pub async fn wait_available(world: &World, path: &str) {
    let made = async {
        loop {
            let shown: Value = world.get(path).await;
            if shown["volume"]["status"] == "available" {
                return;
            }
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, made)
        .await
        .unwrap();
}
