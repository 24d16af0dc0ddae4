//! `/v1.0/pods`

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, JsonBody, RequestContext, Site};
use tricircle_db::models::{AuthMode, Pod, PodRemoval, PodState, PodView};
use tricircle_pods::Snapshot;
use uuid::Uuid;

use super::Query;
use crate::listing::{Listing, moment};
use crate::pod_body::{PodRequest, shown};
use crate::registration::{register, registered_already};
use crate::state::State;

const FILTERS: [&str; 4] = ["region_name", "pod_name", "az_name", "state"];

pub(crate) async fn list(
    context: RequestContext,
    state: Data<State>,
    site: Site,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    state.require("pods:list", &context)?;
    let listing = Listing::parse(&query, &FILTERS, state.config.tricircle.max_limit)?;
    let pods = state.store.pods_all().await?;
    let snapshot = state.pods.snapshot();
    let shown = pods.iter().map(|view| with_health(view, &snapshot));
    let body = listing.page("pods", shown.collect(), &site, &request)?;
    Ok(HttpResponse::Ok().json(body))
}

pub(crate) async fn show(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("pods:show", &context)?;
    let view = find(&state, &id).await?;
    let snapshot = state.pods.snapshot();
    Ok(HttpResponse::Ok().json(json!({"pod": with_health(&view, &snapshot)})))
}

pub(crate) async fn create(
    context: RequestContext,
    state: Data<State>,
    body: JsonBody,
) -> Result<HttpResponse, Fault> {
    state.require("pods:create", &context)?;
    let wanted = PodRequest::parse(body.member("pod")?)?;
    let region_name = wanted
        .region_name
        .ok_or_else(|| Fault::bad_request("region_name is missing."))?;
    let zones = wanted
        .zones
        .ok_or_else(|| Fault::bad_request("az_name or availability_zones is missing."))?;
    if region_name == state.config.client.top_region_name {
        return Err(Fault::conflict(format!(
            "Region {region_name} is the top, which is no pod."
        )));
    }
    let known = state.store.pods_all().await?;
    if known.iter().any(|view| view.pod.region_name == region_name) {
        return Err(registered_already(&region_name));
    }

    let now = tricircle_db::now();
    let pod = Pod {
        id: Uuid::new_v4().to_string(),
        region_name,
        // The database gives the real one.
        ordinal: 0,
        state: wanted.state.unwrap_or(PodState::Enabled),
        auth_mode: AuthMode::Shared,
        created_at: now,
        updated_at: now,
    };
    let rows = PodRequest::rows(&zones, &pod.id);
    let registered = register(&state, pod, rows, wanted.mtu, context.ids.outbound()).await?;
    Ok(HttpResponse::Created().json(json!({
        "pod": shown(&registered.view),
        "registration": registered.report,
    })))
}

pub(crate) async fn update(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, Fault> {
    state.require("pods:update", &context)?;
    let wanted = PodRequest::parse(body.member("pod")?)?;
    let view = find(&state, &id).await?;
    if wanted
        .region_name
        .is_some_and(|region| region != view.pod.region_name)
    {
        return Err(Fault::bad_request(
            "The region of a pod can not be changed: register another pod.",
        ));
    }
    let rows = wanted
        .zones
        .map(|zones| PodRequest::rows(&zones, &view.pod.id));
    let found = state
        .store
        .pod_update(&view.pod.id, wanted.state, rows.as_deref())
        .await?;
    if !found {
        return Err(no_such_pod(&id));
    }
    if let Some(mtu) = wanted.mtu {
        state.store.pod_mtu_set(&view.pod.id, mtu).await?;
    }
    refresh(&state).await;
    let view = find(&state, &id).await?;
    Ok(HttpResponse::Ok().json(json!({"pod": shown(&view)})))
}

pub(crate) async fn delete(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("pods:delete", &context)?;
    match state.store.pod_delete(&id).await? {
        PodRemoval::Removed => {
            refresh(&state).await;
            Ok(HttpResponse::NoContent().finish())
        }
        PodRemoval::NotFound => Err(no_such_pod(&id)),
        PodRemoval::InUse(count) => Err(Fault::conflict(format!(
            "Pod {id} is in use: {count} resources, realizations or bindings name it."
        ))),
    }
}

/// A pod, and how its services are as this process sees them. A pod that it does not know
/// yet has none.
fn with_health(view: &PodView, snapshot: &Snapshot) -> Map<String, Value> {
    let mut pod = shown(view);
    let mut health = Map::new();
    if let Some(entry) = snapshot.by_id(&view.pod.id) {
        for service in entry.endpoints.services() {
            let seen = entry.health().of(service);
            let seen = json!({
                "state": seen.state.as_str(),
                "since": moment(seen.since),
                "last_error": seen.last_error,
            });
            health.insert(service.name().to_owned(), seen);
        }
    }
    pod.insert("health".to_owned(), Value::Object(health));
    pod
}

async fn find(state: &State, id: &str) -> Result<PodView, Fault> {
    let pods = state.store.pods_all().await?;
    pods.into_iter()
        .find(|view| view.pod.id == id)
        .ok_or_else(|| no_such_pod(id))
}

fn no_such_pod(id: &str) -> Fault {
    Fault::not_found(format!("Pod {id} could not be found."))
}

/// Brings this process's view up to date at once.
async fn refresh(state: &State) {
    if let Err(error) = state.pods.refresh().await {
        tracing::warn!(error = %error, "the pods could not be read again");
    }
}
