//! Traces for a collector of OpenTelemetry's protocol (OTLP over HTTP).
//!
//! What is exported are the spans that log lines already carry: the request with its
//! id, the job with its kind, resource and pod. So whoever knows a request id finds the
//! trace, and the other way round. Off unless `[opentelemetry] endpoint` is set; then
//! nothing is added to the path of a request.
//!
//! Spans are sent in batches by a thread of their own. A collector that is away costs
//! the spans and a warning, never a request.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod client;

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use tricircle_config::OpenTelemetry;

use crate::client::Client;

/// How long one batch may take on its way.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The endpoint is not a URL, or the HTTP client cannot be made.
    #[error("[opentelemetry] endpoint cannot be used")]
    Exporter(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The way of a process's spans to the collector.
#[derive(Debug, Clone)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// The exporter for the service of this name; none where no endpoint is configured.
    /// To be called within a tokio runtime, on which the batches are sent.
    pub fn new(options: &OpenTelemetry, service: &str) -> Result<Option<Self>, TelemetryError> {
        if options.endpoint.is_empty() {
            return Ok(None);
        }
        let url = format!("{}/v1/traces", options.endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(EXPORT_TIMEOUT).map_err(unusable)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url)
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(unusable)?;
        let share = f64::from(options.sample_percent.min(100)) / 100.0;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                share,
            ))))
            .with_resource(
                Resource::builder()
                    .with_service_name(service.to_owned())
                    .build(),
            )
            .build();
        Ok(Some(Self(provider)))
    }

    /// The layer that hands spans over. Messages stay in the log, and so do spans that
    /// are finer than information.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let spans = filter_fn(|metadata| metadata.is_span() && *metadata.level() <= Level::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("tricircle"))
            .with_location(false)
            .with_threads(false)
            .with_filter(spans)
    }

    /// Sends what is left. Spans that end later are lost.
    pub async fn finish(self) {
        let sent = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::warn!("the last traces were not sent");
        }
    }
}

fn unusable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TelemetryError {
    TelemetryError::Exporter(error.into())
}
