//! What a service counts, and the page that shows it.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the latency histograms in seconds, from a cached answer to
/// the longest create.
const LATENCY_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 90.0,
];

/// The route a request is counted under where the router's own pattern is too
/// coarse, as for forwarded calls. Never a path: ids would make a new series
/// each. Handlers put it into the request's extensions.
#[derive(Debug, Clone)]
pub struct RouteLabel(pub Cow<'static, str>);

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the process's one recorder, however many services run in it.
/// Returns whether there is one of ours.
pub fn install_recorder() -> bool {
    RECORDER
        .get_or_init(|| {
            let built = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), LATENCY_BUCKETS)
                .map(PrometheusBuilder::build_recorder);
            let recorder = match built {
                Ok(recorder) => recorder,
                Err(error) => {
                    tracing::warn!(error = %error, "no metrics: the buckets were not accepted");
                    return None;
                }
            };
            let handle = recorder.handle();
            match metrics::set_global_recorder(recorder) {
                Ok(()) => {
                    describe();
                    Some(handle)
                }
                Err(_) => {
                    tracing::warn!("no metrics page: the process has another recorder");
                    None
                }
            }
        })
        .is_some()
}

/// The page in Prometheus' text format, if there is a recorder.
pub(crate) fn page() -> Option<String> {
    let handle = RECORDER.get()?.as_ref()?;
    handle.run_upkeep();
    Some(handle.render())
}

/// Moves what was recorded into the histograms; without it memory grows while
/// nobody reads the page.
pub(crate) fn upkeep() {
    if let Some(Some(handle)) = RECORDER.get() {
        handle.run_upkeep();
    }
}

fn describe() {
    metrics::describe_counter!("tricircle_http_requests_total", "Requests answered.");
    metrics::describe_histogram!(
        "tricircle_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "Time from the request's head to the answer's head."
    );
    metrics::describe_gauge!(
        "tricircle_http_requests_in_flight",
        "Requests that have no answer yet."
    );
}

/// Counts a request while it is under way, also one whose client goes away.
pub(crate) struct InFlight {
    service: &'static str,
}

impl InFlight {
    pub(crate) fn enter(service: &'static str) -> Self {
        metrics::gauge!("tricircle_http_requests_in_flight", "service" => service).increment(1.0);
        Self { service }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("tricircle_http_requests_in_flight", "service" => self.service)
            .decrement(1.0);
    }
}

/// The route to count an answer under.
pub(crate) fn route_of(response: &ServiceResponse<BoxBody>) -> Cow<'static, str> {
    let request = response.request();
    if let Some(label) = request.extensions().get::<RouteLabel>() {
        return label.0.clone();
    }
    request
        .match_pattern()
        .map_or(Cow::Borrowed("unmatched"), Cow::Owned)
}

pub(crate) fn observe(
    service: &'static str,
    method: &Method,
    route: &str,
    status: StatusCode,
    took: Duration,
) {
    // Methods are whatever clients send; only the known ones become labels.
    let method = match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    };
    let route = route.to_owned();
    metrics::counter!(
        "tricircle_http_requests_total",
        "service" => service, "method" => method, "route" => route.clone(),
        "status" => status.as_str().to_owned()
    )
    .increment(1);
    metrics::histogram!(
        "tricircle_http_request_duration_seconds",
        "service" => service, "method" => method, "route" => route
    )
    .record(took.as_secs_f64());
}
