//! One caller in one pod.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Body, Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use tricircle_keystone::Keystone;

use crate::health::Ticket;
use crate::memory::AnswerMemory;
use crate::{Caller, HeldAnswers, PodEntry, PodError, PodHttp, Service, auth};

/// The largest JSON answer that is read into memory.
const MAX_JSON: usize = 64 << 20;

/// How much of a body that is no JSON goes into an error's message.
const MAX_TEXT: usize = 300;

/// A caller in a pod: puts the right token, request id and URL on each call.
#[derive(Debug, Clone)]
pub struct PodSession {
    entry: Arc<PodEntry>,
    http: PodHttp,
    keystone: Keystone,
    caller: Caller,
    headers: HeaderMap,
    timeout: Duration,
    memory: Arc<AnswerMemory>,
    held: Option<Arc<HeldAnswers>>,
}

/// A pod's answer whose body has not been read.
#[derive(Debug)]
pub struct Sent {
    /// Status, headers and the body to come.
    pub response: Response,
    /// Keeps the call among those under way until its body was passed on.
    pub under_way: UnderWay,
}

/// A call under way in a pod, until this goes.
#[derive(Debug)]
pub struct UnderWay {
    _ticket: Ticket,
}

impl PodSession {
    pub(crate) fn new(
        entry: Arc<PodEntry>,
        http: PodHttp,
        keystone: Keystone,
        caller: Caller,
        memory: Arc<AnswerMemory>,
    ) -> Self {
        let timeout = http.timeouts.request;
        Self {
            entry,
            http,
            keystone,
            caller,
            headers: HeaderMap::new(),
            timeout,
            memory,
            held: None,
        }
    }

    /// The pod.
    pub fn pod(&self) -> &Arc<PodEntry> {
        &self.entry
    }

    /// The id under which the pod logs the calls.
    pub fn request_id(&self) -> &str {
        &self.caller.request_id
    }

    /// The same with this header on every call, e.g. a microversion.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same at a compute microversion.
    #[must_use]
    pub fn at_compute_version(self, version: &str) -> Self {
        match HeaderValue::try_from(format!("compute {version}")) {
            Ok(value) => self.with_header(HeaderName::from_static("openstack-api-version"), value),
            Err(_) => self,
        }
    }

    /// The same with another deadline for each call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same with answers that count as long as `held` lives; else each counts only
    /// while it is read.
    #[must_use]
    pub fn holding(mut self, held: Arc<HeldAnswers>) -> Self {
        self.held = Some(held);
        self
    }

    /// The deadline of each call.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What answers that are read now are to be counted on.
    pub fn held(&self) -> Arc<HeldAnswers> {
        match &self.held {
            Some(held) => held.clone(),
            None => HeldAnswers::new(&self.memory),
        }
    }

    /// The same with the deadline for calls that create servers and volumes.
    #[must_use]
    pub fn for_create(self) -> Self {
        let timeout = self.http.timeouts.create;
        self.with_timeout(timeout)
    }

    /// `GET`; the answer's JSON.
    pub async fn get_json(&self, service: Service, path: &str) -> Result<Value, PodError> {
        self.json(service, Method::GET, path, None).await
    }

    /// `POST` with a JSON body; the answer's JSON, null where it has no body.
    pub async fn post_json(
        &self,
        service: Service,
        path: &str,
        body: &Value,
    ) -> Result<Value, PodError> {
        self.json(service, Method::POST, path, Some(body)).await
    }

