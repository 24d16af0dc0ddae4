//! `/healthcheck`: may a load balancer send requests here, and what is wrong.
//!
//! The plain form asks nobody: a database that is away is no reason to take
//! every API process out of the balancer at once. Who asks for JSON gets each
//! check by name, without causes, since no token is needed.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use futures_util::future::{BoxFuture, join_all};
use serde_json::json;

use crate::site::Site;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(2);

type Probe = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// One thing the service depends on.
#[derive(Clone)]
pub struct HealthCheck {
    name: &'static str,
    required: bool,
    probe: Probe,
}

impl std::fmt::Debug for HealthCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HealthCheck")
            .field("name", &self.name)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

impl HealthCheck {
    /// A check without which the service can not work.
    pub fn required<F, T>(name: &'static str, probe: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = bool> + Send + 'static,
    {
        Self {
            name,
            required: true,
            probe: Arc::new(move || Box::pin(probe())),
        }
    }

    /// A check that is shown but takes nothing out of service, such as the
    /// broker's.
    pub fn informative<F, T>(name: &'static str, probe: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = bool> + Send + 'static,
    {
        Self {
            required: false,
            ..Self::required(name, probe)
        }
    }
}

/// The answer for a client that sent this `Accept` header.
pub(crate) async fn answer(site: &Site, accept: &str) -> HttpResponse {
    let stopping = site.0.stopping.is_cancelled();
    if !accept.contains("json") {
        return if stopping {
            HttpResponse::ServiceUnavailable()
                .content_type("text/plain; charset=UTF-8")
                .body("STOPPING")
        } else {
            HttpResponse::Ok()
                .content_type("text/plain; charset=UTF-8")
                .body("OK")
        };
    }
    let outcomes = join_all(site.0.health.iter().map(|check| async move {
        let ok = tokio::time::timeout(PATIENCE, (check.probe)())
            .await
            .unwrap_or(false);
        (check, ok)
    }))
    .await;
    let healthy = !stopping && outcomes.iter().all(|(check, ok)| *ok || !check.required);
    let checks: Vec<_> = outcomes
        .iter()
        .map(|(check, ok)| json!({"name": check.name, "required": check.required, "ok": ok}))
        .collect();
    let body = json!({
        "service": site.name(),
        "healthy": healthy,
        "stopping": stopping,
        "checks": checks,
    });
    if healthy {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}
