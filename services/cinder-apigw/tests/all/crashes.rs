//! Creates whose end nobody saw.

use serde_json::json;
use tricircle_db::models::RoutingState;
use tricircle_pod_sim::{Fault, Match, Service, Times};

use crate::world::World;

async fn create_with(fault: Fault) -> World {
    let world = World::start().await;
    let posts = Match::service(Service::Cinder)
        .method("POST")
        .path("/volumes$")
        .unwrap();
    world.pods[0].faults().inject(posts, fault, Times::N(1));
    let volume = json!({"name": "one", "size": 1, "availability_zone": "az1"});
    let answer = world.post("/volumes", json!({"volume": volume})).await;
    assert!(answer.status.is_server_error(), "{}", answer.body);
    let worker = world.start_worker();
    world.quiet().await;
    worker.abort();
    world
}

#[tokio::test]
async fn a_volume_whose_answer_was_lost_is_adopted() {
    let world = create_with(Fault::DropReplyAfterCommit).await;
    assert_eq!(world.volumes_in(0), ["one"]);
    let rows = world.rows().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].state, RoutingState::Active);
    let id = rows[0].top_id.clone().unwrap();
    let shown = world.get(&format!("/volumes/{id}")).await;
    assert_eq!(shown["volume"]["name"], "one");
}

#[tokio::test]
async fn a_create_that_never_reached_the_pod_is_given_up() {
    let world = create_with(Fault::ResetBefore).await;
    assert!(world.volumes_in(0).is_empty());
    let rows = world.rows().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].state, RoutingState::Failed);
}
