//! Changes of things that pods have: none without its job, none overtaken by an older
//! one, and no address free that a pod may still use.

use tricircle_db::models::*;
use tricircle_db::testing::TestStore;
use tricircle_db::{Store, now};

async fn network(store: &Store) -> Network {
    let network = Network {
        project_id: "p1".to_owned(),
        network_type: "local".to_owned(),
        ..Network::default()
    };
    store.network_create(&network, -1).await.unwrap();
    network
}

async fn claim(store: &Store, kind: RealizationKind, top_id: &str) -> Realization {
    let intent = Realization::intent(kind, top_id, "pod", "p1");
    store.realization_claim(&intent).await.unwrap()
}

async fn jobs(store: &Store) -> usize {
    store.jobs(&JobFilter::default()).await.unwrap().len()
}

#[tokio::test]
async fn a_change_and_its_job_are_one() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let network = network(store).await;
        let sync = NewJob::new("network_sync", &network.id);
        let change = NetworkChange {
            mtu: Some(1400),
            ..NetworkChange::default()
        };
        let update = |revision| store.network_update(&network.id, &change, revision, &sync);
        assert_eq!(update(None).await.unwrap(), NetWrite::Done);
        assert_eq!(jobs(store).await, 0, "no pod has it");
        claim(store, RealizationKind::Network, &network.id).await;
        assert!(matches!(
            update(Some(77)).await.unwrap(),
            NetWrite::OtherRevision(_)
        ));
        assert_eq!(jobs(store).await, 0, "nothing was changed");
        assert_eq!(update(None).await.unwrap(), NetWrite::Done);
        assert_eq!(jobs(store).await, 1, "a pod is about to have it");
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn what_changed_while_a_pod_made_it_is_sent_again() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let network = network(store).await;
        let sync = NewJob::new("network_sync", &network.id);
        let row = claim(store, RealizationKind::Network, &network.id).await;
        let data = serde_json::json!({});
        let made = |digest: String| {
            let (id, sync, data) = (row.id.clone(), sync.clone(), data.clone());
            async move {
                let made = store.realization_made(&id, "bottom", &digest, &data, &sync);
                made.await.unwrap()
            }
        };
        let present = store.network_by_id(&network.id).await.unwrap().unwrap();
        let present = format!("r{}", present.network.revision_number);
        assert!(made(present).await);
        assert_eq!(jobs(store).await, 0);
        assert!(made("r-7".to_owned()).await);
        assert_eq!(jobs(store).await, 1);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn of_two_changes_that_met_the_present_one_is_sent_again() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let network = network(store).await;
        let sync = NewJob::new("network_sync", &network.id);
        let kind = RealizationKind::Network;
        let row = claim(store, kind, &network.id).await;
        let data = serde_json::json!({});
        let made = store.realization_present(&row.id, "bottom", "r1", &data);
        assert!(made.await.unwrap());
        // Both read r1; the one with r3 was faster, and r2 may be what the pod has.
        let pushed = |after| store.realization_pushed(&row.id, "r1", after, &sync);
        assert!(pushed("r3").await.unwrap());
        assert_eq!(jobs(store).await, 0);
        assert!(!pushed("r2").await.unwrap());
        let found = store.realization_find(kind, &network.id, "pod").await;
        assert_eq!(found.unwrap().unwrap().digest, "", "nobody knows");
        assert_eq!(jobs(store).await, 1);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn an_address_that_a_port_loses_is_free_when_the_pod_was_told() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let network = network(store).await;
        let subnet = Subnet {
            network_id: network.id.clone(),
            project_id: "p1".to_owned(),
            cidr: "10.0.1.0/24".to_owned(),
            ..Subnet::default()
        };
        store.subnet_create(&subnet, &[], &[], -1).await.unwrap();
        let address =
            |text: &str| IpAllocation::new(&subnet, text.parse().unwrap(), AddressPurpose::Port);
        let view = PortView {
            port: Port {
                network_id: network.id.clone(),
                project_id: "p1".to_owned(),
                mac_address: "fa:16:3e:00:00:01".to_owned(),
                ..Port::default()
            },
            fixed_ips: vec![address("10.0.1.5")],
            security_groups: Vec::new(),
        };
        let id = view.port.id.clone();
        store
            .ports_allocate(&[view], &[], "", "", -1)
            .await
            .unwrap();
        let sync = NewJob::new("port_sync", &id);
        let change = PortChange::default();
        let moved = async |text: &str| {
            let to = [address(text)];
            let moved = store.port_update(&id, &change, Some(&to), None, None, &sync);
            assert_eq!(moved.await.unwrap(), NetWrite::Done);
            let port = store.port_by_id(&id).await.unwrap().unwrap();
            assert_eq!(port.fixed_ips.len(), 1, "users see one");
            assert_eq!(port.fixed_ips[0].ip_address, text);
            format!("r{}", port.port.revision_number)
        };
        let taken = async || store.addresses_used(&subnet.id).await.unwrap().len();
        moved("10.0.1.6").await;
        assert_eq!(taken().await, 1, "no pod has it");
        let row = claim(store, RealizationKind::Port, &id).await;
        let first = moved("10.0.1.7").await;
        let second = moved("10.0.1.8").await;
        assert_eq!(taken().await, 3);
        let back = moved("10.0.1.7").await;
        assert_eq!(taken().await, 3, "one that it had is its own again");
        for (before, after, left) in [("", &first, 3), (&first, &second, 3), (&second, &back, 1)] {
            let pushed = store.realization_pushed(&row.id, before, after, &sync);
            assert!(pushed.await.unwrap());
            assert_eq!(taken().await, left, "{after} was sent");
        }
        moved("10.0.1.9").await;
        assert_eq!(taken().await, 2);
        store.realization_delete(&row.id).await.unwrap();
        assert_eq!(taken().await, 1, "the pod no longer has the port");
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn where_resources_were_is_forgotten_after_a_while() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let routing = |gone: bool| Routing {
            id: uuid::Uuid::new_v4().to_string(),
            kind: RoutingKind::Volume,
            top_id: None,
            pod_id: "pod".to_owned(),
            bottom_id: None,
            project_id: "p1".to_owned(),
            user_id: "u1".to_owned(),
            name: "v".to_owned(),
            state: RoutingState::Failed,
            availability_zone: None,
            flavor_id: None,
            image_id: None,
            vcpus: 0,
            ram_mb: 0,
            size_gb: 1,
            reservation_id: None,
            request_id: String::new(),
            created_at: now(),
            updated_at: now(),
            deleted_at: gone.then(now),
        };
        for gone in [true, true, false] {
            store.insert_routing(&routing(gone)).await.unwrap();
        }
        let hour = std::time::Duration::from_secs(3_600);
        assert_eq!(store.routings_purge(hour).await.unwrap(), 0);
        // The database's clock has gone on since.
        while store
            .routings_purge(std::time::Duration::ZERO)
            .await
            .unwrap()
            == 0
        {}
        store
            .routings_purge(std::time::Duration::ZERO)
            .await
            .unwrap();
        let left = store.routings(&RoutingFilter::default()).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].deleted_at, None);
        test.drop_schema().await.unwrap();
    }
}
