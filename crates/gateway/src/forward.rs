//! Passing a call on to a pod and its answer back, streamed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::{Body, Method};
use tokio::sync::mpsc;
use tricircle_api::{Fault, body_too_large, chain};
use tricircle_db::models::RoutingKind;
use tricircle_pods::{PodEntry, PodError, PodSession, Sent, UnderWay, is_proxys_excuse};

use crate::{Call, answer, headers};

/// Bodies up to this size are read before the pod is called, so that they have a
/// length; larger ones are streamed.
const BUFFERED: u64 = 64 << 10;

/// Chunks of a streamed body that may wait for the pod.
const IN_FLIGHT: usize = 16;

/// The largest JSON that passes: it is looked through as a whole, and no resource and no
/// page of an API is larger.
const LARGEST_JSON: usize = 16 << 20;

/// Set when a body without announced length turns out longer than bodies may be.
type Overlong = Arc<AtomicBool>;

/// What goes to the pod as the body.
pub enum ForwardBody {
    /// The client's, as it comes.
    Streamed(Payload),
    /// Bytes that the gateway made.
    Made(Bytes),
    /// None.
    Empty,
}

/// [`crate::Strategy::ByResource`].
pub(crate) async fn by_resource(
    call: &Call,
    kind: RoutingKind,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let id = call.param("id").to_owned();
    let pod = call.pod_of(kind, &id).await?;
    let response = forward_to(call, &pod, ForwardBody::Streamed(payload)).await?;
    let is_the_resource = call.path.trim_end_matches('/').ends_with(&id);
    if response.status() == actix_web::http::StatusCode::NOT_FOUND && is_the_resource {
        call.gateway.routings.forget(kind, &id).await;
    }
    Ok(response)
}

/// [`crate::Strategy::AnyPod`].
pub(crate) async fn any_pod(call: &Call, payload: Payload) -> Result<HttpResponse, Fault> {
    let pod = call.any_pod()?;
    forward_to(call, &pod, ForwardBody::Streamed(payload)).await
}

impl Call {
    /// The pod that holds a resource.
    pub async fn pod_of(&self, kind: RoutingKind, id: &str) -> Result<Arc<PodEntry>, Fault> {
        let gateway = &self.gateway;
        let word = answer::title(kind);
        let resolved = gateway
            .routings
            .resolve(kind, id, &gateway.pods, &self.caller())
            .await
            .map_err(|error| answer::fault_of(error, word, id))?;
        let snapshot = gateway.pods.snapshot();
        match snapshot.by_id(&resolved.pod_id) {
            Some(pod) if pod.is_callable() => Ok(pod.clone()),
            _ => Err(Fault::unavailable(
                "The pod that holds the resource is disabled.",
            )),
        }
    }

    /// Any pod that may be called, if there is one that answers.
    pub fn any_pod(&self) -> Result<Arc<PodEntry>, Fault> {
        let snapshot = self.gateway.pods.snapshot();
        let service = self.gateway.surface.service;
        snapshot
            .callable()
            .find(|pod| pod.answers(service))
            .or_else(|| snapshot.callable().next())
            .cloned()
            .ok_or_else(|| Fault::unavailable("No pod is registered."))
    }
}

/// Sends the call on to a pod, at the same path, and gives its answer, rewritten.
pub async fn forward_to(
    call: &Call,
    pod: &Arc<PodEntry>,
    body: ForwardBody,
) -> Result<HttpResponse, Fault> {
    let session = call.session(pod);
    let method = known_method(call.request.method().as_str()).ok_or_else(Fault::no_such_path)?;
    let head = call.request.method() == actix_web::http::Method::HEAD;
    let overlong = Overlong::default();
    let body = match body {
        ForwardBody::Streamed(payload) => outgoing(call, payload, &overlong).await?,
        ForwardBody::Made(bytes) => Some(Body::from(bytes)),
        ForwardBody::Empty => None,
    };
    let sent = session
        .send(
            call.gateway.surface.service,
            method,
            &call.path_and_query(),
            headers::to_pod(call.request.headers()),
            body,
        )
        .await;
    if overlong.load(Ordering::Relaxed) {
        // The pod saw a request that broke off, whatever it says of it.
        return Err(body_too_large());
    }
    incoming(call, &session, sent.map_err(answer::pod_fault)?, head).await
}

/// The methods of the APIs; others stop here, also because each would be a series of
/// its own in the metrics for ever.
fn known_method(name: &str) -> Option<Method> {
    [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ]
    .into_iter()
    .find(|method| method.as_str() == name)
}

