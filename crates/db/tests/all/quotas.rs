//! Limits of projects: creates that come together never exceed them together.

use tricircle_db::models::*;
use tricircle_db::testing::TestStore;
use tricircle_db::{Store, now};

/// How many come together, and how many may.
const CROWD: usize = 12;
const LIMIT: i64 = 5;

/// Runs a create for each number at once; how many were made.
async fn made<F>(crowd: usize, create: impl Fn(usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let all: Vec<_> = (0..crowd).map(|n| tokio::spawn(create(n))).collect();
    let mut made = 0;
    for one in all {
        made += usize::from(one.await.unwrap());
    }
    made
}

fn intent(kind: RoutingKind) -> Routing {
    Routing {
        id: uuid::Uuid::new_v4().to_string(),
        kind,
        top_id: None,
        pod_id: "pod".to_owned(),
        bottom_id: None,
        project_id: "p1".to_owned(),
        user_id: "u1".to_owned(),
        name: "vm".to_owned(),
        state: RoutingState::Creating,
        availability_zone: None,
        flavor_id: None,
        image_id: None,
        vcpus: 1,
        ram_mb: 1,
        size_gb: 1,
        reservation_id: None,
        request_id: String::new(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }
}

fn network(segment: usize) -> Network {
    Network {
        project_id: "p1".to_owned(),
        network_type: "vlan".to_owned(),
        physical_network: Some("physnet1".to_owned()),
        segmentation_id: i32::try_from(segment).ok(),
        ..Network::default()
    }
}

fn fits(answer: NetWrite, resource: &'static str) -> bool {
    match answer {
        NetWrite::Done => true,
        other => {
            assert_eq!(other, NetWrite::OverQuota(resource));
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_and_volumes_that_are_begun_together_keep_to_the_limit() {
    for test in TestStore::both().await.unwrap() {
        for kind in [RoutingKind::Server, RoutingKind::Volume] {
            let limits = UsageLimits {
                count: LIMIT,
                ..UsageLimits::NONE
            };
            let begun = made(CROWD, |_| {
                let store = test.store.clone();
                async move {
                    let row = intent(kind);
                    let job = NewJob::new("recover", &row.id);
                    let begun = store.intent_begin(&row, &job, &limits).await.unwrap();
                    begun == IntentOutcome::Begun
                }
            });
            assert_eq!(begun.await, LIMIT as usize, "{kind}");
            let used = test.store.routing_usage(kind, "p1").await.unwrap();
            assert_eq!(used.count, LIMIT, "{kind}");
        }
        test.drop_schema().await.unwrap();
    }
}

async fn networks(store: &Store) {
    let begun = made(CROWD, |n| {
        let store = store.clone();
        async move {
            fits(
                store.network_create(&network(n), LIMIT).await.unwrap(),
                "network",
            )
        }
    });
    assert_eq!(begun.await, LIMIT as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn network_resources_that_are_made_together_keep_to_the_limit() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        networks(store).await;
        let on = store.networks(&NetworkFilter::default()).await.unwrap();
        let on = on[0].network.id.clone();
        let ports = made(CROWD, |n| {
            let (store, network_id) = (store.clone(), on.clone());
            async move {
                let port = Port {
                    network_id,
                    project_id: "p1".to_owned(),
                    mac_address: format!("fa:16:3e:00:00:{n:02x}"),
                    ..Port::default()
                };
                let view = PortView {
                    port,
                    fixed_ips: Vec::new(),
                    security_groups: Vec::new(),
                };
                let ended = store.ports_allocate(&[view], &[], "", "", LIMIT).await;
                fits(ended.unwrap(), "port")
            }
        });
        assert_eq!(ports.await, LIMIT as usize);
        let groups = made(CROWD, |n| {
            let store = store.clone();
            async move {
                let group = SecurityGroup::new("p1", &format!("g{n}"), "");
                let ended = store.security_group_create(&group, &[], LIMIT).await;
                fits(ended.unwrap(), "security_group")
            }
        });
        assert_eq!(groups.await, LIMIT as usize);
        let used = store.network_usage("p1").await.unwrap();
        assert_eq!(
            (used.network, used.port, used.security_group),
            (LIMIT, LIMIT, LIMIT)
        );
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_projects_own_limit_wins_and_less_than_nothing_is_no_limit() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let own = [("network".to_owned(), 1)];
        store.project_quotas_set("p1", &own).await.unwrap();
        let make = |n| async move { store.network_create(&network(n), -1).await.unwrap() };
        assert_eq!(make(1).await, NetWrite::Done);
        assert_eq!(make(2).await, NetWrite::OverQuota("network"));
        let own = [("network".to_owned(), -1)];
        store.project_quotas_set("p1", &own).await.unwrap();
        let free = store.network_create(&network(2), 1).await.unwrap();
        assert_eq!(free, NetWrite::Done);
        test.drop_schema().await.unwrap();
    }
}
