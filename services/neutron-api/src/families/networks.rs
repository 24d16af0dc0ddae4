//! Networks: a segment is taken at creation, and given back when every pod is
//! clean of the network.

use serde_json::Value;
use tricircle_db::models::{
    FLOATING_IP, FloatingIpFilter, Network, NetworkChange, NetworkFilter, NetworkView, PortFilter,
    ROUTER_GATEWAY, RealizationKind,
};
use tricircle_network::NetworkError;
use tricircle_network::drivers::Segment;
use tricircle_network::resource::tables::NETWORK;
use tricircle_network::resource::{Body, ListQuery, Resource, ResourceError, Row};
use tricircle_network::routers::RouterError;

use super::{narrowed, owners};
use crate::call::{Call, failed, refused, written};
use crate::cloud::{Hints, check_hints, zones_of};
use crate::family::{Done, Family};
use crate::{rows, writes};

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
        let mut made: Vec<NetworkView> = Vec::new();
        for body in bodies {
            match create_one(call, body).await {
                Ok(view) => made.push(view),
                Err(fault) => {
                    undo(call, &made).await;
                    return Err(fault);
                }
            }
        }
        Ok(made.iter().map(|view| rows::network(view, &[])).collect())
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
        if body.flag("router:external") == Some(false) {
            require_no_gateway(call, id).await?;
        }
        let change = NetworkChange {
            name: body.text("name").map(str::to_owned),
            description: body.text("description").map(str::to_owned),
            admin_state_up: body.flag("admin_state_up"),
            shared: body.flag("shared"),
            mtu: mtu(body, largest_mtu(call, row_hints(row)))?,
            router_external: body.flag("router:external"),
            port_security_enabled: body.flag("port_security_enabled"),
            ..NetworkChange::default()
        };
        if !body.values.is_empty() {
            let changed =
                call.api
                    .network
                    .update_network(id, &change, revision, call.context.request_id());
            written(revision, changed.await)?;
            call.push(RealizationKind::Network, id).await;
        }
        Self::row(call, id)
            .await?
            .ok_or_else(|| refused(NETWORK.not_found(id)))
    }

    async fn delete(call: &Call, row: &Row, revision: Option<i64>) -> Done<()> {
        let id = Resource::id_of(row);
        if row.get("router:external") == Some(&Value::Bool(true)) {
            drop_idle_floating_ips(call, id).await?;
        }
        let gone = call
            .api
            .network
            .delete_network(id, revision, call.context.request_id());
        written(revision, gone.await)
    }
}

/// A network with the zones of the pods that have it.
async fn shown(call: &Call, view: &NetworkView) -> Done<Row> {
    let zones = zones_of(call, RealizationKind::Network, &view.network.id).await?;
    Ok(rows::network(view, &zones))
}

async fn undo(call: &Call, made: &[NetworkView]) {
    for view in made {
        let id = &view.network.id;
        let gone = call
            .api
            .network
            .delete_network(id, None, call.context.request_id());
        if let Err(error) = gone.await {
            tracing::error!(network.id = %id, %error, "a network of a failed bulk create is left");
        }
    }
}

/// The largest MTU of a network with these zone hints: that of the narrowest pod it may
/// come to.
fn largest_mtu(call: &Call, hints: &Value) -> i32 {
    let most = i32::try_from(call.api.config.tricircle.default_mtu).unwrap_or(1500);
    let zones: Vec<&str> = hints
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    call.api.pods.snapshot().smallest_mtu(&zones, most)
}

fn row_hints(row: &Row) -> &Value {
    row.get("availability_zone_hints").unwrap_or(&Value::Null)
}

/// The MTU that a body asks for, if it asks for one that `most` allows.
fn mtu(body: &Body, most: i32) -> Done<Option<i32>> {
    let Some(wanted) = body.get("mtu").as_i64() else {
        return Ok(None);
    };
    if wanted > i64::from(most) {
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

async fn create_one(call: &Call, body: &Body) -> Done<NetworkView> {
    let hints = body.get("availability_zone_hints");
    let external = body.flag("router:external").unwrap_or(false);
    let of = match external {
        // Where it leads outside is where its pods are plugged in.
        true => Hints::ZonesAndPods,
        false => Hints::Zones,
    };
    check_hints(call, hints, of).await?;
    let largest = largest_mtu(call, hints);
    let network = Network {
        project_id: body.project_id().to_owned(),
        name: body.text("name").unwrap_or_default().to_owned(),
        description: body.text("description").unwrap_or_default().to_owned(),
        admin_state_up: body.flag("admin_state_up").unwrap_or(true),
        shared: body.flag("shared").unwrap_or(false),
        mtu: mtu(body, largest)?
            .filter(|mtu| *mtu > 0)
            .unwrap_or(largest),
        router_external: external,
        port_security_enabled: body.flag("port_security_enabled").unwrap_or(true),
        availability_zone_hints: hints.to_string(),
        ..Network::default()
    };
    let wanted = wanted_segment(body)?;
    let made = call.api.network.create_network(&network, wanted.as_ref());
    made.await.map_err(failed)
}

/// A network leads outside as long as a router has its gateway there.
async fn require_no_gateway(call: &Call, id: &str) -> Done<()> {
    let filter = PortFilter {
        network_ids: vec![id.to_owned()],
        device_owners: vec![ROUTER_GATEWAY.to_owned()],
        ..PortFilter::default()
    };
    match call.api.store.ports(&filter).await?.is_empty() {
        true => Ok(()),
        false => Err(failed(
            RouterError::ExternalNetworkInUse(id.to_owned()).into(),
        )),
    }
}

/// A network that nothing else keeps takes the floating IPs that lead nowhere with it.
async fn drop_idle_floating_ips(call: &Call, id: &str) -> Done<()> {
    let filter = PortFilter {
        network_ids: vec![id.to_owned()],
        ..PortFilter::default()
    };
    let ports = call.api.store.ports(&filter).await?;
    if ports
        .iter()
        .any(|view| view.port.device_owner != FLOATING_IP)
    {
        return Ok(());
    }
    let filter = FloatingIpFilter {
        network_ids: vec![id.to_owned()],
        ..FloatingIpFilter::default()
    };
    let floating = call.api.store.floating_ips(&filter).await?;
    if floating.iter().any(|floating| floating.port_id.is_some()) {
        return Ok(());
    }
    for floating in floating {
        let request = call.context.request_id();
        let gone = call
            .api
            .network
            .delete_floating_ip(&floating.id, None, request);
        match gone.await {
            Ok(()) | Err(NetworkError::Router(RouterError::FloatingIpNotFound(_))) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
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
        .map(|view| view.port.project_id.as_str())
        .all(|project| project.is_empty() || Some(project) == owner)
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
