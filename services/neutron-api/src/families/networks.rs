//! Networks: a segment is taken at creation, and given back when every pod is
//! clean of the network.

use crate::kinds::NETWORK_REMOVE;
use serde_json::Value;
use tricircle_db::models::{
    NetWrite, Network, NetworkChange, NetworkFilter, NetworkView, PortFilter, RealizationKind,
};
use tricircle_network::NetworkError;
use tricircle_network::drivers::{Segment, Taken, TypeDriver};
use tricircle_network::resource::tables::NETWORK;
use tricircle_network::resource::{Body, ListQuery, Resource, ResourceError, Row};

use super::{narrowed, owners};
use crate::call::{Call, failed, refused};
use crate::cloud::check_zones;
use crate::family::{Done, Family};
use crate::{rows, writes};

/// How often a create chooses a segment anew when another was faster.
const ATTEMPTS: u32 = 16;
const PROVIDER: [&str; 3] = [
    "provider:network_type",
    "provider:physical_network",
    "provider:segmentation_id",
];

/// `/v2.0/networks`
pub struct Networks;

impl Family for Networks {
    const RESOURCE: &'static Resource = &NETWORK;

    async fn rows(call: &Call, query: &ListQuery) -> Done<Vec<Row>> {
        let filter = NetworkFilter {
            ids: narrowed(query, "id"),
            project_ids: owners(query, call.projects()),
            or_visible_to_all: !call.any_project(),
            names: narrowed(query, "name"),
            deleting_too: false,
        };
        let views = call.api.store.networks(&filter).await?;
        Ok(views.iter().map(|view| rows::network(view, &[])).collect())
    }

    async fn row(call: &Call, id: &str) -> Done<Option<Row>> {
        let Some(view) = writes::live_network(call, id).await? else {
            return Ok(None);
        };
        Ok(Some(shown(call, &view).await?))
    }

    async fn target(_call: &Call, body: &Body) -> Done<Row> {
        Ok(body.values.clone())
    }

    async fn create(call: &Call, bodies: &[Body]) -> Done<Vec<Row>> {
        let mut made: Vec<Network> = Vec::new();
        for body in bodies {
            match create_one(call, body).await {
                Ok(network) => made.push(network),
                Err(fault) => {
                    undo(call, &made).await;
                    return Err(fault);
                }
            }
        }
        let rows = made.into_iter().map(|network| {
            let view = NetworkView {
                network,
                subnets: Vec::new(),
            };
            rows::network(&view, &[])
        });
        Ok(rows.collect())
    }

    async fn update(call: &Call, row: &Row, body: &Body, revision: Option<i64>) -> Done<Row> {
        let id = Resource::id_of(row);
        let changed = PROVIDER
            .iter()
            .any(|name| body.has(name) && row.get(*name) != Some(body.get(name)));
        if changed {
            return Err(refused(ResourceError::invalid_input(
                "Plugin does not support updating provider attributes",
            )));
        }
        if body.flag("shared") == Some(false) && row.get("shared") == Some(&Value::Bool(true)) {
            require_single_user(call, row).await?;
        }
        let change = NetworkChange {
            name: body.text("name").map(str::to_owned),
            description: body.text("description").map(str::to_owned),
            admin_state_up: body.flag("admin_state_up"),
            shared: body.flag("shared"),
            mtu: mtu(call, body)?,
            router_external: body.flag("router:external"),
            port_security_enabled: body.flag("port_security_enabled"),
            ..NetworkChange::default()
        };
        if !body.values.is_empty() {
            match call.api.store.network_update(id, &change, revision).await? {
                NetWrite::Done => {}
                NetWrite::OtherRevision(found) => {
                    return Err(writes::other_revision(revision, found));
                }
                NetWrite::NotFound => return Err(refused(NETWORK.not_found(id))),
                other => return Err(writes::unexpected("network update", &other)),
            }
        }
        Self::row(call, id)
            .await?
            .ok_or_else(|| refused(NETWORK.not_found(id)))
    }

    async fn delete(call: &Call, row: &Row, revision: Option<i64>) -> Done<()> {
        let id = Resource::id_of(row);
        let owner = row.get("project_id").and_then(Value::as_str);
        let job = writes::removal(call, NETWORK_REMOVE, id, owner.unwrap_or_default());
        match call
            .api
            .store
            .network_mark_deleting(id, revision, &job)
            .await?
        {
            NetWrite::Done => {
                call.api.jobs.wake_all();
                Ok(())
            }
            NetWrite::OtherRevision(found) => Err(writes::other_revision(revision, found)),
            NetWrite::InUse(ports) => Err(failed(NetworkError::NetworkInUse(
                id.to_owned(),
                ports.join(", "),
            ))),
            NetWrite::NotFound => Err(refused(NETWORK.not_found(id))),
            other => Err(writes::unexpected("network delete", &other)),
        }
    }
}

/// A network with the zones of the pods that have it.
async fn shown(call: &Call, view: &NetworkView) -> Done<Row> {
    let realized = call
        .api
        .store
        .realizations_of(RealizationKind::Network, &view.network.id)
        .await?;
    if realized.is_empty() {
        return Ok(rows::network(view, &[]));
    }
    let mut zones: Vec<String> = call
        .api
        .store
        .pods_all()
        .await?
        .into_iter()
        .filter(|pod| realized.iter().any(|there| there.pod_id == pod.pod.id))
        .flat_map(|pod| pod.zones)
        .map(|zone| zone.top_az)
        .collect();
    zones.sort_unstable();
    zones.dedup();
    Ok(rows::network(view, &zones))
}

