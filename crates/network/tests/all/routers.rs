//! One router in two pods.

use serde_json::{Value, json};
use tricircle_db::models::{
    FloatingIp, Network as NetworkRow, RealizationKind, Router, RouterChange, Subnet,
};
use tricircle_network::drivers::Segment;
use tricircle_network::ipam::{Gateway, SubnetWish};
use tricircle_network::routers::{
    FloatingIpDraft, GatewayUpdate, GatewayWish, InterfaceWish, TargetWish,
};
use tricircle_pod_sim::SimPod;

use crate::jobs::finish_all;
use crate::world::{POD1, POD2, World, is_clean};

/// Two networks with a server each, in two pods.
struct Pair {
    world: World,
    subnets: [Subnet; 2],
    networks: [NetworkRow; 2],
    router: Router,
}

impl Pair {
    async fn new() -> Self {
        let world = World::new().await;
        let (net1, sub1) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
        let (net2, sub2) = world.network_with_subnet("vlan", "10.0.2.0/24").await;
        let draft = Router {
            project_id: world.cloud.project_id("demo"),
            name: "r1".to_owned(),
            ..Router::default()
        };
        let made = world.network.create_router(&draft, None, "").await;
        Self {
            router: made.unwrap().router,
            subnets: [sub1, sub2],
            networks: [net1, net2],
            world,
        }
    }

    async fn join(&self) {
        for subnet in &self.subnets {
            let wish = InterfaceWish::Subnet(subnet.id.clone());
            let added = self
                .world
                .network
                .add_interface(&self.world.actor("demo"), &self.router.id, &wish)
                .await;
            added.unwrap();
        }
    }

    async fn servers(&self) {
        for (network, (pod, intent)) in self.networks.iter().zip([(POD1, "i1"), (POD2, "i2")]) {
            self.world.server(&network.id, pod, intent).await.unwrap();
        }
    }

    /// An external network that is in the second pod.
    async fn external(&self) -> NetworkRow {
        let network = &self.world.network;
        let draft = NetworkRow {
            project_id: self.world.cloud.project_id("admin"),
            name: "outside".to_owned(),
            router_external: true,
            availability_zone_hints: json!(["az2"]).to_string(),
            ..NetworkRow::default()
        };
        let segment = Segment {
            network_type: "flat".to_owned(),
            physical_network: Some("extern".to_owned()),
            segmentation_id: None,
        };
        let view = network
            .create_network(&draft, Some(&segment))
            .await
            .unwrap();
        let draft = Subnet {
            network_id: view.network.id.clone(),
            project_id: draft.project_id.clone(),
            ..Subnet::default()
        };
        let wish = SubnetWish {
            ip_version: 4,
            cidr: "203.0.113.0/24".to_owned(),
            gateway: Gateway::At("203.0.113.1".parse().unwrap()),
            ..SubnetWish::default()
        };
        network.create_subnet(&draft, &wish).await.unwrap();
        view.network
    }

    async fn gateway(&self, external: &NetworkRow) -> String {
        let wish = GatewayWish {
            network_id: external.id.clone(),
            ..GatewayWish::default()
        };
        let changed = self
            .world
            .network
            .update_router(
                &self.router.id,
                &RouterChange::default(),
                &GatewayUpdate::Set(wish),
                None,
                "",
            )
            .await;
        let port = changed.unwrap().gateway.unwrap();
        port.fixed_ips[0].ip_address.clone()
    }
}

fn routers(pod: &SimPod) -> Vec<Value> {
    let inventory = pod.inventory();
    inventory
        .routers
        .iter()
        .map(|item| item.detail.clone())
        .collect()
}

/// Destinations and next hops of a pod's only router.
fn routes(pod: &SimPod) -> Vec<(String, String)> {
    let routers = routers(pod);
    assert_eq!(routers.len(), 1, "{routers:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut routes: Vec<_> = routers[0]["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| (text(&route["destination"]), text(&route["nexthop"])))
        .collect();
    routes.sort();
    routes
}

