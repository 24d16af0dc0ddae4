//! A world whose pods can be made to fail, simulated or real.
//!
//! Real pods are reached through a [`FaultProxy`] each, by regions of Keystone that exist
//! for this test only: Tricircle finds pods by region, so a top of its own that is told
//! these regions calls the proxies, while everybody else goes on with the real ones.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tricircle_api::Running;
use tricircle_db::testing::TestStore;
use tricircle_pod_sim::{Faults, Service as PodService};
use tricircle_runtime::{Parts, Started};

use crate::fault_proxy::FaultProxy;
use crate::http::{Client, list, string};
use crate::process::Service;
use crate::settings::Settings;
use crate::simulated::log_if_asked;
use crate::world::World;

/// What regions of this test's own begin with.
const PREFIX: &str = "troubled-";

/// VLANs that no other top of these pods gives.
const VLANS: &str = "physnet1:2500:2599";

/// How long a create may stay unfinished: real pods are not as quick as simulated ones.
const GRACE: Duration = Duration::from_secs(20);

/// Real pods behind proxies, and a top over them.
#[derive(Debug)]
pub struct Troubled {
    /// What scenarios see: its pods are the real ones, past the proxies.
    pub world: World,
    /// The faults of each pod.
    pub faults: Vec<Faults>,
    /// The proxies of each pod.
    pub proxies: Vec<Vec<FaultProxy>>,
    catalog: Catalog,
    running: Vec<Started>,
    shutdown: CancellationToken,
    _database: TestStore,
    _folder: TempDir,
}

impl Troubled {
    /// A top of its own over the real pods that the environment names, if it does.
    pub async fn real() -> Option<Self> {
        log_if_asked();
        let mut world = World::real().await?;
        let admin = world.login("admin", "admin").await;
        let catalog = Catalog::new(&world.keystone, &admin.token);
        // What a run that was killed left behind.
        catalog.remove_regions().await;
        let tag = format!("{PREFIX}{}", world.tag);
        let copied = |kind: &str| admin.endpoint(&world.top, &[kind]).unwrap_or_default();
        let shared = [
            ("image", copied("image")),
            ("identity", world.keystone.clone()),
        ];

        let (mut faults, mut proxies, mut regions) = (Vec::new(), Vec::new(), Vec::new());
        for pod in &world.pods {
            let region = format!("{tag}-{}", pod.region);
            catalog.region(&region, &shared).await;
            let (of_pod, mut before) = (Faults::default(), Vec::new());
            for (kind, service, path) in [
                ("compute", PodService::Nova, "/v2.1"),
                ("volumev3", PodService::Cinder, "/v3/$(project_id)s"),
                ("network", PodService::Neutron, ""),
            ] {
                let url = admin.endpoint(&pod.region, &[kind]).unwrap();
                let proxy = FaultProxy::before(service, &url, &of_pod).await;
                let own = format!("{}{path}", proxy.url());
                catalog.endpoint(&region, kind, &own).await;
                before.push(proxy);
            }
            regions.push(region);
            faults.push(of_pod);
            proxies.push(before);
        }

        world.top.clone_from(&tag);
        catalog.region(&tag, &shared).await;
        let database = TestStore::sqlite().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            keystone: world.keystone.clone(),
            password: world.password.clone(),
            top: tag.clone(),
            vlans: VLANS.to_owned(),
            database: database.connection.clone(),
            create_grace: GRACE.as_secs_f64(),
            ..Settings::default()
        };
        let config = settings.load(&folder.path().join("tricircle.conf"));
        let shutdown = CancellationToken::new();
        let parts = Parts::build(config, &shutdown).await.unwrap();
        let mut running = Vec::new();
        for service in Service::ALL {
            let started = service.start(parts.clone(), shutdown.clone());
            let started = started.await.unwrap();
            let url = started.services.first().map(Running::url);
            if let (Some((kind, path)), Some(url)) = (service.endpoint(), url) {
                catalog.endpoint(&tag, kind, &format!("{url}{path}")).await;
            }
            running.push(started);
        }
        let troubled = Self {
            world,
            faults,
            proxies,
            catalog,
            running,
            shutdown,
            _database: database,
            _folder: folder,
        };
        troubled.register(&regions).await;
        Some(troubled)
    }

    async fn register(&self, regions: &[String]) {
        let admin = self.world.admin().await;
        for (pod, region) in self.world.pods.iter().zip(regions) {
            let body = json!({"pod": {"region_name": region, "az_name": pod.zone}});
            admin.admin.post("/pods", body).await.expect(201);
        }
        self.world.wait_for_zones(&admin).await;
    }

    /// Stops the top and takes its regions out of Keystone.
    pub async fn end(mut self) {
        self.shutdown.cancel();
        for service in self.running.drain(..) {
            service.wait().await;
        }
        self.catalog.remove_regions().await;
    }
}

/// Regions and endpoints in a real Keystone.
#[derive(Debug)]
struct Catalog(Client);

impl Catalog {
    fn new(keystone: &str, token: &str) -> Self {
        Self(Client::new(keystone).with("X-Auth-Token", token))
    }

    async fn region(&self, id: &str, shared: &[(&str, String)]) {
        let body = json!({"region": {"id": id}});
        self.0.post("/regions", body).await.expect(201);
        for (kind, url) in shared {
            self.endpoint(id, kind, url).await;
        }
    }

    async fn endpoint(&self, region: &str, kind: &str, url: &str) {
        let body = json!({"endpoint": {
            "service_id": self.service(kind).await, "region_id": region,
            "interface": "public", "url": url,
        }});
        self.0.post("/endpoints", body).await.expect(201);
    }

    /// The id of the service of a type; it is made where there was none yet.
    async fn service(&self, kind: &str) -> String {
        let found = self.0.get(&format!("/services?type={kind}")).await;
        let found = found.expect(200);
        if let Some(service) = list(&found, "/services").first() {
            return string(service, "/id");
        }
        let body = json!({"service": {"type": kind, "name": format!("{PREFIX}{kind}")}});
        let made = self.0.post("/services", body).await.expect(201);
        string(&made, "/service/id")
    }

    /// Removes this test's regions with their endpoints, those of earlier runs too.
    async fn remove_regions(&self) {
        let own = |id: &Value| id.as_str().is_some_and(|id| id.starts_with(PREFIX));
        let endpoints = self.0.get("/endpoints").await.expect(200);
        for endpoint in list(&endpoints, "/endpoints") {
            if own(&endpoint["region_id"]) {
                let path = format!("/endpoints/{}", string(endpoint, "/id"));
                self.0.delete(&path).await.expect(204);
            }
        }
        let regions = self.0.get("/regions").await.expect(200);
        for region in list(&regions, "/regions") {
            if own(&region["id"]) {
                let path = format!("/regions/{}", string(region, "/id"));
                self.0.delete(&path).await.expect(204);
            }
        }
    }
}
