//! Routings by an operator's hand: for what was moved, brought in or lost behind
//! Tricircle's back.
//!
//! Nothing is written that the pod does not confirm: it has the thing, and the thing is
//! of the project that the top says. A row is forgotten only when its pod no longer has
//! the thing, unless the operator insists, because the pod will never answer again.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde_json::json;
use tricircle_api::{Fault, JsonBody, RequestContext};
use tricircle_db::DbError;
use tricircle_db::models::{
    JobFilter, JobState, NewJob, PortFilter, Realization, RealizationKind, RealizationState,
    Routing, RoutingKind, RoutingState, RowState,
};
use tricircle_intent::SERVER_REMOVE;
use uuid::Uuid;

use super::Query;
use super::routings::{realization_shown, routing_shown};
use crate::in_pod::{InPod, look};
use crate::regions::Regions;
use crate::routing_body::{Kind, NewRouting, RoutingUpdate, force};
use crate::state::State;

pub(crate) async fn create(
    context: RequestContext,
    state: Data<State>,
    body: JsonBody,
) -> Result<HttpResponse, Fault> {
    state.require("routings:create", &context)?;
    let wanted = NewRouting::parse(body.member("routing")?)?;
    let regions = Regions::read(&state).await?;
    let pod_id = regions.id(&wanted.pod)?.to_owned();
    let exists = |pod_id: &str| {
        Fault::conflict(format!(
            "There is a routing of {} {} already, in pod {}.",
            wanted.kind.as_str(),
            wanted.top_id,
            regions.of(pod_id).unwrap_or(pod_id)
        ))
    };
    let shown = match wanted.kind {
        Kind::Routing(kind) => {
            if let Some(row) = state.store.routing_by_top(kind, &wanted.top_id).await? {
                return Err(exists(&row.pod_id));
            }
            let found = confirmed(&state, &regions, &wanted, &pod_id, &context).await?;
            owned(&wanted, &found, wanted.project_id.as_deref())?;
            let row = routing(kind, &wanted.top_id, &pod_id, found);
            match state.store.insert_routing(&row).await {
                Err(DbError::Duplicate(_)) => return Err(exists(&pod_id)),
                other => other?,
            }
            routing_shown(&row, &regions)
        }
        Kind::Realization(kind) => {
            let (store, top_id) = (&state.store, &wanted.top_id);
            let owner = owner_at_the_top(&state, kind, top_id).await?;
            if store
                .realization_find(kind, top_id, &pod_id)
                .await?
                .is_some()
            {
                return Err(exists(&pod_id));
            }
            let found = confirmed(&state, &regions, &wanted, &pod_id, &context).await?;
            owned(&wanted, &found, wanted.project_id.as_deref())?;
            owned(&wanted, &found, Some(&owner))?;
            no_others(&state, &pod_id, &wanted.bottom_id).await?;
            let intent = Realization::intent(kind, top_id, &pod_id, &owner);
            let row = store.realization_claim(&intent).await?;
            if row.id != intent.id {
                return Err(exists(&pod_id));
            }
            // Without digest: the next change is sent to the pod in any case.
            store
                .realization_present(&row.id, &wanted.bottom_id, "", &json!({}))
                .await?;
            let row = store.realization_by_id(&row.id).await?.unwrap_or(row);
            realization_shown(&row, &regions)
        }
    };
    Ok(HttpResponse::Created().json(json!({"routing": shown})))
}

