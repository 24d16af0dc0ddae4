//! A router's interfaces: `add_router_interface` and `remove_router_interface`.

use serde_json::{Value, json};

use super::{
    Answer, Context, NeutronState, Object, Reply, fault, ipam, ports, routers, routes, subnets,
    text, touch,
};
use crate::ids;

/// The device owner of interface ports.
pub(super) const OWNER: &str = "network:router_interface";

fn bad(message: &str) -> Reply {
    fault(
        400,
        "BadRequest",
        &format!("Bad router request: {message}."),
    )
}

/// The ids of a router's interface ports.
pub(super) fn of(state: &NeutronState, router: &str) -> Vec<String> {
    state
        .ports
        .iter()
        .filter(|(_, port)| {
            text(port, "device_id") == router && text(port, "device_owner") == OWNER
        })
        .map(|(id, _)| id.clone())
        .collect()
}

fn subnet_ids(port: &Object) -> Vec<&str> {
    port.get("fixed_ips")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|ip| ip.get("subnet_id")?.as_str())
        .collect()
}

/// Refuses subnets of which a port of the router has one, or a like prefix.
pub(super) fn check_overlap(
    state: &NeutronState,
    router: &str,
    new: &[Object],
) -> Result<(), Reply> {
    let mut have: Vec<&Object> = Vec::new();
    for port in state.ports.values() {
        if text(port, "device_id") != router || !text(port, "device_owner").starts_with("network:")
        {
            continue;
        }
        for id in subnet_ids(port) {
            if new.iter().any(|subnet| text(subnet, "id") == id) {
                return Err(bad(&format!("Router already has a port on subnet {id}")));
            }
            if text(port, "device_owner") == OWNER {
                have.extend(state.subnets.get(id));
            } else {
                have.extend(state.subnets_of(text(port, "network_id")));
            }
        }
    }
    for old in have {
        for subnet in new {
            let (Some(a), Some(b)) = (ipam::cidr(old), ipam::cidr(subnet)) else {
                continue;
            };
            if a.contains(&b) || b.contains(&a) {
                return Err(bad(&format!(
                    "Cidr {b} of subnet {} overlaps with cidr {a} of subnet {}",
                    text(subnet, "id"),
                    text(old, "id")
                )));
            }
        }
    }
    Ok(())
}

/// What a body names: a port, a subnet, or both.
struct Named {
    port: Option<String>,
    subnet: Option<String>,
}

fn named(cx: &Context<'_>, removal: bool) -> Result<Named, Reply> {
    let body = cx.request.json().unwrap_or_default();
    let part = |key: &str| -> Result<Option<String>, Reply> {
        let Some(value) = body.get(key) else {
            return Ok(None);
        };
        let id = value.as_str().unwrap_or_default();
        if ids::is_uuid(id) {
            return Ok(Some(id.to_owned()));
        }
        Err(bad(&format!("'{id}' is not a valid UUID")))
    };
    let named = Named {
        port: part("port_id")?,
        subnet: part("subnet_id")?,
    };
    match (&named.port, &named.subnet) {
        (None, None) => Err(bad("Either subnet_id or port_id must be specified")),
        (Some(_), Some(_)) if !removal => Err(bad("Cannot specify both subnet-id and port-id")),
        _ => Ok(named),
    }
}

fn answer(router: &str, port: &Object, subnets: &[&str]) -> Reply {
    Reply::ok(json!({
        "id": router, "project_id": text(port, "project_id"),
        "port_id": text(port, "id"), "network_id": text(port, "network_id"),
        "subnet_id": subnets.last(), "subnet_ids": subnets,
    }))
}

pub(super) fn add(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let router = routers::FAMILY.changeable(cx, &state.routers, id, "add_router_interface")?;
    let project = text(router, "project_id").to_owned();
    let named = named(cx, false)?;
    match (named.port, named.subnet) {
        (Some(port), _) => add_port(state, cx, id, &port),
        (None, subnet) => add_subnet(state, cx, id, &project, &subnet.unwrap_or_default()),
    }
}

