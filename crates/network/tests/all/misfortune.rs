//! Pods that lose answers, are slow to say no, or are away.

use std::time::{Duration, Instant};

use serde_json::json;
use tricircle_db::models::{NetworkFilter, Realization, RealizationKind, RealizationState};
use tricircle_jobs::testing::run_to_the_end;
use tricircle_network::kinds::NETWORK_REMOVE;
use tricircle_pod_sim::{Fault, Match, Service, Times};

use crate::world::{POD1, World, is_clean};

fn creates_of(collection: &str) -> Match {
    Match::service(Service::Neutron)
        .method("POST")
        .path(&format!("/{collection}$"))
        .unwrap()
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_found_and_not_repeated() {
    for collection in ["networks", "subnets", "ports", "security-groups"] {
        let world = World::new().await;
        let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
        let project = world.cloud.project_id("demo");
        let group = tricircle_db::models::SecurityGroup::new(&project, "web", "");
        world
            .store()
            .security_group_create(&group, &[], -1)
            .await
            .unwrap();
        world.pod1.faults().inject(
            creates_of(collection),
            Fault::DropReplyAfterCommit,
            Times::N(1),
        );
        let who = world.actor("demo");
        let on = crate::world::on(&network.id);
        let plan = world
            .network
            .plan(&who, &on, &["web".to_owned()])
            .await
            .unwrap();
        let ports = world.network.allocate(&plan, "i1", "az1").await.unwrap();
        let made = world.network.realize_ports(POD1, &ports).await.unwrap();
        let found = world.pod1.inventory();
        assert_eq!(world.pod1.faults().played(), 1, "{collection}");
        assert_eq!(found.networks.len(), 1, "{collection}");
        assert_eq!(found.subnets.len(), 1, "{collection}");
        assert_eq!(found.ports.len(), 1, "{collection}");
        assert_eq!(found.ports[0].id, made[0].bottom_id);
        let named = found.security_groups.iter().filter(|g| g.name == "web");
        assert_eq!(named.count(), 1, "{collection}");
    }
}

#[tokio::test]
async fn a_create_that_failed_half_way_leaves_nothing_after_its_release() {
    for collection in ["networks", "subnets", "ports"] {
        let world = impatient().await;
        let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
        let refused =
            serde_json::json!({"NeutronError": {"type": "X", "message": "no", "detail": ""}});
        world.pod1.faults().inject(
            creates_of(collection),
            Fault::Status(503, refused),
            Times::Always,
        );
        world.server(&network.id, POD1, "i1").await.unwrap_err();
        world.pod1.faults().clear();
        world.network.release_abandoned("i1", POD1).await.unwrap();
        assert!(world.pod1.inventory().ports.is_empty());
        assert!(world.network.server_ports("i1").await.unwrap().is_empty());
        world
            .network
            .delete_network(&network.id, None, "")
            .await
            .unwrap();
        network_is_removed(&world).await;
        crate::jobs::finish_all(&world).await;
        is_clean(&world.pod1.inventory());
        let all = NetworkFilter {
            deleting_too: true,
            ..NetworkFilter::default()
        };
        assert!(world.store().networks(&all).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_address_stays_taken_while_its_pod_is_away() {
    let world = World::new().await;
    let (network, subnet) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    world.server(&network.id, POD1, "i1").await.unwrap();
    let before = world
        .store()
        .addresses_used(&subnet.id)
        .await
        .unwrap()
        .len();
    world.pod1.stop().await;
    let error = world.network.release("i1", POD1).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let after = world
        .store()
        .addresses_used(&subnet.id)
        .await
        .unwrap()
        .len();
    assert_eq!(after, before);
    assert!(
        world.network.server_ports("i1").await.unwrap().is_empty(),
        "users no longer see it"
    );
    world.pod1.start().await.unwrap();
    world.network.release("i1", POD1).await.unwrap();
    let freed = world
        .store()
        .addresses_used(&subnet.id)
        .await
        .unwrap()
        .len();
    assert_eq!(freed, before - 1);
    assert!(world.pod1.inventory().ports.is_empty());
    let rows = world.store().realizations(None, None).await.unwrap();
    assert!(!rows.iter().any(|row| row.kind == RealizationKind::Port));
}

/// A world in which a call to a pod may not take long, so that a removal need not wait long
/// for calls that are under way.
async fn impatient() -> World {
    World::with(|config| config.client.request_timeout = Duration::from_secs(2)).await
}

/// Runs the removal of a network until it has come to its end.
async fn network_is_removed(world: &World) {
    let kinds = world.network.job_kinds();
    let kind = kinds.get(NETWORK_REMOVE).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(why) = run_to_the_end(world.store(), kind.as_ref()).await {
        assert!(Instant::now() < deadline, "{why}");
    }
}

#[tokio::test]
async fn what_a_pod_makes_late_is_removed_though_its_maker_died() {
    let world = impatient().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let kind = RealizationKind::Network;
    let intent = Realization::intent(kind, &network.id, POD1, &network.project_id);
    world.store().realization_claim(&intent).await.unwrap();
    world
        .network
        .delete_network(&network.id, None, "")
        .await
        .unwrap();
    let kinds = world.network.job_kinds();
    let removal = kinds.get(NETWORK_REMOVE).unwrap();
    run_to_the_end(world.store(), removal.as_ref())
        .await
        .unwrap_err();
    let row = world
        .store()
        .realization_find(kind, &network.id, POD1)
        .await
        .unwrap();
    assert_eq!(row.unwrap().state, RealizationState::Deleting);

    // The call of somebody who died meanwhile takes effect.
    let token = world.cloud.token("admin", "admin").await.unwrap();
    let url = format!("{}/v2.0/networks", world.pod1.neutron_url());
    let body = json!({"network": {
        "name": "late", "description": format!("tricircle:{}", network.id),
    }});
    assert_eq!(crate::world::post(&url, &token, &body).await, 201);
    network_is_removed(&world).await;
    is_clean(&world.pod1.inventory());
    let rows = world.store().realizations_of(kind, &network.id).await;
    assert_eq!(rows.unwrap(), []);
}

#[tokio::test]
async fn a_refused_create_leaves_neither_row_nor_job_nor_address() {
    let world = World::new().await;
    let (network, subnet) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let before = world.store().addresses_used(&subnet.id).await.unwrap();
    let refused = json!({"NeutronError": {"type": "X", "message": "no", "detail": ""}});
    world.pod1.faults().inject(
        creates_of("subnets"),
        Fault::Status(400, refused),
        Times::Always,
    );
    world.server(&network.id, POD1, "i1").await.unwrap_err();
    world.network.release("i1", POD1).await.unwrap();
    let kind = RealizationKind::Subnet;
    let rows = world.store().realizations_of(kind, &subnet.id).await;
    assert_eq!(rows.unwrap(), []);
    let after = world.store().addresses_used(&subnet.id).await.unwrap();
    assert_eq!(after, before);
    crate::jobs::finish_all(&world).await;
}
