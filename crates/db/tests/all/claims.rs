//! What users no longer see is not begun in a pod: who deletes it looks for rows once.

use tricircle_db::models::*;
use tricircle_db::testing::TestStore;
use tricircle_db::{Store, now};

fn intent(kind: RealizationKind, top_id: &str) -> Realization {
    Realization::intent(kind, top_id, "pod", "p1")
}

async fn claimed(store: &Store, kind: RealizationKind, top_id: &str) -> bool {
    let claimed = store.realization_claim_live(&intent(kind, top_id)).await;
    claimed.unwrap().is_some()
}

async fn port(store: &Store) -> Port {
    let network = Network {
        project_id: "p1".to_owned(),
        network_type: "local".to_owned(),
        ..Network::default()
    };
    store.network_create(&network, -1).await.unwrap();
    let view = PortView {
        port: Port {
            network_id: network.id.clone(),
            project_id: "p1".to_owned(),
            mac_address: "fa:16:3e:00:00:01".to_owned(),
            ..Port::default()
        },
        fixed_ips: Vec::new(),
        security_groups: Vec::new(),
    };
    let new = std::slice::from_ref(&view);
    let made = store.ports_allocate(new, &[], "", "", -1).await;
    assert_eq!(made.unwrap(), NetWrite::Done);
    view.port
}

#[tokio::test]
async fn a_deleted_port_is_not_begun_in_a_pod() {
    use RealizationKind::{FloatingTarget, Port, RouterInterface};
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let port = port(store).await;
        assert!(claimed(store, FloatingTarget, &port.id).await);
        let job = NewJob::new("port_remove", &port.id);
        let gone = store.port_mark_deleting(&port.id, None, &job).await;
        assert_eq!(gone.unwrap(), NetWrite::Done);
        assert!(!claimed(store, Port, &port.id).await, "it is being deleted");
        assert!(
            claimed(store, FloatingTarget, &port.id).await,
            "it was begun"
        );
        store.port_purge(&port.id).await.unwrap();
        assert!(!claimed(store, Port, &port.id).await, "it is gone");
        assert!(!claimed(store, RouterInterface, &port.id).await);
        let rows = store.realizations_of(Port, &port.id).await.unwrap();
        assert_eq!(rows, []);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_router_is_not_begun_in_a_pod() {
    use RealizationKind::{BridgePort, Router as InPod};
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let router = Router {
            project_id: "p1".to_owned(),
            created_at: now(),
            ..Router::default()
        };
        let job = NewJob::new(ROUTER_SYNC, &router.id);
        store.router_create(&router, None, -1, &job).await.unwrap();
        assert!(claimed(store, InPod, &router.id).await);
        let gone = store.router_mark_deleting(&router.id, None, &job).await;
        assert_eq!(gone.unwrap(), NetWrite::Done);
        assert!(!claimed(store, BridgePort, &router.id).await);
        assert!(!claimed(store, RealizationKind::FloatingIp, "nobody").await);
        // Nobody sees anything in the way of others, which have jobs of their own.
        assert!(claimed(store, RealizationKind::Network, "any").await);
        test.drop_schema().await.unwrap();
    }
}
