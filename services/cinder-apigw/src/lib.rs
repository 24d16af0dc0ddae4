//! The block storage gateway: Cinder's API v3 over all pods.
//!
//! The same engine as the compute gateway with another table: [`surface`] says which
//! path is answered how. The top places new volumes and counts them against quotas
//! (`handlers`); everything else about a volume, and what is made from one, is the
//! business of its pod.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod handlers;
mod state;
pub mod surface;

use tokio_util::sync::CancellationToken;
use tricircle_api::{FaultStyle, Microversion, Running, StartError, VersionRange};
use tricircle_gateway::{FloatingAddresses, Gateway, Route, Routings, configure};
use tricircle_pods::{Pods, Service};
use tricircle_runtime::{Parts, follow_pods};
use tricircle_volume::Volumes;

use state::State;

/// The microversions that the gateway knows how to serve.
const VERSIONS: VersionRange = VersionRange {
    min: Microversion::new(3, 0),
    max: Microversion::new(3, 71),
};

/// Starts the service on parts that are built.
pub async fn start(parts: Parts, shutdown: CancellationToken) -> Result<Vec<Running>, StartError> {
    let config = parts.config.clone();
    let versions = follow_pods(
        &parts.pods,
        Service::Volume,
        VERSIONS,
        &config.tricircle.volume_max_version,
        shutdown.child_token(),
    );
    let routings = Routings::new(
        parts.store.clone(),
        config.tricircle.routing_cache_size,
        config.tricircle.routing_cache_ttl,
        config.tricircle.unknown_id_ttl,
    );
    let service = parts
        .service("cinder-apigw", FaultStyle::Cinder, &config.cinder_apigw)?
        .versions(versions)
        .configure(move |routes| {
            // Called in each worker thread: the connections to the pods live there.
            let pods = parts.pods.with_own_connections();
            let gateway = Gateway {
                surface: surface::SURFACE,
                pods: pods.clone(),
                store: parts.store.clone(),
                routings: routings.clone(),
                policy: parts.policy.clone(),
                floating: FloatingAddresses::default(),
            };
            configure(routes, &gateway, &routes_over(&parts, pods));
        });
    Ok(vec![service.start(&shutdown)?])
}

/// The whole table, as the service registers it over these parts.
pub fn routes(parts: &Parts) -> Vec<Route> {
    routes_over(parts, parts.pods.clone())
}

fn routes_over(parts: &Parts, pods: Pods) -> Vec<Route> {
    surface::routes(&State {
        volumes: Volumes {
            store: parts.store.clone(),
            pods,
            jobs: parts.jobs(),
            config: parts.config.clone(),
        },
    })
}
