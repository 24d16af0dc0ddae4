//! The worker: runs the jobs that the API services write.
//!
//! One process holds the job engine, the watch over pods that jobs wait for, and a
//! small server for `/healthcheck` and `/metrics`. Any number of these processes may
//! run; the leases in the job table keep them apart. The all-in-one process runs
//! [`start`] beside the API services, on their database and bus.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod kinds;
mod parts;
mod pod_watch;
mod settings;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use tricircle_api::{FaultStyle, HealthCheck, Service};
use tricircle_config::Config;
use tricircle_jobs::Engine;

pub use parts::{Parts, StartError};
pub use settings::engine_config;

/// A worker that runs.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<()>,
    server: Option<tricircle_api::Running>,
}

impl Running {
    /// Where health and metrics are answered, if they are.
    pub fn server(&self) -> Option<&tricircle_api::Running> {
        self.server.as_ref()
    }

    /// Waits until everything has stopped.
    pub async fn wait(mut self) {
        while self.tasks.join_next().await.is_some() {}
        if let Some(server) = self.server {
            server.wait().await;
        }
    }
}

/// Starts a worker process: what it needs from the configuration, and all of it until
/// `shutdown`.
pub async fn run(config: Arc<Config>, shutdown: CancellationToken) -> Result<Running, StartError> {
    let parts = Parts::from_config(config)?;
    let mut running = start(&parts, &shutdown);
    let refresh = parts.pods.clone().keep_fresh(shutdown.clone());
    running.tasks.spawn(refresh);
    let bus = parts.bus.clone();
    let stop = shutdown.clone();
    running.tasks.spawn(async move {
        stop.cancelled().await;
        bus.close().await;
    });
    if parts.config.xjob.bind_port != 0 {
        running.server = Some(serve(&parts, &shutdown)?);
    }
    Ok(running)
}

/// Starts the engine and the watch over the pods, until `shutdown`.
pub fn start(parts: &Parts, shutdown: &CancellationToken) -> Running {
    let engine = Engine::new(
        parts.store.clone(),
        parts.bus.clone(),
        kinds::all(parts),
        engine_config(&parts.config),
    );
    let mut tasks = JoinSet::new();
    let stop = shutdown.clone();
    tasks.spawn(async move { engine.run(stop).await }.instrument(tracing::info_span!("xjob")));
    let watch = pod_watch::watch(parts.clone(), shutdown.clone());
    tasks.spawn(watch.instrument(tracing::info_span!("pod-watch")));
    Running {
        tasks,
        server: None,
    }
}

fn serve(
    parts: &Parts,
    shutdown: &CancellationToken,
) -> Result<tricircle_api::Running, StartError> {
    let store = parts.store.clone();
    let bus = parts.bus.clone();
    let service = Service::new(
        "xjob",
        FaultStyle::Admin,
        &parts.config,
        &parts.config.xjob,
        parts.keystone.clone(),
    )?
    .health_check(HealthCheck::required("database", move || {
        let store = store.clone();
        async move { store.jobs_statistics().await.is_ok() }
    }))
    .health_check(HealthCheck::informative("broker", move || {
        let connected = bus.is_connected();
        async move { connected }
    }));
    Ok(service.start(shutdown)?)
}
