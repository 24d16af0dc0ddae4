//! Registering a pod: is the region one, does it answer, what does it bring.
//!
//! Everything that can refuse comes first, the pod's row last.

use std::sync::Arc;

use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_db::DbError;
use tricircle_db::models::{Flavor, Pod, PodView, PodZone};
use tricircle_pods::{Caller, PodEntry, PodError, PodSession, Service};

use crate::flavors::{self, Import};
use crate::mtu;
use crate::state::State;
use crate::vlans;

/// The services without which a region is no pod.
const NEEDED: [Service; 2] = [Service::Compute, Service::Network];

/// The microversion whose flavor answers hold description and extra specs.
const FLAVORS_VERSION: &str = "2.61";

/// How many flavors are asked for at a time; Nova's own largest page.
const FLAVORS_PAGE: usize = 1000;

/// A registered pod and what was found on the way.
pub(crate) struct Registered {
    pub(crate) view: PodView,
    pub(crate) report: Value,
}

/// Registers the pod that `pod` and `zones` describe.
pub(crate) async fn register(
    state: &State,
    pod: Pod,
    zones: Vec<PodZone>,
    mtu: Option<i32>,
    request_id: &str,
) -> Result<Registered, Fault> {
    let candidate = PodView {
        pod: pod.clone(),
        zones: zones.clone(),
        mtu: None,
    };
    let entry = state.pods.inspect(candidate).await.map_err(fault_of)?;
    let caller = Caller::service(request_id);
    let session = state.pods.session_in(&entry, &caller);

    let own = state.keystone.service_token().await?;
    let project = own
        .token
        .project
        .as_ref()
        .map(|project| project.id.as_str());
    let endpoints = check_endpoints(&entry, &session, project.unwrap_or_default()).await?;
    let plan = flavors::plan(
        &state.store.flavors(None).await?,
        read_flavors(&session).await?,
    );
    let vlans = read_vlans(state, &session).await?;
    let mtu = match mtu {
        Some(mtu) => Some(mtu),
        None => mtu::largest(state, &session).await?,
    };
    import(state, &session, &plan).await?;
    // Before the pod's row: no network is made for a pod whose limit is not known yet.
    if let Some(mtu) = mtu {
        state.store.pod_mtu_set(&pod.id, mtu).await?;
    }

    let region = pod.region_name.clone();
    let pod = match state.store.pod_create(&pod, &zones).await {
        Err(DbError::Duplicate(_)) => return Err(registered_already(&region)),
        other => other?,
    };
    tracing::info!(pod.id = %pod.id, pod.name = %region, "pod registered");
    // Our own view; other processes find the row within seconds.
    if let Err(error) = state.pods.refresh().await {
        tracing::warn!(error = %error, "the pods could not be read again");
    }
    Ok(Registered {
        view: PodView { pod, zones, mtu },
        report: json!({
            "endpoints": endpoints,
            "flavors": flavors::report(&plan),
            "vlans_in_use": vlans,
        }),
    })
}

/// 409: the region is a pod already.
pub(crate) fn registered_already(region: &str) -> Fault {
    Fault::conflict(format!("Region {region} is registered already."))
}

/// The region's endpoints, each of which has answered a call with our token.
async fn check_endpoints(
    entry: &Arc<PodEntry>,
    session: &PodSession,
    project: &str,
) -> Result<Value, Fault> {
    let region = entry.region();
    if entry.endpoints.is_empty() {
        return Err(Fault::bad_request(format!(
            "Keystone's catalog has no endpoint in region {region}."
        )));
    }
    for service in NEEDED {
        if entry.endpoints.root(service).is_none() {
            return Err(Fault::bad_request(format!(
                "Keystone's catalog has no {} endpoint in region {region}.",
                service.name()
            )));
        }
    }
    let mut answering = serde_json::Map::new();
    for service in entry.endpoints.services() {
        let path = match service {
            // Cinder's own root and version answer differently from release to
            // release; the types of any project are there in all.
            Service::Volume => format!("/{project}/types?limit=1"),
            // Glance has no document at its version.
            Service::Image => "/images?limit=1".to_owned(),
            Service::Compute | Service::Network | Service::Placement => "/".to_owned(),
        };
        session.get_json(service, &path).await.map_err(|error| {
            Fault::conflict(format!(
                "The {} endpoint of region {region} does not answer as it should: {error}",
                service.name()
            ))
            .with_detail(tricircle_api::chain(&error))
        })?;
        answering.insert(
            service.name().to_owned(),
            json!(entry.endpoints.root(service)),
        );
    }
    Ok(Value::Object(answering))
}

async fn read_flavors(session: &PodSession) -> Result<Vec<Flavor>, Fault> {
    let session = session.clone().at_compute_version(FLAVORS_VERSION);
    let mut all: Vec<Flavor> = Vec::new();
    let mut path = format!("/flavors/detail?is_public=None&limit={FLAVORS_PAGE}");
    loop {
        let answer = session
            .get_json(Service::Compute, &path)
            .await
            .map_err(fault_of)?;
        let page = answer.get("flavors").and_then(Value::as_array);
        let page: Vec<Flavor> = page
            .into_iter()
            .flatten()
            .filter_map(flavors::read)
            .collect();
        // A page may be shorter than asked for; only an empty one is the end.
        let Some(last) = page.last().map(|flavor| flavor.flavor_id.clone()) else {
            return Ok(all);
        };
        if all.iter().any(|known| known.flavor_id == last) {
            return Ok(all);
        }
        all.extend(page);
        path = format!("/flavors/detail?is_public=None&limit={FLAVORS_PAGE}&marker={last}");
    }
}

async fn read_vlans(state: &State, session: &PodSession) -> Result<Vec<Value>, Fault> {
    let ranges = &state.config.tricircle.network_vlan_ranges;
    if ranges.iter().all(|range| range.ids.is_none()) {
        return Ok(Vec::new());
    }
    let networks = session
        .get_json(Service::Network, "/networks?provider:network_type=vlan")
        .await
        .map_err(fault_of)?;
    let region = session.pod().region();
    let mappings = state.config.tricircle.physical_network_mappings.iter();
    let mappings: Vec<_> = mappings.filter(|one| one.region == region).collect();
    Ok(vlans::in_use(&networks, ranges, &mappings))
}

/// Writes the new flavors, and for private ones who may use them.
async fn import(state: &State, session: &PodSession, plan: &[Import]) -> Result<(), Fault> {
    for import in plan {
        let Import::Add(flavor) = import else {
            continue;
        };
        match state.store.flavor_create(flavor).await {
            // Another registration brought it at the same moment.
            Err(DbError::Duplicate(_)) => continue,
            other => other?,
        }
        if flavor.is_public {
            continue;
        }
        let path = format!("/flavors/{}/os-flavor-access", flavor.flavor_id);
        let answer = session
            .get_json(Service::Compute, &path)
            .await
            .map_err(fault_of)?;
        let access = answer.get("flavor_access").and_then(Value::as_array);
        for project in access
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.get("tenant_id")?.as_str())
        {
            match state
                .store
                .flavor_access_add(&flavor.flavor_id, project)
                .await
            {
                Ok(()) | Err(DbError::Duplicate(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// A pod's failure in a call that registration needs.
pub(crate) fn fault_of(error: PodError) -> Fault {
    match error {
        PodError::Auth { source, .. } => Fault::from(source),
        error => Fault::conflict(format!("The pod can not be registered: {error}."))
            .with_detail(tricircle_api::chain(&error)),
    }
}
