//! Two pods, a gateway over them, and a worker.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tricircle_config::{Config, SecretString};
use tricircle_db::models::{
    AuthMode, JobFilter, JobState, Pod, PodState, PodZone, Routing, RoutingFilter, ZoneService,
};
use tricircle_db::testing::TestStore;
use tricircle_jobs::{Engine, EngineConfig, Kinds};
use tricircle_pod_sim::{SimCloud, SimPod};
use tricircle_runtime::Parts;
use tricircle_volume::{VolumeRecover, VolumeRemove, Volumes};

/// Longer than anything here takes; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct World {
    pub cloud: SimCloud,
    pub pods: Vec<SimPod>,
    pub parts: Parts,
    pub url: String,
    token: String,
    http: Client,
    shutdown: CancellationToken,
    _test: TestStore,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Pod1 is `az1`, Pod2 is `az2`; in both the zone is called `nova`.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let cloud = SimCloud::start().await.unwrap();
        let test = TestStore::sqlite().await.unwrap();
        let mut pods = Vec::new();
        for (name, zone) in [("Pod1", "az1"), ("Pod2", "az2")] {
            pods.push(cloud.add_pod(name).await.unwrap());
            let now = tricircle_db::now();
            let row = Pod {
                id: uuid::Uuid::new_v4().to_string(),
                region_name: name.to_owned(),
                ordinal: 0,
                state: PodState::Enabled,
                auth_mode: AuthMode::Shared,
                created_at: now,
                updated_at: now,
            };
            let zone = PodZone {
                pod_id: row.id.clone(),
                service: ZoneService::Volume,
                top_az: zone.to_owned(),
                bottom_az: "nova".to_owned(),
            };
            test.store.pod_create(&row, &[zone]).await.unwrap();
        }
        let mut config = Config::default();
        config.keystone_authtoken.auth_url = cloud.keystone_url();
        config.keystone_authtoken.password = SecretString::from("secret");
        config.database.connection = SecretString::from(test.connection.clone());
        config.cinder_apigw.bind_host = "127.0.0.1".to_owned();
        config.cinder_apigw.bind_port = 0;
        config.cinder_apigw.workers = 1;
        config.jobs.create_grace = Duration::from_millis(50);
        config.client.list_timeout = Duration::from_secs(2);
        change(&mut config);
        let shutdown = CancellationToken::new();
        let parts = Parts::build(config, &shutdown).await.unwrap();
        let running = cinder_apigw::start(parts.clone(), shutdown.clone())
            .await
            .unwrap();
        let token = cloud.token("demo", "demo").await.unwrap();
        Self {
            url: running[0].url(),
            http: Client::new(),
            cloud,
            pods,
            parts,
            token,
            shutdown,
            _test: test,
        }
    }

    /// Runs jobs from now on.
    pub fn start_worker(&self) -> JoinHandle<()> {
        let volumes = Volumes {
            store: self.parts.store.clone(),
            pods: self.parts.pods.clone(),
            jobs: self.parts.jobs(),
            config: self.parts.config.clone(),
        };
        let kinds = Kinds::new()
            .with(VolumeRecover(volumes.clone()))
            .with(VolumeRemove(volumes));
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

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call_at(&format!("{}/v3", self.url), method, path, body)
            .await
    }

    /// The same call to a pod directly, as Cinder's own answer.
    pub async fn pod_call(&self, pod: usize, method: Method, path: &str, body: Value) -> Answer {
        let root = self.pods[pod].cinder_url();
        let root = root.trim_end_matches('/').trim_end_matches("/v3");
        self.call_at(&format!("{root}/v3"), method, path, Some(body))
            .await
    }

    async fn call_at(&self, base: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self
            .http
            .request(method, format!("{base}{path}"))
            .header("x-auth-token", &self.token)
            .header("openstack-api-version", "volume 3.60");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, body }
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Creates a volume and returns its id.
    pub async fn volume(&self, name: &str, zone: &str) -> String {
        let volume = json!({"name": name, "size": 1, "availability_zone": zone});
        let answer = self.post("/volumes", json!({"volume": volume})).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["volume"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn without_token(&self, path: &str) -> Answer {
        let response = self
            .http
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        let status = response.status();
        let body = response.json().await.unwrap_or_default();
        Answer { status, body }
    }

    pub async fn rows(&self) -> Vec<Routing> {
        let all = RoutingFilter::default();
        self.parts.store.routings(&all).await.unwrap()
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

    pub fn volumes_in(&self, pod: usize) -> Vec<String> {
        let inventory = self.pods[pod].inventory();
        inventory
            .volumes
            .into_iter()
            .map(|item| item.name)
            .collect()
    }
}
