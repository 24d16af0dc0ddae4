//! Networks of two pods behind one router: each pod has its part of the router, and a
//! bridge network joins the parts.

use std::net::Ipv4Addr;

use crate::packets::Stage;
use crate::packets::machines::Machine;

/// A server on one network in one pod, a server on the other in the other: both ways, by
/// ping and TCP, with the source address kept, and over the bridge.
pub async fn two_networks_of_two_pods(stage: &Stage) {
    let demo = stage.world.demo().await;
    let group = stage.open_group(&demo, "routed").await;
    let world = &stage.world;
    let (left, left_subnet) = world
        .create_network_and_subnet(&demo, "left", "10.92.1.0/24")
        .await;
    let (right, right_subnet) = world
        .create_network_and_subnet(&demo, "right", "10.92.2.0/24")
        .await;
    let router = stage
        .router(&demo, "both", &[&left_subnet, &right_subnet])
        .await;
    let [one, two] = stage
        .machines(&demo, &group, [("one", 0, &left), ("two", 1, &right)])
        .await;

    both_ways(&one, &two).await;
    let hops = one.place.hops(two.address).await;
    let gateway = Ipv4Addr::new(10, 92, 1, 1);
    assert_eq!(
        hops.len(),
        3,
        "its gateway, the other pod's router, it: {hops:?}"
    );
    assert_eq!(hops[0], Some(gateway), "traffic leaves by the local router");
    assert_eq!(hops[2], Some(two.address));

    // One more server of a network in the pod of the other: the network is in both pods
    // now, and the ways to the servers that were there are still right.
    let [three] = stage.machines(&demo, &group, [("three", 1, &left)]).await;
    for (from, to) in [(&one, &three), (&two, &three), (&one, &two)] {
        both_ways(from, to).await;
    }

    // An interface goes, and the network behind it with it.
    stage.delete_machines(&demo, &[&two]).await;
    stage
        .delete_router(&demo, &router, &[&left_subnet, &right_subnet])
        .await;
    one.place.loses(gateway).await;
    one.place.reaches(three.address).await;
    stage.delete_machines(&demo, &[&one, &three]).await;
    for network in [&left, &right] {
        demo.delete_network(network).await;
    }
    stage.delete_groups(&demo, &[&group]).await;
}

/// The same when servers are there first: interfaces that are added later join their
/// networks, and one that is removed parts them again.
pub async fn interfaces_come_after_servers(stage: &Stage) {
    let demo = stage.world.demo().await;
    let group = stage.open_group(&demo, "later").await;
    let world = &stage.world;
    let (left, left_subnet) = world
        .create_network_and_subnet(&demo, "left", "10.92.3.0/24")
        .await;
    let (right, right_subnet) = world
        .create_network_and_subnet(&demo, "right", "10.92.4.0/24")
        .await;
    let [one, two, near] = stage
        .machines(
            &demo,
            &group,
            [("one", 0, &left), ("two", 1, &right), ("near", 1, &left)],
        )
        .await;
    one.place
        .hears_nothing_from(two.address, near.address)
        .await;

    let router = stage.router(&demo, "later", &[&left_subnet]).await;
    stage.interface(&demo, &router, &right_subnet).await;
    both_ways(&one, &two).await;
    both_ways(&near, &two).await;

    let path = format!("/routers/{router}/remove_router_interface");
    let body = serde_json::json!({ "subnet_id": right_subnet });
    demo.network.put(&path, body).await.expect(200);
    one.place.loses(two.address).await;
    near.place.loses(two.address).await;
    one.place.reaches(near.address).await;

    stage.delete_machines(&demo, &[&one, &two, &near]).await;
    stage.delete_router(&demo, &router, &[&left_subnet]).await;
    for network in [&left, &right] {
        demo.delete_network(network).await;
    }
    stage.delete_groups(&demo, &[&group]).await;
}

async fn both_ways(one: &Machine, two: &Machine) {
    for (from, to) in [(one, two), (two, one)] {
        from.place.reaches(to.address).await;
        let peer = from.place.transfer(&to.place, to.address).await;
        assert_eq!(peer, from.address, "nobody translates between networks");
    }
}
