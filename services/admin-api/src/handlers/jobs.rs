//! `/v1.0/jobs`: what is still to be done in the pods, and why it is not done.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use tricircle_api::{Fault, RequestContext, Site};
use tricircle_db::models::{Job, JobFilter, JobState, JobStep};
use tricircle_messaging::Wake;
use uuid::Uuid;

use super::Query;
use crate::listing::{Item, Listing, moment, unknown_marker};
use crate::regions::Regions;
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
    let regions = Regions::read(&state).await?;
    let query = with_pod_ids(&query, &regions)?;
    let listing = Listing::parse(&query, &FILTERS, state.config.tricircle.max_limit)?;
    let mut filter = filter_of(&listing)?;
    // Jobs may be many: where it can, the database cuts the page.
    filter.after = match listing.marker() {
        Some(marker) => {
            let job = state.store.job_by_id(marker).await?;
            Some(job.ok_or_else(|| unknown_marker(marker))?.id)
        }
        None => None,
    };
    filter.limit = listing.needed().filter(|_| listing.is_plain());
    let jobs = state.store.jobs(&filter).await?;
    let items = jobs.iter().map(|job| shown(job, &regions)).collect();
    let body = listing.page_of_rest("jobs", items, &site, &request);
    Ok(HttpResponse::Ok().json(body))
}

pub(crate) async fn show(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("jobs:show", &context)?;
    let job = find(&state, &id).await?;
    let regions = Regions::read(&state).await?;
    let mut body = shown(&job, &regions);
    for (name, value) in [
        ("payload", json_of(&job.payload)),
        ("payload_version", json!(job.payload_version)),
        ("undoing", json!(job.undoing)),
        ("cancel_requested", json!(job.cancel_requested)),
        ("wishes", json!(job.wanted_rev)),
        ("wishes_fulfilled", json!(job.done_rev)),
        ("lease_until", json!(job.lease_until.map(moment))),
    ] {
        body.insert(name.to_owned(), value);
    }
    let steps = state.store.job_steps(&id).await?;
    let steps: Vec<Value> = steps.iter().map(step_shown).collect();
    body.insert("steps".to_owned(), json!(steps));
    Ok(HttpResponse::Ok().json(json!({ "job": body })))
}

/// `POST .../retry` (or `PUT`): try it now.
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
    accepted(&state, &id).await
}

/// `POST .../cancel`: give it up. One that runs stops at its next step.
pub(crate) async fn cancel(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    give_up(&context, &state, &id).await?;
    accepted(&state, &id).await
}

/// `DELETE`: the same. The row stays for a while.
pub(crate) async fn abandon(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    give_up(&context, &state, &id).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn give_up(context: &RequestContext, state: &State, id: &str) -> Result<(), Fault> {
    state.require("jobs:update", context)?;
    find(state, id).await?;
    if state.store.job_abandon(id).await? {
        Ok(())
    } else {
        Err(Fault::conflict(format!("Job {id} is over already.")))
    }
}

async fn accepted(state: &State, id: &str) -> Result<HttpResponse, Fault> {
    let (job, regions) = (find(state, id).await?, Regions::read(state).await?);
    Ok(HttpResponse::Accepted().json(json!({"job": shown(&job, &regions)})))
}

async fn find(state: &State, id: &str) -> Result<Job, Fault> {
    let job = state.store.job_by_id(id).await?;
    job.ok_or_else(|| Fault::not_found(format!("Job {id} could not be found.")))
}

/// The query with `pod`, a name or an id, as the pod's id.
fn with_pod_ids(
    query: &[(String, String)],
    regions: &Regions,
) -> Result<Vec<(String, String)>, Fault> {
    query
        .iter()
        .map(|(name, value)| match name.as_str() {
            "pod" => Ok(("pod_id".to_owned(), regions.id(value)?.to_owned())),
            _ => Ok((name.clone(), value.clone())),
        })
        .collect()
}

fn filter_of(listing: &Listing) -> Result<JobFilter, Fault> {
    let text = |name: &str| listing.filter(name).map(str::to_owned);
    let states = match listing.filter("state") {
        None => Vec::new(),
        Some(word) => vec![
            word.parse::<JobState>()
                .map_err(|_| Fault::bad_request(format!("{word:?} is no state of a job.")))?,
        ],
    };
    Ok(JobFilter {
        kind: text("kind"),
        resource_id: text("resource_id"),
        pod_id: text("pod_id"),
        project_id: text("project_id"),
        states,
        ..JobFilter::default()
    })
}

/// A job as lists have it.
pub(crate) fn shown(job: &Job, regions: &Regions) -> Item {
    [
        ("id", json!(job.id)),
        ("kind", json!(job.kind)),
        ("resource_id", json!(job.resource_id)),
        ("pod_id", json!(job.pod_id)),
        ("region_name", json!(regions.of(&job.pod_id))),
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

fn step_shown(step: &JobStep) -> Value {
    json!({
        "seq": step.seq,
        "name": step.name,
        "phase": step.phase,
        "output": json_of(&step.output),
        "at": moment(step.at),
    })
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
