//! What the compute gateway asks for.

use std::collections::BTreeSet;

use tricircle_db::models::{Port, PortView};
use tricircle_network::ipam::FixedIpWish;
use tricircle_network::{PortDraft, RequestedNetworks, RequestedNic};

use crate::world::{POD1, POD2, World, on};

async fn users_port(world: &World, network_id: &str) -> PortView {
    let draft = PortDraft {
        port: Port {
            network_id: network_id.to_owned(),
            project_id: world.cloud.project_id("demo"),
            name: "mine".to_owned(),
            ..Port::default()
        },
        ..PortDraft::default()
    };
    world
        .network
        .create_ports(&[draft])
        .await
        .unwrap()
        .remove(0)
}

fn with_port(id: &str) -> RequestedNetworks {
    RequestedNetworks::List(vec![RequestedNic {
        port: Some(id.to_owned()),
        ..RequestedNic::default()
    }])
}

#[tokio::test]
async fn a_users_port_survives_its_server_and_moves_to_another_pod() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let mine = users_port(&world, &network.id).await;
    let who = world.actor("demo");
    for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
        let plan = world
            .network
            .plan(&who, &with_port(&mine.port.id), &[])
            .await
            .unwrap();
        let ports = world.network.allocate(&plan, intent, "az1").await.unwrap();
        assert!(!ports[0].created_by_gateway);
        world.network.realize_ports(pod, &ports).await.unwrap();
        let again = world
            .network
            .plan(&who, &with_port(&mine.port.id), &[])
            .await;
        assert_eq!(again.unwrap_err().compute_status(), 409, "in use");
        let server = format!("server of {intent}");
        world
            .network
            .bind_ports(intent, &server, "compute:az1")
            .await
            .unwrap();
        let bound = world.network.server_ports(&server).await.unwrap();
        assert_eq!(bound[0].port.device_owner, "compute:az1");
        world.network.release(&server, pod).await.unwrap();
        world.network.release(&server, pod).await.unwrap();
        let free = world
            .store()
            .port_by_id(&mine.port.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(free.port.device_id, "");
        assert_eq!(free.fixed_ips, mine.fixed_ips, "its address is kept");
    }
    assert!(world.pod1.inventory().ports.is_empty());
    assert!(world.pod2.inventory().ports.is_empty());
}

#[tokio::test]
async fn addresses_are_given_once_and_used_up_ones_are_a_conflict() {
    let world = World::with(|config| config.tricircle.infrastructure_ports_per_subnet = 1).await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/29").await;
    let mut given = BTreeSet::new();
    // Five addresses beside the gateway; the pod keeps one.
    for n in 0..4 {
        let intent = format!("i{n}");
        world.server(&network.id, POD1, &intent).await.unwrap();
        let ports = world.network.server_ports(&intent).await.unwrap();
        assert!(given.insert(ports[0].fixed_ips[0].ip_address.clone()));
    }
    let error = world.server(&network.id, POD1, "i9").await.unwrap_err();
    assert_eq!(error.status(), (409, "IpAddressGenerationFailure"));
    assert!(world.network.server_ports("i9").await.unwrap().is_empty());
    world.network.release("i0", POD1).await.unwrap();
    world.server(&network.id, POD1, "i9").await.unwrap();
}

#[tokio::test]
async fn requests_are_refused_in_novas_codes() {
    let world = World::new().await;
    let (network, subnet) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let who = world.actor("demo");
    let other = world.actor("demo2");
    let nothing = uuid::Uuid::new_v4().to_string();
    let fixed = |address: &str| {
        RequestedNetworks::List(vec![RequestedNic {
            uuid: Some(network.id.clone()),
            fixed_ip: Some(address.to_owned()),
            ..RequestedNic::default()
        }])
    };
    for (who, requested, groups, code) in [
        (&who, on(&nothing), vec![], 400),
        (&other, on(&network.id), vec![], 400),
        (&who, with_port(&nothing), vec![], 400),
        (&who, on(&network.id), vec!["nosuch".to_owned()], 400),
        (&who, fixed("10.0.1.1"), vec![], 400), // the gateway's
        (&who, fixed("10.9.9.9"), vec![], 400),
        (&who, fixed("rubbish"), vec![], 400),
        (&other, RequestedNetworks::Auto, vec![], 400),
    ] {
        let error = world
            .network
            .plan(who, &requested, &groups)
            .await
            .unwrap_err();
        assert_eq!(error.compute_fault().0, code, "{requested:?}: {error}");
    }
    let absent = RequestedNetworks::Absent;
    let plan = world.network.plan(&other, &absent, &[]).await.unwrap();
    assert!(plan.is_none(), "a project without network gets no NIC");
    let plan = world.network.plan(&who, &absent, &[]).await.unwrap();
    assert_eq!(plan.nics.len(), 1, "its only network is meant");
    let plan = world
        .network
        .plan(&who, &fixed("10.0.1.77"), &[])
        .await
        .unwrap();
    world.network.allocate(&plan, "i1", "az1").await.unwrap();
    let ports = world.network.server_ports("i1").await.unwrap();
    assert_eq!(ports[0].fixed_ips[0].ip_address, "10.0.1.77");
    assert_eq!(ports[0].fixed_ips[0].subnet_id, subnet.id);
    world.network_with_subnet("vlan", "10.0.2.0/24").await;
    let two = world.network.plan(&who, &absent, &[]).await.unwrap_err();
    assert_eq!(two.compute_fault().0, 409);
}

#[tokio::test]
async fn a_port_may_change_its_addresses_and_keeps_those_named_again() {
    let world = World::new().await;
    let (network, subnet) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let mine = users_port(&world, &network.id).await;
    let kept = mine.fixed_ips[0].ip_address.parse().unwrap();
    let wish = |address: Option<std::net::IpAddr>| FixedIpWish {
        subnet_id: Some(subnet.id.clone()),
        ip_address: address,
    };
    let wishes = [wish(Some(kept)), wish(None)];
    let change = tricircle_db::models::PortChange::default();
    let changed = world
        .network
        .update_port(&mine.port.id, &change, Some(&wishes), None, None, "")
        .await
        .unwrap();
    assert_eq!(changed.fixed_ips.len(), 2);
    assert!(
        changed
            .fixed_ips
            .iter()
            .any(|ip| ip.ip_address == kept.to_string())
    );
    assert!(changed.port.revision_number > mine.port.revision_number);
}
