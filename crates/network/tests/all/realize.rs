//! One network in two pods.

use serde_json::json;
use tricircle_db::models::RealizationKind;
use tricircle_jobs::JobState;
use tricircle_jobs::testing::run_to_the_end;
use tricircle_network::kinds::NETWORK_REMOVE;

use crate::world::{POD1, POD2, World, is_clean, only};

#[tokio::test]
async fn one_network_is_the_same_vlan_in_both_pods_with_a_gateway_in_each() {
    let world = World::new().await;
    let (network, subnet) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let first = world.server(&network.id, POD1, "i1").await.unwrap();
    let second = world.server(&network.id, POD2, "i2").await.unwrap();
    let (one, two) = (world.pod1.inventory(), world.pod2.inventory());
    let (net1, net2) = (only(&one.networks), only(&two.networks));
    assert_eq!(
        net1["provider:segmentation_id"],
        json!(network.segmentation_id)
    );
    for field in [
        "name",
        "project_id",
        "description",
        "provider:network_type",
        "provider:physical_network",
        "provider:segmentation_id",
    ] {
        assert_eq!(net1[field], net2[field], "{field}");
    }
    let (sub1, sub2) = (only(&one.subnets), only(&two.subnets));
    assert_eq!(sub1["gateway_ip"], "10.0.1.1");
    assert_ne!(sub2["gateway_ip"], sub1["gateway_ip"]);
    let taken = world.store().addresses_used(&subnet.id).await.unwrap();
    let taken: Vec<&str> = taken.iter().map(|a| a.ip_address.as_str()).collect();
    let infrastructure = world.config.tricircle.infrastructure_ports_per_subnet as usize;
    assert_eq!(taken.len(), 2 + 2 * infrastructure + 2, "{taken:?}");
    for sub in [&sub1, &sub2] {
        let gateway = sub["gateway_ip"].as_str().unwrap();
        assert!(taken.contains(&gateway));
        for pool in sub["allocation_pools"].as_array().unwrap() {
            let (start, end) = (pool["start"].as_str(), pool["end"].as_str());
            assert!(taken.contains(&start.unwrap()) && taken.contains(&end.unwrap()));
        }
    }
    let (port1, port2) = (only(&one.ports), only(&two.ports));
    assert_eq!(port1["id"], json!(first[0]));
    assert_eq!(port2["id"], json!(second[0]));
    assert_ne!(
        port1["fixed_ips"][0]["ip_address"],
        port2["fixed_ips"][0]["ip_address"]
    );
    assert_ne!(port1["mac_address"], port2["mac_address"]);

    let back = world.network.bottom_to_top(POD1, &first).await.unwrap();
    assert_eq!(back[&first[0]].0, RealizationKind::Port);
}

#[tokio::test]
async fn a_second_server_asks_a_pod_for_nothing_but_its_port() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    world.server(&network.id, POD1, "i1").await.unwrap();
    world.pod1.clear_journal();
    world.server(&network.id, POD1, "i2").await.unwrap();
    let calls: Vec<String> = world
        .pod1
        .journal()
        .into_iter()
        .map(|call| format!("{} {}", call.method, call.path))
        .collect();
    assert_eq!(calls, ["POST /v2.0/ports"]);
}

#[tokio::test]
async fn racing_processes_make_one_network_in_a_pod() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let mut racers = Vec::new();
    for n in 0..4 {
        let other = world.another_process().await;
        let who = world.actor("demo");
        let id = network.id.clone();
        racers.push(tokio::spawn(async move {
            crate::world::server_by(&other, &who, &id, POD1, &format!("i{n}")).await
        }));
    }
    for racer in racers {
        racer.await.unwrap().unwrap();
    }
    let found = world.pod1.inventory();
    assert_eq!(found.networks.len(), 1);
    assert_eq!(found.subnets.len(), 1);
    assert_eq!(found.ports.len(), 4);
    let rows = world
        .store()
        .realizations_of(RealizationKind::Network, &network.id)
        .await
        .unwrap();
    assert_eq!(rows[0].bottom_id.as_ref(), Some(&found.networks[0].id));
}

#[tokio::test]
async fn a_vlan_that_a_pod_uses_itself_is_named_and_leaves_nothing() {
    let world = World::with(|config| {
        config.tricircle.network_vlan_ranges = vec!["physnet1:1000:1000".parse().unwrap()];
    })
    .await;
    let token = world.cloud.token("admin", "admin").await.unwrap();
    let taken = json!({"network": {
        "name": "theirs", "provider:network_type": "vlan",
        "provider:physical_network": "physnet1", "provider:segmentation_id": 1000,
    }});
    let url = format!("{}/v2.0/networks", world.pod1.neutron_url());
    assert_eq!(crate::world::post(&url, &token, &taken).await, 201);
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let error = world.server(&network.id, POD1, "i1").await.unwrap_err();
    assert_eq!(error.status().0, 409);
    let text = error.to_string();
    for word in ["Pod1", "vlan 1000", "physnet1"] {
        assert!(text.contains(word), "{text}");
    }
    world.network.release("i1", POD1).await.unwrap();
    assert!(world.network.server_ports("i1").await.unwrap().is_empty());
    world
        .network
        .delete_network(&network.id, None, "")
        .await
        .unwrap();
    let kinds = world.network.job_kinds();
    let kind = kinds.get(NETWORK_REMOVE).unwrap();
    let end = run_to_the_end(world.store(), kind.as_ref()).await.unwrap();
    assert_eq!(end, JobState::Done);
    assert_eq!(
        world.pod1.inventory().networks.len(),
        1,
        "theirs is left alone"
    );
}

#[tokio::test]
async fn a_local_network_lives_in_the_first_pod_only() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("local", "10.0.1.0/24").await;
    world.server(&network.id, POD1, "i1").await.unwrap();
    let error = world.server(&network.id, POD2, "i2").await.unwrap_err();
    assert_eq!(error.compute_status(), 400);
    let text = error.to_string();
    assert!(text.contains("Pod1") && text.contains("Pod2"), "{text}");
    is_clean(&world.pod2.inventory());
    assert!(world.network.server_ports("i2").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_removed_behind_our_back_is_made_again() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    world.server(&network.id, POD1, "i1").await.unwrap();
    world.network.release("i1", POD1).await.unwrap();
    let gone = only(&world.pod1.inventory().networks)["id"].clone();
    let token = world.cloud.token("admin", "admin").await.unwrap();
    let url = format!(
        "{}/v2.0/networks/{}",
        world.pod1.neutron_url(),
        gone.as_str().unwrap()
    );
    assert_eq!(crate::world::delete(&url, &token).await, 204);
    world.server(&network.id, POD1, "i2").await.unwrap();
    assert_ne!(only(&world.pod1.inventory().networks)["id"], gone);
}
