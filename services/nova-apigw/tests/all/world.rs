//! Two pods, a gateway over them, and a worker.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tricircle_compute::{
    Compute, Rooms, ServerGroupRemove, ServerRecover, ServerRemove, ServerSettle,
};
use tricircle_config::{Config, SecretString};
use tricircle_db::models::{
    AuthMode, Flavor, JobFilter, JobState, Pod, PodState, PodZone, ZoneService,
};
use tricircle_db::testing::TestStore;
use tricircle_jobs::{Engine, EngineConfig, Kinds};
use tricircle_network::Network;
use tricircle_pod_sim::{SimCloud, SimPod};
use tricircle_runtime::Parts;

/// Longer than anything here takes; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The version at which calls are made where a test names none.
pub const NEW: &str = "2.96";

pub struct World {
    pub cloud: SimCloud,
    pub pods: Vec<SimPod>,
    pub parts: Parts,
    pub url: String,
    http: Client,
    shutdown: CancellationToken,
    _test: TestStore,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A user in a project.
pub struct User<'a> {
    world: &'a World,
    token: String,
    pub id: String,
    pub project: String,
    version: &'static str,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The message of a refusal with this status.
    #[track_caller]
    pub fn refused(self, status: u16) -> String {
        let body = self.expect(status);
        let fault = body.as_object().and_then(|fault| fault.values().next());
        let message = fault.and_then(|fault| fault["message"].as_str());
        message.unwrap_or_default().to_owned()
    }
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Pod1 is `az1`, Pod2 is `az2`; in both the zone is called `nova`. Flavors: `1` with
    /// one processor and 512 MiB, `2` with two and 2048.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let cloud = SimCloud::start().await.unwrap();
        let test = TestStore::sqlite().await.unwrap();
        let mut pods = Vec::new();
        for (name, zone) in [("Pod1", "az1"), ("Pod2", "az2")] {
            let pod = cloud.add_pod(name).await.unwrap();
            pod.set_build_time(Some(Duration::ZERO));
            pod.set_other_time(Duration::ZERO);
            pods.push(pod);
            let now = tricircle_db::now();
            let row = Pod {
                id: uuid::Uuid::new_v4().to_string(),
                region_name: name.to_owned(),
                ordinal: 0,
                state: PodState::Enabled,
                auth_mode: AuthMode::Shared,
                affinity_tag: String::new(),
                created_at: now,
                updated_at: now,
            };
            let zone = PodZone {
                pod_id: row.id.clone(),
                service: ZoneService::Compute,
                top_az: zone.to_owned(),
                bottom_az: "nova".to_owned(),
            };
            test.store.pod_create(&row, &[zone]).await.unwrap();
        }
        for (id, vcpus, memory_mb) in [("1", 1, 512), ("2", 2, 2048)] {
            test.store
                .flavor_create(&flavor(id, vcpus, memory_mb))
                .await
                .unwrap();
        }
        let mut config = Config::default();
        config.keystone_authtoken.auth_url = cloud.keystone_url();
        config.keystone_authtoken.password = SecretString::from("secret");
        config.database.connection = SecretString::from(test.connection.clone());
        config.nova_apigw.bind_host = "127.0.0.1".to_owned();
        config.nova_apigw.bind_port = 0;
        config.nova_apigw.workers = 1;
        config.jobs.create_grace = Duration::from_secs(5);
        change(&mut config);
        let shutdown = CancellationToken::new();
        let parts = Parts::build(config, &shutdown).await.unwrap();
        let running = nova_apigw::start(parts.clone(), shutdown.clone())
            .await
            .unwrap();
        Self {
            url: running[0].url(),
            http: Client::new(),
            cloud,
            pods,
            parts,
            shutdown,
            _test: test,
        }
    }

    pub fn compute(&self) -> Compute {
        let parts = &self.parts;
        Compute {
            store: parts.store.clone(),
            pods: parts.pods.clone(),
            network: Network::new(
                parts.store.clone(),
                parts.pods.clone(),
                parts.config.clone(),
                parts.jobs(),
            ),
            jobs: parts.jobs(),
            config: parts.config.clone(),
            rooms: Rooms::default(),
        }
    }

    /// Runs jobs from now on.
    pub fn start_worker(&self) -> JoinHandle<()> {
        let compute = self.compute();
        let kinds = Kinds::new()
            .with(ServerRecover(compute.clone()))
            .with(ServerRemove(compute.clone()))
            .with(ServerGroupRemove(compute.clone()))
            .with(ServerSettle(compute));
        let config = EngineConfig {
            poll_interval: Duration::from_millis(50),
            retry_base: Duration::from_millis(20),
            ..EngineConfig::default()
        };
        let (store, bus) = (self.parts.store.clone(), Arc::clone(&self.parts.bus));
        let engine = Engine::new(store, bus, kinds, config);
        let stop = self.shutdown.clone();
        tokio::spawn(async move { engine.run(stop).await })
    }

    /// Waits until no job is to be done.
    pub async fn quiet(&self) {
        let live = JobFilter {
            states: vec![
                JobState::Ready,
                JobState::Running,
                JobState::Waiting,
                JobState::Stuck,
            ],
            ..JobFilter::default()
        };
        let settled = async {
            while !self.parts.store.jobs(&live).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, settled)
            .await
            .expect("jobs did not come to rest");
    }

    pub async fn user(&self, name: &str, project: &str) -> User<'_> {
        User {
            world: self,
            token: self.cloud.token(name, project).await.unwrap(),
            id: self.cloud.user_id(name),
            project: self.cloud.project_id(project),
            version: NEW,
        }
    }

    pub async fn demo(&self) -> User<'_> {
        self.user("demo", "demo").await
    }

    pub async fn admin(&self) -> User<'_> {
        self.user("admin", "admin").await
    }
}

