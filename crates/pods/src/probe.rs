//! Asking services how they are, beside the requests.
//!
//! Each service is asked for its version document, which needs no token and no database
//! of the pod, with a deadline of its own. Open breakers are probed when they say so;
//! a service that nobody has called for a while is asked too, so that a pod's state is
//! known before users pay for it, and in processes that seldom call pods.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::health::{Duty, Judge, is_proxys_excuse};
use crate::{PodEntry, PodError, PodHttp, Pods, Service};

/// The longest version document that is read.
const LONGEST: usize = 256 << 10;

/// The longest pause of the prober: pods come, and the gauges want to be fresh.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The shortest, whatever is due.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// Probes until `stop`.
pub(crate) async fn keep_probing(pods: Pods, judge: Arc<Judge>, stop: CancellationToken) {
    judge.probing();
    let mut probes = JoinSet::new();
    let mut gauges = Gauges::default();
    loop {
        let now = Instant::now();
        let mut next = now + LONGEST_PAUSE;
        let snapshot = pods.snapshot();
        for entry in snapshot.callable() {
            for service in entry.endpoints.services() {
                match entry.health().duty(service, now) {
                    Duty::Probe => {
                        let back = probe(pods.clone(), entry.clone(), service);
                        probes.spawn(back);
                    }
                    Duty::Ask => {
                        let (http, entry) = (pods.http().clone(), entry.clone());
                        probes.spawn(async move {
                            // How it ended is written by the call itself.
                            let _ = document(&http, &entry, service).await;
                        });
                    }
                    Duty::Wait(due) => next = next.min(due),
                    Duty::None => {}
                }
            }
        }
        gauges.set(&snapshot.all);
        while probes.try_join_next().is_some() {}
        let pause = next.saturating_duration_since(now).max(SHORTEST_PAUSE);
        tokio::select! {
            () = stop.cancelled() => return,
            () = judge.opened.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn probe(pods: Pods, entry: Arc<PodEntry>, service: Service) {
    let end = match read(pods.http(), &entry, service).await {
        Ok(_) => Ok(()),
        Err(PodError::Status { code, .. }) if !is_proxys_excuse(code) => Ok(()),
        Err(PodError::Malformed { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    };
    if entry.health().probed(service, &end) {
        tracing::info!(
            pod.name = entry.region(),
            pod.service = service.name(),
            "a service of a pod answers again"
        );
        pods.tell_recovered();
    }
}

/// A service's version document, asked for as any call is: not while its breaker is
/// open, and heard by it.
pub(crate) async fn document(
    http: &PodHttp,
    entry: &PodEntry,
    service: Service,
) -> Result<Value, PodError> {
    let mut ticket = entry.health().begin(service)?;
    let result = read(http, entry, service).await;
    ticket.ended(&result);
    result
}

async fn read(http: &PodHttp, entry: &PodEntry, service: Service) -> Result<Value, PodError> {
    let pod = || entry.region().to_owned();
    // Nova tells its microversions below its version; the others tell theirs without a
    // token at the root only.
    let base = match service {
        Service::Compute => entry.endpoints.base(service),
        _ => entry.endpoints.root(service).map(str::to_owned),
    };
    let base = base.ok_or_else(|| PodError::NoEndpoint {
        pod: pod(),
        service: service.name(),
    })?;
    let malformed = |why: String| PodError::Malformed { pod: pod(), why };
    let ask = async {
        let sent = http.client.get(format!("{base}/")).send().await;
        let mut response = sent.map_err(|error| PodError::of_transport(entry.region(), error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > LONGEST => {
                    return Err(malformed("the version document is too large".to_owned()));
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(_) => return Err(PodError::NoAnswer { pod: pod() }),
            }
        }
        if status.is_client_error() || status.is_server_error() {
            return Err(PodError::Status {
                pod: pod(),
                code: status.as_u16(),
                message: String::new(),
                fault: String::new(),
                body: Value::Null,
                retry_after: None,
            });
        }
        serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))
    };
    match tokio::time::timeout(http.timeouts().probe, ask).await {
        Ok(result) => result,
        Err(_) => Err(PodError::NoAnswer { pod: pod() }),
    }
}

/// The series that were once set: those of pods that are gone must be set to zero.
#[derive(Default)]
struct Gauges {
    seen: HashSet<(String, Service)>,
}

impl Gauges {
    fn set(&mut self, pods: &[Arc<PodEntry>]) {
        let breaker = |pod: &str, service: Service| {
            metrics::gauge!(
                "tricircle_pod_breaker_state",
                "pod" => pod.to_owned(), "service" => service.name()
            )
        };
        let under_way =
            |pod: &str| metrics::gauge!("tricircle_pod_calls_in_flight", "pod" => pod.to_owned());
        let mut gone = std::mem::take(&mut self.seen);
        for entry in pods {
            under_way(entry.region()).set(entry.health().calls() as f64);
            for service in entry.endpoints.services() {
                let level = entry.health().of(service).state.level();
                breaker(entry.region(), service).set(level);
                let key = (entry.region().to_owned(), service);
                gone.remove(&key);
                self.seen.insert(key);
            }
        }
        for (pod, service) in gone {
            breaker(&pod, service).set(0.0);
            if pods.iter().all(|entry| entry.region() != pod) {
                under_way(&pod).set(0.0);
            }
        }
    }
}