/// Addresses of a pod's ports of this owner.
fn addresses(pod: &SimPod, owner: &str) -> Vec<String> {
    let mut found: Vec<String> = pod
        .inventory()
        .ports
        .iter()
        .filter(|port| port.detail["device_owner"] == owner)
        .map(|port| {
            port.detail["fixed_ips"][0]["ip_address"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    found.sort();
    found
}

const INTERFACE: &str = "network:router_interface";

#[tokio::test]
async fn two_networks_in_two_pods_are_joined_whatever_comes_first() {
    for servers_first in [true, false] {
        let pair = Pair::new().await;
        if servers_first {
            pair.servers().await;
            pair.join().await;
        } else {
            pair.join().await;
            finish_all(&pair.world).await;
            assert!(routers(&pair.world.pod1).is_empty(), "it joins nothing yet");
            pair.servers().await;
        }
        finish_all(&pair.world).await;
        let (pod1, pod2) = (&pair.world.pod1, &pair.world.pod2);
        let (one, two) = (addresses(pod1, INTERFACE), addresses(pod2, INTERFACE));
        assert_eq!((one[0].as_str(), two[0].as_str()), ("10.0.1.1", "10.0.2.1"));
        assert_eq!((one.len(), two.len()), (2, 2));
        assert!(one[1].starts_with("100.64.0.") && two[1].starts_with("100.64.0."));
        assert_ne!(one[1], two[1]);
        assert_eq!(routes(pod1), [("10.0.2.0/24".to_owned(), two[1].clone())]);
        assert_eq!(routes(pod2), [("10.0.1.0/24".to_owned(), one[1].clone())]);
    }
}

#[tokio::test]
async fn a_router_in_order_costs_no_call() {
    let pair = Pair::new().await;
    pair.servers().await;
    pair.join().await;
    finish_all(&pair.world).await;
    pair.world.pod1.clear_journal();
    pair.world
        .server(&pair.networks[0].id, POD1, "i3")
        .await
        .unwrap();
    finish_all(&pair.world).await;
    let calls: Vec<String> = pair
        .world
        .pod1
        .journal()
        .into_iter()
        .map(|call| format!("{} {}", call.method, call.path))
        // The groups of the new port are another job's business.
        .filter(|call| !call.contains("/address-groups/"))
        .collect();
    assert_eq!(calls, ["POST /v2.0/ports"]);
}

#[tokio::test]
async fn a_deleted_router_leaves_nothing() {
    let pair = Pair::new().await;
    pair.servers().await;
    pair.join().await;
    let external = pair.external().await;
    pair.gateway(&external).await;
    finish_all(&pair.world).await;
    let network = &pair.world.network;
    let who = pair.world.actor("demo");
    for subnet in &pair.subnets {
        let wish = InterfaceWish::Subnet(subnet.id.clone());
        network
            .remove_interface(&who, &pair.router.id, &wish)
            .await
            .unwrap();
    }
    network
        .delete_router(&pair.router.id, None, "")
        .await
        .unwrap();
    finish_all(&pair.world).await;
    let store = pair.world.store();
    assert_eq!(store.router_by_id(&pair.router.id).await.unwrap(), None);
    for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
        network.release(intent, pod).await.unwrap();
    }
    for row in pair.networks.iter().chain([&external]) {
        network.delete_network(&row.id, None, "").await.unwrap();
    }
    finish_all(&pair.world).await;
    is_clean(&pair.world.pod1.inventory());
    is_clean(&pair.world.pod2.inventory());
    let left = store.realizations(None, None).await.unwrap();
    assert!(
        left.iter()
            .all(|row| row.kind == RealizationKind::SecurityGroup),
        "{left:?}"
    );
    assert!(store.bridge_prefixes().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_pod_without_the_outside_leaves_by_the_one_that_has_it() {
    let pair = Pair::new().await;
    pair.servers().await;
    pair.join().await;
    let external = pair.external().await;
    let gateway = pair.gateway(&external).await;
    finish_all(&pair.world).await;
    let (pod1, pod2) = (&pair.world.pod1, &pair.world.pod2);
    let bridge = addresses(pod2, INTERFACE)[1].clone();
    let wanted = [
        ("0.0.0.0/0".to_owned(), bridge.clone()),
        ("10.0.2.0/24".to_owned(), bridge),
    ];
    assert_eq!(routes(pod1), wanted);
    assert_eq!(routers(pod1)[0]["external_gateway_info"], Value::Null);
    let info = &routers(pod2)[0]["external_gateway_info"];
    assert_eq!(info["enable_snat"], true);
    assert_eq!(info["external_fixed_ips"][0]["ip_address"], json!(gateway));
    assert_eq!(addresses(pod2, "network:router_gateway"), [gateway]);
}

#[tokio::test]
async fn floating_ips_are_in_the_pod_with_the_outside_wherever_the_server_is() {
    let pair = Pair::new().await;
    pair.servers().await;
    pair.join().await;
    let external = pair.external().await;
    pair.gateway(&external).await;
    let network = &pair.world.network;
    let who = pair.world.actor("demo");
    let mut made = Vec::new();
    for intent in ["i1", "i2"] {
        let port = network.server_ports(intent).await.unwrap().remove(0);
        let draft = FloatingIpDraft {
            floating: FloatingIp {
                project_id: who.project_id.clone(),
                floating_network_id: external.id.clone(),
                ..FloatingIp::default()
            },
            target: TargetWish {
                port_id: Some(port.port.id),
                fixed_ip_address: None,
            },
            ..FloatingIpDraft::default()
        };
        made.push(network.create_floating_ip(&who, &draft).await.unwrap());
    }
    finish_all(&pair.world).await;
    let (pod1, pod2) = (&pair.world.pod1, &pair.world.pod2);
    assert!(pod1.inventory().floatingips.is_empty());
    let there: Vec<Value> = pod2
        .inventory()
        .floatingips
        .iter()
        .map(|item| item.detail.clone())
        .collect();
    assert_eq!(there.len(), 2, "{there:?}");
    for floating in &made {
        let found = there
            .iter()
            .find(|one| one["floating_ip_address"] == json!(floating.floating_ip_address))
            .unwrap();
        assert_eq!(found["fixed_ip_address"], json!(floating.fixed_ip_address));
        let row = pair
            .world
            .store()
            .floating_ip_by_id(&floating.id)
            .await
            .unwrap();
        assert_eq!(row.unwrap().status, "ACTIVE");
    }
    // The server of the other pod has somebody to stand for it, which is not plugged.
    let fixed = |n: usize| made[n].fixed_ip_address.clone().unwrap();
    assert_eq!(addresses(pod2, ""), [fixed(0), fixed(1)]);
    for floating in &made {
        network
            .delete_floating_ip(&floating.id, None, "")
            .await
            .unwrap();
    }
    finish_all(&pair.world).await;
    assert!(pod2.inventory().floatingips.is_empty());
    assert_eq!(addresses(pod2, ""), [fixed(1)]);
    for floating in &made {
        let row = pair
            .world
            .store()
            .floating_ip_by_id(&floating.id)
            .await
            .unwrap();
        assert_eq!(row, None);
    }
}
