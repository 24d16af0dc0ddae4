//! What administrators see of all pods at once, and change in one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{User, World};

async fn list(user: &User<'_>, path: &str, key: &str) -> Vec<Value> {
    let body = user.get(path).await.expect(200);
    body[key].as_array().unwrap().clone()
}

fn texts(items: &[Value], key: &str) -> Vec<String> {
    let texts = items
        .iter()
        .map(|item| item[key].as_str().unwrap().to_owned());
    texts.collect()
}

#[tokio::test]
async fn services_of_all_pods_are_listed_and_changed_in_theirs() {
    let world = World::start().await;
    let admin = world.admin().await;
    let services = list(&admin, "/os-services?binary=nova-compute", "services").await;
    assert_eq!(texts(&services, "host"), ["pod1-compute", "pod2-compute"]);
    assert_eq!(texts(&services, "zone"), ["az1", "az2"]);
    let id = services[1]["id"].as_str().unwrap();
    let path = format!("/os-services/{id}");
    let off = json!({"status": "disabled", "disabled_reason": "test"});
    let changed = admin.put(&path, off).await.expect(200);
    assert_eq!(changed["service"]["status"], "disabled");
    assert_eq!(changed["service"]["zone"], "az2");
    let of_pod = async |pod: usize| {
        let path = "/os-services?binary=nova-compute";
        let answer = admin.in_pod(pod, Method::GET, path, None).await;
        answer.expect(200)["services"][0]["status"].clone()
    };
    assert_eq!(
        (of_pod(0).await, of_pod(1).await),
        (json!("enabled"), json!("disabled"))
    );
    // Before 2.53 the body names the host.
    let old = admin.at("2.52");
    let body = json!({"host": "pod2-compute", "binary": "nova-compute"});
    let enabled = old
        .put("/os-services/enable", body.clone())
        .await
        .expect(200);
    assert_eq!(enabled["service"]["host"], "pod2-compute");
    assert_eq!(of_pod(1).await, "enabled");
    let named = json!({"host": "pod1-compute@Pod1", "binary": "nova-compute"});
    let disabled = old.put("/os-services/disable", named).await.expect(200);
    assert_eq!(disabled["service"]["host"], "pod1-compute@Pod1");
    assert_eq!(
        (of_pod(0).await, of_pod(1).await),
        (json!("disabled"), json!("enabled"))
    );
    assert_eq!(
        old.put("/os-services/bogus", body).await.refused(404),
        "Unknown action"
    );
    let nowhere = json!({"host": "nowhere", "binary": "nova-compute"});
    assert_eq!(old.put("/os-services/enable", nowhere).await.status, 404);
    let nothing = "/os-services/0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";
    assert_eq!(admin.put(nothing, json!({})).await.status, 404);
    assert_eq!(
        admin.put("/os-services/x", json!({})).await.refused(400),
        "Invalid uuid x"
    );
}

#[tokio::test]
async fn numbers_lead_back_to_their_pod() {
    let world = World::start().await;
    let admin = world.admin().await;
    let old = admin.at("2.52");
    let services = list(&old, "/os-services?binary=nova-compute", "services").await;
    let ids: Vec<i64> = services.iter().map(|s| s["id"].as_i64().unwrap()).collect();
    assert_ne!(ids[0], ids[1]);
    let demo = world.demo().await;
    demo.running("vm", "az2").await;
    let path = |id: i64| format!("/os-services/{id}");
    // The pod of the second has a server on its host; the first's has none.
    assert_eq!(old.delete(&path(ids[1])).await.status, 409);
    assert_eq!(old.delete(&path(ids[0])).await.status, 204);
    assert_eq!(old.delete(&path(1 << 50)).await.status, 404);
    let hypervisors = list(&old, "/os-hypervisors", "hypervisors").await;
    let id = hypervisors[1]["id"].as_i64().unwrap();
    let shown = old.get(&format!("/os-hypervisors/{id}")).await.expect(200);
    assert_eq!(shown["hypervisor"]["id"], id);
    assert_eq!(shown["hypervisor"]["hypervisor_hostname"], "pod2-compute");
    assert_eq!(
        old.get("/os-hypervisors/1").await.refused(404),
        "Hypervisor with ID '1' could not be found."
    );
}

