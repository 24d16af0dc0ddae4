//! Ports that are parts of routers and floating IPs, and ports that floating IPs lead to:
//! what a user of `/v2.0/ports` may not do to them.

use tricircle_db::models::{FLOATING_IP, PortView, ROUTER_GATEWAY, ROUTER_INTERFACE};
use tricircle_network::ipam::FixedIpWish;
use tricircle_network::resource::Body;
use tricircle_network::routers::RouterError;

use crate::call::{Call, failed};
use crate::family::Done;

fn refuse<T>(error: RouterError) -> Done<T> {
    Err(failed(error.into()))
}

/// Who owns the router or floating IP that such a port is a part of; `None`: it is a part
/// of nothing.
async fn owner_of(call: &Call, device_owner: &str, device_id: &str) -> Done<Option<String>> {
    // Ids are ASCII; MariaDB refuses to compare them with anything else.
    if !device_id.is_ascii() {
        return Ok(None);
    }
    let store = &call.api.store;
    Ok(match device_owner {
        ROUTER_INTERFACE | ROUTER_GATEWAY => {
            let found = store.router_by_id(device_id).await?;
            found.map(|router| router.project_id)
        }
        FLOATING_IP => {
            let found = store.floating_ip_by_id(device_id).await?;
            found.map(|floating| floating.project_id)
        }
        _ => None,
    })
}

/// Refuses a port that its maker or changer calls a part of a router: interfaces come and
/// go by the router's own API, where overlaps are checked.
pub async fn refuse_router_parts(call: &Call, device_owner: &str, device_id: &str) -> Done<()> {
    let Some(owner) = owner_of(call, device_owner, device_id).await? else {
        return Ok(());
    };
    if owner != call.project_id() && !call.is_admin() {
        return refuse(RouterError::ForeignDevice(device_id.to_owned()));
    }
    refuse(RouterError::BadPort(format!(
        "Ports of device owner {device_owner} are made with the router or floating IP that they \
         belong to"
    )))
}

/// Refuses what a router or a floating IP stands in the way of. `wishes` are the addresses
/// that the port is to have, where the change names any; what of them has to be written is
/// returned. A part of a router keeps the addresses that it has, and what they are for.
pub async fn check_change(
    call: &Call,
    view: &PortView,
    body: &Body,
    wishes: Option<Vec<FixedIpWish>>,
) -> Done<Option<Vec<FixedIpWish>>> {
    let port = &view.port;
    let device_owner = body.text("device_owner").unwrap_or(&port.device_owner);
    let device_id = body.text("device_id").unwrap_or(&port.device_id);
    let moves = device_owner != port.device_owner || device_id != port.device_id;
    let part = owner_of(call, &port.device_owner, &port.device_id).await?;
    if part.is_some() && moves {
        return refuse(RouterError::BadPort(format!(
            "Port {} is used by {}",
            port.id, port.device_id
        )));
    }
    if moves {
        refuse_router_parts(call, device_owner, device_id).await?;
    }
    let Some(wishes) = wishes else {
        return Ok(None);
    };
    let keeps = |address: &str| {
        let mut named = wishes.iter().filter_map(|wish| wish.ip_address);
        named.any(|ip| ip.to_string() == address)
    };
    if part.is_some() {
        let same = wishes.len() == view.fixed_ips.len();
        if !same || !view.fixed_ips.iter().all(|ip| keeps(&ip.ip_address)) {
            return refuse(RouterError::BadPort(format!(
                "Cannot update the fixed_ips of the port {}, which is used by {}",
                port.id, port.device_id
            )));
        }
        return Ok(None);
    }
    let network = &call.api.network;
    let floating = network.floating_ips_to(std::slice::from_ref(&port.id));
    let floating = floating.await.map_err(failed)?;
    let mut led = floating.iter().filter_map(|f| f.fixed_ip_address.as_ref());
    if led.all(|address| keeps(address)) {
        return Ok(Some(wishes));
    }
    refuse(RouterError::BadPort(format!(
        "Cannot update the fixed_ips of the port {}, because its original fixed_ip has been \
         associated to a floating ip",
        port.id
    )))
}

/// Refuses the delete of a port that somebody else's floating IP leads to.
pub async fn check_delete(call: &Call, port_id: &str) -> Done<()> {
    if call.is_admin() {
        return Ok(());
    }
    let network = &call.api.network;
    let ports = [port_id.to_owned()];
    let floating = network.floating_ips_to(&ports).await.map_err(failed)?;
    match floating.iter().all(|f| f.project_id == call.project_id()) {
        true => Ok(()),
        false => refuse(RouterError::PortHasFloatingIp(port_id.to_owned())),
    }
}