fn add_port(state: &mut NeutronState, cx: &Context<'_>, router: &str, id: &str) -> Answer {
    let mut port = ports::FAMILY.seen(cx, &state.ports, id)?.clone();
    if !text(&port, "device_id").is_empty() {
        return Err(fault(
            409,
            "PortInUse",
            &format!(
                "Unable to complete operation on port {id} for network {}. Port already has an \
                 attached device {}.",
                text(&port, "network_id"),
                text(&port, "device_id")
            ),
        ));
    }
    let subnets: Vec<Object> = subnet_ids(&port)
        .into_iter()
        .filter_map(|id| state.subnets.get(id).cloned())
        .collect();
    if subnets.is_empty() {
        return Err(bad("Router port must have at least one fixed IP"));
    }
    check_overlap(state, router, &subnets)?;
    let v4 = |subnet: &&Object| subnet.get("ip_version").and_then(Value::as_u64) == Some(4);
    if subnets.iter().filter(v4).count() > 1 {
        return Err(bad("Cannot have multiple IPv4 subnets on router port"));
    }
    port.insert("device_id".into(), json!(router));
    port.insert("device_owner".into(), json!(OWNER));
    touch(&mut port);
    let reply = answer(router, &port, &subnet_ids(&port));
    state.ports.insert(id.to_owned(), port);
    Ok(reply)
}

fn add_subnet(
    state: &mut NeutronState,
    cx: &Context<'_>,
    router: &str,
    project: &str,
    id: &str,
) -> Answer {
    let subnet = subnets::FAMILY.seen(cx, &state.subnets, id)?.clone();
    let gateway = text(&subnet, "gateway_ip");
    if gateway.is_empty() {
        return Err(bad("Subnet for router interface must have a gateway IP"));
    }
    if text(&subnet, "project_id") != cx.caller.project_id && !cx.caller.is_admin() {
        return Err(bad(&format!(
            "Cannot add interface to router because subnet {id} is not owned by project making \
             the request"
        )));
    }
    check_overlap(state, router, std::slice::from_ref(&subnet))?;
    let fixed = json!({"subnet_id": id, "ip_address": gateway});
    let network = text(&subnet, "network_id");
    // A network's IPv6 prefixes share one port.
    let shared = of(state, router).into_iter().find(|port| {
        gateway.contains(':')
            && state.ports.get(port).is_some_and(|port| {
                text(port, "network_id") == network && first_address(port).contains(':')
            })
    });
    if let Some(port) = shared.and_then(|port| state.ports.get_mut(&port)) {
        if let Some(list) = port.get_mut("fixed_ips").and_then(Value::as_array_mut) {
            list.push(fixed);
        }
        touch(port);
        return Ok(answer(router, port, &[id]));
    }
    let wanted = json!({
        "network_id": network, "fixed_ips": [fixed], "device_id": router,
        "device_owner": OWNER, "port_security_enabled": false,
    });
    let port = state.build_port(&wanted.as_object().cloned().unwrap_or_default(), project)?;
    let reply = answer(router, &port, &[id]);
    state.ports.insert(text(&port, "id").to_owned(), port);
    Ok(reply)
}

fn first_address(port: &Object) -> &str {
    port.get("fixed_ips")
        .and_then(|ips| ips.get(0)?.get("ip_address")?.as_str())
        .unwrap_or_default()
}

/// Refuses when a floating IP or a route needs the router's way into `subnet`.
fn check_unused(state: &NeutronState, router: &Object, subnet: &Object) -> Result<(), Reply> {
    let id = text(router, "id");
    let subnet_id = text(subnet, "id");
    let needed = |kind: &str, what: &str| {
        fault(
            409,
            kind,
            &format!(
                "Router interface for subnet {subnet_id} on router {id} cannot be deleted, as it \
                 is required by one or more {what}."
            ),
        )
    };
    let floating = state.floatingips.values().any(|floating| {
        text(floating, "router_id") == id
            && state
                .ports
                .get(text(floating, "port_id"))
                .and_then(|port| port.get("fixed_ips")?.as_array())
                .is_some_and(|ips| {
                    ips.iter().any(|ip| {
                        ip.get("subnet_id").and_then(Value::as_str) == Some(subnet_id)
                            && ip.get("ip_address") == floating.get("fixed_ip_address")
                    })
                })
    });
    if floating {
        return Err(needed("RouterInterfaceInUseByFloatingIP", "floating IPs"));
    }
    if routes::need(router, subnet) {
        return Err(needed("RouterInterfaceInUseByRoute", "routes"));
    }
    Ok(())
}