pub(crate) async fn update(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, Fault> {
    state.require("routings:update", &context)?;
    let change = RoutingUpdate::parse(body.member("routing")?)?;
    let regions = Regions::read(&state).await?;
    if let Some(row) = state.store.routing_by_id(&id).await? {
        let row = rehome(&state, &regions, row, &change, &context).await?;
        return Ok(HttpResponse::Ok().json(json!({"routing": routing_shown(&row, &regions)})));
    }
    let row = state.store.realization_by_id(&id).await?;
    let row = row.ok_or_else(|| no_such_routing(&id))?;
    let row = rename(&state, &regions, row, &change, &context).await?;
    Ok(HttpResponse::Ok().json(json!({"routing": realization_shown(&row, &regions)})))
}

/// What a pod owns is in another pod.
async fn rehome(
    state: &State,
    regions: &Regions,
    row: Routing,
    change: &RoutingUpdate,
    context: &RequestContext,
) -> Result<Routing, Fault> {
    if change.bottom_id.is_some() {
        return Err(Fault::bad_request(format!(
            "A {} has one id at the top and in its pod: only its pod can be changed.",
            row.kind
        )));
    }
    let pod_id = match &change.pod {
        Some(pod) => regions.id(pod)?.to_owned(),
        None => return Ok(row),
    };
    let Some(top_id) = row
        .top_id
        .clone()
        .filter(|_| row.state == RoutingState::Active)
    else {
        return Err(Fault::conflict(format!(
            "Routing {} is {}: it can not be changed.",
            row.id, row.state
        )));
    };
    let wanted = NewRouting {
        kind: Kind::Routing(row.kind),
        bottom_id: top_id.clone(),
        top_id,
        pod: pod_id.clone(),
        project_id: None,
    };
    let found = confirmed(state, regions, &wanted, &pod_id, context).await?;
    owned(&wanted, &found, Some(&row.project_id))?;
    let rehomed = state.store.routing_rehome(&row.id, &row.pod_id, &pod_id);
    if pod_id != row.pod_id && !rehomed.await? {
        return Err(changed_meanwhile(&row.id));
    }
    let now = state.store.routing_by_id(&row.id).await?;
    now.ok_or_else(|| no_such_routing(&row.id))
}

/// What the top owns has another id in the pod.
async fn rename(
    state: &State,
    regions: &Regions,
    row: Realization,
    change: &RoutingUpdate,
    context: &RequestContext,
) -> Result<Realization, Fault> {
    if change.pod.is_some() {
        return Err(Fault::bad_request(
            "What the top owns has a routing for each pod: only its id there can be changed.",
        ));
    }
    let Some(bottom_id) = change.bottom_id.clone() else {
        return Ok(row);
    };
    if row.state == RealizationState::Deleting {
        return Err(Fault::conflict(format!(
            "Routing {} is being removed: it can not be changed.",
            row.id
        )));
    }
    if row.bottom_id.as_deref() == Some(bottom_id.as_str()) {
        return Ok(row);
    }
    let wanted = NewRouting::parse(
        json!({
            "resource_type": row.kind, "top_id": row.top_id, "bottom_id": bottom_id,
            "pod_id": row.pod_id,
        })
        .as_object()
        .unwrap_or(&serde_json::Map::new()),
    )?;
    let found = confirmed(state, regions, &wanted, &row.pod_id, context).await?;
    owned(&wanted, &found, Some(&row.project_id))?;
    no_others(state, &row.pod_id, &bottom_id).await?;
    let data = serde_json::from_str(&row.data).unwrap_or_default();
    let store = &state.store;
    // Without digest: what the top says is sent to the new one.
    let kept = store.realization_present(&row.id, &bottom_id, "", &data);
    if !kept.await? {
        return Err(changed_meanwhile(&row.id));
    }
    let now = store.realization_by_id(&row.id).await?;
    now.ok_or_else(|| no_such_routing(&row.id))
}

pub(crate) async fn delete(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
    query: Query,
) -> Result<HttpResponse, Fault> {
    state.require("routings:delete", &context)?;
    let force = force(&query)?;
    if let Some(row) = state.store.routing_by_id(&id).await? {
        forget_routing(&state, row, force, &context).await?;
    } else {
        let row = state.store.realization_by_id(&id).await?;
        let row = row.ok_or_else(|| no_such_routing(&id))?;
        forget_realization(&state, row, force, &context).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn forget_routing(
    state: &State,
    row: Routing,
    force: bool,
    context: &RequestContext,
) -> Result<(), Fault> {
    let top_id = row.top_id.clone().unwrap_or_default();
    no_live_job(state, [row.id.clone(), top_id.clone()]).await?;
    if row.state == RoutingState::Active && !force {
        let kind = Kind::Routing(row.kind);
        let found = look(state, kind, &row.pod_id, &top_id, context.ids.outbound());
        if found.await?.is_some() {
            return Err(still_there(kind, &top_id));
        }
    }
    if row.kind == RoutingKind::Server && row.state == RoutingState::Active {
        let filter = PortFilter {
            device_ids: vec![top_id.clone()],
            deleting_too: true,
            ..PortFilter::default()
        };
        if !state.store.ports(&filter).await?.is_empty() {
            // The ports of a server that is gone are a job's to free; it ends the routing.
            let job = NewJob {
                pod_id: row.pod_id.clone(),
                project_id: row.project_id.clone(),
                request_id: context.request_id().to_owned(),
                ..NewJob::new(SERVER_REMOVE, &top_id)
            };
            state.jobs().enqueue(&job).await?;
        }
    }
    let idle = [
        RoutingState::Active,
        RoutingState::Deleted,
        RoutingState::Failed,
    ];
    if state.store.routing_forget(&row.id, &idle).await? {
        Ok(())
    } else {
        Err(Fault::conflict(format!(
            "Routing {} is {}: it is being worked on.",
            row.id, row.state
        )))
    }
}

async fn forget_realization(
    state: &State,
    row: Realization,
    force: bool,
    context: &RequestContext,
) -> Result<(), Fault> {
    no_live_job(state, [row.id.clone(), row.top_id.clone()]).await?;
    let looked_for = match row.kind {
        RealizationKind::Network
        | RealizationKind::Subnet
        | RealizationKind::Port
        | RealizationKind::SecurityGroup => row.bottom_id.clone(),
        // Flavors and keypairs stay in a pod that the top forgets; the rest has jobs.
        RealizationKind::Flavor | RealizationKind::Keypair | RealizationKind::VolumeType => None,
        other => {
            return Err(Fault::conflict(format!(
                "A routing of a {other} is kept by the router's job."
            )));
        }
    };
    if let Some(bottom_id) = looked_for.filter(|_| !force) {
        let kind = Kind::Realization(row.kind);
        let found = look(state, kind, &row.pod_id, &bottom_id, context.ids.outbound());
        if found.await?.is_some() {
            return Err(still_there(kind, &bottom_id));
        }
    }
    if row.kind == RealizationKind::Subnet {
        state
            .store
            .addresses_release(&row.top_id, &row.pod_id)
            .await?;
    }
    state.store.realization_delete(&row.id).await?;
    Ok(())
}

/// What the pod says of the thing: 400 when it has none.
async fn confirmed(
    state: &State,
    regions: &Regions,
    wanted: &NewRouting,
    pod_id: &str,
    context: &RequestContext,
) -> Result<InPod, Fault> {
    let request = context.ids.outbound();
    let found = look(state, wanted.kind, pod_id, &wanted.bottom_id, request).await?;
    found.ok_or_else(|| {
        Fault::bad_request(format!(
            "Pod {} has no {} {}.",
            regions.of(pod_id).unwrap_or(pod_id),
            wanted.kind.as_str(),
            wanted.bottom_id
        ))
    })
}

/// The thing must be of this project in the pod, where one is expected.
fn owned(wanted: &NewRouting, found: &InPod, expected: Option<&str>) -> Result<(), Fault> {
    match expected {
        Some(project) if project != found.project_id => Err(Fault::conflict(format!(
            "{} {} is of project {} in its pod, not of {project}.",
            wanted.kind.as_str(),
            wanted.bottom_id,
            found.project_id
        ))),
        _ => Ok(()),
    }
}

/// One thing of a pod is one thing of the top.
async fn no_others(state: &State, pod_id: &str, bottom_id: &str) -> Result<(), Fault> {
    let ids = [bottom_id.to_owned()];
    let rows = state.store.realizations_by_bottom(pod_id, &ids).await?;
    match rows.first() {
        Some(row) => Err(Fault::conflict(format!(
            "{bottom_id} is {} {} already.",
            row.kind, row.top_id
        ))),
        None => Ok(()),
    }
}

async fn no_live_job(state: &State, resources: [String; 2]) -> Result<(), Fault> {
    let filter = JobFilter {
        resource_ids: resources.into_iter().filter(|id| !id.is_empty()).collect(),
        states: vec![
            JobState::Ready,
            JobState::Running,
            JobState::Waiting,
            JobState::Stuck,
        ],
        limit: Some(1),
        ..JobFilter::default()
    };
    match state.store.jobs(&filter).await?.first() {
        Some(job) => Err(Fault::conflict(format!(
            "Job {} ({}) is at work on it: cancel it first.",
            job.id, job.kind
        ))),
        None => Ok(()),
    }
}

/// The owner of a live thing at the top.
async fn owner_at_the_top(
    state: &State,
    kind: RealizationKind,
    top_id: &str,
) -> Result<String, Fault> {
    let store = &state.store;
    let found = match kind {
        RealizationKind::Subnet => {
            let row = store.subnet_by_id(top_id).await?;
            row.map(|row| (row.state, row.project_id))
        }
        RealizationKind::Port => {
            let view = store.port_by_id(top_id).await?;
            view.map(|view| (view.port.state, view.port.project_id))
        }
        RealizationKind::SecurityGroup => {
            let view = store.security_group_by_id(top_id).await?;
            view.map(|view| (view.group.state, view.group.project_id))
        }
        _ => {
            let view = store.network_by_id(top_id).await?;
            view.map(|view| (view.network.state, view.network.project_id))
        }
    };
    match found {
        Some((RowState::Live, project_id)) => Ok(project_id),
        _ => Err(Fault::bad_request(format!(
            "The top has no {kind} {top_id}."
        ))),
    }
}

fn routing(kind: RoutingKind, top_id: &str, pod_id: &str, found: InPod) -> Routing {
    let now = tricircle_db::now();
    Routing {
        id: Uuid::new_v4().to_string(),
        kind,
        top_id: Some(top_id.to_owned()),
        pod_id: pod_id.to_owned(),
        bottom_id: Some(top_id.to_owned()),
        project_id: found.project_id,
        user_id: found.user_id,
        name: found.name,
        state: RoutingState::Active,
        availability_zone: None,
        flavor_id: None,
        image_id: None,
        vcpus: 0,
        ram_mb: 0,
        size_gb: found.size_gb,
        reservation_id: None,
        request_id: String::new(),
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

fn still_there(kind: Kind, id: &str) -> Fault {
    Fault::conflict(format!(
        "The pod still has {} {id}: delete it, or forget the routing with force=true.",
        kind.as_str()
    ))
}

fn changed_meanwhile(id: &str) -> Fault {
    Fault::conflict(format!("Routing {id} was changed meanwhile."))
}

fn no_such_routing(id: &str) -> Fault {
    Fault::not_found(format!("Routing {id} could not be found."))
}
