//! [`Parts`]: what a worker is made of.

use std::sync::Arc;

use tricircle_config::{Config, ExposeSecret};
use tricircle_db::{DbError, Store, StoreOptions};
use tricircle_jobs::JobSender;
use tricircle_keystone::{Keystone, KeystoneError};
use tricircle_messaging::{JobBus, UrlError};
use tricircle_pods::{PodError, Pods};

/// Why a worker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `[database]` is not usable.
    #[error("the database cannot be used")]
    Database(#[from] DbError),
    /// `transport_url` is not usable.
    #[error("the message broker cannot be used")]
    Broker(#[from] UrlError),
    /// `[keystone_authtoken]` is not usable.
    #[error("Keystone cannot be used")]
    Keystone(#[from] KeystoneError),
    /// `[client]` is not usable.
    #[error("the pods cannot be called")]
    Pods(#[from] PodError),
    /// The port for health and metrics cannot be had.
    #[error("health and metrics cannot be served")]
    Server(#[from] tricircle_api::StartError),
}

/// The layers below, made once. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// Keystone.
    pub keystone: Keystone,
    /// The pods.
    pub pods: Pods,
    /// Where wake-ups come from.
    pub bus: Arc<dyn JobBus>,
    /// Where jobs go.
    pub sender: JobSender,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Parts {
    /// Makes them. Nothing is connected yet; what is away is found later. Must be
    /// called within a tokio runtime.
    pub fn from_config(config: Arc<Config>) -> Result<Self, StartError> {
        let options = StoreOptions {
            max_pool_size: config.database.max_pool_size,
            pool_timeout: config.database.pool_timeout,
        };
        let store = Store::connect(config.database.connection.expose_secret(), options)?;
        let keystone = Keystone::new(&config.keystone_authtoken)?;
        let pods = Pods::new(store.clone(), keystone.clone(), config.clone())?;
        let bus = tricircle_messaging::connect(config.default.transport_url.expose_secret())?;
        Ok(Self {
            sender: JobSender::new(store.clone(), bus.clone()),
            config,
            store,
            keystone,
            pods,
            bus,
        })
    }
}
