//! What several families need of each other's rows, and the refusals that come
//! back from the database.

use std::collections::HashMap;

use tricircle_api::Fault;
use tricircle_db::models::{
    Network, NetworkFilter, NetworkView, PortFilter, RowState, SecurityGroupView,
};
use tricircle_network::NetworkError;
use tricircle_network::resource::ResourceError;
use tricircle_network::resource::tables::{NETWORK, SECURITY_GROUP};

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
