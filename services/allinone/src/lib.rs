//! All five services in one process, for trying out and for fast tests.
//!
//! They share one [`Parts`]: one pool of connections to the database (SQLite unless
//! configured otherwise), one cache of tokens, and, where no broker is configured, a
//! bus within the process, so that a job starts as soon as it is written. Each service
//! is started by the same function as in a process of its own; nothing here knows what
//! a service does.
//!
//! Unlike the single services this process brings its database to the newest schema by
//! itself: whoever tries it out should need one command, and no second process can be
//! running on an older one.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use tokio_util::sync::CancellationToken;
use tricircle_api::{StartError, chain};
use tricircle_runtime::{Parts, Started};

/// Migrates the database, then starts all five services on these parts, the API
/// services first: a job that is found at the start may call them. When one can not
/// start, those before it are stopped.
pub async fn start(parts: Parts, shutdown: CancellationToken) -> Result<Started, StartError> {
    let applied = parts
        .store
        .migrate()
        .await
        .map_err(|error| StartError::Config(chain(&error)))?;
    if !applied.is_empty() {
        tracing::info!(versions = %applied.join(" "), "the database has the newest schema now");
    }
    let started = start_all(&parts, &shutdown).await;
    if started.is_err() {
        shutdown.cancel();
    }
    started
}

async fn start_all(parts: &Parts, shutdown: &CancellationToken) -> Result<Started, StartError> {
    let mut services = admin_api::start(parts.clone(), shutdown.clone()).await?;
    services.push(neutron_api::start(parts, shutdown).await?);
    services.extend(nova_apigw::start(parts.clone(), shutdown.clone()).await?);
    services.extend(cinder_apigw::start(parts.clone(), shutdown.clone()).await?);
    let mut started = xjob::start(parts.clone(), shutdown.clone()).await?;
    started.services.splice(0..0, services);
    Ok(started)
}
