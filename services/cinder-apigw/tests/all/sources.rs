//! What is made from a volume is where the volume is.

use reqwest::Method;
use serde_json::json;

use crate::volumes::wait_available;
use crate::world::World;

#[tokio::test]
async fn snapshots_and_their_volumes_stay_in_the_pod() {
    let world = World::start().await;
    let id = world.volume("two", "az2").await;
    wait_available(&world, &format!("/volumes/{id}")).await;
    let body = json!({"snapshot": {"volume_id": id, "name": "s"}});
    let made = world.post("/snapshots", body).await;
    assert_eq!(made.status, 202, "{}", made.body);
    let snapshot = made.body["snapshot"]["id"].as_str().unwrap();
    assert_eq!(world.pods[1].inventory().snapshots.len(), 1);
    world.get(&format!("/snapshots/{snapshot}")).await;
    assert_eq!(
        world.get("/snapshots").await["snapshots"][0]["id"],
        json!(snapshot)
    );
    let from = |zone: Option<&str>| {
        let mut volume = json!({"snapshot_id": snapshot, "name": "from"});
        if let Some(zone) = zone {
            volume["availability_zone"] = json!(zone);
        }
        json!({"volume": volume})
    };
    let elsewhere = world.post("/volumes", from(Some("az1"))).await;
    assert_eq!(elsewhere.status, 400, "{}", elsewhere.body);
    let available = async {
        while world.get(&format!("/snapshots/{snapshot}")).await["snapshot"]["status"]
            != "available"
        {}
    };
    tokio::time::timeout(crate::world::PATIENCE, available)
        .await
        .unwrap();
    let here = world.post("/volumes", from(None)).await;
    assert_eq!(here.status, 202, "{}", here.body);
    assert!(world.volumes_in(0).is_empty());
    assert_eq!(world.volumes_in(1).len(), 2);
}

#[tokio::test]
async fn a_type_is_found_in_whichever_pod_has_it() {
    let world = World::start().await;
    let types = world.get("/types").await;
    let id = types["volume_types"][0]["id"].as_str().unwrap();
    let shown = world.get(&format!("/types/{id}")).await;
    assert_eq!(shown["volume_type"]["id"], json!(id));
    for zone in ["az1", "az2"] {
        let volume = json!({"size": 1, "availability_zone": zone, "volume_type": id});
        let made = world.post("/volumes", json!({"volume": volume})).await;
        assert_eq!(made.status, 202, "{zone}: {}", made.body);
    }
    let nobody = "/types/11111111-1111-1111-1111-111111111111";
    assert_eq!(world.call(Method::GET, nobody, None).await.status, 404);
}
