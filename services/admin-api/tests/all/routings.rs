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

/// Two pods, with a server of demo in the first.
async fn with_server() -> (Bench, [String; 2], String, String) {
    let bench = Bench::start().await;
    let pods = [
        bench.cloud.add_pod("Pod1").await.unwrap(),
        bench.cloud.add_pod("Pod2").await.unwrap(),
    ];
    pods[0].add_flavor("1", "m1.tiny", 1, 512, 1);
    let mut ids = Vec::new();
    for name in ["Pod1", "Pod2"] {
        let pod = bench.register(name, &name.replace("Pod", "az")).await;
        ids.push(pod["pod"]["id"].as_str().unwrap().to_owned());
    }
    let token = bench.cloud.token("demo", "demo").await.unwrap();
    let project = bench.cloud.project_id("demo");
    let url = format!("{}/servers", pods[0].nova_url());
    let body = json!({"server": {
        "name": "vm", "flavorRef": "1", "imageRef": bench.cloud.image_id(), "networks": "none",
    }});
    let made = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = made
        .post(url)
        .header("X-Auth-Token", token)
        .header("OpenStack-API-Version", "compute 2.37")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status().as_u16(), 202);
    let made: Value = made.json().await.unwrap();
    let server = made["server"]["id"].as_str().unwrap().to_owned();
    let [first, second] = ids.try_into().unwrap();
    (bench, [first, second], server, project)
}

#[tokio::test]
async fn a_routing_is_written_only_as_the_pod_confirms_it() {
    let (bench, [pod, other], server, project) = with_server().await;
    let create = |routing: Value| {
        let body = json!({ "routing": routing });
        let bench = &bench;
        async move { bench.call("POST", "/routings", Some(body)).await }
    };
    let of = |pod: &str| json!({"resource_type": "server", "top_id": server, "pod_id": pod});
    assert_eq!(create(of("nowhere")).await.0, 400, "no such pod");
    let (status, body) = create(of(&other)).await;
    assert_eq!(status, 400, "the other pod does not have it: {body}");
    let mut strange = of(&pod);
    strange["project_id"] = json!("somebody");
    let (status, body) = create(strange).await;
    assert_eq!(status, 409, "it is another project's: {body}");
    let mut named = of(&pod);
    named["project_id"] = json!(project);
    let (status, made) = create(named.clone()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["routing"]["project_id"], json!(project));
    assert_eq!(made["routing"]["state"], "active");
    assert_eq!(create(named).await.0, 409, "once");

    let path = format!("/routings/{}", made["routing"]["id"].as_str().unwrap());
    let update = |routing: Value| {
        let (body, bench, path) = (json!({ "routing": routing }), &bench, &path);
        async move { bench.call("PUT", path, Some(body)).await }
    };
    assert_eq!(update(json!({"pod_id": pod})).await.0, 200);
    assert_eq!(update(json!({"region_name": "Pod2"})).await.0, 400);
    assert_eq!(update(json!({"bottom_id": "x"})).await.0, 400);
    assert_eq!(update(json!({"state": "deleted"})).await.0, 400);

    assert_eq!(
        bench.call("DELETE", &path, None).await.0,
        409,
        "it is there"
    );
    let forced = format!("{path}?force=true");
    assert_eq!(bench.call("DELETE", &forced, None).await.0, 204);
    assert_eq!(bench.get(&path).await.0, 404);
    assert_eq!(bench.call("DELETE", &path, None).await.0, 404);
}

#[tokio::test]
async fn a_server_that_was_moved_by_hand_is_where_the_pod_has_it() {
    let (bench, [pod, other], server, project) = with_server().await;
    let mut row = routing("moved", &other, &project, RoutingState::Active);
    row.top_id = Some(server.clone());
    row.bottom_id = Some(server);
    bench.db.store.insert_routing(&row).await.unwrap();
    let body = json!({"routing": {"pod_id": pod}});
    let (status, shown) = bench.call("PUT", "/routings/moved", Some(body)).await;
    assert_eq!(status, 200, "{shown}");
    assert_eq!(shown["routing"]["region_name"], "Pod1");

    let gone = routing("gone", &other, &project, RoutingState::Active);
    bench.db.store.insert_routing(&gone).await.unwrap();
    assert_eq!(bench.call("DELETE", "/routings/gone", None).await.0, 204);
    let busy = routing("busy", &other, &project, RoutingState::Recovering);
    bench.db.store.insert_routing(&busy).await.unwrap();
    assert_eq!(bench.call("DELETE", "/routings/busy", None).await.0, 409);
}
