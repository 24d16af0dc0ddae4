//! Pods: create, show, list, update, delete, and who may.

use serde_json::json;

use crate::bench::{Bench, told};

#[tokio::test]
async fn a_pod_lives_from_201_to_404() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    let made = bench.register("Pod1", "az1").await;
    let pod = &made["pod"];
    let id = pod["id"].as_str().unwrap();
    assert_eq!(pod["region_name"], "Pod1");
    assert_eq!(pod["state"], "enabled");
    assert_eq!(pod["ordinal"], 1);
    assert_eq!(
        pod["availability_zones"]["volume"],
        json!([{"top": "az1", "bottom": ""}])
    );
    let path = format!("/pods/{id}");
    let (status, mut shown) = bench.get(&path).await;
    assert_eq!(status, 200);
    let (status, listed) = bench.get("/pods").await;
    assert_eq!((status, &listed["pods"]), (200, &json!([shown["pod"]])));
    let health = shown["pod"].as_object_mut().unwrap().remove("health");
    assert_eq!(&shown["pod"], pod);
    let health = health.unwrap();
    for service in ["compute", "network", "block-storage"] {
        assert_eq!(health[service]["state"], "closed", "{health}");
        assert_eq!(health[service]["last_error"], json!(null));
    }

    let change = json!({"pod": {"state": "draining", "az_name": "az9", "pod_az_name": "nova"}});
    let (status, changed) = bench.call("PUT", &path, Some(change)).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["pod"]["state"], "draining");
    assert_eq!(changed["pod"]["az_name"], "az9");
    assert_eq!(changed["pod"]["pod_az_name"], "nova");

    assert_eq!(bench.call("DELETE", &path, None).await.0, 204);
    assert_eq!(bench.call("DELETE", &path, None).await.0, 404);
    assert_eq!(bench.get(&path).await.0, 404);
    let (status, body) = bench.call("PUT", &path, Some(json!({"pod": {}}))).await;
    assert_eq!(status, 404);
    assert_eq!(body["error"]["title"], "Not Found");
}

#[tokio::test]
async fn only_administrators_get_in() {
    let bench = Bench::start().await;
    let demo = bench.cloud.token("demo", "demo").await.unwrap();
    let pod = json!({"pod": {"region_name": "Pod1", "az_name": "az1"}});
    let binding = json!({"pod_binding": {"project_id": "p", "pod_id": "x"}});
    for (method, path, body) in [
        ("GET", "/pods", None),
        ("GET", "/pods/x", None),
        ("POST", "/pods", Some(pod.clone())),
        ("PUT", "/pods/x", Some(pod)),
        ("DELETE", "/pods/x", None),
        ("GET", "/bindings", None),
        ("GET", "/bindings/x", None),
        ("POST", "/bindings", Some(binding)),
        ("DELETE", "/bindings/x", None),
        ("GET", "/routings", None),
        ("GET", "/routings/x", None),
        ("GET", "/jobs", None),
        ("GET", "/jobs/x", None),
        ("PUT", "/jobs/x", None),
        ("DELETE", "/jobs/x", None),
    ] {
        let (status, _) = bench.call_as(&demo, method, path, body.clone()).await;
        assert_eq!(status, 403, "{method} {path}");
        let (status, _) = bench.call_as("nonsense", method, path, body).await;
        assert_eq!(status, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn what_can_not_be_registered_is_refused_with_the_right_code() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    bench.register("Pod1", "az1").await;
    for (pod, code, part) in [
        (json!({"az_name": "az1"}), 400, "region_name is missing"),
        (json!({"region_name": "Pod2"}), 400, "az_name"),
        (
            json!({"region_name": "Pod2", "az_name": ""}),
            400,
            "must not be empty",
        ),
        (
            json!({"region_name": "RegionOne", "az_name": "az1"}),
            409,
            "is the top",
        ),
        (
            json!({"region_name": "Pod1", "az_name": "az2"}),
            409,
            "registered already",
        ),
        (
            json!({"region_name": "Nowhere", "az_name": "az1"}),
            400,
            "no endpoint in region",
        ),
    ] {
        let (status, body) = bench.create(pod.clone()).await;
        assert_eq!(status, code, "{pod}: {body}");
        assert!(told(&body).contains(part), "{pod}: {body}");
    }
    let (status, _) = bench.call("POST", "/pods", Some(json!({"pot": {}}))).await;
    assert_eq!(status, 400);
    let (_, listed) = bench.get("/pods").await;
    assert_eq!(listed["pods"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_region_of_a_pod_stays() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    let made = bench.register("Pod1", "az1").await;
    let path = format!("/pods/{}", made["pod"]["id"].as_str().unwrap());
    let change = json!({"pod": {"region_name": "Pod2"}});
    assert_eq!(bench.call("PUT", &path, Some(change)).await.0, 400);
    let same = json!({"pod": {"region_name": "Pod1"}});
    assert_eq!(bench.call("PUT", &path, Some(same)).await.0, 200);
}

#[tokio::test]
async fn an_ordinal_is_never_given_again() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    let first = bench.register("Pod1", "az1").await;
    let path = format!("/pods/{}", first["pod"]["id"].as_str().unwrap());
    assert_eq!(bench.call("DELETE", &path, None).await.0, 204);
    let second = bench.register("Pod1", "az1").await;
    assert_eq!(second["pod"]["ordinal"], 2);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let bench = Bench::start().await;
    for (region, zone) in [("Pod1", "az1"), ("Pod2", "az2"), ("Pod3", "az2")] {
        bench.cloud.add_pod(region).await.unwrap();
        bench.register(region, zone).await;
    }
    let names = |body: &serde_json::Value| -> Vec<String> {
        let pods = body["pods"].as_array().unwrap().iter();
        pods.map(|pod| pod["region_name"].as_str().unwrap().to_owned())
            .collect()
    };
    let (_, of_zone) = bench.get("/pods?az_name=az2").await;
    assert_eq!(names(&of_zone), ["Pod2", "Pod3"]);
    let (_, first) = bench.get("/pods?limit=2").await;
    assert_eq!(names(&first), ["Pod1", "Pod2"]);
    let href = first["pods_links"][0]["href"].as_str().unwrap();
    let (_, query) = href.split_once("/v1.0").unwrap();
    let (_, last) = bench.get(query).await;
    assert_eq!(names(&last), ["Pod3"]);
    assert!(last.get("pods_links").is_none());
    assert_eq!(bench.get("/pods?colour=red").await.0, 400);
    assert_eq!(bench.get("/pods?limit=-1").await.0, 400);
}
