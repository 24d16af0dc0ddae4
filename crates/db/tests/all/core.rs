//! Pods, bindings, routings, realizations, flavors.

use tricircle_db::models::*;
use tricircle_db::testing::TestStore;
use tricircle_db::{DbError, now};

fn pod(region: &str) -> Pod {
    Pod {
        id: uuid::Uuid::new_v4().to_string(),
        region_name: region.to_owned(),
        ordinal: 0,
        state: PodState::Enabled,
        auth_mode: AuthMode::Shared,
        created_at: now(),
        updated_at: now(),
    }
}

fn zone(pod: &Pod, top: &str) -> PodZone {
    PodZone {
        pod_id: pod.id.clone(),
        service: ZoneService::Compute,
        top_az: top.to_owned(),
        bottom_az: "nova".to_owned(),
    }
}

fn intent(pod: &Pod) -> Routing {
    Routing {
        id: uuid::Uuid::new_v4().to_string(),
        kind: RoutingKind::Server,
        top_id: None,
        pod_id: pod.id.clone(),
        bottom_id: None,
        project_id: "p1".to_owned(),
        user_id: "u1".to_owned(),
        name: "vm ✓".to_owned(),
        state: RoutingState::Creating,
        availability_zone: Some("az1".to_owned()),
        flavor_id: Some("1".to_owned()),
        image_id: None,
        vcpus: 2,
        ram_mb: 512,
        size_gb: 0,
        reservation_id: None,
        request_id: "req-1".to_owned(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }
}

/// Connections that change a file's journal mode at the same time are refused at once,
/// however patient they are; so the migration does it, alone. Bytes 18 and 19 of
/// SQLite's header tell the mode: 2 is a write-ahead log.
#[tokio::test]
async fn a_migrated_sqlite_file_has_its_journal_mode_before_anybody_connects() {
    let test = TestStore::sqlite().await.unwrap();
    let file = test.connection.strip_prefix("sqlite:///").unwrap();
    let header = std::fs::read(file).unwrap();
    assert_eq!(header[18..20], [2, 2]);
}

#[tokio::test]
async fn an_ordinal_is_never_given_again() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let first = pod("Pod1");
        let made = store
            .pod_create(&first, &[zone(&first, "az1")])
            .await
            .unwrap();
        assert_eq!(made.ordinal, 1);
        assert!(matches!(
            store.pod_create(&pod("Pod1"), &[]).await,
            Err(DbError::Duplicate(_))
        ));
        assert_eq!(
            store.pod_delete(&first.id).await.unwrap(),
            PodRemoval::Removed
        );
        assert_eq!(
            store.pod_delete(&first.id).await.unwrap(),
            PodRemoval::NotFound
        );
        let again = store.pod_create(&pod("Pod1"), &[]).await.unwrap();
        assert!(again.ordinal > made.ordinal);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn zones_and_state_of_a_pod_change_together() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let first = pod("Pod1");
        store
            .pod_create(&first, &[zone(&first, "az1")])
            .await
            .unwrap();
        let changed = store
            .pod_update(
                &first.id,
                Some(PodState::Draining),
                Some(&[zone(&first, "az9")]),
            )
            .await
            .unwrap();
        assert!(changed);
        let all = store.pods_all().await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].pod.state, PodState::Draining);
        assert_eq!(all[0].bottom_az(ZoneService::Compute, "az9"), Some("nova"));
        assert_eq!(all[0].bottom_az(ZoneService::Compute, "az1"), None);
        assert!(!store.pod_update("no such", None, None).await.unwrap());
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_pod_with_a_binding_stays_until_the_binding_ends() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let first = pod("Pod1");
        store.pod_create(&first, &[]).await.unwrap();
        let binding = |slot: &str| PodBinding {
            id: uuid::Uuid::new_v4().to_string(),
            project_id: "p1".to_owned(),
            pod_id: first.id.clone(),
            started_at: now(),
            ended_at: None,
            active_slot: slot.to_owned(),
        };
        let one = binding("");
        store.binding_create(&one).await.unwrap();
        assert!(matches!(
            store.binding_create(&binding("")).await,
            Err(DbError::Duplicate(_))
        ));
        assert_eq!(
            store.pod_delete(&first.id).await.unwrap(),
            PodRemoval::InUse(1)
        );
        assert!(store.binding_end(&one.id).await.unwrap());
        assert!(!store.binding_end(&one.id).await.unwrap());
        store.binding_create(&binding("")).await.unwrap();
        assert_eq!(
            store.bindings(Some("p1"), None, false).await.unwrap().len(),
            1
        );
        assert_eq!(
            store.bindings(Some("p1"), None, true).await.unwrap().len(),
            2
        );
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn only_one_of_two_decides_over_an_intent() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let first = pod("Pod1");
        store.pod_create(&first, &[]).await.unwrap();
        let row = intent(&first);
        store.insert_routing(&row).await.unwrap();
        // Two intents without an id live side by side.
        store.insert_routing(&intent(&first)).await.unwrap();
        assert!(
            store
                .routing_move(&row.id, &[RoutingState::Creating], RoutingState::Recovering)
                .await
                .unwrap()
        );
        assert!(
            !store
                .routing_complete(&row.id, &[RoutingState::Creating], "s1")
                .await
                .unwrap()
        );
        assert!(
            store
                .routing_complete(&row.id, &[RoutingState::Recovering], "s1")
                .await
                .unwrap()
        );
        let found = store
            .routing_by_top(RoutingKind::Server, "s1")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.name, "vm ✓");
        assert_eq!(found.created_at, row.created_at);
        let usage = store
            .routing_usage(RoutingKind::Server, "p1")
            .await
            .unwrap();
        assert_eq!((usage.count, usage.vcpus, usage.ram_mb), (2, 4, 1024));
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_thing_is_claimed_once_in_a_pod() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let intent = || Realization::intent(RealizationKind::Network, "n1", "pod-1", "p1");
        let first = store.realization_claim(&intent()).await.unwrap();
        let second = store.realization_claim(&intent()).await.unwrap();
        assert_eq!(first.id, second.id);
        let data = serde_json::json!({"gateway_ip": "10.0.1.1"});
        assert!(
            store
                .realization_present(&first.id, "b1", "digest", &data)
                .await
                .unwrap()
        );
        let back = store
            .realizations_by_bottom("pod-1", &["b1".to_owned(), "b2".to_owned()])
            .await
            .unwrap();
        assert_eq!(back.len(), 1);
        assert_eq!(back[0].top_id, "n1");
        assert_eq!(back[0].data, data.to_string());
        assert!(store.realization_delete(&first.id).await.unwrap());
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn private_flavors_are_seen_by_those_who_were_let_in() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let flavor = |id: &str, public: bool| Flavor {
            id: uuid::Uuid::new_v4().to_string(),
            flavor_id: id.to_owned(),
            name: format!("m1.{id}"),
            memory_mb: 512,
            vcpus: 1,
            root_gb: 1,
            ephemeral_gb: 0,
            swap_mb: 0,
            rxtx_factor: 1.0,
            is_public: public,
            disabled: false,
            description: None,
            extra_specs: "{}".to_owned(),
            created_at: now(),
            updated_at: now(),
        };
        store.flavor_create(&flavor("1", true)).await.unwrap();
        store.flavor_create(&flavor("2", false)).await.unwrap();
        assert_eq!(store.flavors(Some("p1")).await.unwrap().len(), 1);
        store.flavor_access_add("2", "p1").await.unwrap();
        assert_eq!(store.flavors(Some("p1")).await.unwrap().len(), 2);
        assert_eq!(store.flavors(Some("p2")).await.unwrap().len(), 1);
        assert_eq!(store.flavors(None).await.unwrap().len(), 2);
        assert!(store.flavor_delete("2").await.unwrap());
        assert!(!store.flavor_delete("2").await.unwrap());
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn an_intent_and_its_job_live_and_end_together() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let first = pod("Pod1");
        store.pod_create(&first, &[]).await.unwrap();
        let job = |row: &Routing| NewJob::new("server_recover", &row.id);
        let limits = UsageLimits {
            count: 1,
            ..UsageLimits::NONE
        };
        let row = intent(&first);
        let begun = store.intent_begin(&row, &job(&row), &limits).await.unwrap();
        assert_eq!(begun, IntentOutcome::Begun);
        let second = intent(&first);
        let refused = store
            .intent_begin(&second, &job(&second), &limits)
            .await
            .unwrap();
        assert!(matches!(refused, IntentOutcome::OverQuota(used) if used.count == 1));
        assert!(store.routing_by_id(&second.id).await.unwrap().is_none());
        let live = || async {
            let filter = JobFilter {
                states: vec![JobState::Ready],
                ..JobFilter::default()
            };
            store.jobs(&filter).await.unwrap().len()
        };
        assert_eq!(live().await, 1);
        let done = store
            .intent_complete(
                &row.id,
                &[RoutingState::Creating],
                "s1",
                "compute:az1",
                "server_recover",
            )
            .await
            .unwrap();
        assert!(done);
        assert_eq!(live().await, 0);
        assert_eq!(
            store.routing_load(RoutingKind::Server).await.unwrap(),
            [(first.id.clone(), 1)]
        );
        store
            .removal_begin(
                RoutingKind::Server,
                "s1",
                &NewJob::new("server_remove", "s1"),
            )
            .await
            .unwrap();
        assert_eq!(live().await, 1);
        store
            .removal_refused(RoutingKind::Server, "s1", "server_remove")
            .await
            .unwrap();
        assert_eq!(live().await, 0);
        let row = store.routing_by_id(&row.id).await.unwrap().unwrap();
        assert_eq!(row.state, RoutingState::Active);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_pods_own_default_group_does_not_keep_the_pod_and_a_network_does() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let first = pod("Pod1");
        store.pod_create(&first, &[]).await.unwrap();
        let claim = |kind, top_id: &'static str| {
            let intent = Realization::intent(kind, top_id, &first.id, "p1");
            async move { store.realization_claim(&intent).await.unwrap() }
        };
        let group = claim(RealizationKind::SecurityGroup, "g1").await;
        let adopted = serde_json::json!({"adopted": true});
        store
            .realization_present(&group.id, "b1", "d", &adopted)
            .await
            .unwrap();
        let network = claim(RealizationKind::Network, "n1").await;
        assert_eq!(
            store.pod_delete(&first.id).await.unwrap(),
            PodRemoval::InUse(1)
        );
        assert!(store.realization_delete(&network.id).await.unwrap());
        assert_eq!(
            store.pod_delete(&first.id).await.unwrap(),
            PodRemoval::Removed
        );
        test.drop_schema().await.unwrap();
    }
}
