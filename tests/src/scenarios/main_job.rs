//! The main job: one network, two servers in two pods on it, a volume attached to one.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::http::{list, string};
use crate::identity::Region;
use crate::resources::LIMIT;
use crate::wait::until;
use crate::world::World;

/// Servers of two zones share a network, a list and nothing else; all of it goes again
/// and nothing is left anywhere.
pub async fn servers_of_two_pods_on_one_network(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net1", "10.0.1.0/24")
        .await;
    let mut servers = Vec::new();
    for (place, name) in ["vm1", "vm2"].into_iter().enumerate() {
        let zone = world.zone(place);
        servers.push(world.create_server(&demo, name, zone, &network).await);
    }
    for id in &servers {
        demo.wait_server(id, "ACTIVE").await;
    }

    both_in_one_list(world, &demo, &servers).await;
    each_in_its_own_pod(world, &servers).await;
    one_vlan_everywhere(world, &network).await;
    a_volume_comes_and_goes(world, &demo, &servers[0]).await;

    for id in &servers {
        demo.delete_server(id).await;
    }
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// All addresses that a server shows, by network name.
pub fn addresses(server: &Value) -> Vec<(String, Ipv4Addr)> {
    let networks = server["addresses"].as_object().unwrap();
    networks
        .iter()
        .flat_map(|(name, addresses)| {
            list(addresses, "")
                .iter()
                .map(|address| (name.clone(), string(address, "/addr").parse().unwrap()))
        })
        .collect()
}

async fn both_in_one_list(world: &World, demo: &Region, servers: &[String]) {
    let body = demo.compute.get("/servers/detail").await.expect(200);
    let listed: Vec<_> = list(&body, "/servers")
        .iter()
        .filter(|server| servers.contains(&string(server, "/id")))
        .collect();
    assert_eq!(listed.len(), servers.len(), "{body}");
    let mut seen = BTreeSet::new();
    for server in listed {
        assert_eq!(server["status"], "ACTIVE");
        let found = addresses(server);
        assert_eq!(found.len(), 1, "{server}");
        let (name, address) = &found[0];
        assert_eq!(
            *name,
            world.name("net1"),
            "addresses go by the network's name"
        );
        assert_eq!(address.octets()[..3], [10, 0, 1]);
        assert!(seen.insert(*address), "{address} was given twice");
    }
    let mut zones = BTreeSet::new();
    for server in servers {
        let server = demo.server(server).await;
        zones.insert(server.string("/server/OS-EXT-AZ:availability_zone"));
    }
    let expected: BTreeSet<_> = world.pods.iter().map(|pod| pod.zone.clone()).collect();
    assert_eq!(zones, expected, "zones as users know them");
}

async fn each_in_its_own_pod(world: &World, servers: &[String]) {
    for place in 0..world.pods.len() {
        let pod = world.pod(place, "admin", "admin").await;
        for (own, id) in servers.iter().enumerate() {
            let expected = if own == place { 200 } else { 404 };
            pod.server(id).await.expect(expected);
        }
    }
}

/// The network is the same VLAN in every pod, and there is one of it in each.
async fn one_vlan_everywhere(world: &World, network: &str) {
    let admin = world.admin().await;
    let path = format!("/networks/{network}");
    let body = admin.network.get(&path).await.expect(200);
    let shown = &body["network"];
    assert_eq!(shown["provider:network_type"], "vlan", "{shown}");
    for place in 0..world.pods.len() {
        let pod = world.pod(place, "admin", "admin").await;
        let path = format!("/networks?description=tricircle:{network}");
        let body = pod.network.get(&path).await.expect(200);
        let made = list(&body, "/networks");
        assert_eq!(made.len(), 1, "{}: {body}", pod.name);
        for key in [
            "name",
            "provider:network_type",
            "provider:physical_network",
            "provider:segmentation_id",
        ] {
            assert_eq!(made[0][key], shown[key], "{} {key}", pod.name);
        }
    }
}

async fn a_volume_comes_and_goes(world: &World, demo: &Region, server: &str) {
    let volume = world.create_volume(demo, "vol1", world.zone(0)).await;
    let attachments = format!("/servers/{server}/os-volume_attachments");
    let body = json!({"volumeAttachment": {"volumeId": volume}});
    demo.compute.post(&attachments, body).await.expect(200);
    let attached = demo.wait_volume(&volume, "in-use").await;
    assert_eq!(attached["attachments"][0]["server_id"], *server);
    let listed = demo.compute.get(&attachments).await.expect(200);
    assert_eq!(listed["volumeAttachments"][0]["volumeId"], *volume);

    let attachment = format!("{attachments}/{volume}");
    demo.compute.delete(&attachment).await.expect(202);
    demo.wait_volume(&volume, "available").await;
    until(LIMIT, "the attachment is gone", || async {
        let answer = demo.compute.get(&attachment).await;
        match answer.status {
            404 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
    demo.delete_volume(&volume).await;
}
