//! North and south: servers of both pods and the outside, over an external network that
//! only one of the pods has.

use crate::packets::Stage;
use crate::packets::machines::Machine;
use crate::packets::routers::{BEHIND, OUTSIDE};

/// The place of the pod that has the external network, and of the one that has not.
const EXTERNAL: usize = 1;
const OTHER: usize = 0;

/// Servers of both pods reach the outside, which sees the router's own address; floating
/// IPs of both are reached from there, and follow when they are moved or taken away.
pub async fn snat_and_floating_ips(stage: &Stage) {
    let demo = stage.world.demo().await;
    let admin = stage.world.admin().await;
    let group = stage.open_group(&demo, "outside").await;
    let world = &stage.world;
    let (left, left_subnet) = world
        .create_network_and_subnet(&demo, "left", "10.93.1.0/24")
        .await;
    let (right, right_subnet) = world
        .create_network_and_subnet(&demo, "right", "10.93.2.0/24")
        .await;
    let external = stage.external_network(&admin, EXTERNAL).await;
    let subnets = [left_subnet.as_str(), right_subnet.as_str()];
    let router = stage.router(&demo, "outside", &subnets).await;
    let gateway = stage.set_gateway(&demo, &router, &external).await;
    let [far, near] = stage
        .machines(
            &demo,
            &group,
            [("far", OTHER, &left), ("near", EXTERNAL, &right)],
        )
        .await;

    let outside = stage.inside.outside();
    outside.reaches(gateway).await;
    for machine in [&near, &far] {
        machine.place.reaches(OUTSIDE).await;
        machine.place.reaches(BEHIND).await;
        let seen = machine.place.transfer(&outside, BEHIND).await;
        assert_eq!(seen, gateway, "the outside sees the router: {machine:?}");
    }
    // What is translated to the outside is not between the pods.
    far.place.reaches(near.address).await;
    let seen = far.place.transfer(&near.place, near.address).await;
    assert_eq!(seen, far.address);

    let of_near = stage.floating_ip(&demo, &external, &near.port).await;
    floats(stage, &near, of_near.address).await;
    stage.wait_floating(&demo, &of_near, "ACTIVE").await;
    let of_far = stage.floating_ip(&demo, &external, &far.port).await;
    floats(stage, &far, of_far.address).await;
    stage.wait_floating(&demo, &of_far, "ACTIVE").await;
    for (machine, floating) in [(&near, &of_near), (&far, &of_far)] {
        stage
            .wait_shown_floating(&demo, &machine.id, &[floating.address])
            .await;
    }

    // Taken away, it is silent, and its server is behind the router again.
    stage.associate(&demo, &of_near, None).await;
    outside.loses(of_near.address).await;
    outside
        .hears_nothing_from(of_near.address, of_far.address)
        .await;
    stage.wait_shown_floating(&demo, &near.id, &[]).await;
    near.place.reaches(BEHIND).await;
    assert_eq!(near.place.transfer(&outside, BEHIND).await, gateway);
    // Moved to the other pod's server and back, it leads there.
    stage.delete_floating(&demo, &of_far).await;
    outside.loses(of_far.address).await;
    stage.associate(&demo, &of_near, Some(&far.port)).await;
    floats(stage, &far, of_near.address).await;
    stage.associate(&demo, &of_near, Some(&near.port)).await;
    floats(stage, &near, of_near.address).await;
    assert_eq!(far.place.transfer(&outside, BEHIND).await, gateway);

    stage.delete_floating(&demo, &of_near).await;
    outside.loses(of_near.address).await;
    outside.reaches(gateway).await;
    stage.delete_machines(&demo, &[&far, &near]).await;
    stage.delete_router(&demo, &router, &subnets).await;
    outside.loses(gateway).await;
    for network in [&left, &right] {
        demo.delete_network(network).await;
    }
    admin.delete_network(&external).await;
    stage.delete_groups(&demo, &[&group]).await;
}

/// A floating IP is the server's: the outside reaches it there, the server sees who
/// calls, and calls by that address itself.
async fn floats(stage: &Stage, machine: &Machine, floating: std::net::Ipv4Addr) {
    let outside = stage.inside.outside();
    let seen = outside.arrives(&machine.place, floating).await;
    assert_eq!(seen, OUTSIDE, "the server sees who calls: {machine:?}");
    outside.reaches(floating).await;
    machine.place.reaches(BEHIND).await;
    let seen = machine.place.transfer(&outside, BEHIND).await;
    assert_eq!(seen, floating, "it calls by its floating IP: {machine:?}");
}
