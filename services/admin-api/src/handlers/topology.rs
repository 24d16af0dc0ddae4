//! `/v1.0/topology/{network|router}/{id}`: what of it is where, and what is pending.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde_json::{Value, json};
use tricircle_api::{Fault, RequestContext};
use tricircle_db::models::{
    FloatingIpFilter, JobFilter, JobState, PortFilter, RealizationKind, SubnetFilter,
};

use crate::regions::Regions;
use crate::state::State;
use crate::topology::{Part, job_resources, topology};

/// The most jobs that are shown.
const JOBS: i64 = 1000;

pub(crate) async fn network(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("topology:show", &context)?;
    let parts = parts_of_network(&state, &id).await?;
    let subnets: Vec<String> = parts
        .iter()
        .filter(|part| part.kind == RealizationKind::Subnet)
        .map(|part| part.id.clone())
        .collect();
    let routers = match subnets.is_empty() {
        true => Vec::new(),
        false => state.store.routers_on(&subnets).await?,
    };
    let mut body = whole(&state, &parts).await?;
    body["routers"] = json!(routers);
    Ok(HttpResponse::Ok().json(json!({ "topology": body })))
}

pub(crate) async fn router(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("topology:show", &context)?;
    let parts = parts_of_router(&state, &id).await?;
    let body = whole(&state, &parts).await?;
    Ok(HttpResponse::Ok().json(json!({ "topology": body })))
}

async fn whole(state: &State, parts: &[Part]) -> Result<Value, Fault> {
    let ids: Vec<String> = parts.iter().map(|part| part.id.clone()).collect();
    let realizations = state.store.realizations_of_any(&ids).await?;
    let mut jobs = Vec::new();
    // A statement holds so many values and no more.
    for part in job_resources(parts, &realizations).chunks(500) {
        let filter = JobFilter {
            resource_ids: part.to_vec(),
            states: vec![
                JobState::Ready,
                JobState::Running,
                JobState::Waiting,
                JobState::Stuck,
            ],
            limit: Some(JOBS),
            ..JobFilter::default()
        };
        jobs.extend(state.store.jobs(&filter).await?);
    }
    jobs.sort_by(|a, b| b.id.cmp(&a.id));
    let regions = Regions::read(state).await?;
    Ok(topology(parts, &realizations, &jobs, &regions))
}

/// A network with its subnets and ports.
async fn parts_of_network(state: &State, id: &str) -> Result<Vec<Part>, Fault> {
    let found = state.store.network_by_id(id).await?;
    let network = found
        .ok_or_else(|| Fault::not_found(format!("Network {id} could not be found.")))?
        .network;
    let mut parts = vec![Part {
        kind: RealizationKind::Network,
        id: network.id,
        name: network.name,
        state: network.state,
        revision: Some(network.revision_number),
    }];
    let filter = SubnetFilter {
        network_ids: vec![id.to_owned()],
        deleting_too: true,
        ..SubnetFilter::default()
    };
    let subnets = state.store.subnets(&filter).await?;
    parts.extend(subnets.into_iter().map(|subnet| Part {
        kind: RealizationKind::Subnet,
        id: subnet.id,
        name: subnet.name,
        state: subnet.state,
        revision: Some(subnet.revision_number),
    }));
    let filter = PortFilter {
        network_ids: vec![id.to_owned()],
        deleting_too: true,
        ..PortFilter::default()
    };
    parts.extend(ports(state, &filter).await?);
    Ok(parts)
}

/// A router with its interfaces, its gateway's port, and the floating IPs that lead
/// through it.
async fn parts_of_router(state: &State, id: &str) -> Result<Vec<Part>, Fault> {
    let found = state.store.router_by_id(id).await?;
    let router =
        found.ok_or_else(|| Fault::not_found(format!("Router {id} could not be found.")))?;
    let mut parts = vec![Part {
        kind: RealizationKind::Router,
        id: router.id,
        name: router.name,
        state: router.state,
        // A pod has its part of a router, which differs from pod to pod.
        revision: None,
    }];
    let filter = PortFilter {
        device_ids: vec![id.to_owned()],
        deleting_too: true,
        ..PortFilter::default()
    };
    parts.extend(ports(state, &filter).await?);
    let filter = FloatingIpFilter {
        router_ids: vec![id.to_owned()],
        deleting_too: true,
        ..FloatingIpFilter::default()
    };
    for floating in state.store.floating_ips(&filter).await? {
        parts.push(Part {
            kind: RealizationKind::FloatingIp,
            id: floating.id,
            name: floating.floating_ip_address,
            state: floating.state,
            revision: None,
        });
    }
    Ok(parts)
}

async fn ports(state: &State, filter: &PortFilter) -> Result<Vec<Part>, Fault> {
    let views = state.store.ports(filter).await?;
    let parts = views.into_iter().map(|view| Part {
        kind: RealizationKind::Port,
        id: view.port.id,
        name: view.port.name,
        state: view.port.state,
        revision: Some(view.port.revision_number),
    });
    Ok(parts.collect())
}
