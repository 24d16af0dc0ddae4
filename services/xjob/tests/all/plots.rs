//! What happens before each job, and how it is to end.

use serde_json::{Value, json};
use tricircle_compute::{INTENT_HINT, INTERFACE_SETTLE, SERVER_RECOVER, SERVER_REMOVE};
use tricircle_db::models::*;
use tricircle_network::ipam::FixedIpWish;
use tricircle_network::kinds::*;
use tricircle_pods::Service;
use tricircle_volume::{INTENT_KEY, VOLUME_RECOVER, VOLUME_REMOVE};

use crate::world::{PODS, World, pod_has, top_has};

const INTENT: &str = "6f1c3e9a-2b7d-4c50-9a41-0c2f6a3d9e11";

/// A job of its kind: the resource and the pod, or the job itself.
pub trait Wish {
    fn of_kind(self, kind: &str) -> NewJob;
}

impl Wish for (String, String) {
    fn of_kind(self, kind: &str) -> NewJob {
        NewJob {
            pod_id: self.1,
            ..NewJob::new(kind, &self.0)
        }
    }
}

impl Wish for NewJob {
    fn of_kind(self, kind: &str) -> NewJob {
        assert_eq!(self.kind, kind);
        self
    }
}

macro_rules! plots {
    ($($(#[$meta:meta])* $name:ident of $kind:ident {
        prepare: |$world:ident| $prepare:block
        check: |$seen:ident| $check:block
    })*) => {$(
        $(#[$meta])*
        pub struct $name;

        #[async_trait::async_trait]
        impl $crate::kinds::Plot for $name {
            const KIND: &'static str = $kind;

            async fn prepare($world: &World) -> NewJob {
                let wish = $prepare;
                wish.of_kind(Self::KIND)
            }

            fn check($seen: &Value) $check
        }
    )*};
}
pub(crate) use plots;

plots! {
    /// The pod made the server, and its answer was lost.
    ServerMade of SERVER_RECOVER {
        prepare: |world| {
            let (network, _) = world.network().await;
            begun(world, RoutingKind::Server, RoutingState::Creating, None).await;
            let ports = world.ports_for(INTENT, 0, &network, &[], &[]).await;
            server_in_pod(world, &ports[0]).await;
            (INTENT.to_owned(), PODS[0].to_owned())
        }
        check: |seen| {
            assert!(top_has(seen, "server active id: true"), "{seen:#}");
            assert!(top_has(seen, "port  live in use: true"), "{seen:#}");
            assert!(pod_has(seen, 0, "server vm"), "{seen:#}");
        }
    }

    /// The request died before it asked the pod for the server.
    ServerNeverMade of SERVER_RECOVER {
        prepare: |world| {
            let (network, _) = world.network().await;
            let own = world.users_port(&network).await;
            begun(world, RoutingKind::Server, RoutingState::Creating, None).await;
            world.ports_for(INTENT, 0, &network, &[&own], &[]).await;
            (INTENT.to_owned(), PODS[0].to_owned())
        }
        check: |seen| {
            assert!(top_has(seen, "server failed id: false gone: true"), "{seen:#}");
            assert!(top_has(seen, "port mine live in use: false"), "{seen:#}");
            assert!(!top_has(seen, "port  "), "{seen:#}");
            assert!(!pod_has(seen, 0, "port "), "{seen:#}");
        }
    }

    /// A server whose pod has removed it, with a port of its own and one of the user.
    ServerGone of SERVER_REMOVE {
        prepare: |world| {
            let (network, _) = world.network().await;
            let own = world.users_port(&network).await;
            let id = uuid::Uuid::new_v4().to_string();
            begun(world, RoutingKind::Server, RoutingState::Deleting, Some(&id)).await;
            world.ports_for(&id, 0, &network, &[&own], &[]).await;
            (id, PODS[0].to_owned())
        }
        check: |seen| {
            assert!(top_has(seen, "server deleted id: true gone: true"), "{seen:#}");
            assert!(top_has(seen, "port mine live in use: false"), "{seen:#}");
            assert!(!top_has(seen, "port  "), "{seen:#}");
            assert!(!pod_has(seen, 0, "port "), "{seen:#}");
        }
    }

    /// The delete was written, and the pod was never asked.
    ServerStays of SERVER_REMOVE {
        prepare: |world| {
            let (network, _) = world.network().await;
            let ports = world.ports_for(INTENT, 0, &network, &[], &[]).await;
            let id = server_in_pod(world, &ports[0]).await;
            begun(world, RoutingKind::Server, RoutingState::Deleting, Some(&id)).await;
            (id, PODS[0].to_owned())
        }
        check: |seen| {
            assert!(top_has(seen, "server active id: true gone: false"), "{seen:#}");
            assert!(pod_has(seen, 0, "server vm"), "{seen:#}");
            assert!(pod_has(seen, 0, "port "), "{seen:#}");
        }
    }

    /// The request died before it asked the pod to attach the port that it had made.
    InterfaceNeverAttached of INTERFACE_SETTLE {
        prepare: |world| {
            let (network, _) = world.network().await;
            let id = with_server(world, &network).await;
            world.ports_for(&id, 0, &network, &[], &[]).await;
            let port = not_plugged(world, &id).await;
            world.wished_now(INTERFACE_SETTLE, &port)
        }
        check: |seen| {
            assert!(pod_has(seen, 0, "server vm"), "{seen:#}");
            assert_eq!(count(&seen["top"], "port  live in use: true"), 1, "{seen:#}");
            assert_eq!(count(&seen["top"], "port in pod-1 present"), 1, "{seen:#}");
            assert_eq!(count(&seen["pods"][0], "port "), 1, "{seen:#}");
        }
    }

    /// The same with a port of the user.
    UsersInterfaceNeverAttached of INTERFACE_SETTLE {
        prepare: |world| {
            let (network, _) = world.network().await;
            let id = with_server(world, &network).await;
            let own = world.users_port(&network).await;
            world.own_port_for(&id, 0, &own).await;
            world.wished_now(INTERFACE_SETTLE, &own.port.id)
        }
        check: |seen| {
            assert!(top_has(seen, "port mine live in use: false"), "{seen:#}");
            assert!(top_has(seen, "port  live in use: true"), "{seen:#}");
            assert_eq!(count(&seen["pods"][0], "port "), 1, "{seen:#}");
        }
    }

    /// The pod attached the port, and its answer was lost.
    InterfaceAttached of INTERFACE_SETTLE {
        prepare: |world| {
            let (network, _) = world.network().await;
            let id = with_server(world, &network).await;
            let own = world.users_port(&network).await;
            let there = world.own_port_for(&id, 0, &own).await;
            attach_in_pod(world, &id, &there).await;
            world.wished_now(INTERFACE_SETTLE, &own.port.id)
        }
        check: |seen| {
            assert!(top_has(seen, "port mine live in use: true"), "{seen:#}");
            assert_eq!(count(&seen["pods"][0], "port "), 2, "{seen:#}");
        }
    }

    /// The pod took a port off, and nobody at the top knows.
    InterfaceOff of INTERFACE_SETTLE {
        prepare: |world| {
            let (network, _) = world.network().await;
            let id = with_server(world, &network).await;
            let own = world.users_port(&network).await;
            let there = world.own_port_for(&id, 0, &own).await;
            attach_in_pod(world, &id, &there).await;
            world.pods[0].set_other_time(std::time::Duration::ZERO);
            let path = format!("/servers/{id}/os-interface/{there}");
            world.admin(0).delete(Service::Compute, &path).await.unwrap();
            world.wished_now(INTERFACE_SETTLE, &own.port.id)
        }
        check: |seen| {
            assert!(top_has(seen, "port mine live in use: false"), "{seen:#}");
            assert_eq!(count(&seen["pods"][0], "port "), 1, "{seen:#}");
        }
    }

    /// The pod made the volume, and its answer was lost.
    VolumeMade of VOLUME_RECOVER {
        prepare: |world| {
            begun(world, RoutingKind::Volume, RoutingState::Creating, None).await;
            let metadata = json!({INTENT_KEY: INTENT});
            let body = json!({"volume": {"size": 1, "name": "v", "metadata": metadata}});
            let made = world.admin(0).post_json(Service::Volume, "/volumes", &body).await;
            made.unwrap();
            (INTENT.to_owned(), PODS[0].to_owned())
        }
        check: |seen| {
            assert!(top_has(seen, "volume active id: true"), "{seen:#}");
            assert!(pod_has(seen, 0, "volume v"), "{seen:#}");
        }
    }

    /// The request died before it asked the pod for the volume.
    VolumeNeverMade of VOLUME_RECOVER {
        prepare: |world| {
            begun(world, RoutingKind::Volume, RoutingState::Creating, None).await;
            (INTENT.to_owned(), PODS[0].to_owned())
        }
        check: |seen| {
            assert!(top_has(seen, "volume failed id: false gone: true"), "{seen:#}");
        }
    }

    /// A volume whose pod has removed it.
    VolumeGone of VOLUME_REMOVE {
        prepare: |world| {
            let id = uuid::Uuid::new_v4().to_string();
            begun(world, RoutingKind::Volume, RoutingState::Deleting, Some(&id)).await;
            (id, PODS[0].to_owned())
        }
        check: |seen| {
            assert!(top_has(seen, "volume deleted id: true gone: true"), "{seen:#}");
        }
    }

    /// A network that both pods have, deleted at the top.
    NetworkDeleted of NETWORK_REMOVE {
        prepare: |world| {
            let (network, _) = unused_in_both_pods(world).await;
            let gone = world.network.delete_network(&network.id, None, "").await;
            gone.unwrap();
            (network.id, String::new())
        }
        check: |seen| {
            for start in ["network ", "subnet ", "address ", "network in", "subnet in"] {
                assert!(!top_has(seen, start), "{seen:#}");
            }
            for pod in [0, 1] {
                assert!(!pod_has(seen, pod, "network "), "{seen:#}");
                assert!(!pod_has(seen, pod, "subnet "), "{seen:#}");
            }
        }
    }

    /// A subnet that both pods have, deleted at the top; its network stays.
    SubnetDeleted of SUBNET_REMOVE {
        prepare: |world| {
            let (_, subnet) = unused_in_both_pods(world).await;
            world.network.delete_subnet(&subnet.id, None, "").await.unwrap();
            (subnet.id, String::new())
        }
        check: |seen| {
            assert!(!top_has(seen, "subnet "), "{seen:#}");
            assert!(!top_has(seen, "address "), "{seen:#}");
            for pod in [0, 1] {
                assert!(pod_has(seen, pod, "network net"), "{seen:#}");
                assert!(!pod_has(seen, pod, "subnet "), "{seen:#}");
            }
        }
    }

    /// A port that a pod has, deleted at the top.
    PortDeleted of PORT_REMOVE {
        prepare: |world| {
            let (network, _) = world.network().await;
            let own = world.users_port(&network).await;
            world.ports_for("dev", 0, &network, &[&own], &[]).await;
            world.network.delete_port(&own.port.id, None, "").await.unwrap();
            (own.port.id, String::new())
        }
        check: |seen| {
            assert!(!top_has(seen, "port mine"), "{seen:#}");
            assert!(top_has(seen, "port  live in use: true"), "{seen:#}");
            assert!(pod_has(seen, 0, "port "), "the other one: {seen:#}");
        }
    }

    /// Somebody wrote that the pod is to have a network, and died before it had.
    RealizationBegun of REALIZATION_SETTLE {
        prepare: |world| {
            let (network, _) = world.network().await;
            let kind = RealizationKind::Network;
            let intent = Realization::intent(kind, &network.id, PODS[0], &network.project_id);
            world.test.store.realization_claim(&intent).await.unwrap();
            settle_wish(&intent)
        }
        check: |seen| {
            assert!(top_has(seen, "network in pod-1 present"), "{seen:#}");
            assert!(pod_has(seen, 0, "network net"), "{seen:#}");
        }
    }

    /// A group that a pod has, deleted at the top.
    GroupDeleted of SECURITY_GROUP_REMOVE {
        prepare: |world| {
            let group = group_in_pod(world).await;
            world.network.release("dev", PODS[0]).await.unwrap();
            finish_ports(world).await;
            let gone = world.network.delete_security_group(&group.id, false, None, "");
            gone.await.unwrap();
            (group.id, String::new())
        }
        check: |seen| {
            assert!(!top_has(seen, "group web"), "{seen:#}");
            assert!(!top_has(seen, "security_group in pod-1"), "{seen:#}");
            assert!(!pod_has(seen, 0, "group web"), "{seen:#}");
        }
    }

    /// A group that a pod has, with one rule more and another less.
    GroupChanged of SECURITY_GROUP_SYNC {
        prepare: |world| {
            let group = group_in_pod(world).await;
            let store = &world.test.store;
            let view = store.security_group_by_id(&group.id).await.unwrap().unwrap();
            let old = view.rules.iter().find(|rule| rule.ethertype == "IPv6").unwrap();
            let mut ssh = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
            ssh.protocol = Some("tcp".to_owned());
            ssh.port_range_min = Some(22);
            ssh.port_range_max = Some(22);
            world.network.create_rules(&[ssh]).await.unwrap();
            world.network.delete_rule(&old.id).await.unwrap();
            (group.id, String::new())
        }
        check: |seen| {
            let ssh = "rule of web \"ingress\" \"IPv4\" \"tcp\" 22";
            assert!(pod_has(seen, 0, ssh), "{seen:#}");
            assert!(!pod_has(seen, 0, "rule of web \"egress\" \"IPv6\""), "{seen:#}");
        }
    }

    /// A group with a member in each pod, and neither told of the other's.
    MembersInTwoPods of SECURITY_GROUP_MEMBERS {
        prepare: |world| {
            let group = group_in_both_pods(world).await;
            (group.id, PODS[0].to_owned())
        }
        check: |seen| {
            assert!(pod_has(seen, 0, "address group web addresses: 1"), "{seen:#}");
            assert!(pod_has(seen, 0, "rule of web \"ingress\" by address group"), "{seen:#}");
            assert!(top_has(seen, "address_group in pod-1 present id: true"), "{seen:#}");
        }
    }

    /// The only member of the other pod is gone, and the pod does not know.
    MemberGone of SECURITY_GROUP_MEMBERS {
        prepare: |world| {
            let group = group_in_both_pods(world).await;
            let wish = (group.id.clone(), PODS[0].to_owned()).of_kind(SECURITY_GROUP_MEMBERS);
            world.test.store.job_enqueue(&wish).await.unwrap();
            let kind = world.kinds().get(SECURITY_GROUP_MEMBERS).unwrap();
            tricircle_jobs::testing::run_to_the_end(&world.test.store, kind).await.unwrap();
            world.network.release("dev2", PODS[1]).await.unwrap();
            finish_ports(world).await;
            (group.id, PODS[0].to_owned())
        }
        check: |seen| {
            assert!(!pod_has(seen, 0, "address group"), "{seen:#}");
            assert!(!pod_has(seen, 0, "rule of web \"ingress\" by address group"), "{seen:#}");
            assert!(!top_has(seen, "address_group in pod-1"), "{seen:#}");
        }
    }

    /// The same where the pod has no address groups.
    MembersSpelledOut of SECURITY_GROUP_MEMBERS {
        prepare: |world| {
            world.pods[0].set_extension("address-group", false);
            let group = group_in_both_pods(world).await;
            (group.id, PODS[0].to_owned())
        }
        check: |seen| {
            assert!(pod_has(seen, 0, "rule of web \"ingress\" by its address"), "{seen:#}");
            assert!(!top_has(seen, "address_group in pod-1"), "{seen:#}");
        }
    }

    /// A port that a pod has, with another name and another address.
    PortChanged of PORT_SYNC {
        prepare: |world| {
            let (network, subnet) = world.network().await;
            let own = world.users_port(&network).await;
            world.ports_for("dev", 0, &network, &[&own], &[]).await;
            let change = PortChange {
                admin_state_up: Some(false),
                ..PortChange::default()
            };
            let wish = FixedIpWish {
                subnet_id: Some(subnet.id),
                ip_address: Some("10.0.1.77".parse().unwrap()),
            };
            let (id, wishes) = (&own.port.id, [wish]);
            let changed = world.network.update_port(id, &change, Some(&wishes), None, None, "");
            changed.await.unwrap();
            (own.port.id, String::new())
        }
        check: |seen| {
            let port = "port  fixed_ips: [true] admin_state_up: false";
            let named = "port mine fixed_ips: [true] admin_state_up: false";
            assert!(pod_has(seen, 0, port) || pod_has(seen, 0, named), "{seen:#}");
            assert!(!top_has(seen, "address releasing"), "the old one is free: {seen:#}");
        }
    }

    /// A network that both pods have, with another MTU.
    NetworkChanged of NETWORK_SYNC {
        prepare: |world| {
            let (network, _) = unused_in_both_pods(world).await;
            let change = NetworkChange {
                mtu: Some(1400),
                ..NetworkChange::default()
            };
            let changed = world.network.update_network(&network.id, &change, None, "");
            changed.await.unwrap();
            (network.id, String::new())
        }
        check: |seen| {
            for pod in [0, 1] {
                assert!(pod_has(seen, pod, "network net mtu: 1400"), "{seen:#}");
            }
        }
    }

    /// A subnet that both pods have, with other name servers.
    SubnetChanged of SUBNET_SYNC {
        prepare: |world| {
            let (_, subnet) = unused_in_both_pods(world).await;
            let change = SubnetChange {
                dns_nameservers: Some(r#"["9.9.9.9"]"#.to_owned()),
                ..SubnetChange::default()
            };
            let changed = world.network.update_subnet(&subnet.id, &change, None, "");
            changed.await.unwrap();
            (subnet.id, String::new())
        }
        check: |seen| {
            for pod in [0, 1] {
                let found = pod_has(seen, pod, "subnet sub dns_nameservers: [\"9.9.9.9\"]");
                assert!(found, "{seen:#}");
            }
        }
    }
}

/// The routing of a create or delete that is under way in the first pod.
async fn begun(world: &World, kind: RoutingKind, state: RoutingState, top_id: Option<&str>) {
    let now = tricircle_db::now();
    let row = Routing {
        id: INTENT.to_owned(),
        kind,
        top_id: top_id.map(str::to_owned),
        pod_id: PODS[0].to_owned(),
        bottom_id: top_id.map(str::to_owned),
        project_id: world.project(),
        user_id: "u".to_owned(),
        name: "vm".to_owned(),
        state,
        availability_zone: None,
        flavor_id: None,
        image_id: None,
        vcpus: 1,
        ram_mb: 1,
        size_gb: 0,
        reservation_id: None,
        request_id: "req-1".to_owned(),
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    world.test.store.insert_routing(&row).await.unwrap();
}

/// A server in the first pod with a port on the network, as a create leaves it; its id.
async fn with_server(world: &World, network: &Network) -> String {
    world.pods[0].set_build_time(Some(std::time::Duration::ZERO));
    let ports = world.ports_for(INTENT, 0, network, &[], &[]).await;
    let id = server_in_pod(world, &ports[0]).await;
    begun(world, RoutingKind::Server, RoutingState::Active, Some(&id)).await;
    world
        .network
        .bind_ports(INTENT, &id, "compute:az")
        .await
        .unwrap();
    let built = world.pods[0].wait_until(std::time::Duration::from_secs(10), |all| {
        all.servers.iter().any(|server| server.status == "ACTIVE")
    });
    assert!(built.await);
    id
}

/// The port of a server at the top that the pod's server has not.
async fn not_plugged(world: &World, server: &str) -> String {
    let store = &world.test.store;
    for view in world.network.server_ports(server).await.unwrap() {
        let kind = RealizationKind::Port;
        let row = store.realization_find(kind, &view.port.id, PODS[0]).await;
        let path = format!("/ports/{}", row.unwrap().unwrap().bottom_id.unwrap());
        let shown = world
            .admin(0)
            .get_json(Service::Network, &path)
            .await
            .unwrap();
        if shown["port"]["device_id"] == "" {
            return view.port.id;
        }
    }
    panic!("all ports are plugged");
}

async fn attach_in_pod(world: &World, server: &str, port: &str) {
    let path = format!("/servers/{server}/os-interface");
    let body = json!({"interfaceAttachment": {"port_id": port}});
    let admin = world.admin(0);
    admin
        .post_json(Service::Compute, &path, &body)
        .await
        .unwrap();
}

/// How many lines begin like this.
fn count(lines: &Value, start: &str) -> usize {
    let lines = lines.as_array().unwrap().iter().filter_map(Value::as_str);
    lines.filter(|line| line.starts_with(start)).count()
}

/// A server that carries the intent's mark; its id.
async fn server_in_pod(world: &World, port: &str) -> String {
    world.pods[0].add_flavor("1", "m1.tiny", 1, 512, 1);
    let body = json!({
        "server": {
            "name": "vm", "flavorRef": "1", "imageRef": world.cloud.image_id(),
            "networks": [{"port": port}],
        },
        "os:scheduler_hints": {INTENT_HINT: INTENT},
    });
    let admin = world.admin(0);
    let made = admin.post_json(Service::Compute, "/servers", &body).await;
    let made = made.unwrap();
    made["server"]["id"].as_str().unwrap().to_owned()
}

/// A network with a subnet that both pods have and nobody uses.
async fn unused_in_both_pods(world: &World) -> (Network, Subnet) {
    let (network, subnet) = world.network().await;
    for (pod, device) in ["i1", "i2"].into_iter().enumerate() {
        world.ports_for(device, pod, &network, &[], &[]).await;
        world.network.release(device, PODS[pod]).await.unwrap();
    }
    finish_ports(world).await;
    (network, subnet)
}

/// A group of the project that the first pod has for a port.
async fn group_in_pod(world: &World) -> SecurityGroup {
    let (network, _) = world.network().await;
    let group = SecurityGroup::new(&world.project(), "web", "");
    let rules = egress_rules(&group);
    let store = &world.test.store;
    store
        .security_group_create(&group, &rules, -1)
        .await
        .unwrap();
    world.ports_for("dev", 0, &network, &[], &["web"]).await;
    group
}

/// A group of which a rule admits its own members, one of which is in each pod. Nobody has
/// seen to that yet.
async fn group_in_both_pods(world: &World) -> SecurityGroup {
    let (network, _) = world.network().await;
    let group = SecurityGroup::new(&world.project(), "web", "");
    let mut own = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
    own.remote_group_id = Some(group.id.clone());
    let store = &world.test.store;
    store
        .security_group_create(&group, &[own.signed()], -1)
        .await
        .unwrap();
    for (pod, device) in ["dev1", "dev2"].into_iter().enumerate() {
        world.ports_for(device, pod, &network, &[], &["web"]).await;
    }
    finish_ports(world).await;
    group
}

/// The jobs that saw to ports which are gone have nothing left to do.
pub async fn finish_ports(world: &World) {
    let store = &world.test.store;
    for job in store.jobs(&JobFilter::default()).await.unwrap() {
        store.job_abandon(&job.id).await.unwrap();
    }
}
