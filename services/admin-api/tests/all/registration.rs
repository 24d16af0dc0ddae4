//! What registering looks at in the pod, and brings to the top.

use serde_json::{Value, json};
use tricircle_pod_sim::{Fault, Match, Service, Times};

use crate::bench::{Bench, told};

#[tokio::test]
async fn the_endpoints_are_asked_and_named() {
    let bench = Bench::start().await;
    let pod = bench.cloud.add_pod("Pod1").await.unwrap();
    let made = bench.register("Pod1", "az1").await;
    let endpoints = &made["registration"]["endpoints"];
    for (service, url) in [
        ("compute", pod.nova_url()),
        ("network", pod.neutron_url()),
        ("block-storage", pod.cinder_url()),
    ] {
        let told = endpoints[service].as_str().unwrap_or_default();
        assert!(
            !told.is_empty() && url.starts_with(told),
            "{service}: {endpoints} {url}"
        );
    }
    let journal = pod.journal();
    for service in [Service::Nova, Service::Neutron, Service::Cinder] {
        assert!(
            journal
                .iter()
                .any(|call| call.service == service && call.status == 200),
            "{service} was not asked"
        );
    }
}

#[tokio::test]
async fn a_region_that_does_not_answer_is_refused_and_named_and_leaves_nothing() {
    let bench = Bench::start().await;
    let pod = bench.cloud.add_pod("Pod1").await.unwrap();
    for (service, name) in [
        (Service::Nova, "compute"),
        (Service::Neutron, "network"),
        (Service::Cinder, "block-storage"),
    ] {
        let broken = Fault::Status(503, json!({}));
        pod.faults()
            .inject(Match::service(service), broken, Times::Always);
        let (status, body) = bench
            .create(json!({"region_name": "Pod1", "az_name": "az1"}))
            .await;
        assert_eq!(status, 409, "{body}");
        assert!(
            told(&body).contains(&format!("The {name} endpoint")),
            "{body}"
        );
        pod.faults().clear();
    }
    pod.stop().await;
    let (status, _) = bench
        .create(json!({"region_name": "Pod1", "az_name": "az1"}))
        .await;
    assert_eq!(status, 409);
    assert_eq!(bench.get("/pods").await.1, json!({"pods": []}));
    assert!(bench.db.store.flavors(None).await.unwrap().is_empty());

    // Once it answers it can be registered.
    pod.start().await.unwrap();
    bench.register("Pod1", "az1").await;
}

#[tokio::test]
async fn flavors_come_to_the_top_once_and_conflicts_are_told() {
    let bench = Bench::start().await;
    let pod1 = bench.cloud.add_pod("Pod1").await.unwrap();
    let pod2 = bench.cloud.add_pod("Pod2").await.unwrap();
    pod1.add_flavor("same", "same", 1, 64, 1);
    pod2.add_flavor("same", "same", 1, 64, 1);
    pod1.add_flavor("differs", "differs", 1, 64, 1);
    pod2.add_flavor("differs", "differs", 2, 64, 1);
    pod2.add_flavor("only2", "only2", 4, 512, 1);

    let first = bench.register("Pod1", "az1").await;
    let imported = |report: &Value| -> Vec<String> {
        let list = report["registration"]["flavors"]["imported"].as_array();
        list.unwrap()
            .iter()
            .map(|flavor| flavor["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(imported(&first).contains(&"same".to_owned()));
    let second = bench.register("Pod2", "az2").await;
    assert_eq!(imported(&second), ["only2"]);
    let flavors = &second["registration"]["flavors"];
    assert!(
        flavors["known"]
            .as_array()
            .unwrap()
            .contains(&json!("same"))
    );
    assert_eq!(
        flavors["conflicts"],
        json!([{"id": "differs", "name": "differs", "differs": ["vcpus"]}])
    );
    let top = bench.db.store.flavor_by_flavor_id("differs").await.unwrap();
    assert_eq!(top.unwrap().vcpus, 1, "the top's flavor stays as it was");
    let brought = bench.db.store.flavor_by_flavor_id("only2").await.unwrap();
    assert_eq!(brought.unwrap().memory_mb, 512);
}

#[tokio::test]
async fn vlans_of_ours_that_the_pod_uses_are_told() {
    let bench = Bench::start().await;
    let pod = bench.cloud.add_pod("Pod1").await.unwrap();
    let admin = bench.cloud.token("admin", "admin").await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (name, vlan, description) in [
        ("stranger", 150, ""),
        ("outside", 1500, ""),
        ("ours", 151, "tricircle:0b1c"),
    ] {
        let made = http
            .post(format!("{}/v2.0/networks", pod.neutron_url()))
            .header("X-Auth-Token", &admin)
            .json(&json!({"network": {
                "name": name,
                "description": description,
                "provider:network_type": "vlan",
                "provider:physical_network": "physnet1",
                "provider:segmentation_id": vlan,
            }}))
            .send()
            .await
            .unwrap();
        assert_eq!(made.status().as_u16(), 201);
    }
    let registered = bench.register("Pod1", "az1").await;
    let told = registered["registration"]["vlans_in_use"]
        .as_array()
        .unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["name"], "stranger");
    assert_eq!(told[0]["segmentation_id"], 150);
}

#[tokio::test]
async fn keystone_away_is_503_and_no_pod() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    // Known to the cache, so that the call itself comes in.
    assert_eq!(bench.get("/pods").await.0, 200);
    bench.cloud.stop_keystone().await;
    let (status, _) = bench
        .create(json!({"region_name": "Pod1", "az_name": "az1"}))
        .await;
    assert_eq!(status, 503);
    assert_eq!(bench.get("/pods").await.1, json!({"pods": []}));
}

#[tokio::test]
async fn the_largest_mtu_of_a_pod_is_found_or_told() {
    let bench = Bench::start().await;
    let narrow = bench.cloud.add_pod("Pod1").await.unwrap();
    narrow.set_physical_mtu(1400);
    bench.cloud.add_pod("Pod2").await.unwrap();
    let made = bench.register("Pod1", "az1").await;
    assert_eq!(made["pod"]["mtu"], 1400);
    assert!(
        narrow.inventory().leftovers().is_empty(),
        "asking leaves nothing"
    );
    let told = json!({"region_name": "Pod2", "az_name": "az2", "mtu": 1300});
    let (status, made) = bench.create(told).await;
    assert_eq!((status, &made["pod"]["mtu"]), (201, &json!(1300)));
    let path = format!("/pods/{}", made["pod"]["id"].as_str().unwrap());
    let (status, changed) = bench
        .call("PUT", &path, Some(json!({"pod": {"mtu": 1450}})))
        .await;
    assert_eq!((status, &changed["pod"]["mtu"]), (200, &json!(1450)));
    assert_eq!(bench.get(&path).await.1["pod"]["mtu"], 1450);
}
