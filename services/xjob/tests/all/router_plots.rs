//! What happens before the jobs of routers, and how they are to end.

use serde_json::{Value, json};
use tricircle_db::models::*;
use tricircle_network::Actor;
use tricircle_network::drivers::Segment;
use tricircle_network::ipam::{Gateway, SubnetWish};
use tricircle_network::kinds::*;
use tricircle_network::routers::{
    FloatingIpDraft, GatewayUpdate, GatewayWish, InterfaceWish, TargetWish,
};

use crate::plots::{Wish, finish_ports, plots};
use crate::world::{PODS, World, pod_has, top_has};

plots! {
    /// A router that joins a subnet of each pod.
    Wanted of ROUTER_SYNC {
        prepare: |world| {
            let router = joining(world).await;
            finish_ports(world).await;
            (router.id, String::new())
        }
        check: |seen| {
            for pod in PODS {
                assert!(top_has(seen, &format!("wanted: router_setup in {pod}")), "{seen:#}");
            }
        }
    }

    /// A deleted router that is in no pod.
    Finished of ROUTER_SYNC {
        prepare: |world| {
            let router = router(world).await;
            world.network.delete_router(&router.id, None, "").await.unwrap();
            finish_ports(world).await;
            (router.id, String::new())
        }
        check: |seen| {
            assert!(!top_has(seen, "router "), "{seen:#}");
        }
    }

    /// The part of a router in the first pod, where nothing of it is yet.
    Joined of ROUTER_SETUP {
        prepare: |world| {
            let router = joining(world).await;
            finish_ports(world).await;
            (router.id, PODS[0].to_owned())
        }
        check: |seen| {
            assert!(pod_has(seen, 0, "router r1 routes: [{\"destination\":\"10.0.2.0/24\""), "{seen:#}");
            assert!(top_has(seen, "router in pod-1 present id: true"), "{seen:#}");
            assert!(!pod_has(seen, 1, "router "), "that is another job: {seen:#}");
        }
    }

    /// The part in the pod with the outside, for a floating IP of a server in the other.
    Floating of ROUTER_SETUP {
        prepare: |world| {
            let router = joining(world).await;
            outside(world, &router).await;
            finish_ports(world).await;
            (router.id, PODS[1].to_owned())
        }
        check: |seen| {
            assert!(pod_has(seen, 1, "floating IP  fixed_ip_address: \"10.0.1\""), "{seen:#}");
            assert!(pod_has(seen, 1, "router r1"), "{seen:#}");
            assert!(top_has(seen, "floating IP live ACTIVE"), "{seen:#}");
        }
    }

    /// A part of a router that was deleted.
    Removed of ROUTER_SETUP {
        prepare: |world| {
            let router = joining(world).await;
            world.setup(&router.id, PODS[0]).await;
            let who = actor(world);
            for view in world.test.store.ports(&PortFilter::default()).await.unwrap() {
                if view.port.device_owner == ROUTER_INTERFACE {
                    let wish = InterfaceWish::Port(view.port.id, None);
                    let gone = world.network.remove_interface(&who, &router.id, &wish);
                    gone.await.unwrap();
                }
            }
            world.network.delete_router(&router.id, None, "").await.unwrap();
            finish_ports(world).await;
            (router.id, PODS[0].to_owned())
        }
        check: |seen| {
            assert!(!pod_has(seen, 0, "router "), "{seen:#}");
            assert!(!top_has(seen, "router"), "{seen:#}");
            assert!(!top_has(seen, "bridge_port"), "{seen:#}");
            assert!(!top_has(seen, "address router"), "{seen:#}");
        }
    }
}

fn actor(world: &World) -> Actor {
    Actor {
        project_id: world.project(),
        ..Actor::default()
    }
}

async fn router(world: &World) -> Router {
    let draft = Router {
        project_id: world.project(),
        name: "r1".to_owned(),
        ..Router::default()
    };
    let made = world.network.create_router(&draft, None, "").await;
    made.unwrap().router
}

/// A router with interfaces on two subnets, one with a server in each pod.
async fn joining(world: &World) -> Router {
    let router = router(world).await;
    let who = actor(world);
    for (n, device) in ["i1", "i2"].into_iter().enumerate() {
        let cidr = format!("10.0.{}.0/24", n + 1);
        let (network, subnet) = world.network_of(&format!("net{n}"), &cidr).await;
        world.ports_for(device, n, &network, &[], &[]).await;
        let wish = InterfaceWish::Subnet(subnet.id);
        let added = world.network.add_interface(&who, &router.id, &wish);
        added.await.unwrap();
    }
    router
}

/// An external network in the second pod, the router's gateway there, and a floating IP
/// for the server in the first pod.
async fn outside(world: &World, router: &Router) {
    let draft = Network {
        project_id: world.project(),
        name: "outside".to_owned(),
        router_external: true,
        availability_zone_hints: json!(["Pod2"]).to_string(),
        ..Network::default()
    };
    let segment = Segment {
        network_type: "flat".to_owned(),
        physical_network: Some("extern".to_owned()),
        segmentation_id: None,
    };
    let made = world.network.create_network(&draft, Some(&segment)).await;
    let network_id = made.unwrap().network.id;
    let draft = Subnet {
        network_id: network_id.clone(),
        project_id: world.project(),
        ..Subnet::default()
    };
    let wish = SubnetWish {
        ip_version: 4,
        cidr: "203.0.113.0/24".to_owned(),
        gateway: Gateway::At("203.0.113.1".parse().unwrap()),
        ..SubnetWish::default()
    };
    world.network.create_subnet(&draft, &wish).await.unwrap();
    let gateway = GatewayUpdate::Set(GatewayWish {
        network_id: network_id.clone(),
        ..GatewayWish::default()
    });
    let change = RouterChange::default();
    let changed = world
        .network
        .update_router(&router.id, &change, &gateway, None, "");
    changed.await.unwrap();
    let port = world.network.server_ports("i1").await.unwrap().remove(0);
    let draft = FloatingIpDraft {
        floating: FloatingIp {
            project_id: world.project(),
            floating_network_id: network_id,
            ..FloatingIp::default()
        },
        target: TargetWish {
            port_id: Some(port.port.id),
            fixed_ip_address: None,
        },
        ..FloatingIpDraft::default()
    };
    let who = actor(world);
    let made = world.network.create_floating_ip(&who, &draft);
    made.await.unwrap();
}
