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

use actix_web::web::{self, ServiceConfig};
use tokio_util::sync::CancellationToken;
use tricircle_api::{FaultStyle, Running, StartError};
use tricircle_runtime::Parts;

use state::State;

/// What the version document lists.
const RESOURCES: [(&str, &str); 4] = [
    ("pod", "pods"),
    ("pod_binding", "bindings"),
    ("routing", "routings"),
    ("job", "jobs"),
];

/// Starts the service on parts that are built.
pub async fn start(parts: Parts, shutdown: CancellationToken) -> Result<Vec<Running>, StartError> {
    let listen = parts.config.admin_api.clone();
    let service = parts.service("admin-api", FaultStyle::Admin, &listen)?;
    let state = web::Data::new(State::new(parts));
    let running = service
        .resources(RESOURCES.to_vec())
        .configure(move |routes| routes_of(routes, state.clone()))
        .start(&shutdown)?;
    Ok(vec![running])
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
