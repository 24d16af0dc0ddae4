//! What of a network or router is where.

use serde_json::json;
use tricircle_db::models::*;

use crate::bench::Bench;

#[tokio::test]
async fn a_network_is_shown_with_its_parts_pods_and_jobs() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    let pod = bench.register("Pod1", "az1").await;
    let pod = pod["pod"]["id"].as_str().unwrap();
    let store = &bench.db.store;
    let network = Network {
        project_id: "p1".to_owned(),
        name: "net".to_owned(),
        ..Network::default()
    };
    store.network_create(&network, -1).await.unwrap();
    let port = PortView {
        port: Port {
            network_id: network.id.clone(),
            project_id: "p1".to_owned(),
            mac_address: "fa:16:3e:00:00:01".to_owned(),
            ..Port::default()
        },
        fixed_ips: Vec::new(),
        security_groups: Vec::new(),
    };
    let made = store.ports_allocate(std::slice::from_ref(&port), &[], "", "", -1);
    assert_eq!(made.await.unwrap(), NetWrite::Done);
    let intent = Realization::intent(RealizationKind::Network, &network.id, pod, "p1");
    let row = store.realization_claim(&intent).await.unwrap();
    let digest = format!("r{}", network.revision_number);
    store
        .realization_present(&row.id, "there", &digest, &json!({}))
        .await
        .unwrap();
    let waiting = NewJob {
        pod_id: pod.to_owned(),
        ..NewJob::new("port_sync", &port.port.id)
    };
    let waiting = store.job_enqueue(&waiting).await.unwrap();
    let over = store
        .job_enqueue(&NewJob::new("network_sync", &network.id))
        .await;
    store.job_abandon(&over.unwrap().id).await.unwrap();
    store
        .job_enqueue(&NewJob::new("port_sync", "another"))
        .await
        .unwrap();

    let path = format!("/topology/network/{}", network.id);
    let (status, body) = bench.get(&path).await;
    assert_eq!(status, 200, "{body}");
    let shown = &body["topology"];
    assert_eq!(shown["resource_type"], "network");
    assert_eq!(shown["name"], "net");
    assert_eq!(shown["parts"].as_array().unwrap().len(), 2, "{shown:#}");
    assert_eq!(shown["pods"].as_array().unwrap().len(), 1);
    assert_eq!(shown["pods"][0]["region_name"], "Pod1");
    assert_eq!(shown["pods"][0]["in_step"], true);
    assert_eq!(shown["pods"][0]["realizations"][0]["bottom_id"], "there");
    assert_eq!(shown["jobs"].as_array().unwrap().len(), 1, "{shown:#}");
    assert_eq!(shown["jobs"][0]["id"], waiting.id);
    assert_eq!(shown["routers"], json!([]));
    assert_eq!(bench.get("/topology/network/nothing").await.0, 404);
}

#[tokio::test]
async fn a_router_is_shown_with_what_pods_have_of_it() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    let pod = bench.register("Pod1", "az1").await;
    let pod = pod["pod"]["id"].as_str().unwrap();
    let store = &bench.db.store;
    let router = Router {
        project_id: "p1".to_owned(),
        name: "r".to_owned(),
        ..Router::default()
    };
    let job = NewJob::new(ROUTER_SYNC, &router.id);
    let made = store.router_create(&router, None, -1, &job).await.unwrap();
    assert_eq!(made, NetWrite::Done);
    store.job_enqueue(&job).await.unwrap();
    let intent = Realization::intent(RealizationKind::Router, &router.id, pod, "p1");
    store.realization_claim(&intent).await.unwrap();

    let path = format!("/topology/router/{}", router.id);
    let (status, body) = bench.get(&path).await;
    assert_eq!(status, 200, "{body}");
    let shown = &body["topology"];
    assert_eq!(shown["resource_type"], "router");
    assert_eq!(shown["pods"][0]["pod_id"], pod);
    assert_eq!(shown["pods"][0]["in_step"], false, "not there yet");
    assert_eq!(shown["jobs"][0]["kind"], ROUTER_SYNC);
    assert_eq!(bench.get("/topology/router/nothing").await.0, 404);
    let reader = bench.cloud.token("demo", "demo").await.unwrap();
    assert_eq!(bench.call_as(&reader, "GET", &path, None).await.0, 403);
}