    /// `PUT` with a JSON body; the answer's JSON, null where it has no body.
    pub async fn put_json(
        &self,
        service: Service,
        path: &str,
        body: &Value,
    ) -> Result<Value, PodError> {
        self.json(service, Method::PUT, path, Some(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, service: Service, path: &str) -> Result<(), PodError> {
        self.json(service, Method::DELETE, path, None).await?;
        Ok(())
    }

    /// One call with JSON both ways within the session's deadline, the body's
    /// transfer included. `path` starts with a slash and follows the version; a
    /// status of 400 and above is [`PodError::Status`].
    pub async fn json(
        &self,
        service: Service,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, PodError> {
        let bytes = body.map(|value| Bytes::from(value.to_string()));
        let started = Instant::now();
        let first = self.json_once(service, &method, path, bytes.clone()).await;
        match first {
            // The service user's token was revoked or Keystone's keys were changed:
            // one more try with a new one. A user's 401 is the user's to know.
            Err(error) if error.code() == Some(401) && self.caller.token.is_none() => {
                self.keystone.forget_service_token();
                tracing::info!(
                    pod.name = self.entry.region(),
                    "service token refused, getting a new one"
                );
                let left = self.timeout.saturating_sub(started.elapsed());
                self.clone()
                    .with_timeout(left)
                    .json_once(service, &method, path, bytes)
                    .await
            }
            other => other,
        }
    }

    async fn json_once(
        &self,
        service: Service,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Value, PodError> {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/json"));
        if body.is_some() {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        let mut ticket = self.entry.health().begin(service)?;
        let call = async {
            let body = body.map(Body::from);
            let response = self
                .start(service, method.clone(), path, headers, body)
                .await?;
            self.read_json(response).await
        };
        let result = self.within(self.timeout, call).await;
        ticket.ended(&result);
        result
    }

    /// Sends a call and waits for the head of the answer, within the session's
    /// deadline; the body may then take as long as it flows. Errors of the pod are
    /// answers here, not `Err`.
    pub async fn send(
        &self,
        service: Service,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Body>,
    ) -> Result<Sent, PodError> {
        let mut ticket = self.entry.health().begin(service)?;
        // A pod waits for a body as long as the client takes to send it, and a client
        // may break it off: then silence says nothing about the pod.
        let waits_for_client = body.as_ref().is_some_and(|body| body.as_bytes().is_none());
        let call = self.start(service, method, path, headers, body);
        let result = self.within(self.timeout, call).await;
        match &result {
            Err(PodError::NoAnswer { .. }) if waits_for_client => ticket.ended_by_the_caller(),
            Ok(response) => ticket.ended_with(response.status().as_u16()),
            Err(_) => ticket.ended(&result),
        }
        let response = result?;
        let under_way = UnderWay { _ticket: ticket };
        Ok(Sent {
            response,
            under_way,
        })
    }

    async fn start(
        &self,
        service: Service,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Body>,
    ) -> Result<Response, PodError> {
        let region = self.entry.region();
        let base = self
            .entry
            .endpoints
            .base(service)
            .ok_or_else(|| PodError::NoEndpoint {
                pod: region.to_owned(),
                service: service.name(),
            })?;
        let token = auth::token_for(&self.entry.view.pod, &self.caller, &self.keystone).await?;
        let mut request = self
            .http
            .client
            .request(method.clone(), format!("{base}{path}"))
            .headers(headers)
            .headers(self.headers.clone())
            .header("x-openstack-request-id", &self.caller.request_id);
        let mut secret =
            HeaderValue::try_from(token.expose_secret()).map_err(|_| PodError::Malformed {
                pod: region.to_owned(),
                why: "the token is no header value".to_owned(),
            })?;
        secret.set_sensitive(true);
        request = request.header("x-auth-token", secret);
        let vouching = self.caller.service_token.as_ref();
        if let Some(Ok(mut vouching)) =
            vouching.map(|token| HeaderValue::try_from(token.expose_secret()))
        {
            vouching.set_sensitive(true);
            request = request.header("x-service-token", vouching);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let started = Instant::now();
        let result = request.send().await;
        let status = match &result {
            Ok(response) => response.status().as_u16().to_string(),
            Err(error) if error.is_connect() => "unreachable".to_owned(),
            Err(_) => "no answer".to_owned(),
        };
        metrics::histogram!(
            "tricircle_pod_request_seconds",
            "pod" => region.to_owned(), "service" => service.name(),
            "method" => method.to_string(), "status" => status.clone()
        )
        .record(started.elapsed().as_secs_f64());
        tracing::debug!(
            pod.name = region, pod.service = service.name(), %method, path, status,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "called a pod"
        );
        result.map_err(|error| PodError::of_transport(region, error))
    }

    async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, PodError>>,
    ) -> Result<T, PodError> {
        match tokio::time::timeout(limit, call).await {
            Ok(result) => result,
            Err(_) => Err(self.no_answer()),
        }
    }

    fn no_answer(&self) -> PodError {
        PodError::NoAnswer {
            pod: self.entry.region().to_owned(),
        }
    }

    /// Reads an answer as JSON; a status of 400 and above as an error.
    async fn read_json(&self, response: Response) -> Result<Value, PodError> {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let held = self.held();
        let bytes = self.read_all(response, &held).await?;
        if status.is_client_error() || status.is_server_error() {
            return Err(self.refusal(status, retry_after, &bytes));
        }
        if !status.is_success() {
            return Err(self.malformed(format!("status {status}")));
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| self.malformed(error.to_string()))
    }

    async fn read_all(
        &self,
        mut response: Response,
        held: &HeldAnswers,
    ) -> Result<Vec<u8>, PodError> {
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > MAX_JSON => {
                    return Err(self.malformed("the answer is too large".to_owned()));
                }
                Ok(Some(chunk)) if held.take(chunk.len()) => bytes.extend_from_slice(&chunk),
                Ok(Some(_)) => {
                    return Err(PodError::Busy {
                        pod: self.entry.region().to_owned(),
                    });
                }
                Ok(None) => return Ok(bytes),
                Err(_) => return Err(self.no_answer()),
            }
        }
    }

    fn refusal(&self, status: StatusCode, retry_after: Option<u64>, bytes: &[u8]) -> PodError {
        let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let (fault, message) = fault_of(&body).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]);
            (String::new(), text.into_owned())
        });
        PodError::Status {
            pod: self.entry.region().to_owned(),
            code: status.as_u16(),
            message,
            fault,
            body,
            retry_after,
        }
    }

    fn malformed(&self, why: String) -> PodError {
        PodError::Malformed {
            pod: self.entry.region().to_owned(),
            why,
        }
    }
}

/// Name and message of a fault: Nova's and Cinder's `{"itemNotFound": {"message"}}`,
/// Neutron's `{"NeutronError": {"type", "message"}}`.
fn fault_of(body: &Value) -> Option<(String, String)> {
    let (name, inside) = body.as_object()?.iter().next()?;
    let text = |key: &str| inside.get(key).and_then(Value::as_str);
    let message = text("message").or_else(|| inside.as_str())?;
    Some((text("type").unwrap_or(name).to_owned(), message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::fault_of;
    use serde_json::json;

    #[test]
    fn faults_of_each_service_are_read() {
        let read = |body| fault_of(&body);
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(
            read(json!({"itemNotFound": {"code": 404, "message": "gone"}})),
            pair("itemNotFound", "gone")
        );
        assert_eq!(
            read(json!({"NeutronError": {"type": "PortNotFound", "message": "m", "detail": ""}})),
            pair("PortNotFound", "m")
        );
        assert_eq!(
            read(json!({"NeutronError": "text"})),
            pair("NeutronError", "text")
        );
        for odd in [json!(null), json!([]), json!({}), json!({"a": 1})] {
            assert_eq!(read(odd), None);
        }
    }
}
