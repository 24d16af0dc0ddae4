//! The journal: every call that a node received, in the order of its end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::request::Service;

/// Enough for any test; a long bench must not eat the machine.
const KEPT: usize = 200_000;

/// One call as the node saw it. Tokens and passwords are never in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Which service was called.
    pub service: Service,
    /// The HTTP method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query without the question mark; empty if there was none.
    pub query: String,
    /// The status of the answer; 0 if the request was cut before it was acted on.
    pub status: u16,
    /// The id that the node gave this request.
    pub request_id: String,
    /// The caller's request id (`X-Openstack-Request-Id`).
    pub global_request_id: Option<String>,
    /// `OpenStack-API-Version` or Nova's older header, as sent.
    pub microversion: Option<String>,
    /// The name of the token's user.
    pub user: Option<String>,
    /// The id of the token's project.
    pub project: Option<String>,
    /// Whether a service token came along.
    pub service_token: bool,
    /// The JSON body of the request; left out for Keystone, where passwords are.
    pub body: Option<Value>,
    /// The fault that was played on this call.
    pub fault: Option<String>,
}

/// A shared list of calls that can be awaited.
#[derive(Clone, Debug)]
pub struct Journal {
    calls: Arc<Mutex<VecDeque<Call>>>,
    version: Arc<watch::Sender<u64>>,
}

impl Default for Journal {
    fn default() -> Self {
        Journal {
            calls: Arc::default(),
            version: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Journal {
    pub(crate) fn record(&self, call: Call) {
        {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            if calls.len() >= KEPT {
                calls.pop_front();
            }
            calls.push_back(call);
        }
        self.version.send_modify(|v| *v += 1);
    }

    /// All calls since the start or the last `clear`.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().cloned().collect()
    }

    /// Forgets the calls so far.
    pub fn clear(&self) {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// How many calls had this method and a path that ends in `path_end`.
    pub fn count(&self, method: &str, path_end: &str) -> usize {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls
            .iter()
            .filter(|call| call.method == method && call.path.ends_with(path_end))
            .count()
    }

    /// Waits until a call that satisfies `wanted` is in the journal and returns
    /// it; `None` when `limit` passes first.
    pub async fn wait_for(&self, limit: Duration, wanted: impl Fn(&Call) -> bool) -> Option<Call> {
        let mut changes = self.version.subscribe();
        let found = async {
            loop {
                let call = {
                    let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
                    calls.iter().find(|call| wanted(call)).cloned()
                };
                if call.is_some() {
                    return call;
                }
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(limit, found).await.ok().flatten()
    }
}
