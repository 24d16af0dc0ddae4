//! Finds out when a pod that jobs wait for is back.
//!
//! Only pods that somebody waits for are asked, all their services: a job does not say
//! which one failed it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tricircle_db::models::{JobFilter, JobState};
use tricircle_pods::PodError;
use tricircle_runtime::Parts;

/// How often pods that are waited for are asked.
const EVERY: Duration = Duration::from_secs(5);
/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Most waiting jobs that are looked at to know which pods are waited for.
const MOST: i64 = 1_000;

/// Watches until `stop`.
pub(crate) async fn watch(parts: Parts, stop: CancellationToken) {
    let mut recoveries = parts.pods.recoveries();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
            // A pod that this process saw down is back: no need to wait.
            Ok(()) = recoveries.changed() => {}
        }
        let look = async {
            for pod_id in waited_for(&parts).await {
                if is_back(&parts, &pod_id).await {
                    wake(&parts, &pod_id).await;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = look => {}
        }
    }
}

async fn waited_for(parts: &Parts) -> BTreeSet<String> {
    let filter = JobFilter {
        states: vec![JobState::Waiting],
        limit: Some(MOST),
        ..JobFilter::default()
    };
    match parts.store.jobs(&filter).await {
        Ok(jobs) => jobs.into_iter().map(|job| job.waiting_for).collect(),
        Err(error) => {
            tracing::warn!(%error, "waiting jobs could not be read");
            BTreeSet::new()
        }
    }
}

/// Whether every service of the pod answers. A pod that is not registered any more
/// counts as back: its jobs must find out.
async fn is_back(parts: &Parts, pod_id: &str) -> bool {
    let snapshot = parts.pods.snapshot();
    let Some(pod) = snapshot.by_id(pod_id) else {
        return true;
    };
    if !pod.is_callable() {
        return false;
    }
    let session = match parts.pods.admin(pod_id, "") {
        Ok(session) => session.with_timeout(PATIENCE),
        Err(_) => return false,
    };
    let asked = pod.endpoints.services().map(|service| {
        let session = session.clone();
        async move { session.get_json(service, "/").await }
    });
    let answers = join_all(asked).await;
    !answers.is_empty() && answers.iter().all(answered)
}

/// Any answer but a gateway's excuse will do: a refusal comes from a living service.
fn answered(answer: &Result<serde_json::Value, PodError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(PodError::Status { code, .. }) => *code < 500,
        Err(PodError::Malformed { .. }) => true,
        Err(_) => false,
    }
}

async fn wake(parts: &Parts, pod_id: &str) {
    match parts.jobs().pod_is_back(pod_id).await {
        Ok(0) => {}
        Ok(jobs) => tracing::info!(pod.id = pod_id, jobs, "the pod is back; its jobs go on"),
        Err(error) => tracing::warn!(%error, "jobs could not be woken"),
    }
}
