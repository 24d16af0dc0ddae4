//! What pods have already follows the top, and is asked where only the pod knows.

use serde_json::{Value, json};
use tricircle_db::models::{Pod, PodState};
use tricircle_network::Network;
use tricircle_pod_sim::SimPod;

use crate::bed::Bed;

/// A simulated pod, registered.
async fn pod(bed: &Bed) -> (SimPod, Pod) {
    let sim = bed.cloud.add_pod("Pod1").await.unwrap();
    let now = tricircle_db::now();
    let row = Pod {
        id: uuid::Uuid::new_v4().to_string(),
        region_name: "Pod1".to_owned(),
        ordinal: 0,
        state: PodState::Enabled,
        auth_mode: tricircle_db::models::AuthMode::Shared,
        created_at: now,
        updated_at: now,
    };
    let row = bed.database.store.pod_create(&row, &[]).await.unwrap();
    bed.parts.keystone.refresh_catalog().await.unwrap();
    bed.parts.pods.refresh().await.unwrap();
    (sim, row)
}

/// What brings networks to pods.
fn realizing(bed: &Bed) -> Network {
    let parts = &bed.parts;
    Network::new(
        parts.store.clone(),
        parts.pods.clone(),
        parts.config.clone(),
        parts.jobs(),
    )
}

async fn bottom(bed: &Bed, sim: &SimPod, collection: &str) -> Vec<Value> {
    let token = bed.cloud.token("admin", "admin").await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http
        .get(format!("{}/v2.0/{collection}", sim.neutron_url()))
        .header("X-Auth-Token", token)
        .send()
        .await
        .unwrap();
    let mut body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    serde_json::from_value(body[collection].take()).unwrap()
}

#[tokio::test]
async fn a_renamed_network_is_renamed_where_it_is_and_stays_usable_without_the_pod() {
    let bed = Bed::start().await;
    let (sim, row) = pod(&bed).await;
    let id = bed.network("before").await;
    let view = bed
        .database
        .store
        .network_by_id(&id)
        .await
        .unwrap()
        .unwrap();
    realizing(&bed)
        .realize_network(&view.network, &row.id, "req-test")
        .await
        .unwrap();
    let path = format!("/v2.0/networks/{id}");
    let rename = |name: &str| json!({"network": {"name": name}});
    assert_eq!(bed.put("demo", &path, rename("after")).await.code, 200);
    let there = bottom(&bed, &sim, "networks").await;
    assert_eq!((there.len(), &there[0]["name"]), (1, &json!("after")));
    sim.stop().await;
    let answer = bed.put("demo", &path, rename("alone")).await;
    assert_eq!(answer.of("network")["name"], json!("alone"));
    assert_eq!(bed.delete("demo", &path).await.code, 204, "without the pod");
}

#[tokio::test]
async fn agents_are_for_administrators() {
    let bed = Bed::start().await;
    pod(&bed).await;
    assert_eq!(
        bed.get("demo", "/v2.0/agents").await.of("agents"),
        &json!([])
    );
    let all = bed.get("admin", "/v2.0/agents").await;
    assert!(all.of("agents").is_array());
    assert_eq!(
        bed.get("admin", "/v2.0/agents/nope").await.kind(),
        "404 AgentNotFound"
    );
}

#[tokio::test]
async fn networks_fit_the_narrowest_pod_that_they_may_come_to() {
    let bed = Bed::start().await;
    let (sim, row) = pod(&bed).await;
    let store = &bed.database.store;
    store.pod_mtu_set(&row.id, 1400).await.unwrap();
    bed.parts.pods.refresh().await.unwrap();
    let made = |mtu: Option<i64>| {
        let body = json!({"network": {"name": "n", "mtu": mtu.unwrap_or(0)}});
        bed.post("demo", "/v2.0/networks", body)
    };
    let network = made(None).await;
    assert_eq!(network.of("network")["mtu"], 1400);
    assert_eq!(made(Some(1300)).await.of("network")["mtu"], 1300);
    assert_eq!(
        made(Some(1401)).await.said(),
        "400 InvalidInput: Invalid input for operation: Requested MTU is too big, maximum is \
         1400."
    );

    // It is told to the pod, which would take 1500 otherwise.
    let id = network.of("network")["id"].as_str().unwrap().to_owned();
    let view = store.network_by_id(&id).await.unwrap().unwrap();
    realizing(&bed)
        .realize_network(&view.network, &row.id, "req-1")
        .await
        .unwrap();
    assert_eq!(bottom(&bed, &sim, "networks").await[0]["mtu"], 1400);
}

#[tokio::test]
async fn a_network_of_a_zone_fits_the_pods_of_that_zone() {
    let bed = Bed::start().await.with_zone("az1").await;
    let store = &bed.database.store;
    let of_zone = store.pods_all().await.unwrap()[0].pod.id.clone();
    store.pod_mtu_set(&of_zone, 1450).await.unwrap();
    let (_sim, other) = pod(&bed).await;
    store.pod_mtu_set(&other.id, 1400).await.unwrap();
    bed.parts.pods.refresh().await.unwrap();
    let body = json!({"network": {"name": "n", "availability_zone_hints": ["az1"]}});
    let network = bed.post("demo", "/v2.0/networks", body).await;
    assert_eq!(network.of("network")["mtu"], 1450);
}
