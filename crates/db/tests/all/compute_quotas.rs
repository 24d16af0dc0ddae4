//! Limits of the Compute API and server groups: what counts, and that creates which come
//! together never exceed them together.

use tricircle_db::models::*;
use tricircle_db::now;
use tricircle_db::testing::TestStore;

const CROWD: usize = 12;

fn server(pod: &str) -> Routing {
    Routing {
        id: uuid::Uuid::new_v4().to_string(),
        kind: RoutingKind::Server,
        top_id: None,
        pod_id: pod.to_owned(),
        bottom_id: None,
        project_id: "p".to_owned(),
        user_id: "u".to_owned(),
        name: "vm".to_owned(),
        state: RoutingState::Creating,
        availability_zone: None,
        flavor_id: None,
        image_id: None,
        vcpus: 1,
        ram_mb: 1,
        size_gb: 0,
        reservation_id: None,
        request_id: String::new(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }
}

fn group(name: &str) -> ServerGroup {
    ServerGroup {
        id: uuid::Uuid::new_v4().to_string(),
        project_id: "p".to_owned(),
        user_id: "u".to_owned(),
        name: name.to_owned(),
        policy: GroupPolicy::Affinity,
        rules: "{}".to_owned(),
        created_at: now(),
    }
}

fn set(name: &str, limit: i64) -> Vec<(String, i64)> {
    vec![(name.to_owned(), limit)]
}

#[tokio::test]
async fn the_nearest_limit_counts() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let limit = async || {
            let set = store.compute_quotas("p", "u").await.unwrap();
            (set.of_project("cores", 20), set.of_user("cores", 20))
        };
        assert_eq!(limit().await, (20, 20));
        store
            .compute_quota_class_set("default", &set("cores", 15))
            .await
            .unwrap();
        assert_eq!(limit().await, (15, 15));
        store
            .compute_quotas_set("p", "", &set("cores", 10))
            .await
            .unwrap();
        assert_eq!(limit().await, (10, 10));
        store
            .compute_quotas_set("p", "u", &set("cores", 5))
            .await
            .unwrap();
        store
            .compute_quotas_set("p", "u", &set("cores", 4))
            .await
            .unwrap();
        assert_eq!(limit().await, (10, 4));
        let of_users = store.compute_quotas_of_users("p").await.unwrap();
        assert_eq!(of_users["cores"], 4);
        store.compute_quotas_delete("p", Some("u")).await.unwrap();
        assert_eq!(limit().await, (10, 10));
        store.compute_quotas_delete("p", None).await.unwrap();
        assert_eq!(limit().await, (15, 15));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_set_is_kept_to_by_servers_that_are_begun_together() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        store
            .compute_quotas_set("p", "", &set("instances", 7))
            .await
            .unwrap();
        store
            .compute_quotas_set("p", "u", &set("cores", 5))
            .await
            .unwrap();
        let all: Vec<_> = (0..CROWD)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    let row = server("pod");
                    let job = NewJob::new("server_recover", &row.id);
                    let begun = store.intent_begin(&row, &job, &UsageLimits::NONE).await;
                    matches!(begun.unwrap(), IntentOutcome::Begun)
                })
            })
            .collect();
        let mut begun = 0;
        for one in all {
            begun += usize::from(one.await.unwrap());
        }
        assert_eq!(begun, 5, "the user's own limit is the smaller one");
        let used = store.server_usage("p", Some("u")).await.unwrap();
        assert_eq!((used.count, used.vcpus), (5, 5));
        assert_eq!(
            store.server_usage("p", Some("other")).await.unwrap().count,
            0
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_one_group_that_come_together_are_in_one_pod_and_not_too_many() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let group = group("g");
        assert!(store.server_group_create(&group, -1).await.unwrap());
        let all: Vec<_> = (0..CROWD)
            .map(|n| {
                let (store, group_id) = (store.clone(), group.id.clone());
                tokio::spawn(async move {
                    let row = server(if n % 2 == 0 { "pod-1" } else { "pod-2" });
                    let job = NewJob::new("server_recover", &row.id);
                    let join = GroupJoin {
                        group_id,
                        one_pod: true,
                        configured: 4,
                    };
                    let limits = UsageLimits::NONE;
                    store
                        .intent_begin_in(&row, &job, &limits, Some(&join))
                        .await
                        .unwrap()
                })
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
        let members = store
            .server_group_members(std::slice::from_ref(&group.id))
            .await
            .unwrap();
        assert_eq!(members.len(), 4);
        assert!(
            members
                .iter()
                .all(|member| member.pod_id == members[0].pod_id)
        );
        // What failed is in no group.
        let begun = store.routings(&RoutingFilter::default()).await.unwrap();
        let from = [RoutingState::Creating];
        let failed = store.intent_failed(&begun[0].id, &from, "server_recover");
        assert!(failed.await.unwrap());
        let members = store
            .server_group_members(std::slice::from_ref(&group.id))
            .await
            .unwrap();
        assert_eq!(members.len(), 3);
        let job = NewJob::new("server_group_remove", &group.id);
        assert!(store.server_group_delete(&group.id, &job).await.unwrap());
        assert!(!store.server_group_delete(&group.id, &job).await.unwrap());
        let row = server("pod-1");
        let join = GroupJoin {
            group_id: group.id.clone(),
            one_pod: true,
            configured: 4,
        };
        let job = NewJob::new("server_recover", &row.id);
        let late = store.intent_begin_in(&row, &job, &UsageLimits::NONE, Some(&join));
        assert_eq!(late.await.unwrap(), IntentOutcome::GroupGone);
    }
}

#[tokio::test]
async fn groups_are_counted_and_paged() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let mut made = Vec::new();
        for name in ["a", "b", "c"] {
            let row = group(name);
            assert!(store.server_group_create(&row, 3).await.unwrap());
            made.push(row.id);
        }
        assert!(!store.server_group_create(&group("d"), 3).await.unwrap());
        let page = store.server_groups(Some("p"), 1, 1).await.unwrap();
        assert_eq!(page.len(), 1);
        assert_eq!(page[0].id, made[1]);
        assert_eq!(store.server_groups(None, 0, 10).await.unwrap().len(), 3);
        assert!(
            store
                .server_groups(Some("other"), 0, 10)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(store.server_group_count("p", Some("u")).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn a_server_that_grows_counts_as_the_larger_until_it_is_sized() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let row = server("pod");
        store.insert_routing(&row).await.unwrap();
        let limits = UsageLimits {
            vcpus: 4,
            ..UsageLimits::NONE
        };
        let job = NewJob::new("server_settle", "id");
        let refused = store.server_grow(&row, 5, 1, &job, &limits).await.unwrap();
        assert!(refused.is_some());
        assert_eq!(store.server_usage("p", None).await.unwrap().vcpus, 1);
        let refused = store.server_grow(&row, 4, 1, &job, &limits).await.unwrap();
        assert!(refused.is_none());
        assert_eq!(store.server_usage("p", None).await.unwrap().vcpus, 4);
        // What shrinks asks for nothing, whatever the limit.
        let none = UsageLimits { vcpus: 0, ..limits };
        let refused = store.server_grow(&row, 1, 1, &job, &none).await.unwrap();
        assert!(refused.is_none());
        let vcpus = store.server_usage("p", None).await.unwrap().vcpus;
        assert_eq!(vcpus, 4, "a caller who looked earlier takes nothing back");
        store.server_sized(&row.id, "f", 2, 3).await.unwrap();
        let used = store.server_usage("p", None).await.unwrap();
        assert_eq!((used.vcpus, used.ram_mb), (2, 3));
    }
}
