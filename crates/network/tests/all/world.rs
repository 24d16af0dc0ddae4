//! A Keystone, two pods, a database and what stands on them.

use std::sync::Arc;

use serde_json::Value;
use tricircle_config::{Config, ExposeSecret, SecretString};
use tricircle_db::models::{
    AuthMode, Network as NetworkRow, Pod, PodState, PodZone, Subnet, ZoneService,
};
use tricircle_db::testing::TestStore;
use tricircle_db::{Store, now};
use tricircle_jobs::JobSender;
use tricircle_keystone::Keystone;
use tricircle_messaging::LocalBus;
use tricircle_network::drivers::Segment;
use tricircle_network::ipam::SubnetWish;
use tricircle_network::{Actor, Network, RequestedNetworks, RequestedNic};
use tricircle_pod_sim::{Inventory, SimCloud, SimPod};
use tricircle_pods::Pods;

pub struct World {
    pub cloud: SimCloud,
    pub pod1: SimPod,
    pub pod2: SimPod,
    pub db: TestStore,
    pub config: Arc<Config>,
    pub network: Network,
}

/// The pods' rows have these ids.
pub const POD1: &str = "pod-1";
pub const POD2: &str = "pod-2";

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let cloud = SimCloud::start().await.unwrap();
        let pod1 = cloud.add_pod("Pod1").await.unwrap();
        let pod2 = cloud.add_pod("Pod2").await.unwrap();
        let db = TestStore::sqlite().await.unwrap();
        for (id, region, zone) in [(POD1, "Pod1", "az1"), (POD2, "Pod2", "az2")] {
            register(&db.store, id, region, zone).await;
        }
        let mut config = Config::default();
        config.keystone_authtoken.auth_url = cloud.keystone_url();
        config.keystone_authtoken.password = SecretString::from("secret");
        config.tricircle.network_vlan_ranges = vec!["physnet1:1000:1099".parse().unwrap()];
        change(&mut config);
        assert!(
            !config
                .keystone_authtoken
                .password
                .expose_secret()
                .is_empty()
        );
        let config = Arc::new(config);
        let network = process(&db.store, &config).await;
        Self {
            cloud,
            pod1,
            pod2,
            db,
            config,
            network,
        }
    }

    /// What another process on the same database has.
    pub async fn another_process(&self) -> Network {
        process(&self.db.store, &self.config).await
    }

    pub fn store(&self) -> &Store {
        &self.db.store
    }

    pub fn actor(&self, project: &str) -> Actor {
        Actor {
            project_id: self.cloud.project_id(project),
            user_id: self.cloud.user_id("demo"),
            is_admin: false,
            request_id: format!("req-{}", uuid::Uuid::new_v4()),
        }
    }

    /// A network of the demo project with a subnet.
    pub async fn network_with_subnet(&self, kind: &str, cidr: &str) -> (NetworkRow, Subnet) {
        network_with_subnet(&self.network, &self.cloud.project_id("demo"), kind, cidr).await
    }

    /// Everything before the pod's Nova is called: the ids of the ports in the pod.
    pub async fn server(
        &self,
        network_id: &str,
        pod: &str,
        intent: &str,
    ) -> Result<Vec<String>, tricircle_network::NetworkError> {
        server_by(&self.network, &self.actor("demo"), network_id, pod, intent).await
    }
}

/// A network of a project with a subnet.
pub async fn network_with_subnet(
    service: &Network,
    project_id: &str,
    kind: &str,
    cidr: &str,
) -> (NetworkRow, Subnet) {
    let draft = NetworkRow {
        project_id: project_id.to_owned(),
        name: "net1".to_owned(),
        ..NetworkRow::default()
    };
    let segment = Segment {
        network_type: kind.to_owned(),
        ..Segment::default()
    };
    let made = service.create_network(&draft, Some(&segment)).await;
    let network = made.unwrap().network;
    let draft = Subnet {
        network_id: network.id.clone(),
        project_id: network.project_id.clone(),
        name: "sub1".to_owned(),
        ..Subnet::default()
    };
    let wish = SubnetWish {
        ip_version: 4,
        cidr: cidr.to_owned(),
        enable_dhcp: true,
        ..SubnetWish::default()
    };
    let subnet = service.create_subnet(&draft, &wish).await.unwrap();
    (network, subnet)
}

pub async fn server_by(
    network: &Network,
    who: &Actor,
    network_id: &str,
    pod: &str,
    intent: &str,
) -> Result<Vec<String>, tricircle_network::NetworkError> {
    let plan = network.plan(who, &on(network_id), &[]).await?;
    network.check_pod(&plan, pod, "")?;
    let ports = network.allocate(&plan, intent, "az").await?;
    let realized = network.realize_ports(pod, &ports).await?;
    Ok(realized.into_iter().map(|port| port.bottom_id).collect())
}

pub fn on(network_id: &str) -> RequestedNetworks {
    RequestedNetworks::List(vec![RequestedNic {
        uuid: Some(network_id.to_owned()),
        ..RequestedNic::default()
    }])
}

pub async fn process(store: &Store, config: &Arc<Config>) -> Network {
    let keystone = Keystone::new(&config.keystone_authtoken).unwrap();
    let pods = Pods::new(store.clone(), keystone, config.clone()).unwrap();
    pods.refresh().await.unwrap();
    let jobs = JobSender::new(store.clone(), Arc::new(LocalBus::new()));
    Network::new(store.clone(), pods, config.clone(), jobs)
}

pub async fn register(store: &Store, id: &str, region: &str, zone: &str) {
    let pod = Pod {
        id: id.to_owned(),
        region_name: region.to_owned(),
        ordinal: 0,
        state: PodState::Enabled,
        auth_mode: AuthMode::Shared,
        created_at: now(),
        updated_at: now(),
    };
    let zone = PodZone {
        pod_id: id.to_owned(),
        service: ZoneService::Compute,
        top_az: zone.to_owned(),
        bottom_az: String::new(),
    };
    store.pod_create(&pod, &[zone]).await.unwrap();
}

/// The only object of a list, as the pod's administrator sees it.
pub fn only(items: &[tricircle_pod_sim::Item]) -> Value {
    assert_eq!(items.len(), 1, "{items:?}");
    items[0].detail.clone()
}

pub fn is_clean(inventory: &Inventory) {
    assert_eq!(inventory.leftovers(), Vec::<String>::new());
}

/// What an administrator does in a pod behind our back: the status of the answer.
pub async fn post(url: &str, token: &str, body: &Value) -> u16 {
    call("POST", url, token, &body.to_string()).await.0
}

/// The same, removing something.
pub async fn delete(url: &str, token: &str) -> u16 {
    call("DELETE", url, token, "").await.0
}

/// What an administrator sees in a pod.
pub async fn get(url: &str, token: &str) -> Value {
    serde_json::from_str(&call("GET", url, token, "").await.1).unwrap()
}

/// One call over a plain socket: this crate has no HTTP client of its own.
async fn call(method: &str, url: &str, token: &str, body: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    // HTTP/1.0: the answer is not chunked and ends with the connection.
    let request = format!(
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nX-Auth-Token: {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap();
    (status.parse().unwrap(), body.to_owned())
}