#[tokio::test]
async fn hypervisors_are_listed_page_by_page_and_added_up() {
    let world = World::start().await;
    let admin = world.admin().await;
    let all = list(&admin, "/os-hypervisors/detail", "hypervisors").await;
    assert_eq!(
        texts(&all, "hypervisor_hostname"),
        ["pod1-compute", "pod2-compute"]
    );
    let first = admin.get("/os-hypervisors?limit=1").await.expect(200);
    assert_eq!(first["hypervisors"].as_array().unwrap().len(), 1);
    let next = first["hypervisors_links"][0]["href"].as_str().unwrap();
    let next = next.rsplit_once("/v2.1").unwrap().1;
    let second = list(&admin, next, "hypervisors").await;
    assert_eq!(texts(&second, "hypervisor_hostname"), ["pod2-compute"]);
    assert_eq!(
        admin.get("/os-hypervisors?marker=x").await.refused(400),
        "marker [x] not found"
    );
    let id = all[1]["id"].as_str().unwrap();
    let shown = admin
        .get(&format!("/os-hypervisors/{id}"))
        .await
        .expect(200);
    assert_eq!(shown["hypervisor"]["hypervisor_hostname"], "pod2-compute");
    let old = admin.at("2.87");
    let sums = old.get("/os-hypervisors/statistics").await.expect(200);
    assert_eq!(sums["hypervisor_statistics"]["count"], 2);
    assert_eq!(world.demo().await.get("/os-hypervisors").await.status, 403);
}

#[tokio::test]
async fn usage_is_summed_up_over_pods() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    for (name, zone) in [("a", "az1"), ("b", "az2"), ("c", "az2")] {
        demo.running(name, zone).await;
    }
    let all = list(&admin, "/os-simple-tenant-usage", "tenant_usages").await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["tenant_id"], json!(demo.project));
    assert_eq!(all[0]["total_vcpus_usage"], 3.0);
    assert_eq!(all[0]["server_usages"], Value::Null);
    let path = format!("/os-simple-tenant-usage/{}", demo.project);
    let own = demo.get(&path).await.expect(200);
    assert_eq!(own["tenant_usage"]["total_hours"], 3.0);
    // Page by page, each with the sums of its servers.
    let mut seen = Vec::new();
    let mut next = format!("{path}?limit=2");
    loop {
        let page = demo.get(&next).await.expect(200);
        let Some(servers) = page["tenant_usage"]["server_usages"].as_array() else {
            break;
        };
        assert_eq!(page["tenant_usage"]["total_hours"], servers.len() as f64);
        seen.extend(texts(servers, "name"));
        let Some(link) = page["tenant_usage_links"][0]["href"].as_str() else {
            break;
        };
        next = link.rsplit_once("/v2.1").unwrap().1.to_owned();
    }
    seen.sort_unstable();
    assert_eq!(seen, ["a", "b", "c"]);
    assert_eq!(demo.get("/os-simple-tenant-usage").await.status, 403);
    let other = format!("/os-simple-tenant-usage/{}", admin.project);
    assert_eq!(demo.get(&other).await.status, 403);
}

#[tokio::test]
async fn events_go_to_the_pods_of_their_servers() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    let one = demo.running("one", "az1").await;
    let two = demo.running("two", "az2").await;
    let event = |id: &str| json!({"server_uuid": id, "name": "network-changed", "tag": "t"});
    let path = "/os-server-external-events";
    let body = json!({"events": [event(&two), event(&one)]});
    let all = admin.post(path, body).await.expect(200);
    let all = all["events"].as_array().unwrap();
    assert_eq!(all[0]["server_uuid"], json!(two));
    assert!(all.iter().all(|event| event["code"] == 200));
    let nobody = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";
    let body = json!({"events": [event(nobody), event(&two)]});
    let some = admin.post(path, body).await.expect(207);
    assert_eq!(some["events"][0]["code"], 404);
    assert_eq!(some["events"][0]["status"], "failed");
    assert_eq!(some["events"][1]["status"], "completed");
    assert_eq!(
        admin.post(path, json!({"events": []})).await.refused(400),
        "Invalid input for field/attribute events. Value: []. [] should be non-empty"
    );
    let body = json!({"events": [event(&one)]});
    assert_eq!(demo.post(path, body).await.status, 403);
}

#[tokio::test]
async fn what_nova_ended_is_gone() {
    let world = World::start().await;
    let demo = world.demo().await;
    for (answer, path) in [
        (demo.get("/os-cells").await, "GET os-cells"),
        (demo.post("/os-agents", json!({})).await, "POST os-agents"),
        (demo.get("/os-fping/x").await, "GET os-fping"),
    ] {
        assert_eq!(answer.status, 410, "{path}");
        assert_eq!(
            answer.body["computeFault"]["message"],
            "This resource is no longer available. No forwarding address is given."
        );
    }
}

#[tokio::test]
async fn a_pod_that_is_away_is_left_out() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.pods[1].faults().inject(
        tricircle_pod_sim::Match::any(),
        tricircle_pod_sim::Fault::ResetBefore,
        tricircle_pod_sim::Times::Always,
    );
    let services = list(&admin, "/os-services", "services").await;
    assert!(
        texts(&services, "host")
            .iter()
            .all(|host| host == "pod1-compute")
    );
}
