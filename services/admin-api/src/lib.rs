//! The admin API: how operators tell Tricircle which pods there are, which
//! project goes where, and see where everything is and what is still to be done.
//!
//! Base path `/v1.0`, JSON both ways, Keystone tokens, faults as Keystone's
//! (`{"error": {...}}`). All of it is for administrators; the rules are
//! `admin_api:*` of the policy.
//!
//! Registering a pod is the one call with work behind it: `registration` reads
//! the region's endpoints from Keystone's catalog, proves that they answer,
//! brings the pod's flavors to the top, and only then writes the pod's row. A
//! registration that is cut off therefore leaves no half-known pod, and doing it
//! again finds the flavors already there.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod flavors;
mod handlers;
mod listing;
mod pod_body;
mod registration;
mod state;
mod vlans;

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};
use tokio_util::sync::CancellationToken;
use tricircle_api::{FaultStyle, HealthCheck, Running, Service, StartError};
use tricircle_config::{Config, ExposeSecret};
use tricircle_db::{Store, StoreOptions};
use tricircle_keystone::Keystone;
use tricircle_pods::Pods;
use tricircle_policy::Enforcer;

pub use state::State;

/// What the version document lists.
const RESOURCES: [(&str, &str); 4] = [
    ("pod", "pods"),
    ("pod_binding", "bindings"),
    ("routing", "routings"),
    ("job", "jobs"),
];

/// Builds everything from the configuration and starts the service.
pub async fn run(config: Config, shutdown: &CancellationToken) -> Result<Running, StartError> {
    let bad = |error: &dyn std::error::Error| StartError::Config(tricircle_api::chain(error));
    let config = Arc::new(config);
    let store = Store::connect(
        config.database.connection.expose_secret(),
        StoreOptions {
            max_pool_size: config.database.max_pool_size,
            pool_timeout: config.database.pool_timeout,
        },
    )
    .map_err(|e| bad(&e))?;
    let keystone = Keystone::new(&config.keystone_authtoken).map_err(|e| bad(&e))?;
    let pods =
        Pods::new(store.clone(), keystone.clone(), Arc::clone(&config)).map_err(|e| bad(&e))?;
    let bus = tricircle_messaging::connect(config.default.transport_url.expose_secret())
        .map_err(|e| bad(&e))?;
    let enforcer = Enforcer::with_defaults().map_err(|e| bad(&e))?;
    tokio::spawn(pods.clone().keep_fresh(shutdown.child_token()));
    let state = State::new(config, store, keystone, pods, Arc::new(enforcer), bus);
    start(state, shutdown)
}

/// Starts the service on what is built already, as the all-in-one process does.
pub fn start(state: State, shutdown: &CancellationToken) -> Result<Running, StartError> {
    let config = Arc::clone(&state.config);
    let database = state.store.clone();
    let keystone = state.keystone.clone();
    let bus = Arc::clone(&state.bus);
    let state = web::Data::new(state);
    let keystone_probe = keystone.clone();
    Service::new(
        "admin-api",
        FaultStyle::Admin,
        &config,
        &config.admin_api,
        keystone,
    )?
    .resources(RESOURCES.to_vec())
    .health_check(HealthCheck::required("database", move || {
        let store = database.clone();
        async move { store.pods_all().await.is_ok() }
    }))
    .health_check(HealthCheck::required("keystone", move || {
        let keystone = keystone_probe.clone();
        async move { keystone.service_token().await.is_ok() }
    }))
    .health_check(HealthCheck::informative("broker", move || {
        let connected = bus.is_connected();
        async move { connected }
    }))
    .configure(move |routes| routes_of(routes, state.clone()))
    .start(shutdown)
}

fn routes_of(config: &mut ServiceConfig, state: web::Data<State>) {
    use handlers::{bindings, jobs, pods, routings};
    config.app_data(state).service(
        web::scope("/v1.0")
            .service(
                web::resource("/pods")
                    .route(web::get().to(pods::list))
                    .route(web::post().to(pods::create)),
            )
            .service(
                web::resource("/pods/{id}")
                    .route(web::get().to(pods::show))
                    .route(web::put().to(pods::update))
                    .route(web::delete().to(pods::delete)),
            )
            .service(
                web::resource("/bindings")
                    .route(web::get().to(bindings::list))
                    .route(web::post().to(bindings::create)),
            )
            .service(
                web::resource("/bindings/{id}")
                    .route(web::get().to(bindings::show))
                    .route(web::delete().to(bindings::delete)),
            )
            .service(web::resource("/routings").route(web::get().to(routings::list)))
            .service(web::resource("/routings/{id}").route(web::get().to(routings::show)))
            .service(web::resource("/jobs").route(web::get().to(jobs::list)))
            .service(
                web::resource("/jobs/{id}")
                    .route(web::get().to(jobs::show))
                    .route(web::put().to(jobs::retry))
                    .route(web::delete().to(jobs::abandon)),
            ),
    );
}
