//! The simulator's own API, for tests whose subjects are other processes.
//!
//! | call | what |
//! | --- | --- |
//! | `GET /_sim/pods` | names, URLs, whether they run |
//! | `POST /_sim/pods/{pod}/stop`, `.../start` | closes, opens the listeners |
//! | `GET`, `DELETE /_sim/journal?pod=` | the calls |
//! | `GET /_sim/inventory?pod=` | what exists |
//! | `POST`, `DELETE /_sim/faults?pod=` | adds a fault, removes all |
//! | `PUT /_sim/pods/{pod}/timing` | `{"build_ms": 5 or null, "other_ms": 2}` |
//! | `PUT /_sim/pods/{pod}/extensions` | `{"address-group": false}`: without it |
//! | `POST /_sim/pods/{pod}/finish-builds` | ends builds |
//! | `POST /_sim/pods/{pod}/fail-next-build` | `{"message": ...}` |
//!
//! Without `pod` journal and faults are Keystone's and Glance's.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cloud::Directory;
use crate::faults::{Fault, Faults, Match, Times};
use crate::journal::Journal;
use crate::pod::{SimPod, lock};
use crate::request::{Reply, Request, Service};
use crate::server::LocalReply;

/// What the control API reaches.
pub(crate) struct Control {
    pods: std::sync::Weak<std::sync::Mutex<Vec<SimPod>>>,
    top: OnceLock<(Journal, Faults)>,
}

/// A fault as it is posted.
#[derive(Deserialize)]
struct PostedFault {
    service: Option<Service>,
    method: Option<String>,
    path: Option<String>,
    /// `status`, `delay`, `commit_then_delay`, `commit_then_status`, `drop_reply`,
    /// `reset`, `hang`.
    fault: String,
    #[serde(default)]
    code: Option<u16>,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    ms: u64,
    /// How often; left out: always.
    times: Option<u32>,
}

impl Control {
    pub(crate) fn new(pods: &Directory) -> Self {
        Control {
            pods: Arc::downgrade(pods),
            top: OnceLock::new(),
        }
    }

    /// Names the journal and faults of the node that the control API is on.
    pub(crate) fn watch(&self, journal: &Journal, faults: &Faults) {
        // Set once, by the cloud's start.
        let _ = self.top.set((journal.clone(), faults.clone()));
    }

    fn pod(&self, name: &str) -> Option<SimPod> {
        let pods = self.pods.upgrade()?;
        let pods = lock(&pods).clone();
        pods.into_iter().find(|pod| pod.name() == name)
    }

    fn books(&self, request: &Request) -> Option<(Journal, Faults)> {
        match request.query.get("pod") {
            Some(name) => self
                .pod(name)
                .map(|pod| (pod.journal_handle().clone(), pod.faults().clone())),
            None => self.top.get().cloned(),
        }
    }

    pub(crate) fn answer(&self, request: Request) -> LocalReply {
        let segments = request.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let ("POST", ["_sim", "pods", pod, verb @ ("stop" | "start")]) =
            (request.method.as_str(), path.as_slice())
        {
            let Some(pod) = self.pod(pod) else {
                return std::future::ready(unknown_pod()).boxed_local();
            };
            let stop = *verb == "stop";
            return async move {
                if stop {
                    pod.stop().await;
                    return Reply::empty(204);
                }
                match pod.start().await {
                    Ok(()) => Reply::empty(204),
                    Err(error) => Reply::json(503, json!({"error": error.to_string()})),
                }
            }
            .boxed_local();
        }
        let reply = self.at_once(&request, &path).unwrap_or_else(unknown_pod);
        std::future::ready(reply).boxed_local()
    }

