//! A cloud, a database, and the service under test.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tricircle_api::Running;
use tricircle_config::{Config, SecretString, VlanRange};
use tricircle_db::testing::TestStore;
use tricircle_pod_sim::SimCloud;
use tricircle_runtime::Parts;

pub(crate) struct Bench {
    pub(crate) cloud: SimCloud,
    pub(crate) db: TestStore,
    http: reqwest::Client,
    running: Running,
    admin: String,
    _shutdown: tokio_util::sync::DropGuard,
}

pub(crate) type Answer = (u16, Value);

impl Bench {
    pub(crate) async fn start() -> Self {
        let cloud = SimCloud::start().await.unwrap();
        let db = TestStore::sqlite().await.unwrap();
        let mut config = Config::default();
        config.keystone_authtoken.auth_url = cloud.keystone_url();
        config.keystone_authtoken.password = SecretString::from("secret");
        config.tricircle.network_vlan_ranges = vec![VlanRange {
            physical_network: "physnet1".to_owned(),
            ids: Some((100, 199)),
        }];
        config.admin_api.bind_host = "127.0.0.1".to_owned();
        config.admin_api.bind_port = 0;
        config.admin_api.workers = 1;
        config.database.connection = SecretString::from(db.connection.clone());
        let shutdown = CancellationToken::new();
        let parts = Parts::build(config, &shutdown).await.unwrap();
        let running = admin_api::start(parts, shutdown.clone()).await.unwrap();
        let running = running.into_iter().next().unwrap();
        Self {
            admin: cloud.token("admin", "admin").await.unwrap(),
            cloud,
            db,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            running,
            _shutdown: shutdown.drop_guard(),
        }
    }

    /// A call of the administrator.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.admin, method, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}/v1.0{path}", self.running.url());
        let mut request = self
            .http
            .request(method, url)
            .header("X-Auth-Token", token)
            .header("Accept", "application/json");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
        };
        (status, body)
    }

    /// Registers a pod that must be accepted; the whole answer.
    pub(crate) async fn register(&self, region: &str, zone: &str) -> Value {
        let (status, body) = self
            .create(json!({"region_name": region, "az_name": zone}))
            .await;
        assert_eq!(status, 201, "{body}");
        body
    }

    pub(crate) async fn create(&self, pod: Value) -> Answer {
        self.call("POST", "/pods", Some(json!({ "pod": pod })))
            .await
    }
}

/// The message of a fault.
pub(crate) fn told(body: &Value) -> &str {
    body["error"]["message"]
        .as_str()
        .unwrap_or_else(|| panic!("{body}"))
}