/// The client's body on its way to the pod.
///
/// actix's payload lives on one thread and reqwest's body must not, so a small task
/// pumps the one into the other through a bounded channel; when the pod answers
/// early and drops its end, the pump stops.
async fn outgoing(
    call: &Call,
    mut payload: Payload,
    overlong: &Overlong,
) -> Result<Option<Body>, Fault> {
    let request = call.request.headers();
    let length: Option<u64> = request
        .get("content-length")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let chunked = request.contains_key("transfer-encoding");
    if !chunked && length.unwrap_or(0) == 0 {
        return Ok(None);
    }
    if !chunked && length.is_some_and(|length| length <= BUFFERED) {
        let mut whole = Vec::new();
        while let Some(chunk) = payload.next().await {
            whole.extend_from_slice(&chunk.map_err(broken_body)?);
        }
        return Ok(Some(Body::from(whole)));
    }
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(IN_FLIGHT);
    let overlong = Arc::clone(overlong);
    actix_web::rt::spawn(async move {
        while let Some(chunk) = payload.next().await {
            if matches!(chunk, Err(PayloadError::Overflow)) {
                overlong.store(true, Ordering::Relaxed);
            }
            let chunk = chunk.map_err(std::io::Error::other);
            let last = chunk.is_err();
            if sender.send(chunk).await.is_err() || last {
                return;
            }
        }
    });
    let stream: BoxStream<'static, _> =
        futures_util::stream::unfold(receiver, |mut receiver| async {
            let chunk = receiver.recv().await?;
            Some((chunk, receiver))
        })
        .boxed();
    Ok(Some(Body::wrap_stream(stream)))
}

fn broken_body(error: PayloadError) -> Fault {
    Fault::bad_request("The request body could not be read.").with_detail(error)
}

/// The pod's answer on its way to the client.
async fn incoming(
    call: &Call,
    session: &PodSession,
    sent: Sent,
    head: bool,
) -> Result<HttpResponse, Fault> {
    let rewriter = call.rewriter(session.pod());
    let Sent {
        response,
        under_way,
    } = sent;
    let status = actix_web::http::StatusCode::from_u16(response.status().as_u16())
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| malformed(format!("status {}", response.status())))?;
    if status == actix_web::http::StatusCode::UNAUTHORIZED {
        // The token was good a moment ago here; the client gets a new one and asks again.
        return Err(Fault::unauthorized());
    }
    let json = response
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    if status.is_server_error() && !json && !head {
        // Not the service's own words: a proxy before it, or the wreck of it.
        let detail = format!("the pod answered {status}");
        return Err(match is_proxys_excuse(status.as_u16()) {
            true => Fault::pod_unavailable(session.pod().region(), detail),
            false => answer::bad_gateway("The service in the resource's pod failed to answer.")
                .with_detail(detail),
        });
    }
    let mut answer = HttpResponseBuilder::new(status);
    for (name, value) in headers::to_client(response.headers()) {
        let is_location = name == "location" || name == "content-location";
        match value.to_str() {
            Ok(text) if is_location => {
                answer.append_header((name, rewriter.header(text)));
            }
            _ => {
                answer.append_header((name, value));
            }
        }
    }
    if head || response.content_length() == Some(0) {
        return Ok(answer.finish());
    }
    if !json {
        let length = response.content_length();
        let stream = rest(response, under_way);
        if let Some(length) = length {
            return Ok(answer.no_chunking(length).streaming(stream));
        }
        return Ok(answer.streaming(stream));
    }
    // A resource comes at once; a pod that lets it drip is not waited for.
    let whole = tokio::time::timeout(session.timeout(), read_whole(session, response));
    let whole = whole.await.map_err(|_| {
        let detail = "the body did not come in time";
        Fault::pod_unavailable(session.pod().region(), detail)
    })??;
    if !is_json(&whole) {
        return Err(malformed("the pod's answer is no JSON"));
    }
    Ok(answer.body(rewriter.body(whole)))
}

/// 502: what the pod sent is no answer of its API.
fn malformed(detail: impl std::fmt::Display) -> Fault {
    answer::bad_gateway("The answer of the resource's pod is not what it should be.")
        .with_detail(detail)
}

/// A body that is to be rewritten.
async fn read_whole(
    session: &PodSession,
    mut response: reqwest::Response,
) -> Result<Vec<u8>, Fault> {
    let held = session.held();
    let mut whole = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if whole.len() + chunk.len() > LARGEST_JSON => {
                return Err(malformed("the pod's answer is too large"));
            }
            Ok(Some(chunk)) if held.take(chunk.len()) => whole.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                let pod = session.pod().region().to_owned();
                return Err(answer::pod_fault(PodError::Busy { pod }));
            }
            Ok(None) => return Ok(whole),
            Err(error) => {
                return Err(answer::bad_gateway("The pod broke off its answer.")
                    .with_detail(chain(&error.without_url())));
            }
        }
    }
}

/// The rest of a body as it comes; the call is under way until its end.
fn rest(
    response: reqwest::Response,
    under_way: UnderWay,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    response.bytes_stream().map(move |chunk| {
        let _ = &under_way;
        chunk.map_err(std::io::Error::other)
    })
}

/// Whether a body is JSON; an empty one is what it is.
fn is_json(body: &[u8]) -> bool {
    body.is_empty() || serde_json::from_slice::<&serde_json::value::RawValue>(body).is_ok()
}
