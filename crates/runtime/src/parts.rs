//! The parts that every service works with.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tricircle_api::{FaultStyle, HealthCheck, Service, StartError, chain};
use tricircle_config::{Config, ExposeSecret};
use tricircle_db::{Store, StoreOptions};
use tricircle_jobs::JobSender;
use tricircle_keystone::Keystone;
use tricircle_messaging::JobBus;
use tricircle_pods::Pods;
use tricircle_policy::Enforcer;

use crate::policy::Watched;

/// How often pools and caches are measured.
const MEASURED_EVERY: Duration = Duration::from_secs(10);

/// Database, Keystone, pods, broker, policy. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    /// The whole configuration.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// Keystone.
    pub keystone: Keystone,
    /// The pods, kept fresh in the background.
    pub pods: Pods,
    /// What wakes the workers.
    pub bus: Arc<dyn JobBus>,
    /// Who may do what.
    pub policy: Arc<Enforcer>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

impl Parts {
    /// Builds everything and begins to keep the pods fresh until `shutdown`. Database,
    /// Keystone and broker may be away: what needs them fails until they are back.
    pub async fn build(config: Config, shutdown: &CancellationToken) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let store = Store::connect(
            config.database.connection.expose_secret(),
            StoreOptions {
                max_pool_size: config.database.max_pool_size,
                pool_timeout: config.database.pool_timeout,
            },
        )
        .map_err(bad)?;
        let keystone = Keystone::new(&config.keystone_authtoken).map_err(bad)?;
        let pods = Pods::new(store.clone(), keystone.clone(), config.clone()).map_err(bad)?;
        let bus = tricircle_messaging::connect(config.default.transport_url.expose_secret())
            .map_err(bad)?;
        let watched = Watched::load(&config.oslo_policy.policy_file).map_err(bad)?;
        let policy = watched.policy();
        // The first requests should find the pods; a start must not wait long for them.
        let patience = config.client.list_timeout;
        if tokio::time::timeout(patience, pods.refresh())
            .await
            .is_err()
        {
            tracing::warn!("the pods are not known yet; the service starts without them");
        }
        tokio::spawn(pods.clone().keep_fresh(shutdown.child_token()));
        tokio::spawn(watched.keep(shutdown.child_token()));
        tokio::spawn(measure(
            store.clone(),
            keystone.clone(),
            shutdown.child_token(),
        ));
        Ok(Self {
            config,
            store,
            keystone,
            pods,
            bus,
            policy,
        })
    }

    /// Where jobs go.
    pub fn jobs(&self) -> JobSender {
        JobSender::new(self.store.clone(), self.bus.clone())
    }

    /// A service without routes yet, with its health checks: what it cannot do without,
    /// and the broker, which it can.
    pub fn service(
        &self,
        name: &'static str,
        style: FaultStyle,
        listen: &tricircle_config::Service,
    ) -> Result<Service, StartError> {
        let store = self.store.in_background();
        let keystone = self.keystone.clone();
        let bus = self.bus.clone();
        let service = Service::new(name, style, &self.config, listen, self.keystone.clone())?
            .health_check(HealthCheck::required("database", move || {
                let store = store.clone();
                async move { store.pods_all().await.is_ok() }
            }))
            .health_check(HealthCheck::required("keystone", move || {
                let keystone = keystone.clone();
                async move { keystone.service_token().await.is_ok() }
            }))
            .health_check(HealthCheck::informative("broker", move || {
                let connected = bus.is_connected();
                async move { connected }
            }));
        Ok(service)
    }
}

/// Tells the metrics now and then what is in use.
async fn measure(store: Store, keystone: Keystone, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(MEASURED_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                store.measure();
                keystone.measure();
            }
            () = shutdown.cancelled() => return,
        }
    }
}

fn bad(error: impl std::error::Error) -> StartError {
    StartError::Config(chain(&error))
}
