//! The test bed: one service of its own for each test.

use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tricircle_config::{Config, SecretString};
use tricircle_db::models::{Pod, PodState, PodZone, ZoneService};
use tricircle_db::testing::TestStore;
use tricircle_pod_sim::SimCloud;
use tricircle_runtime::Parts;

/// A running service and what stands around it.
pub struct Bed {
    pub cloud: SimCloud,
    pub database: TestStore,
    pub url: String,
    pub parts: Parts,
    http: reqwest::Client,
    shutdown: CancellationToken,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// An answer: code and body.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
}

impl Answer {
    /// `<code> <type>: <message>` of a fault, `<code>` of anything else.
    pub fn said(&self) -> String {
        match self.body.get("NeutronError") {
            Some(error) => format!(
                "{} {}: {}",
                self.code,
                error["type"].as_str().unwrap(),
                error["message"].as_str().unwrap()
            ),
            None => self.code.to_string(),
        }
    }

    /// The code and type of a fault.
    pub fn kind(&self) -> String {
        match self.body.get("NeutronError") {
            Some(error) => format!("{} {}", self.code, error["type"].as_str().unwrap()),
            None => self.code.to_string(),
        }
    }

    /// The resource in the answer, which must be a success.
    pub fn of(&self, name: &str) -> &Value {
        assert!(self.code < 300, "{self:?}");
        &self.body[name]
    }

    /// Its id.
    pub fn id(&self, name: &str) -> String {
        self.of(name)["id"].as_str().unwrap().to_owned()
    }
}

impl Bed {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let cloud = SimCloud::start().await.unwrap();
        let database = TestStore::sqlite().await.unwrap();
        let mut config = Config::default();
        config.database.connection = SecretString::from(database.connection.as_str());
        config.keystone_authtoken.auth_url = cloud.keystone_url();
        config.keystone_authtoken.password = SecretString::from("secret");
        config.neutron_api.bind_host = "127.0.0.1".to_owned();
        config.neutron_api.bind_port = 0;
        config.neutron_api.workers = 1;
        config.tricircle.network_vlan_ranges = vec!["physnet1:100:199".parse().unwrap()];
        change(&mut config);
        let shutdown = CancellationToken::new();
        let parts = Parts::build(config, &shutdown).await.unwrap();
        let running = neutron_api::start(&parts, &shutdown).await.unwrap();
        Self {
            cloud,
            database,
            url: running.url(),
            parts,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            shutdown,
        }
    }

    /// Adds a row for a pod that has this zone, without a pod behind it.
    pub async fn with_zone(self, zone: &str) -> Self {
        let now = tricircle_db::now();
        let pod = Pod {
            id: uuid::Uuid::new_v4().to_string(),
            region_name: format!("Region-{zone}"),
            ordinal: 0,
            state: PodState::Enabled,
            auth_mode: tricircle_db::models::AuthMode::Shared,
            created_at: now,
            updated_at: now,
        };
        let zones = [PodZone {
            pod_id: pod.id.clone(),
            service: ZoneService::Compute,
            top_az: zone.to_owned(),
            bottom_az: String::new(),
        }];
        self.database.store.pod_create(&pod, &zones).await.unwrap();
        self
    }

    /// One request as a user of the simulated Keystone, in the project of the
    /// user's name (`reader` has none of its own and works in `demo`).
    pub async fn call(&self, user: &str, method: &str, path: &str, body: Option<&str>) -> Answer {
        self.call_with(user, method, path, body, &[]).await
    }

    pub async fn call_with(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let project = if user == "reader" { "demo" } else { user };
        let token = self.cloud.token(user, project).await.unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("X-Auth-Token", token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        let answer = request.send().await.unwrap();
        let code = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { code, body }
    }

    pub async fn get(&self, user: &str, path: &str) -> Answer {
        self.call(user, "GET", path, None).await
    }

    pub async fn post(&self, user: &str, path: &str, body: Value) -> Answer {
        self.call(user, "POST", path, Some(&body.to_string())).await
    }

    pub async fn put(&self, user: &str, path: &str, body: Value) -> Answer {
        self.call(user, "PUT", path, Some(&body.to_string())).await
    }

    pub async fn delete(&self, user: &str, path: &str) -> Answer {
        self.call(user, "DELETE", path, None).await
    }

    /// A network of `demo`, and its id.
    pub async fn network(&self, name: &str) -> String {
        let body = json!({"network": {"name": name}});
        self.post("demo", "/v2.0/networks", body)
            .await
            .id("network")
    }

    /// A subnet of `demo` on a network, and its id.
    pub async fn subnet(&self, network: &str, cidr: &str) -> String {
        let body = json!({"subnet": {"network_id": network, "ip_version": 4, "cidr": cidr}});
        self.post("demo", "/v2.0/subnets", body).await.id("subnet")
    }

    /// A router of `demo`, and its id.
    pub async fn router(&self, attributes: Value) -> String {
        let body = json!({ "router": attributes });
        self.post("demo", "/v2.0/routers", body).await.id("router")
    }

    /// An external network of the administrator's with a subnet; the ids of both.
    pub async fn external(&self, cidr: &str) -> (String, String) {
        let body = json!({"network": {"name": "outside", "router:external": true}});
        let network = self.post("admin", "/v2.0/networks", body).await;
        let network = network.id("network");
        let body = json!({"subnet": {"network_id": network, "ip_version": 4, "cidr": cidr}});
        let subnet = self.post("admin", "/v2.0/subnets", body).await.id("subnet");
        (network, subnet)
    }

    /// A port of `demo`, with more attributes.
    pub async fn port(&self, network: &str, more: Value) -> Answer {
        let mut port = json!({"network_id": network});
        for (key, value) in more.as_object().unwrap() {
            port[key] = value.clone();
        }
        self.post("demo", "/v2.0/ports", json!({ "port": port }))
            .await
    }

    /// The ids of a list.
    pub async fn ids(&self, user: &str, path: &str, collection: &str) -> Vec<String> {
        let answer = self.get(user, path).await;
        let rows = answer.of(collection).as_array().unwrap();
        rows.iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    }
}