    fn at_once(&self, request: &Request, path: &[&str]) -> Option<Reply> {
        let body = || request.json().unwrap_or_default();
        Some(match (request.method.as_str(), path) {
            ("GET", ["_sim", "pods"]) => {
                let pods = self.pods.upgrade()?;
                let shown: Vec<Value> = lock(&pods).iter().map(show_pod).collect();
                Reply::ok(json!({ "pods": shown }))
            }
            ("GET", ["_sim", "journal"]) => {
                Reply::ok(json!({"calls": self.books(request)?.0.calls()}))
            }
            ("DELETE", ["_sim", "journal"]) => {
                self.books(request)?.0.clear();
                Reply::empty(204)
            }
            ("GET", ["_sim", "inventory"]) => {
                let pod = self.pod(request.query.get("pod")?)?;
                Reply::ok(json!(pod.inventory()))
            }
            ("POST", ["_sim", "faults"]) => {
                let (_, faults) = self.books(request)?;
                match serde_json::from_value(body()).map_err(|e| e.to_string()) {
                    Ok(posted) => match inject(&faults, posted) {
                        Ok(()) => Reply::empty(204),
                        Err(message) => Reply::json(400, json!({ "error": message })),
                    },
                    Err(message) => Reply::json(400, json!({ "error": message })),
                }
            }
            ("DELETE", ["_sim", "faults"]) => {
                self.books(request)?.1.clear();
                Reply::empty(204)
            }
            ("PUT", ["_sim", "pods", pod, "timing"]) => {
                let pod = self.pod(pod)?;
                let body = body();
                if let Some(build) = body.get("build_ms") {
                    pod.set_build_time(build.as_u64().map(Duration::from_millis));
                }
                if let Some(other) = body.get("other_ms").and_then(Value::as_u64) {
                    pod.set_other_time(Duration::from_millis(other));
                }
                Reply::empty(204)
            }
            ("PUT", ["_sim", "pods", pod, "extensions"]) => {
                let pod = self.pod(pod)?;
                for (alias, present) in body().as_object().into_iter().flatten() {
                    pod.set_extension(alias, present.as_bool().unwrap_or(true));
                }
                Reply::empty(204)
            }
            ("POST", ["_sim", "pods", pod, "finish-builds"]) => {
                self.pod(pod)?.finish_builds();
                Reply::empty(204)
            }
            ("POST", ["_sim", "pods", pod, "fail-next-build"]) => {
                let body = body();
                let message = body.get("message").and_then(Value::as_str);
                self.pod(pod)?
                    .fail_next_build(message.unwrap_or("No valid host was found. "));
                Reply::empty(204)
            }
            _ => Reply::json(404, json!({"error": "no such call"})),
        })
    }
}

fn unknown_pod() -> Reply {
    Reply::json(404, json!({"error": "no such pod"}))
}

fn show_pod(pod: &SimPod) -> Value {
    json!({
        "name": pod.name(), "running": pod.is_running(), "nova": pod.nova_url(),
        "neutron": pod.neutron_url(), "cinder": pod.cinder_url(),
        "placement": pod.placement_url(),
    })
}

fn inject(faults: &Faults, posted: PostedFault) -> Result<(), String> {
    let mut matcher = posted.service.map_or_else(Match::any, Match::service);
    if let Some(method) = &posted.method {
        matcher = matcher.method(method);
    }
    if let Some(path) = &posted.path {
        matcher = matcher.path(path).map_err(|e| e.to_string())?;
    }
    let time = Duration::from_millis(posted.ms);
    let fault = match posted.fault.as_str() {
        "status" => Fault::Status(posted.code.unwrap_or(503), posted.body),
        "delay" => Fault::DelayThen(time),
        "commit_then_delay" => Fault::CommitThenDelay(time),
        "commit_then_status" => Fault::CommitThenStatus(posted.code.unwrap_or(503), posted.body),
        "drop_reply" => Fault::DropReplyAfterCommit,
        "reset" => Fault::ResetBefore,
        "hang" => Fault::HangForever,
        other => return Err(format!("no such fault: {other}")),
    };
    let times = posted.times.map_or(Times::Always, Times::N);
    faults.inject(matcher, fault, times);
    Ok(())
}
