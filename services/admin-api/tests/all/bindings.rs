//! Bindings of projects to pods.

use serde_json::json;

use crate::bench::{Bench, told};

#[tokio::test]
async fn a_binding_lives_and_keeps_its_pod() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    let pod = bench.register("Pod1", "az1").await["pod"]["id"].clone();
    let wanted = json!({"pod_binding": {"tenant_id": "p1", "pod_id": pod}});
    let (status, made) = bench.call("POST", "/bindings", Some(wanted.clone())).await;
    assert_eq!(status, 201, "{made}");
    let binding = &made["pod_binding"];
    assert_eq!(binding["project_id"], "p1");
    assert_eq!(binding["tenant_id"], "p1");
    assert_eq!(binding["ended_at"], json!(null));

    let (status, body) = bench.call("POST", "/bindings", Some(wanted.clone())).await;
    assert_eq!(status, 409);
    assert!(told(&body).contains("bound to pod"), "{body}");
    let pod_path = format!("/pods/{}", pod.as_str().unwrap());
    let (status, body) = bench.call("DELETE", &pod_path, None).await;
    assert_eq!(status, 409, "{body}");

    let path = format!("/bindings/{}", binding["id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await, (200, made.clone()));
    let (_, of_other) = bench.get("/bindings?project_id=p2").await;
    assert_eq!(of_other, json!({"pod_bindings": []}));
    let (_, of_project) = bench.get("/bindings?tenant_id=p1").await;
    assert_eq!(of_project, json!({"pod_bindings": [binding]}));

    assert_eq!(bench.call("DELETE", &path, None).await.0, 204);
    assert_eq!(bench.call("DELETE", &path, None).await.0, 404);
    assert_eq!(bench.get("/bindings").await.1, json!({"pod_bindings": []}));
    // Ended, it stands in nobody's way.
    assert_eq!(bench.call("POST", "/bindings", Some(wanted)).await.0, 201);
}

#[tokio::test]
async fn an_unknown_pod_or_a_broken_binding_is_a_400() {
    let bench = Bench::start().await;
    for binding in [
        json!({"project_id": "p1", "pod_id": "nowhere"}),
        json!({"project_id": "p1"}),
        json!({"pod_id": "x"}),
        json!([]),
    ] {
        let body = json!({ "pod_binding": binding });
        let (status, told) = bench.call("POST", "/bindings", Some(body)).await;
        assert_eq!(status, 400, "{binding}: {told}");
    }
    assert_eq!(bench.get("/bindings/nothing").await.0, 404);
}
