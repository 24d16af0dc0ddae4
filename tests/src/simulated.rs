//! A simulated world: Keystone and pods of pod-sim, a database of its own, and the five
//! services over them.
//!
//! The services run in this process, on one set of parts as in the all-in-one process,
//! except those that a test wants to kill. They are registered in Keystone's catalog and
//! at the admin API as on a real machine.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tricircle_api::Running;
use tricircle_db::testing::{Relay, TestStore};
use tricircle_pod_sim::{SimCloud, SimPod};
use tricircle_runtime::{Parts, Started};

use crate::broker::Broker;
use crate::process::{Process, Service, free_port};
use crate::settings::Settings;
use crate::world::{TOP, World};

/// The database of the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file.
    Sqlite,
    /// A schema of its own on the MariaDB of the environment.
    MariaDb,
    /// The same behind a relay that can be cut.
    MariaDbBehindRelay,
}

/// What wakes the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// A bus within the process.
    Local,
    /// The RabbitMQ of the environment.
    Amqp,
}

/// What a simulated world is to be.
#[derive(Debug, Clone)]
pub struct Where {
    /// The database.
    pub backend: Backend,
    /// The bus.
    pub bus: Bus,
    /// How many pods: Pod1, Pod2, ...
    pub pods: usize,
    /// The services in processes of their own.
    pub outside: Vec<Service>,
    /// How long a create may stay unfinished before a job ends it.
    pub create_grace: Duration,
}

impl Default for Where {
    fn default() -> Self {
        Self {
            backend: Backend::Sqlite,
            bus: Bus::Local,
            pods: 2,
            outside: Vec::new(),
            create_grace: Duration::from_secs(60),
        }
    }
}

/// A world with the handles of a simulation.
#[derive(Debug)]
pub struct Simulated {
    /// What scenarios see of it.
    pub world: World,
    /// Keystone and Glance.
    pub cloud: SimCloud,
    /// The pods.
    pub pods: Vec<SimPod>,
    /// What the services in this process stand on.
    pub parts: Parts,
    /// The services in processes of their own.
    pub processes: BTreeMap<Service, Process>,
    /// The broker, if there is one.
    pub broker: Option<Broker>,
    /// What stands before the database, if something does.
    pub database_relay: Option<Relay>,
    running: Vec<Started>,
    shutdown: CancellationToken,
    database: TestStore,
    folder: TempDir,
    settings: Settings,
}

impl Deref for Simulated {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Simulated {
    /// The plain world: SQLite, no broker, all in this process.
    pub async fn plain() -> Self {
        Self::new(Where::default()).await.unwrap()
    }

