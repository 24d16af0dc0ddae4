//! Where things are.

use serde_json::{Value, json};
use tricircle_db::models::{Realization, RealizationKind, Routing, RoutingKind, RoutingState};

use crate::bench::Bench;

fn routing(id: &str, pod_id: &str, project: &str, state: RoutingState) -> Routing {
    let now = tricircle_db::now();
    Routing {
        id: id.to_owned(),
        kind: RoutingKind::Server,
        top_id: Some(format!("server-{id}")),
        pod_id: pod_id.to_owned(),
        bottom_id: Some(format!("server-{id}")),
        project_id: project.to_owned(),
        user_id: "u1".to_owned(),
        name: "vm".to_owned(),
        state,
        availability_zone: Some("az1".to_owned()),
        flavor_id: Some("1".to_owned()),
        image_id: None,
        vcpus: 1,
        ram_mb: 64,
        size_gb: 0,
        reservation_id: None,
        request_id: "req-1".to_owned(),
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

fn ids(body: &Value) -> Vec<&str> {
    let rows = body["routings"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn routings_and_realizations_are_one_filtered_paged_list() {
    let bench = Bench::start().await;
    bench.cloud.add_pod("Pod1").await.unwrap();
    let pod = bench.register("Pod1", "az1").await;
    let pod = pod["pod"]["id"].as_str().unwrap();
    let store = &bench.db.store;
    for (id, project, state) in [
        ("r1", "p1", RoutingState::Active),
        ("r2", "p2", RoutingState::Deleting),
    ] {
        let row = routing(id, pod, project, state);
        store.insert_routing(&row).await.unwrap();
    }
    let network = Realization::intent(RealizationKind::Network, "net1", pod, "p1");
    let network = store.realization_claim(&network).await.unwrap();

    let (status, all) = bench.get("/routings").await;
    assert_eq!(status, 200);
    assert_eq!(ids(&all), [network.id.as_str(), "r2", "r1"], "newest first");
    let server = &all["routings"][2];
    assert_eq!(server["resource_type"], "server");
    assert_eq!(server["top_id"], "server-r1");
    assert_eq!(server["region_name"], "Pod1");
    assert_eq!(all["routings"][0]["record"], "realization");

    for (query, expected) in [
        ("resource_type=server", vec!["r2", "r1"]),
        ("resource_type=network", vec![network.id.as_str()]),
        ("project_id=p2", vec!["r2"]),
        ("state=deleting", vec!["r2"]),
        ("top_id=server-r1", vec!["r1"]),
        (
            "region_name=Pod1&project_id=p1",
            vec![network.id.as_str(), "r1"],
        ),
        ("pod_id=other", vec![]),
        ("limit=1", vec![network.id.as_str()]),
        ("limit=5&marker=r2", vec!["r1"]),
    ] {
        let (status, found) = bench.get(&format!("/routings?{query}")).await;
        assert_eq!((status, ids(&found)), (200, expected), "{query}");
    }
    assert_eq!(bench.get("/routings?colour=red").await.0, 400);

    let (_, shown) = bench.get("/routings/r1").await;
    assert_eq!(shown["routing"]["flavor_id"], "1");
    assert_eq!(shown["routing"]["request_id"], "req-1");
    let (status, shown) = bench.get(&format!("/routings/{}", network.id)).await;
    assert_eq!((status, &shown["routing"]["top_id"]), (200, &json!("net1")));
    assert_eq!(bench.get("/routings/nothing").await.0, 404);
}