async fn undo(call: &Call, made: &[Network]) {
    for network in made {
        let job = writes::removal(call, NETWORK_REMOVE, &network.id, &network.project_id);
        let gone = call
            .api
            .store
            .network_mark_deleting(&network.id, None, &job)
            .await;
        if let Err(error) = gone {
            tracing::error!(network.id = %network.id, error = %error, "a network of a failed bulk create is left");
        }
    }
    call.api.jobs.wake_all();
}

fn mtu(call: &Call, body: &Body) -> Done<Option<i32>> {
    let Some(wanted) = body.get("mtu").as_i64() else {
        return Ok(None);
    };
    let most = i64::from(call.api.config.tricircle.default_mtu);
    if wanted > most {
        return Err(refused(ResourceError::invalid_input(format_args!(
            "Requested MTU is too big, maximum is {most}"
        ))));
    }
    Ok(i32::try_from(wanted).ok())
}

/// What an administrator asks for of the segment; users never get here with any.
fn wanted_segment(body: &Body) -> Done<Option<Segment>> {
    let physical_network = body.text("provider:physical_network").map(str::to_owned);
    let segmentation_id = body.get("provider:segmentation_id").as_i64();
    let Some(network_type) = body.text("provider:network_type") else {
        if physical_network.is_some() || segmentation_id.is_some() {
            return Err(refused(ResourceError::invalid_input(
                "network_type required",
            )));
        }
        return Ok(None);
    };
    Ok(Some(Segment {
        network_type: network_type.to_owned(),
        physical_network,
        // What does not fit is out of every driver's range too.
        segmentation_id: segmentation_id.map(|id| i32::try_from(id).unwrap_or(i32::MAX)),
    }))
}

async fn create_one(call: &Call, body: &Body) -> Done<Network> {
    let hints = body.get("availability_zone_hints");
    check_zones(call, hints).await?;
    let default_mtu = i32::try_from(call.api.config.tricircle.default_mtu).unwrap_or(1500);
    let network = Network {
        project_id: body.project_id().to_owned(),
        name: body.text("name").unwrap_or_default().to_owned(),
        description: body.text("description").unwrap_or_default().to_owned(),
        admin_state_up: body.flag("admin_state_up").unwrap_or(true),
        shared: body.flag("shared").unwrap_or(false),
        mtu: mtu(call, body)?
            .filter(|mtu| *mtu > 0)
            .unwrap_or(default_mtu),
        router_external: body.flag("router:external").unwrap_or(false),
        port_security_enabled: body.flag("port_security_enabled").unwrap_or(true),
        availability_zone_hints: hints.to_string(),
        ..Network::default()
    };
    let drivers = &call.api.drivers;
    match wanted_segment(body)? {
        Some(wanted) => {
            let driver = drivers.get(&wanted.network_type).map_err(failed)?;
            driver.validate(&wanted).map_err(failed)?;
            take_segment(call, network, driver.as_ref(), &wanted).await
        }
        None => {
            for driver in drivers.tenant_types() {
                let any = Segment {
                    network_type: driver.network_type().to_owned(),
                    ..Segment::default()
                };
                match take_segment(call, network.clone(), driver.as_ref(), &any).await {
                    Err(fault) if fault.status().as_u16() == 503 => {}
                    taken => return taken,
                }
            }
            Err(failed(NetworkError::NoNetworkAvailable))
        }
    }
}

/// Chooses a segment and writes the network with it; again when somebody else
/// took the segment meanwhile.
async fn take_segment(
    call: &Call,
    mut network: Network,
    driver: &dyn TypeDriver,
    wanted: &Segment,
) -> Done<Network> {
    for _ in 0..ATTEMPTS {
        let mut taken = Taken::new();
        for name in driver.physical_networks(wanted) {
            let used = call
                .api
                .store
                .network_segments_used(driver.network_type(), &name)
                .await?;
            taken.insert(name, used.into_iter().collect());
        }
        let segment = driver
            .choose(wanted, &taken, crate::state::random())
            .map_err(failed)?;
        network.network_type = segment.network_type;
        network.physical_network = segment.physical_network;
        network.segmentation_id = segment.segmentation_id;
        match call.api.store.network_create(&network).await? {
            NetWrite::Done => return Ok(network),
            NetWrite::SegmentTaken => {}
            other => return Err(writes::unexpected("network create", &other)),
        }
    }
    Err(failed(NetworkError::NoNetworkAvailable))
}

/// A network stops being shared only when its owner's ports are all that it has.
async fn require_single_user(call: &Call, row: &Row) -> Done<()> {
    let filter = PortFilter {
        network_ids: vec![Resource::id_of(row).to_owned()],
        ..PortFilter::default()
    };
    let owner = row.get("project_id").and_then(Value::as_str);
    let ports = call.api.store.ports(&filter).await?;
    if ports
        .iter()
        .all(|view| Some(view.port.project_id.as_str()) == owner)
    {
        return Ok(());
    }
    let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
    Err(refused(ResourceError::new(
        409,
        "InvalidSharedSetting",
        format!(
            "Unable to reconfigure sharing settings for network {name}. Multiple projects are \
             using it."
        ),
    )))
}
