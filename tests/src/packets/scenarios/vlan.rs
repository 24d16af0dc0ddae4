//! One network in two pods: a VLAN that reaches from one to the other, and nobody else.

use std::net::Ipv4Addr;

use serde_json::json;

use crate::identity::Region;
use crate::packets::Stage;
use crate::packets::machines::ingress;

/// Servers of two zones reach each other, both ways and by TCP, as long as their group
/// lets them. A server on another network with the same prefix does not.
pub async fn servers_of_two_pods_reach_each_other(stage: &Stage) {
    let demo = stage.world.demo().await;
    let group = stage.group(&demo, "vlan", &[ingress("tcp")]).await;
    let ping = stage.rule(&demo, &group, ingress("icmp")).await;
    let network = network_from(stage, &demo, "shared", 10).await;
    let other = network_from(stage, &demo, "other", 200).await;
    let [first, second, stranger, neighbour] = stage
        .machines(
            &demo,
            &group,
            [
                ("first", 0, &network),
                ("second", 1, &network),
                ("stranger", 1, &other),
                ("neighbour", 0, &other),
            ],
        )
        .await;

    first.place.reaches(second.address).await;
    second.place.reaches(first.address).await;
    for (from, to) in [(&first, &second), (&second, &first)] {
        let peer = from.place.transfer(&to.place, to.address).await;
        assert_eq!(peer, from.address, "nobody translates within a network");
    }
    // The prefix is the same, so what a stranger looks for is on its own link.
    stranger
        .place
        .hears_nothing_from(first.address, neighbour.address)
        .await;
    first.place.reaches(second.address).await;

    // A rule goes, and comes back, in both pods; what another rule allows goes on.
    let path = format!("/security-group-rules/{ping}");
    demo.network.delete(&path).await.expect(204);
    for (from, to) in [(&first, &second), (&second, &first)] {
        from.place.loses(to.address).await;
        from.place.transfer(&to.place, to.address).await;
        assert!(from.place.ping(to.address).await.all_lost());
    }
    stage.rule(&demo, &group, ingress("icmp")).await;
    first.place.reaches(second.address).await;
    second.place.reaches(first.address).await;

    let all = [&first, &second, &stranger, &neighbour];
    stage.delete_machines(&demo, &all).await;
    for network in [&network, &other] {
        demo.delete_network(network).await;
    }
    stage.delete_groups(&demo, &[&group]).await;
}

/// A network whose servers get addresses from this one on; its id.
async fn network_from(stage: &Stage, user: &Region, name: &str, first: u8) -> String {
    let network = stage.world.create_network(user, name).await;
    let pool = json!([{
        "start": format!("10.91.1.{first}"),
        "end": format!("10.91.1.{}", first + 20),
    }]);
    let further = json!({ "allocation_pools": pool });
    user.create_subnet(&network, "10.91.1.0/24", further).await;
    network
}

/// The DHCP server of each pod offers its own servers the addresses that the top gave
/// them, though both hear every request on the one VLAN.
pub async fn each_pod_serves_its_own_servers(stage: &Stage) {
    let demo = stage.world.demo().await;
    let group = stage.open_group(&demo, "dhcp").await;
    let (network, subnet) = stage
        .world
        .create_network_and_subnet(&demo, "dhcp", "10.91.2.0/24")
        .await;
    let machines = stage
        .machines(
            &demo,
            &group,
            [("first", 0, &network), ("second", 1, &network)],
        )
        .await;
    let mut servers = Vec::new();
    for machine in &machines {
        let offer = machine.place.dhcp_offer(&machine.mac).await;
        assert_eq!(offer.address, machine.address, "{offer:?}");
        let of_pod = stage.bottom(machine.pod, "subnets", &subnet).await;
        let gateway: Option<Ipv4Addr> = of_pod[0]["gateway_ip"]
            .as_str()
            .map(|gateway| gateway.parse().unwrap());
        assert!(gateway.is_some(), "{of_pod:?}");
        assert_eq!(offer.router, gateway, "each pod's own gateway");
        servers.push((offer.server, gateway));
    }
    assert_ne!(servers[0].0, servers[1].0, "two servers, two addresses");
    assert_ne!(servers[0].1, servers[1].1, "two routers, two addresses");
    stage
        .delete_machines(&demo, &machines.iter().collect::<Vec<_>>())
        .await;
    demo.delete_network(&network).await;
    stage.delete_groups(&demo, &[&group]).await;
}
