//! Networks, subnets, ports, addresses, security groups.

use std::net::IpAddr;

use tricircle_db::Store;
use tricircle_db::models::*;
use tricircle_db::testing::TestStore;

fn vlan(project: &str, segment: i32) -> Network {
    Network {
        project_id: project.to_owned(),
        name: "net1".to_owned(),
        network_type: "vlan".to_owned(),
        physical_network: Some("physnet1".to_owned()),
        segmentation_id: Some(segment),
        ..Network::default()
    }
}

fn job() -> NewJob {
    NewJob::new("network_remove", &uuid::Uuid::new_v4().to_string())
}

fn subnet_on(network: &Network) -> Subnet {
    Subnet {
        network_id: network.id.clone(),
        project_id: network.project_id.clone(),
        cidr: "10.0.1.0/24".to_owned(),
        gateway_ip: Some("10.0.1.1".to_owned()),
        ..Subnet::default()
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn port_on(subnet: &Subnet, address: &str, mac: &str) -> PortView {
    PortView {
        port: Port {
            network_id: subnet.network_id.clone(),
            project_id: subnet.project_id.clone(),
            mac_address: mac.to_owned(),
            ..Port::default()
        },
        fixed_ips: vec![IpAllocation::new(subnet, ip(address), AddressPurpose::Port)],
        security_groups: Vec::new(),
    }
}

/// A network with one subnet whose gateway is reserved.
async fn network_with_subnet(store: &Store, segment: i32) -> (Network, Subnet) {
    let network = vlan("p1", segment);
    assert_eq!(
        store.network_create(&network, -1).await.unwrap(),
        NetWrite::Done
    );
    let subnet = subnet_on(&network);
    let gateway = IpAllocation::new(&subnet, ip("10.0.1.1"), AddressPurpose::Gateway);
    let made = store
        .subnet_create(&subnet, &[gateway], &[], -1)
        .await
        .unwrap();
    assert_eq!(made, NetWrite::Done);
    (network, subnet)
}

#[tokio::test]
async fn a_segment_is_given_once_until_its_network_is_purged() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let first = vlan("p1", 100);
        assert_eq!(
            store.network_create(&first, -1).await.unwrap(),
            NetWrite::Done
        );
        let second = vlan("p2", 100);
        assert_eq!(
            store.network_create(&second, -1).await.unwrap(),
            NetWrite::SegmentTaken
        );
        assert!(store.network_by_id(&second.id).await.unwrap().is_none());
        let marked = store
            .network_mark_deleting(&first.id, None, &job())
            .await
            .unwrap();
        assert_eq!(marked, NetWrite::Done);
        assert_eq!(
            store.network_create(&second, -1).await.unwrap(),
            NetWrite::SegmentTaken,
            "the pods may still have it"
        );
        assert_eq!(
            store.network_purge(&first.id).await.unwrap(),
            NetWrite::Done
        );
        assert_eq!(
            store.network_create(&second, -1).await.unwrap(),
            NetWrite::Done
        );
        assert_eq!(
            store
                .network_segments_used("vlan", "physnet1")
                .await
                .unwrap(),
            [100]
        );
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn an_address_is_given_once_even_to_racing_creates() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let (_, subnet) = network_with_subnet(store, 101).await;
        let creates = (0..8).map(|n| {
            let view = port_on(&subnet, "10.0.1.5", &format!("fa:16:3e:00:00:{n:02x}"));
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .ports_allocate(&[view], &[], "", "", -1)
                    .await
                    .unwrap()
            })
        });
        let mut made = 0;
        for create in creates.collect::<Vec<_>>() {
            match create.await.unwrap() {
                NetWrite::Done => made += 1,
                NetWrite::AddressTaken(address) => assert_eq!(address, "10.0.1.5"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(made, 1);
        let all = store.ports(&PortFilter::default()).await.unwrap();
        assert_eq!(all.len(), 1, "a refused create leaves no port");
        let gateway = port_on(&subnet, "10.0.1.1", "fa:16:3e:00:01:00");
        assert_eq!(
            store
                .ports_allocate(&[gateway], &[], "", "", -1)
                .await
                .unwrap(),
            NetWrite::AddressTaken("10.0.1.1".to_owned())
        );
        let mac = port_on(&subnet, "10.0.1.6", &all[0].port.mac_address);
        assert_eq!(
            store.ports_allocate(&[mac], &[], "", "", -1).await.unwrap(),
            NetWrite::MacTaken
        );
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn ports_keep_network_and_subnet_and_free_their_address_when_purged() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let (network, subnet) = network_with_subnet(store, 102).await;
        let view = port_on(&subnet, "10.0.1.5", "fa:16:3e:00:00:01");
        let id = view.port.id.clone();
        store
            .ports_allocate(&[view], &[], "dev", "compute:az1", -1)
            .await
            .unwrap();
        let in_use = NetWrite::InUse(vec![id.clone()]);
        assert_eq!(
            store
                .network_mark_deleting(&network.id, None, &job())
                .await
                .unwrap(),
            in_use
        );
        assert_eq!(
            store
                .subnet_mark_deleting(&subnet.id, None, &job())
                .await
                .unwrap(),
            in_use
        );
        store.port_mark_deleting(&id, None, &job()).await.unwrap();
        assert!(
            store
                .ports(&PortFilter::default())
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            store.addresses_used(&subnet.id).await.unwrap().len(),
            2,
            "taken until the pod's port is gone"
        );
        store.port_purge(&id).await.unwrap();
        assert_eq!(store.addresses_used(&subnet.id).await.unwrap().len(), 1);
        assert_eq!(
            store
                .network_mark_deleting(&network.id, None, &job())
                .await
                .unwrap(),
            NetWrite::Done
        );
        assert!(
            store
                .networks(&NetworkFilter::default())
                .await
                .unwrap()
                .is_empty()
        );
        let late = port_on(&subnet, "10.0.1.7", "fa:16:3e:00:00:02");
        assert_eq!(
            store
                .ports_allocate(&[late], &[], "", "", -1)
                .await
                .unwrap(),
            NetWrite::NotFound
        );
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_create_takes_all_its_ports_or_none() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let (_, subnet) = network_with_subnet(store, 103).await;
        let users = port_on(&subnet, "10.0.1.5", "fa:16:3e:00:00:01");
        let users_id = users.port.id.clone();
        store
            .ports_allocate(&[users], &[], "", "", -1)
            .await
            .unwrap();
        let mut fresh = port_on(&subnet, "10.0.1.6", "fa:16:3e:00:00:02");
        fresh.port.device_id = "intent".to_owned();
        let claimed = [users_id.clone()];
        assert_eq!(
            store
                .ports_allocate(&[fresh.clone()], &claimed, "intent", "compute:az1", -1)
                .await
                .unwrap(),
            NetWrite::Done
        );
        let mut third = port_on(&subnet, "10.0.1.7", "fa:16:3e:00:00:03");
        third.port.device_id = "other".to_owned();
        assert_eq!(
            store
                .ports_allocate(&[third], &claimed, "other", "compute:az1", -1)
                .await
                .unwrap(),
            NetWrite::Bound("intent".to_owned())
        );
        let moved = store
            .ports_move_device("intent", "server", "compute:az1")
            .await
            .unwrap();
        assert_eq!(moved.len(), 2);
        let of = |device: &str| PortFilter {
            device_ids: vec![device.to_owned()],
            ..PortFilter::default()
        };
        assert_eq!(store.ports(&of("server")).await.unwrap().len(), 2);
        assert!(store.ports(&of("other")).await.unwrap().is_empty());
        assert!(!store.port_unbind(&users_id, "intent").await.unwrap());
        assert!(store.port_unbind(&users_id, "server").await.unwrap());
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn the_first_pod_has_the_users_gateway_and_each_further_one_its_own() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let (_, subnet) = network_with_subnet(store, 104).await;
        let infrastructure = |address: &str, pod: &str| IpAllocation {
            pod_id: Some(pod.to_owned()),
            ..IpAllocation::new(&subnet, ip(address), AddressPurpose::Infrastructure)
        };
        let first = [infrastructure("10.0.1.250", "pod1")];
        let (ended, held) = store
            .addresses_reserve(&subnet.id, "pod1", true, &first)
            .await
            .unwrap();
        assert_eq!(ended, NetWrite::Done);
        assert_eq!(held.len(), 2);
        let (ended, again) = store
            .addresses_reserve(
                &subnet.id,
                "pod1",
                true,
                &[infrastructure("10.0.1.9", "pod1")],
            )
            .await
            .unwrap();
        assert_eq!((ended, again), (NetWrite::Done, held), "what it has holds");
        let second = [infrastructure("10.0.1.249", "pod2")];
        let (ended, none) = store
            .addresses_reserve(&subnet.id, "pod2", true, &second)
            .await
            .unwrap();
        assert_eq!((ended, none.len()), (NetWrite::Changed, 0));
        store.addresses_release(&subnet.id, "pod1").await.unwrap();
        let left = store.addresses_used(&subnet.id).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].pod_id, None);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn racing_first_uses_of_a_project_make_one_default_group() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let calls: Vec<_> = (0..6)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.default_security_group("p1").await.unwrap() })
            })
            .collect();
        let mut ids = std::collections::BTreeSet::new();
        for call in calls {
            let view = call.await.unwrap();
            assert!(view.is_default);
            assert_eq!(view.rules.len(), 4);
            ids.insert(view.group.id);
        }
        assert_eq!(ids.len(), 1);
        let id = ids.first().unwrap();
        assert_eq!(
            store
                .security_group_mark_deleting(id, false, None, &job())
                .await
                .unwrap(),
            NetWrite::IsDefault
        );
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_rule_is_there_once_and_counts_the_groups_revision() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let group = SecurityGroup::new("p1", "web", "");
        store
            .security_group_create(&group, &egress_rules(&group), -1)
            .await
            .unwrap();
        let mut rule = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
        rule.protocol = Some("tcp".to_owned());
        let rules = std::slice::from_ref(&rule);
        assert_eq!(
            store
                .security_group_rules_create(rules, "sync", -1)
                .await
                .unwrap(),
            NetWrite::Done
        );
        let mut same = rule.clone();
        same.id = uuid::Uuid::new_v4().to_string();
        same.remote_ip_prefix = Some("0.0.0.0/0".to_owned());
        assert_eq!(
            store
                .security_group_rules_create(&[same], "sync", -1)
                .await
                .unwrap(),
            NetWrite::DuplicateRule(rule.id.clone())
        );
        let jobs = async || store.jobs(&JobFilter::default()).await.unwrap().len();
        assert_eq!(jobs().await, 0, "no pod has the group");
        let intent = Realization::intent(RealizationKind::SecurityGroup, &group.id, "pod1", "p1");
        let realized = store.realization_claim(&intent).await.unwrap();
        let view = store
            .security_group_by_id(&group.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(view.rules.len(), 3);
        assert_eq!(view.group.revision_number, 2);
        assert_eq!(
            store
                .security_group_rule_delete(&rule.id, "sync")
                .await
                .unwrap(),
            NetWrite::Done
        );
        assert_eq!(jobs().await, 1, "{} must follow", realized.pod_id);
        assert_eq!(
            store
                .security_group_rule_delete(&rule.id, "sync")
                .await
                .unwrap(),
            NetWrite::NotFound
        );
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_stale_revision_changes_nothing() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let network = vlan("p1", 105);
        store.network_create(&network, -1).await.unwrap();
        let change = NetworkChange {
            name: Some("net2".to_owned()),
            ..NetworkChange::default()
        };
        let job = NewJob::new("sync", &network.id);
        let update = |revision| store.network_update(&network.id, &change, revision, &job);
        assert_eq!(
            update(Some(7)).await.unwrap(),
            NetWrite::OtherRevision(network.revision_number)
        );
        assert_eq!(
            update(Some(network.revision_number)).await.unwrap(),
            NetWrite::Done
        );
        let found = store.network_by_id(&network.id).await.unwrap().unwrap();
        assert_eq!(found.network.name, "net2");
        assert_eq!(found.network.revision_number, network.revision_number + 1);
        test.drop_schema().await.unwrap();
    }
}
