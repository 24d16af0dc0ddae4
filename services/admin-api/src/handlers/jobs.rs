//! `/v1.0/jobs`: what is still to be done in the pods, and why it is not done.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, RequestContext, Site};
use tricircle_db::models::{Job, JobFilter, JobState};
use tricircle_messaging::Wake;
use uuid::Uuid;

use super::Query;
use crate::listing::{Listing, moment};
use crate::state::State;

const FILTERS: [&str; 5] = ["kind", "resource_id", "pod_id", "project_id", "state"];

pub(crate) async fn list(
    context: RequestContext,
    state: Data<State>,
    site: Site,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    state.require("jobs:list", &context)?;
    let listing = Listing::parse(&query, &FILTERS, state.config.tricircle.max_limit)?;
    let text = |name: &str| listing.filter(name).map(str::to_owned);
    let states = match listing.filter("state") {
        None => Vec::new(),
        Some(word) => vec![
            word.parse::<JobState>()
                .map_err(|_| Fault::bad_request(format!("{word:?} is no state of a job.")))?,
        ],
    };
    let jobs = state
        .store
        .jobs(&JobFilter {
            kind: text("kind"),
            resource_id: text("resource_id"),
            pod_id: text("pod_id"),
            project_id: text("project_id"),
            states,
            limit: None,
        })
        .await?;
    let body = listing.page("jobs", jobs.iter().map(shown).collect(), &site, &request)?;
    Ok(HttpResponse::Ok().json(body))
}

pub(crate) async fn show(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("jobs:show", &context)?;
    let job = find(&state, &id).await?;
    let mut body = shown(&job);
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    body.insert("payload".to_owned(), payload);
    let steps: Vec<Value> = state
        .store
        .job_steps(&id)
        .await?
        .iter()
        .map(|step| {
            json!({
                "seq": step.seq,
                "name": step.name,
                "phase": step.phase,
                "at": moment(step.at),
            })
        })
        .collect();
    body.insert("steps".to_owned(), json!(steps));
    Ok(HttpResponse::Ok().json(json!({ "job": body })))
}

/// `PUT`: try it now.
pub(crate) async fn retry(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("jobs:update", &context)?;
    let job = find(&state, &id).await?;
    if !state.store.job_retry(&id).await? {
        return Err(Fault::conflict(format!(
            "Job {id} is running, or another job for the same resource is."
        )));
    }
    if let Ok(uuid) = Uuid::try_parse(&id) {
        state.bus.wake(Wake::job(uuid, job.kind));
    }
    let job = find(&state, &id).await?;
    Ok(HttpResponse::Accepted().json(json!({"job": shown(&job)})))
}

/// `DELETE`: give it up. The row stays for a while, as cancelled.
pub(crate) async fn abandon(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("jobs:update", &context)?;
    find(&state, &id).await?;
    if state.store.job_abandon(&id).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Fault::conflict(format!("Job {id} is over already.")))
    }
}

async fn find(state: &State, id: &str) -> Result<Job, Fault> {
    let job = state.store.job_by_id(id).await?;
    job.ok_or_else(|| Fault::not_found(format!("Job {id} could not be found.")))
}

fn shown(job: &Job) -> Map<String, Value> {
    [
        ("id", json!(job.id)),
        ("kind", json!(job.kind)),
        ("resource_id", json!(job.resource_id)),
        ("pod_id", json!(job.pod_id)),
        ("project_id", json!(job.project_id)),
        ("state", json!(job.state)),
        ("attempts", json!(job.attempts)),
        ("run_after", json!(moment(job.run_after))),
        ("waiting_for", json!(job.waiting_for)),
        ("lease_owner", json!(job.lease_owner)),
        ("request_id", json!(job.request_id)),
        ("last_error", json!(job.last_error)),
        ("created_at", json!(moment(job.created_at))),
        ("updated_at", json!(moment(job.updated_at))),
        ("finished_at", json!(job.finished_at.map(moment))),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
