//! The exporter's HTTP client.
//!
//! Batches are sent by a thread that knows nothing of tokio, so each call is handed to
//! the runtime and waited for.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// reqwest on the runtime in which it was made.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

impl Client {
    pub(crate) fn new(timeout: Duration) -> Result<Self, HttpError> {
        Ok(Self {
            http: reqwest::Client::builder().timeout(timeout).build()?,
            runtime: Handle::try_current()?,
        })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let call = self.runtime.spawn(async move {
            let (head, body) = request.into_parts();
            let answer = http
                .request(head.method, head.uri.to_string())
                .headers(head.headers)
                .body(body)
                .send()
                .await?;
            // What a collector says besides its status is of no use here, and may be long.
            Ok::<_, reqwest::Error>(answer.status())
        });
        let status = call.await??;
        Ok(Response::builder().status(status).body(Bytes::new())?)
    }
}
