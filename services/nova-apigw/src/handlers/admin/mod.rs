//! What administrators see and do in all pods at once: hosts, services, hypervisors,
//! migrations, usage.
//!
//! Each pod is asked with the caller's own token, so that a pod's policy holds too. What
//! the answers have of ids and names is made unambiguous here: numbers carry the pod's
//! ordinal ([`numbers`]), names of hosts that more than one pod has carry the pod's name
//! ([`hosts`]).

pub(crate) mod audit_log;
pub(crate) mod events;
pub(crate) mod hosts;
pub(crate) mod hypervisors;
pub(crate) mod migrations;
pub(crate) mod numbers;
pub(crate) mod page;
pub(crate) mod searched;
pub(crate) mod services;
pub(crate) mod usage;

use std::sync::Arc;

use serde_json::Value;
use tricircle_api::{Fault, Microversion};
use tricircle_gateway::{Call, pod_fault};
use tricircle_pods::{PodEntry, PodError, PodSession, Service, fan_out};

/// One pod's answer.
pub(crate) struct Said {
    /// The pod.
    pub(crate) pod: Arc<PodEntry>,
    /// What it said, rewritten.
    pub(crate) body: Value,
}

/// What every pod says to a GET, in the pods' order. Pods that do not answer are left
/// out, as in lists of servers; what no pod grants is the caller's fault.
pub(crate) async fn ask_all(call: &Call, path: &str) -> Result<Vec<Said>, Fault> {
    ask_with(call, |session| {
        let path = path.to_owned();
        async move { session.get_json(Service::Compute, &path).await }
    })
    .await
}

/// The same with any question.
pub(crate) async fn ask_with<F, Fut>(call: &Call, ask: F) -> Result<Vec<Said>, Fault>
where
    F: Fn(PodSession) -> Fut,
    Fut: Future<Output = Result<Value, PodError>>,
{
    let pods = &call.gateway.pods;
    let snapshot = pods.snapshot();
    let deadline = pods.config().client.list_timeout;
    let held = pods.held_answers();
    let answers = fan_out(snapshot.callable().cloned(), deadline, |pod| {
        ask(call.session(&pod).holding(held.clone()))
    })
    .await;
    let mut said = Vec::new();
    let mut refused = None;
    let mut away = None;
    for answer in answers {
        match answer.result {
            Ok(mut body) => {
                call.rewriter(&answer.pod).value(&mut body);
                said.push(Said {
                    pod: answer.pod,
                    body,
                });
            }
            Err(error) if error.is_refusal() => refused = refused.or(Some(error)),
            Err(error) => away = away.or(Some(error)),
        }
    }
    match refused.or(away) {
        Some(error) if said.is_empty() => Err(pod_fault(error)),
        _ => Ok(said),
    }
}

/// The answer of the one pod that has what is asked for: the first that does not say 404.
/// When all say so, the first pod's words; when one was away, nobody knows.
pub(crate) async fn ask_for_one(call: &Call, path: &str) -> Result<Said, Fault> {
    let pods = &call.gateway.pods;
    let snapshot = pods.snapshot();
    let deadline = pods.config().client.list_timeout;
    let answers = fan_out(snapshot.callable().cloned(), deadline, |pod| {
        let session = call.session(&pod);
        async move { session.get_json(Service::Compute, path).await }
    })
    .await;
    let mut missing = None;
    let mut other = None;
    for answer in answers {
        match answer.result {
            Ok(mut body) => {
                call.rewriter(&answer.pod).value(&mut body);
                return Ok(Said {
                    pod: answer.pod,
                    body,
                });
            }
            Err(error) if error.is_not_found() => missing = missing.or(Some(error)),
            Err(error) => other = other.or(Some(error)),
        }
    }
    match other.or(missing) {
        Some(error) => Err(pod_fault(error)),
        None => Err(Fault::unavailable("No pod is registered.")),
    }
}

/// Whether ids are UUIDs, and need no pod's number.
pub(crate) fn has_uuids(call: &Call) -> bool {
    call.context.version() >= Microversion::new(2, 53)
}

/// The items of a collection in a body.
pub(crate) fn items(body: &mut Value, key: &str) -> Vec<Value> {
    match body.get_mut(key).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}
