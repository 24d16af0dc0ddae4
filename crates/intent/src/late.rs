//! Creates that a pod finishes after they were given up.
//!
//! The job that ends an unfinished create looks once, when `create_grace` is over, and finds
//! nothing where the pod has not got round to it: its API may have the request in a queue
//! still. So whoever gives a create up wants another look, and that one the next, after
//! pauses that double. What is found then gets a routing of its own, as what a late answer
//! names does; nothing that a user may have seen is removed.

use std::time::Duration;

use serde_json::{Value, json};
use tricircle_db::models::{NewJob, Routing, RoutingState};
use tricircle_db::{DbError, Store};
use tricircle_jobs::{JobError, JobRun};

/// Name of the job that looks for a server whose create was given up.
pub const SERVER_LATE: &str = "server_late";
/// Name of the job that looks for a volume whose create was given up.
pub const VOLUME_LATE: &str = "volume_late";

/// How often it is looked: with the default grace of two minutes, over four hours.
const LOOKS: u32 = 6;

/// The wish for the first look after a create was given up.
pub fn first_look(kind: &str, intent: &Routing, grace: Duration) -> NewJob {
    look(kind, intent, 0, grace)
}

fn look(kind: &str, intent: &Routing, number: u32, grace: Duration) -> NewJob {
    NewJob {
        pod_id: intent.pod_id.clone(),
        project_id: intent.project_id.clone(),
        request_id: intent.request_id.clone(),
        payload: json!({ "look": number }),
        run_after: grace.saturating_mul(2_u32.saturating_pow(number + 1)),
        ..NewJob::new(kind, &intent.id)
    }
}

/// The intent that a look is about; `None` when it is not given up, or nobody knows it or its
/// pod any more: a pod may be removed while only looks are left of it.
pub async fn given_up(store: &Store, run: &JobRun) -> Result<Option<Routing>, JobError> {
    let intent = store.routing_by_id(run.resource_id()).await?;
    let Some(intent) = intent.filter(|intent| intent.state == RoutingState::Failed) else {
        return Ok(None);
    };
    let pods = store.pods_all().await?;
    let known = pods.iter().any(|view| view.pod.id == intent.pod_id);
    Ok(known.then_some(intent))
}

/// Nothing was found: the next look is wanted, unless this was the last.
pub async fn look_again(
    store: &Store,
    run: &JobRun,
    intent: &Routing,
    grace: Duration,
) -> Result<(), JobError> {
    let said: Value = run.payload()?;
    let number = said["look"].as_u64().and_then(|n| u32::try_from(n).ok());
    let next = number.unwrap_or(LOOKS).saturating_add(1);
    if next < LOOKS {
        let kind = &run.job().kind;
        store.job_enqueue(&look(kind, intent, next, grace)).await?;
    }
    Ok(())
}

/// Gives what the pod made late a routing, unless it has one: users find things in pods
/// without us.
pub async fn adopt(store: &Store, intent: &Routing, id: &str) -> Result<(), DbError> {
    if store.routing_by_top(intent.kind, id).await?.is_some() {
        return Ok(());
    }
    let now = tricircle_db::now();
    let routing = Routing {
        id: uuid::Uuid::new_v4().to_string(),
        top_id: Some(id.to_owned()),
        bottom_id: Some(id.to_owned()),
        state: RoutingState::Active,
        reservation_id: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        ..intent.clone()
    };
    store.routing_found(&routing).await
}
