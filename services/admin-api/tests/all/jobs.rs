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

#[tokio::test]
async fn pages_of_jobs_join_and_may_be_of_a_pod() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    let pod = bench.register("Pod1", "az1").await;
    let pod = pod["pod"]["id"].as_str().unwrap();
    let store = &bench.db.store;
    let mut made = Vec::new();
    for n in 0..5 {
        let wish = NewJob {
            pod_id: if n == 0 { pod } else { "" }.to_owned(),
            ..NewJob::new("port_remove", &format!("port-{n}"))
        };
        made.push(store.job_enqueue(&wish).await.unwrap().id);
    }
    made.reverse();
    let ids = |body: &serde_json::Value| -> Vec<String> {
        let jobs = body["jobs"].as_array().unwrap().iter();
        jobs.map(|job| job["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut seen = Vec::new();
    let mut path = "/jobs?kind=port_remove&limit=2".to_owned();
    loop {
        let (status, body) = bench.get(&path).await;
        assert_eq!(status, 200, "{body}");
        let page = ids(&body);
        seen.extend(page.clone());
        let Some(next) = body["jobs_links"][0]["href"].as_str() else {
            break;
        };
        assert_eq!(page.len(), 2);
        path = next.split_once("/v1.0").unwrap().1.to_owned();
    }
    assert_eq!(seen, made, "newest first, each once");

    for name in ["Pod1", pod] {
        let (_, body) = bench.get(&format!("/jobs?pod={name}")).await;
        assert_eq!(ids(&body), made[4..]);
        assert_eq!(body["jobs"][0]["region_name"], "Pod1");
    }
    let both = "/jobs?resource_id=port-1&resource_id=port-3&limit=1";
    assert_eq!(ids(&bench.get(both).await.1), made[1..2]);
    assert_eq!(bench.get("/jobs?pod=nowhere").await.0, 400);
    assert_eq!(bench.get("/jobs?marker=nothing").await.0, 400);
}

#[tokio::test]
async fn a_job_is_retried_and_cancelled_by_post() {
    let bench = Bench::start().await;
    let store = &bench.db.store;
    let job = store.job_enqueue(&NewJob::new("port_remove", "p")).await;
    let job = job.unwrap().id;
    let (retry, cancel) = (format!("/jobs/{job}/retry"), format!("/jobs/{job}/cancel"));
    assert_eq!(bench.call("POST", &retry, None).await.0, 202);
    let (status, body) = bench.call("POST", &cancel, None).await;
    assert_eq!((status, &body["job"]["state"]), (202, &json!("cancelled")));
    assert_eq!(bench.call("POST", &cancel, None).await.0, 409);
    // Over, it can be wanted again.
    let (status, body) = bench.call("POST", &retry, None).await;
    assert_eq!((status, &body["job"]["state"]), (202, &json!("ready")));
    let (_, shown) = bench.get(&format!("/jobs/{job}")).await;
    assert_eq!(shown["job"]["wishes"], 1);
    assert_eq!(bench.call("POST", "/jobs/nothing/retry", None).await.0, 404);
    let reader = bench.cloud.token("demo", "demo").await.unwrap();
    let refused = bench.call_as(&reader, "POST", &cancel, None).await;
    assert_eq!(refused.0, 403);
}