impl User<'_> {
    /// The same user, who speaks another version.
    pub fn at(&self, version: &'static str) -> Self {
        Self {
            world: self.world,
            token: self.token.clone(),
            id: self.id.clone(),
            project: self.project.clone(),
            version,
        }
    }

    async fn call(&self, root: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self
            .world
            .http
            .request(method, format!("{root}{path}"))
            .header("x-auth-token", &self.token)
            .header("openstack-api-version", format!("compute {}", self.version));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, body }
    }

    async fn top(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let root = format!("{}/v2.1", self.world.url);
        self.call(&root, method, path, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.top(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.top(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.top(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.top(Method::DELETE, path, None).await
    }

    /// A call to a pod directly.
    pub async fn in_pod(
        &self,
        pod: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let root = self.world.pods[pod].nova_url();
        let root = root.trim_end_matches('/').trim_end_matches("/v2.1");
        self.call(&format!("{root}/v2.1"), method, path, body).await
    }

    /// A body for a server without networks.
    pub fn server(&self, name: &str, zone: &str) -> Value {
        json!({
            "name": name, "flavorRef": "1", "imageRef": self.world.cloud.image_id(),
            "networks": "none", "availability_zone": zone,
        })
    }

    /// Creates a server and waits until it runs; its id.
    pub async fn running(&self, name: &str, zone: &str) -> String {
        let body = json!({"server": self.server(name, zone)});
        let made = self.post("/servers", body).await.expect(202);
        let id = made["server"]["id"].as_str().unwrap().to_owned();
        self.wait(&id, "ACTIVE").await;
        id
    }

    /// Waits until a server has a status.
    pub async fn wait(&self, id: &str, status: &str) {
        let reached = async {
            loop {
                let shown = self.get(&format!("/servers/{id}")).await.expect(200);
                if shown["server"]["status"] == status {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .unwrap_or_else(|_| panic!("{id} did not become {status}"));
    }
}

fn flavor(id: &str, vcpus: i32, memory_mb: i32) -> Flavor {
    let now = tricircle_db::now();
    Flavor {
        id: uuid::Uuid::new_v4().to_string(),
        flavor_id: id.to_owned(),
        name: format!("f{id}"),
        memory_mb,
        vcpus,
        root_gb: 1,
        ephemeral_gb: 0,
        swap_mb: 0,
        rxtx_factor: 1.0,
        is_public: true,
        disabled: false,
        description: None,
        extra_specs: "{}".to_owned(),
        created_at: now,
        updated_at: now,
    }
}
