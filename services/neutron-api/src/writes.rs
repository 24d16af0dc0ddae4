//! What several families need of each other's rows, and the refusals that come
//! back from the database.

use std::collections::HashMap;

use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::{
    Network, NetworkFilter, NetworkView, PortFilter, PortView, RowState, SecurityGroupView,
};
use tricircle_network::NetworkError;
use tricircle_network::ipam::FixedIpWish;
use tricircle_network::resource::ResourceError;
use tricircle_network::resource::tables::{NETWORK, PORT, SECURITY_GROUP, SUBNET};

use crate::call::{Call, failed, refused};
use crate::family::Done;
use crate::rows;

/// The 412 of a write that met another revision than it insisted on.
pub fn other_revision(wanted: Option<i64>, found: i64) -> Fault {
    refused(ResourceError::wrong_revision(
        wanted.unwrap_or_default(),
        found,
    ))
}

/// The networks of these ids that are not being deleted, by id.
pub async fn networks_by_id(call: &Call, mut ids: Vec<String>) -> Done<HashMap<String, Network>> {
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut found = HashMap::new();
    // A statement holds so many values and no more.
    for part in ids.chunks(500) {
        let filter = NetworkFilter {
            ids: part.to_vec(),
            ..NetworkFilter::default()
        };
        for view in call.api.store.networks(&filter).await? {
            found.insert(view.network.id.clone(), view.network);
        }
    }
    Ok(found)
}

/// A network that is not being deleted, whoever asks.
pub async fn live_network(call: &Call, id: &str) -> Done<Option<NetworkView>> {
    let view = call.api.store.network_by_id(id).await?;
    Ok(view.filter(|view| view.network.state == RowState::Live))
}

/// A network that is there, or Neutron's 404.
pub async fn known_network(call: &Call, id: &str) -> Done<NetworkView> {
    live_network(call, id)
        .await?
        .ok_or_else(|| refused(NETWORK.not_found(id)))
}

/// A network that the caller may know of, or Neutron's 404.
pub async fn visible_network(call: &Call, id: &str) -> Done<NetworkView> {
    let view = known_network(call, id).await?;
    if call.sees(&NETWORK, &rows::network(&view, &[])) {
        Ok(view)
    } else {
        Err(refused(NETWORK.not_found(id)))
    }
}

/// What a list of fixed IPs asks for; `None`: nothing. Subnets that
/// are not there are a 404.
pub async fn wished_addresses(call: &Call, list: &Value) -> Done<Option<Vec<FixedIpWish>>> {
    let Some(list) = list.as_array() else {
        return Ok(None);
    };
    let mut wishes = Vec::new();
    for item in list {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let wish = FixedIpWish {
            subnet_id: text("subnet_id").map(str::to_owned),
            ip_address: text("ip_address").and_then(|ip| ip.parse().ok()),
        };
        if wish == FixedIpWish::default() {
            return Err(refused(ResourceError::invalid_input(
                "IP allocation requires subnet_id or ip_address",
            )));
        }
        if let Some(id) = &wish.subnet_id
            && call.api.store.subnet_by_id(id).await?.is_none()
        {
            return Err(refused(SUBNET.not_found(id)));
        }
        wishes.push(wish);
    }
    Ok(Some(wishes))
}

/// A port that the caller may know of, or Neutron's 404; its pod is not asked.
pub async fn visible_port(call: &Call, id: &str) -> Done<PortView> {
    let found = call.api.store.port_by_id(id).await?;
    if let Some(view) = found.filter(|view| view.port.state == RowState::Live) {
        let network = call.api.store.network_by_id(&view.port.network_id).await?;
        let row = rows::port(&view, network.as_ref().map(|view| &view.network));
        if call.sees(&PORT, &row) {
            return Ok(view);
        }
    }
    Err(refused(PORT.not_found(id)))
}

/// A group that is not being deleted, whoever asks.
pub async fn live_group(call: &Call, id: &str) -> Done<Option<SecurityGroupView>> {
    let view = call.api.store.security_group_by_id(id).await?;
    Ok(view.filter(|view| view.group.state == RowState::Live))
}

/// A group that the caller may know of, or Neutron's 404.
pub async fn visible_group(call: &Call, id: &str) -> Done<SecurityGroupView> {
    live_group(call, id)
        .await?
        .filter(|view| call.sees(&SECURITY_GROUP, &rows::security_group(view)))
        .ok_or_else(|| refused(SECURITY_GROUP.not_found(id)))
}

/// Refuses when a port has the group: what the group is may not change under it.
pub async fn require_unused_group(call: &Call, id: &str) -> Done<()> {
    let ports = call.api.store.ports(&PortFilter::default()).await?;
    let used = ports
        .iter()
        .any(|view| view.security_groups.iter().any(|group| group == id));
    if used {
        return Err(failed(NetworkError::SecurityGroupInUse(id.to_owned())));
    }
    Ok(())
}
