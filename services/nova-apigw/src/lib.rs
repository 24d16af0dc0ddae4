//! The compute gateway: Nova's API v2.1 over all pods.
//!
//! [`surface`] is the whole API in two tables: which path is answered how, and which
//! fields are rewritten. The top owns flavors and keypairs and places new servers
//! (`handlers`); everything else about a server is forwarded to its pod.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod handlers;
mod state;
pub mod surface;

use tokio_util::sync::CancellationToken;
use tricircle_api::{FaultStyle, Microversion, Running, StartError, VersionRange};
use tricircle_compute::Compute;
use tricircle_gateway::{FloatingAddresses, Gateway, Route, Routings, configure};
use tricircle_network::Network;
use tricircle_pods::{Pods, Service};
use tricircle_runtime::{Parts, follow_pods};

use state::State;

/// The microversions that the gateway knows how to serve.
const VERSIONS: VersionRange = VersionRange {
    min: Microversion::new(2, 1),
    max: Microversion::new(2, 104),
};

/// Starts the service on parts that are built.
pub async fn start(parts: Parts, shutdown: CancellationToken) -> Result<Vec<Running>, StartError> {
    let config = parts.config.clone();
    let versions = follow_pods(
        &parts.pods,
        Service::Compute,
        VERSIONS,
        &config.tricircle.compute_max_version,
        shutdown.child_token(),
    );
    let routings = Routings::new(
        parts.store.clone(),
        config.tricircle.routing_cache_size,
        config.tricircle.routing_cache_ttl,
        config.tricircle.unknown_id_ttl,
    );
    let floating = FloatingAddresses::default();
    tokio::spawn(
        floating
            .clone()
            .keep_fresh(parts.store.in_background(), shutdown.child_token()),
    );
    let service = parts
        .service("nova-apigw", FaultStyle::Nova, &config.nova_apigw)?
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
                floating: floating.clone(),
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
    let network = Network::new(
        parts.store.clone(),
        pods.clone(),
        parts.config.clone(),
        parts.jobs(),
    );
    surface::routes(&State {
        compute: Compute {
            store: parts.store.clone(),
            network,
            pods,
            jobs: parts.jobs(),
            config: parts.config.clone(),
        },
    })
}
