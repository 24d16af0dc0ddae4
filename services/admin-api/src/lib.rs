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
mod in_pod;
mod listing;
mod mtu;
mod pod_body;
mod regions;
mod registration;
mod routing_body;
mod state;
mod topology;
mod vlans;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use tokio_util::sync::CancellationToken;
use tricircle_api::table::{Access, Line, register};
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
    config.app_data(state);
    register(config, &table(), None);
}

/// Everything that the service answers, and by which rule.
pub fn table() -> Vec<Line> {
    use handlers::{bindings, jobs, pods, routing_writes, routings, topology};
    let by = |rule: &str| Access::rule(format!("admin_api:{rule}"));
    #[rustfmt::skip]
    let lines = vec![
        Line::new(Method::GET,    "/v1.0/pods",                  by("pods:list"),       pods::list),
        Line::new(Method::POST,   "/v1.0/pods",                  by("pods:create"),     pods::create),
        Line::new(Method::GET,    "/v1.0/pods/{id}",             by("pods:show"),       pods::show),
        Line::new(Method::PUT,    "/v1.0/pods/{id}",             by("pods:update"),     pods::update),
        Line::new(Method::DELETE, "/v1.0/pods/{id}",             by("pods:delete"),     pods::delete),
        Line::new(Method::GET,    "/v1.0/bindings",              by("bindings:list"),   bindings::list),
        Line::new(Method::POST,   "/v1.0/bindings",              by("bindings:create"), bindings::create),
        Line::new(Method::GET,    "/v1.0/bindings/{id}",         by("bindings:show"),   bindings::show),
        Line::new(Method::DELETE, "/v1.0/bindings/{id}",         by("bindings:delete"), bindings::delete),
        Line::new(Method::GET,    "/v1.0/routings",              by("routings:list"),   routings::list),
        Line::new(Method::POST,   "/v1.0/routings",              by("routings:create"), routing_writes::create),
        Line::new(Method::GET,    "/v1.0/routings/{id}",         by("routings:show"),   routings::show),
        Line::new(Method::PUT,    "/v1.0/routings/{id}",         by("routings:update"), routing_writes::update),
        Line::new(Method::DELETE, "/v1.0/routings/{id}",         by("routings:delete"), routing_writes::delete),
        Line::new(Method::GET,    "/v1.0/jobs",                  by("jobs:list"),       jobs::list),
        Line::new(Method::GET,    "/v1.0/jobs/{id}",             by("jobs:show"),       jobs::show),
        Line::new(Method::PUT,    "/v1.0/jobs/{id}",             by("jobs:update"),     jobs::retry),
        Line::new(Method::DELETE, "/v1.0/jobs/{id}",             by("jobs:update"),     jobs::abandon),
        Line::new(Method::POST,   "/v1.0/jobs/{id}/retry",       by("jobs:update"),     jobs::retry),
        Line::new(Method::POST,   "/v1.0/jobs/{id}/cancel",      by("jobs:update"),     jobs::cancel),
        Line::new(Method::GET,    "/v1.0/topology/network/{id}", by("topology:show"),   topology::network),
        Line::new(Method::GET,    "/v1.0/topology/router/{id}",  by("topology:show"),   topology::router),
    ];
    lines
}
