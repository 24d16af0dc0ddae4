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
use tricircle_jobs::Engine;
use tricircle_runtime::{Parts, Started};

pub use kinds::all as kinds;
pub use settings::engine_config;

/// Starts a worker on parts that are built: the engine, the watch over the pods, and a
/// port for health and metrics where one is configured.
pub async fn start(parts: Parts, shutdown: CancellationToken) -> Result<Started, StartError> {
    let engine = Engine::new(
        parts.store.clone(),
        parts.bus.clone(),
        kinds::all(&parts),
        engine_config(&parts.config),
    );
    let mut services = Vec::new();
    if parts.config.xjob.bind_port != 0 {
        let service = parts.service("xjob", FaultStyle::Admin, &parts.config.xjob)?;
        services.push(service.start(&shutdown)?);
    }
    let mut tasks = JoinSet::new();
    let stop = shutdown.clone();
    let pods = parts.pods.clone();
    let run = async move {
        // To a job, a pod that is not known is one that is not there.
        if stop.run_until_cancelled(pods.wait_known()).await.is_some() {
            engine.run(stop).await;
        }
    };
    tasks.spawn(run.instrument(tracing::info_span!("xjob")));
    let watch = pod_watch::watch(parts, shutdown);
    tasks.spawn(watch.instrument(tracing::info_span!("pod-watch")));
    Ok(Started { services, tasks })
}