    /// A world on these services; none where the environment does not have them (which
    /// fails the test where they are required).
    pub async fn new(place: Where) -> Option<Self> {
        log_if_asked();
        let database = match place.backend {
            Backend::Sqlite => TestStore::sqlite().await.unwrap(),
            Backend::MariaDb | Backend::MariaDbBehindRelay => TestStore::mysql().await.unwrap()?,
        };
        let (database_relay, connection) = match place.backend {
            Backend::MariaDbBehindRelay => {
                let (relay, connection) = database.through_relay().await.unwrap();
                (Some(relay), connection)
            }
            _ => (None, database.connection.clone()),
        };
        let broker = match place.bus {
            Bus::Local => None,
            Bus::Amqp => Some(Broker::of_environment().await?),
        };
        let cloud = SimCloud::start().await.unwrap();
        let names: Vec<_> = (1..=place.pods).map(|n| format!("Pod{n}")).collect();
        let mut pods = Vec::new();
        for name in &names {
            let pod = cloud.add_pod(name).await.unwrap();
            pod.set_build_time(Some(Duration::from_millis(20)));
            pods.push(pod);
        }
        pods[0].add_flavor("1", "m1.tiny", 1, 512, 1);

        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<_> = place.outside.iter().map(|s| (*s, free_port())).collect();
        let settings = Settings {
            keystone: cloud.keystone_url(),
            database: connection,
            broker: broker
                .as_ref()
                .map_or_else(String::new, Broker::transport_url),
            // Nobody tells a worker in another process where there is no broker.
            polling: broker.is_none() && !place.outside.is_empty(),
            create_grace: place.create_grace.as_secs_f64(),
            ports: ports.iter().map(|(s, port)| (s.section(), *port)).collect(),
            ..Settings::default()
        };
        let config = settings.load(&folder.path().join("tricircle.conf"));
        let shutdown = CancellationToken::new();
        let parts = Parts::build(config.clone(), &shutdown).await.unwrap();
        // With a broker between them, workers and APIs do not share a connection.
        let of_workers = match broker {
            Some(_) => Parts::build(config, &shutdown).await.unwrap(),
            None => parts.clone(),
        };

        let mut running = Vec::new();
        let mut processes = BTreeMap::new();
        for service in Service::ALL {
            let port = ports.iter().find(|(outside, _)| *outside == service);
            let url = if let Some((_, port)) = port {
                let process = Process::start(service, folder.path(), *port).await;
                processes.insert(service, process);
                format!("http://127.0.0.1:{port}")
            } else {
                let parts = match service {
                    Service::Jobs => of_workers.clone(),
                    _ => parts.clone(),
                };
                let started = service.start(parts, shutdown.clone()).await.unwrap();
                let url = started.services.first().map(Running::url);
                running.push(started);
                url.unwrap_or_default()
            };
            if let Some((kind, path)) = service.endpoint() {
                cloud.register_endpoint(TOP, kind, &format!("{url}{path}"));
            }
        }

        let world = World::around(&cloud.keystone_url(), "secret", &names, 20).await;
        let world = Self {
            world,
            cloud,
            pods,
            parts,
            processes,
            broker,
            database_relay,
            running,
            shutdown,
            database,
            folder,
            settings,
        };
        world.register_pods().await;
        Some(world)
    }

    /// Registers the pods and waits until every service knows them.
    async fn register_pods(&self) {
        let admin = self.admin().await;
        for pod in &self.world.pods {
            let body = json!({"pod": {"region_name": pod.region, "az_name": pod.zone}});
            admin.admin.post("/pods", body).await.expect(201);
        }
        self.world.wait_for_zones(&admin).await;
    }

    /// A service in a process of its own.
    pub fn process(&mut self, service: Service) -> &mut Process {
        self.processes.get_mut(&service).unwrap()
    }

    /// One more worker, in a process of its own.
    pub async fn another_worker(&self) -> Process {
        let port = free_port();
        let folder = self.folder().join(format!("worker-{port}"));
        std::fs::create_dir(&folder).unwrap();
        let settings = Settings {
            ports: vec![(Service::Jobs.section(), port)],
            ..self.settings.clone()
        };
        settings.load(&folder.join("tricircle.conf"));
        Process::start(Service::Jobs, &folder, port).await
    }

    /// The folder with configuration and logs of the processes.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Asserts that the pods hold nothing but flavors, keypairs and default groups.
    pub fn assert_pods_clean(&self) {
        for pod in &self.pods {
            let left = pod.inventory().leftovers();
            assert!(left.is_empty(), "{}: {left:?}", pod.name());
        }
    }

    /// Stops everything in order and removes the database.
    pub async fn end(mut self) {
        self.shutdown.cancel();
        for service in self.running.drain(..) {
            service.wait().await;
        }
        for process in self.processes.values_mut() {
            process.kill().await;
        }
        self.database.drop_schema().await.unwrap();
    }

    /// The servers in a pod with a name of this world.
    pub fn servers_in(&self, place: usize, name: &str) -> Vec<String> {
        let name = self.name(name);
        let servers = self.pods[place].inventory().servers;
        let named = servers.into_iter().filter(|server| server.name == name);
        named.map(|server| server.id).collect()
    }
}

/// `TRICIRCLE_TEST_LOG=info` (or any filter) shows what the services in this process
/// log. Only the first call of a process counts.
pub(crate) fn log_if_asked() {
    if let Ok(filter) = std::env::var("TRICIRCLE_TEST_LOG") {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_test_writer()
            .try_init();
    }
}
