//! Pods that lose answers, are slow to say no, or are away.

use tricircle_db::models::{NetworkFilter, RealizationKind};
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
        let world = World::new().await;
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
        world.network.release("i1", POD1).await.unwrap();
        assert!(world.pod1.inventory().ports.is_empty());
        assert!(world.network.server_ports("i1").await.unwrap().is_empty());
        world
            .network
            .delete_network(&network.id, None, "")
            .await
            .unwrap();
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
