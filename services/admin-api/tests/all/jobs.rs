//! Jobs as the operator sees them.

use serde_json::json;
use tricircle_db::models::NewJob;

use crate::bench::Bench;

#[tokio::test]
async fn jobs_are_listed_shown_retried_and_given_up() {
    let bench = Bench::start().await;
    let store = &bench.db.store;
    let wish = |kind: &str, resource: &str| NewJob {
        project_id: "p1".to_owned(),
        payload: json!({"name": "vm1"}),
        ..NewJob::new(kind, resource)
    };
    let first = store
        .job_enqueue(&wish("remove_network", "n1"))
        .await
        .unwrap();
    let second = store
        .job_enqueue(&wish("remove_ports", "s1"))
        .await
        .unwrap();

    let (status, all) = bench.get("/jobs").await;
    assert_eq!(status, 200);
    assert_eq!(all["jobs"].as_array().unwrap().len(), 2);
    let (_, of_kind) = bench.get("/jobs?kind=remove_ports&state=ready").await;
    assert_eq!(of_kind["jobs"][0]["id"], second.id);
    assert_eq!(of_kind["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(bench.get("/jobs?state=sleepy").await.0, 400);

    let path = format!("/jobs/{}", first.id);
    let (status, shown) = bench.get(&path).await;
    assert_eq!(status, 200);
    assert_eq!(shown["job"]["payload"], json!({"name": "vm1"}));
    assert_eq!(shown["job"]["steps"], json!([]));

    let (status, retried) = bench.call("PUT", &path, None).await;
    assert_eq!(status, 202, "{retried}");
    assert_eq!(retried["job"]["state"], "ready");

    assert_eq!(bench.call("DELETE", &path, None).await.0, 204);
    assert_eq!(bench.get(&path).await.1["job"]["state"], "cancelled");
    assert_eq!(bench.call("DELETE", &path, None).await.0, 409);
    assert_eq!(bench.get("/jobs/nothing").await.0, 404);
    assert_eq!(bench.call("PUT", "/jobs/nothing", None).await.0, 404);
}
