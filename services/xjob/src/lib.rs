//! The worker: runs the jobs that the API services write.
//!
//! One process holds the job engine, the watch over pods that jobs wait for, and a
//! small server for `/healthcheck` and `/metrics`. Any number of these processes may
//! run; the leases in the job table keep them apart. The all-in-one process runs
//! [`start`] beside the API services, on their database and bus.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod kinds;
mod pod_watch;
mod settings;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use tricircle_api::{FaultStyle, StartError};
use tricircle_config::Config;
use tricircle_jobs::Engine;
use tricircle_runtime::Parts;

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

/// Starts a worker process: the engine, and health and metrics where a port is
/// configured, until `shutdown`.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<Running, StartError> {
    let parts = Parts::build(config, &shutdown).await?;
    let mut running = start(&parts, &shutdown);
    if parts.config.xjob.bind_port != 0 {
        let service = parts.service("xjob", FaultStyle::Admin, &parts.config.xjob)?;
        running.server = Some(service.start(&shutdown)?);
    }
    let stop = shutdown.clone();
    running.tasks.spawn(async move {
        stop.cancelled().await;
        parts.bus.close().await;
    });
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
