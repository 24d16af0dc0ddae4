//! A Keystone, two pods, a database, and the worker's kinds on them.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tricircle_config::{Config, SecretString};
use tricircle_db::models::*;
use tricircle_db::testing::TestStore;
use tricircle_jobs::Kinds;
use tricircle_network::drivers::Segment;
use tricircle_network::ipam::SubnetWish;
use tricircle_network::kinds::ROUTER_SETUP;
use tricircle_network::{Actor, Network as Networking, RequestedNetworks, RequestedNic};
use tricircle_pod_sim::{SimCloud, SimPod};
use tricircle_pods::{PodSession, Service};
use tricircle_runtime::Parts;

/// The ids of the pods' rows.
pub const PODS: [&str; 2] = ["pod-1", "pod-2"];

pub struct World {
    pub cloud: SimCloud,
    pub pods: [SimPod; 2],
    pub test: TestStore,
    pub network: Networking,
    /// Which call of which pod goes wrong; see `kinds`.
    pub broken: Arc<AtomicUsize>,
    parts: Parts,
    kinds: Kinds,
    shutdown: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl World {
    pub async fn new() -> Self {
        let cloud = SimCloud::start().await.unwrap();
        let pods = [
            cloud.add_pod("Pod1").await.unwrap(),
            cloud.add_pod("Pod2").await.unwrap(),
        ];
        let test = TestStore::sqlite().await.unwrap();
        for (id, pod) in PODS.iter().zip(&pods) {
            register(&test, id, pod.name()).await;
        }
        let mut config = Config::default();
        config.keystone_authtoken.auth_url = cloud.keystone_url();
        config.keystone_authtoken.password = SecretString::from("secret");
        config.database.connection = SecretString::from(test.connection.clone());
        config.tricircle.network_vlan_ranges = vec!["physnet1:1000:1099".parse().unwrap()];
        let shutdown = CancellationToken::new();
        let parts = Parts::build(config, &shutdown).await.unwrap();
        let network = Networking::new(
            parts.store.clone(),
            parts.pods.clone(),
            parts.config.clone(),
            parts.jobs(),
        );
        Self {
            cloud,
            pods,
            test,
            network,
            broken: Arc::default(),
            kinds: xjob::kinds(&parts),
            parts,
            shutdown,
        }
    }

    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Brings a pod's part of a router in order, as its job does.
    pub async fn setup(&self, router_id: &str, pod_id: &str) {
        let store = &self.test.store;
        let job = NewJob {
            pod_id: pod_id.to_owned(),
            ..NewJob::new(ROUTER_SETUP, router_id)
        };
        store.job_enqueue(&job).await.unwrap();
        let kind = self.kinds.get(ROUTER_SETUP).unwrap();
        let end = tricircle_jobs::testing::run_to_the_end(store, kind).await;
        assert_eq!(end.unwrap(), JobState::Done);
    }

    pub fn project(&self) -> String {
        self.cloud.project_id("service")
    }

    pub fn admin(&self, pod: usize) -> PodSession {
        self.parts.pods.admin(PODS[pod], "req-test").unwrap()
    }

    /// A network with a subnet, at the top only.
    pub async fn network(&self) -> (Network, Subnet) {
        self.network_of("net", "10.0.1.0/24").await
    }

    /// The same with a name and a prefix.
    pub async fn network_of(&self, name: &str, cidr: &str) -> (Network, Subnet) {
        let draft = Network {
            project_id: self.project(),
            name: name.to_owned(),
            ..Network::default()
        };
        let segment = Segment {
            network_type: "vlan".to_owned(),
            ..Segment::default()
        };
        let made = self.network.create_network(&draft, Some(&segment)).await;
        let network = made.unwrap().network;
        let draft = Subnet {
            network_id: network.id.clone(),
            project_id: self.project(),
            name: "sub".to_owned(),
            ..Subnet::default()
        };
        let wish = SubnetWish {
            ip_version: 4,
            cidr: cidr.to_owned(),
            enable_dhcp: true,
            ..SubnetWish::default()
        };
        let subnet = self.network.create_subnet(&draft, &wish).await.unwrap();
        (network, subnet)
    }

    /// What a create has made in a pod when it comes to the server: a port of its own on
    /// the network, and those of the user. The ids in the pod.
    pub async fn ports_for(
        &self,
        device: &str,
        pod: usize,
        network: &Network,
        own: &[&PortView],
        groups: &[&str],
    ) -> Vec<String> {
        let mut nics = vec![RequestedNic {
            uuid: Some(network.id.clone()),
            ..RequestedNic::default()
        }];
        nics.extend(own.iter().map(|view| RequestedNic {
            port: Some(view.port.id.clone()),
            ..RequestedNic::default()
        }));
        self.made(device, pod, nics, groups).await
    }

    /// The same of one port of the user and no other.
    pub async fn own_port_for(&self, device: &str, pod: usize, own: &PortView) -> String {
        let nic = RequestedNic {
            port: Some(own.port.id.clone()),
            ..RequestedNic::default()
        };
        let made = self.made(device, pod, vec![nic], &[]).await;
        made.into_iter().next().unwrap()
    }

    async fn made(
        &self,
        device: &str,
        pod: usize,
        nics: Vec<RequestedNic>,
        groups: &[&str],
    ) -> Vec<String> {
        let who = Actor {
            project_id: self.project(),
            user_id: "u".to_owned(),
            is_admin: false,
            request_id: "req-test".to_owned(),
        };
        let groups: Vec<String> = groups.iter().map(|name| (*name).to_owned()).collect();
        let requested = RequestedNetworks::List(nics);
        let plan = self.network.plan(&who, &requested, &groups).await.unwrap();
        let ports = self.network.allocate(&plan, device, "az").await.unwrap();
        let made = self.network.realize_ports(PODS[pod], &ports).await.unwrap();
        made.into_iter().map(|port| port.bottom_id).collect()
    }

    /// A wish of just now for a job in the first pod.
    pub fn wished_now(&self, kind: &str, resource: &str) -> NewJob {
        NewJob {
            pod_id: PODS[0].to_owned(),
            payload: json!({"wished_at": tricircle_db::now().and_utc().timestamp()}),
            ..NewJob::new(kind, resource)
        }
    }

    /// A free port of the user.
    pub async fn users_port(&self, network: &Network) -> PortView {
        let port = Port {
            network_id: network.id.clone(),
            project_id: self.project(),
            name: "mine".to_owned(),
            ..Port::default()
        };
        let draft = tricircle_network::PortDraft {
            port,
            ..tricircle_network::PortDraft::default()
        };
        let made = self.network.create_ports(&[draft]).await.unwrap();
        made.into_iter().next().unwrap()
    }

    /// Everything that jobs touch, in the pods and at the top, without ids.
    pub async fn seen(&self) -> Value {
        let store = &self.test.store;
        let mut top: Vec<String> = Vec::new();
        let networks = NetworkFilter {
            deleting_too: true,
            ..NetworkFilter::default()
        };
        for view in store.networks(&networks).await.unwrap() {
            let row = view.network;
            top.push(format!(
                "network {} {}",
                self.nameless(&row.name),
                row.state
            ));
        }
        let subnets = SubnetFilter {
            deleting_too: true,
            ..SubnetFilter::default()
        };
        for row in store.subnets(&subnets).await.unwrap() {
            top.push(format!("subnet {} {}", self.nameless(&row.name), row.state));
            for address in store.addresses_used(&row.id).await.unwrap() {
                top.push(format!("address {}", address.purpose));
            }
        }
        let ports = PortFilter {
            deleting_too: true,
            ..PortFilter::default()
        };
        for view in store.ports(&ports).await.unwrap() {
            let row = view.port;
            let used = !row.device_id.is_empty();
            top.push(format!("port {} {} in use: {used}", row.name, row.state));
        }
        let groups = SecurityGroupFilter {
            deleting_too: true,
            ..SecurityGroupFilter::default()
        };
        for view in store.security_groups(&groups).await.unwrap() {
            let (row, rules) = (view.group, view.rules.len());
            top.push(format!("group {} {} rules: {rules}", row.name, row.state));
        }
        for row in store.realizations(None, None).await.unwrap() {
            let known = row.bottom_id.is_some();
            top.push(format!(
                "{} in {} {} id: {known}",
                row.kind, row.pod_id, row.state
            ));
        }
        for row in store.routings(&RoutingFilter::default()).await.unwrap() {
            let (id, gone) = (row.top_id.is_some(), row.deleted_at.is_some());
            top.push(format!("{} {} id: {id} gone: {gone}", row.kind, row.state));
        }
        let routers = RouterFilter {
            deleting_too: true,
            ..RouterFilter::default()
        };
        for row in store.routers(&routers).await.unwrap() {
            top.push(format!("router {} {}", row.name, row.state));
        }
        let floating = FloatingIpFilter {
            deleting_too: true,
            ..FloatingIpFilter::default()
        };
        for row in store.floating_ips(&floating).await.unwrap() {
            top.push(format!("floating IP {} {}", row.state, row.status));
        }
        let parts = JobFilter {
            kind: Some(ROUTER_SETUP.to_owned()),
            states: vec![JobState::Ready],
            ..JobFilter::default()
        };
        for job in store.jobs(&parts).await.unwrap() {
            top.push(format!("wanted: {} in {}", job.kind, job.pod_id));
        }
        top.sort_unstable();
        json!({"top": top, "pods": [self.in_pod(0).await, self.in_pod(1).await]})
    }

    /// Names of bridge networks have a project's id, which is another one in each world.
    fn nameless(&self, name: &str) -> String {
        name.replace(&self.project(), "the project")
    }

    async fn in_pod(&self, pod: usize) -> Vec<String> {
        let found = self.pods[pod].inventory();
        let mut all: Vec<String> = Vec::new();
        for (kind, items, shown) in [
            ("server", &found.servers, &[][..]),
            ("volume", &found.volumes, &[]),
            ("network", &found.networks, &["mtu", "admin_state_up"]),
            ("subnet", &found.subnets, &["dns_nameservers"]),
            ("port", &found.ports, &["fixed_ips", "admin_state_up"]),
            ("group", &found.security_groups, &[]),
            (
                "router",
                &found.routers,
                &["routes", "external_gateway_info"],
            ),
            ("floating IP", &found.floatingips, &["fixed_ip_address"]),
            ("address group", &found.address_groups, &["addresses"]),
        ] {
            for item in items {
                let mut line = format!("{kind} {}", self.nameless(&item.name));
                for key in shown {
                    let mut value = item.detail[*key].clone();
                    match *key {
                        "external_gateway_info" => value = json!(!value.is_null()),
                        "fixed_ip_address" => {
                            let text = value.as_str().unwrap_or_default();
                            value = json!(text.rsplit_once('.').map(|(net, _)| net));
                        }
                        _ => {}
                    }
                    // Addresses are chosen at random: where they are named, they end in 77.
                    if let Some(list) = value.as_array_mut().filter(|_| *key == "fixed_ips") {
                        let named = |ip: &Value| {
                            let text = ip["ip_address"].as_str().unwrap_or_default();
                            json!(text.ends_with(".77"))
                        };
                        *list = list.iter().map(named).collect();
                    }
                    if let Some(list) = value.as_array().filter(|_| *key == "addresses") {
                        value = json!(list.len());
                    }
                    line.push_str(&format!(" {key}: {value}"));
                }
                all.push(line);
            }
        }
        let rules = self.admin(pod);
        let path = "/security-group-rules";
        let rules = rules.get_json(Service::Network, path).await.unwrap();
        for rule in rules["security_group_rules"].as_array().unwrap() {
            let of = found
                .security_groups
                .iter()
                .find(|group| json!(group.id) == rule["security_group_id"])
                .map_or("?", |group| group.name.as_str());
            // Those that stand for members elsewhere: the addresses are chosen at random.
            if let Some(by) = by_address(rule) {
                all.push(format!("rule of {of} {} by {by}", rule["direction"]));
                continue;
            }
            all.push(format!(
                "rule of {of} {} {} {} {}",
                rule["direction"], rule["ethertype"], rule["protocol"], rule["port_range_min"]
            ));
        }
        all.sort_unstable();
        all
    }
}

fn by_address(rule: &Value) -> Option<&'static str> {
    let prefix = rule["remote_ip_prefix"].as_str().unwrap_or_default();
    match rule["remote_address_group_id"].is_string() {
        true => Some("address group"),
        false => prefix.ends_with("/32").then_some("its address"),
    }
}

async fn register(test: &TestStore, id: &str, region: &str) {
    let now = tricircle_db::now();
    let pod = Pod {
        id: id.to_owned(),
        region_name: region.to_owned(),
        ordinal: 0,
        state: PodState::Enabled,
        auth_mode: AuthMode::Shared,
        created_at: now,
        updated_at: now,
    };
    test.store.pod_create(&pod, &[]).await.unwrap();
}

/// Whether a line like this is in what was seen of the top.
pub fn top_has(seen: &Value, start: &str) -> bool {
    has(&seen["top"], start)
}

/// The same of a pod.
pub fn pod_has(seen: &Value, pod: usize, start: &str) -> bool {
    has(&seen["pods"][pod], start)
}

fn has(lines: &Value, start: &str) -> bool {
    let mut lines = lines.as_array().unwrap().iter();
    lines.any(|line| line.as_str().is_some_and(|line| line.starts_with(start)))
}