pub(super) fn remove(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let router = routers::FAMILY.changeable(cx, &state.routers, id, "remove_router_interface")?;
    let named = named(cx, true)?;
    let have = of(state, id);
    let Some(port_id) = named.port else {
        return remove_subnet(state, cx, id, &named.subnet.unwrap_or_default());
    };
    let port = have
        .iter()
        .find(|port| **port == port_id)
        .and_then(|port| state.ports.get(port))
        .ok_or_else(|| {
            fault(
                404,
                "RouterInterfaceNotFound",
                &format!("Router {id} does not have an interface with id {port_id}"),
            )
        })?;
    let subnets = subnet_ids(port);
    if let Some(subnet) = named.subnet
        && !subnets.contains(&subnet.as_str())
    {
        return Err(fault(
            400,
            "SubnetMismatchForPort",
            &format!("Subnet on port {port_id} does not match the requested subnet {subnet}."),
        ));
    }
    for subnet in subnets.iter().filter_map(|id| state.subnets.get(*id)) {
        check_unused(state, router, subnet)?;
    }
    let reply = answer(id, port, &subnets);
    state.forget_port(&port_id);
    Ok(reply)
}

fn remove_subnet(state: &mut NeutronState, cx: &Context<'_>, router: &str, id: &str) -> Answer {
    let subnet = subnets::FAMILY.seen(cx, &state.subnets, id)?;
    let network = text(subnet, "network_id");
    let ports: Vec<String> = of(state, router)
        .into_iter()
        .filter(|port| {
            state
                .ports
                .get(port)
                .is_some_and(|port| text(port, "network_id") == network)
        })
        .collect();
    if let (false, Some(router)) = (ports.is_empty(), state.routers.get(router)) {
        check_unused(state, router, subnet)?;
    }
    let found = ports
        .into_iter()
        .filter_map(|port| state.ports.get(&port))
        .find(|port| subnet_ids(port).contains(&id))
        .cloned()
        .ok_or_else(|| {
            fault(
                404,
                "RouterInterfaceNotFoundForSubnet",
                &format!("Router {router} has no interface on subnet {id}"),
            )
        })?;
    let port_id = text(&found, "id");
    let reply = answer(router, &found, &[id]);
    if subnet_ids(&found).len() == 1 {
        state.forget_port(port_id);
    } else if let Some(port) = state.ports.get_mut(port_id) {
        if let Some(list) = port.get_mut("fixed_ips").and_then(Value::as_array_mut) {
            list.retain(|ip| ip.get("subnet_id").and_then(Value::as_str) != Some(id));
        }
        touch(port);
    }
    Ok(reply)
}

/// Refuses what Neutron calls a port of another service: it goes with its
/// router or floating IP, not by DELETE /ports.
pub(super) fn check_port_delete(state: &NeutronState, port: &Object) -> Result<(), Reply> {
    let owner = text(port, "device_owner");
    let device = text(port, "device_id");
    let held = match owner {
        "network:floatingip" => state.floatingips.contains_key(device),
        OWNER | super::gateways::OWNER => state.routers.contains_key(device),
        _ => false,
    };
    if !held {
        return Ok(());
    }
    Err(fault(
        409,
        "ServicePortInUse",
        &format!(
            "Port {} cannot be deleted directly via the port API: has device owner {owner}.",
            text(port, "id")
        ),
    ))
}

/// Refuses to move an interface of a router to another IPv4 address.
pub(super) fn check_port_move(state: &NeutronState, port: &Object) -> Result<(), Reply> {
    let held = text(port, "device_owner") == OWNER
        && state.routers.contains_key(text(port, "device_id"))
        && first_address(port).contains('.');
    if !held {
        return Ok(());
    }
    Err(fault(
        400,
        "BadRequest",
        &format!(
            "Bad ports request: IP updates for port {} are not allowed.",
            text(port, "id")
        ),
    ))
}

/// Refuses another gateway for a subnet whose present one is a router's port.
pub(super) fn check_gateway_free(state: &NeutronState, subnet: &Object) -> Result<(), Reply> {
    let gateway = text(subnet, "gateway_ip");
    let user = state.ports.values().find(|port| {
        text(port, "device_owner") == OWNER
            && port
                .get("fixed_ips")
                .and_then(Value::as_array)
                .is_some_and(|ips| {
                    ips.iter().any(|ip| {
                        ip.get("subnet_id") == subnet.get("id")
                            && ip.get("ip_address").and_then(Value::as_str) == Some(gateway)
                    })
                })
    });
    match user {
        None => Ok(()),
        Some(port) => Err(fault(
            409,
            "GatewayIpInUse",
            &format!(
                "Current gateway ip {gateway} already in use by port {}. Unable to update.",
                text(port, "id")
            ),
        )),
    }
}
