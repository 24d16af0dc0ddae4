//! Extra routes of a router: replaced by PUT, or changed one by one.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    Context, NeutronState, Object, Reply, bad_request, fault, gateways, ipam, quotas, text,
};

/// What the API layer refuses of `routes` in an update.
pub(super) fn check(given: &Object) -> Result<(), Reply> {
    let Some(routes) = given.get("routes") else {
        return Ok(());
    };
    let refuse = |reason: String| {
        Err(bad_request(&format!(
            "Invalid input for routes. Reason: {reason}"
        )))
    };
    let Some(list) = routes.as_array() else {
        return match routes {
            Value::Null => Ok(()),
            Value::String(text) => refuse(format!("Invalid data format for hostroute: '{text}'.")),
            other => refuse(format!("Invalid data format for hostroute: '{other}'.")),
        };
    };
    for (at, route) in list.iter().enumerate() {
        let part = |key: &str| route.get(key).and_then(Value::as_str);
        let (Some(destination), Some(nexthop)) = (part("destination"), part("nexthop")) else {
            let provided: Vec<String> = route
                .as_object()
                .into_iter()
                .flat_map(|route| route.keys())
                .map(|key| format!("'{key}'"))
                .collect();
            return refuse(format!(
                "Validation of dictionary's keys failed. Expected keys: {{'destination', \
                 'nexthop'}} Provided keys: {{{}}}.",
                provided.join(", ")
            ));
        };
        let exact = destination
            .parse::<IpNet>()
            .is_ok_and(|net| net.trunc() == net);
        if !exact {
            return refuse(format!("'{destination}' is not a valid CIDR."));
        }
        if nexthop.parse::<IpAddr>().is_err() {
            return refuse(format!("'{nexthop}' is not a valid IP address."));
        }
        if list.iter().take(at).any(|other| other == route) {
            return refuse(format!("Duplicate hostroute '{}'.", python(route)));
        }
    }
    Ok(())
}

/// One route as Python writes a dictionary.
fn python(route: &Value) -> String {
    let parts: Vec<String> = route
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("'{key}': '{}'", value.as_str().unwrap_or_default()))
        .collect();
    format!("{{{}}}", parts.join(", "))
}

fn of(router: &Object) -> Vec<Value> {
    router
        .get("routes")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn next_hop(route: &Value) -> Option<IpAddr> {
    route.get("nexthop")?.as_str()?.parse().ok()
}

/// The prefixes and addresses of some ports.
fn reach<'a>(
    state: &'a NeutronState,
    ports: impl Iterator<Item = &'a Object>,
) -> (Vec<IpNet>, Vec<IpAddr>) {
    let fixed = |port: &'a Object| {
        port.get("fixed_ips")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let mut prefixes = Vec::new();
    let mut addresses = Vec::new();
    for ip in ports.flat_map(fixed) {
        let part = |key: &str| ip.get(key).and_then(Value::as_str);
        prefixes.extend(
            part("subnet_id")
                .and_then(|id| state.subnets.get(id))
                .and_then(ipam::cidr),
        );
        addresses.extend(part("ip_address").and_then(|ip| ip.parse::<IpAddr>().ok()));
    }
    (prefixes, addresses)
}

/// Whether each next hop is a neighbour of the router, and not the router.
fn check_hops(routes: &[Value], prefixes: &[IpNet], addresses: &[IpAddr]) -> Result<(), Reply> {
    for hop in routes.iter().filter_map(next_hop) {
        let reason = if !prefixes.iter().any(|net| net.contains(&hop)) {
            "the nexthop is not connected with router"
        } else if addresses.contains(&hop) {
            "the nexthop is used by router"
        } else {
            continue;
        };
        let all: Vec<String> = routes.iter().map(python).collect();
        return Err(fault(
            400,
            "InvalidRoutes",
            &format!("Invalid format for routes: [{}], {reason}", all.join(", ")),
        ));
    }
    Ok(())
}

/// Whether the router's routes would hold with `subnets` behind its gateway.
pub(super) fn check_without_gateway(
    state: &NeutronState,
    router: &Object,
    subnets: &[&Object],
) -> Result<(), Reply> {
    let id = text(router, "id");
    let inner = state.ports.values().filter(|port| {
        text(port, "device_id") == id && text(port, "device_owner") != gateways::OWNER
    });
    let (mut prefixes, addresses) = reach(state, inner);
    prefixes.extend(subnets.iter().filter_map(|subnet| ipam::cidr(subnet)));
    check_hops(&of(router), &prefixes, &addresses)
}

/// Replaces the routes of a router.
pub(super) fn set(
    state: &NeutronState,
    router: &mut Object,
    mut routes: Vec<Value>,
) -> Result<(), Reply> {
    let id = text(router, "id");
    let ports = state
        .ports
        .values()
        .filter(|port| text(port, "device_id") == id);
    let (prefixes, addresses) = reach(state, ports);
    check_hops(&routes, &prefixes, &addresses)?;
    let limit = quotas::limit(state, text(router, "project_id"), "router_route");
    if limit >= 0 && routes.len() > usize::try_from(limit).unwrap_or_default() {
        return Err(fault(
            409,
            "OverQuota",
            "Quota exceeded for resources: ['router_route'].",
        ));
    }
    routes.sort_by_key(ToString::to_string);
    router.insert("routes".into(), json!(routes));
    Ok(())
}

/// The routes of a router after `add_extraroutes` or `remove_extraroutes`.
pub(super) fn changed(cx: &Context<'_>, router: &Object, add: bool) -> Result<Vec<Value>, Reply> {
    let body = cx.request.json().unwrap_or_default();
    let given = body
        .get("router")
        .and_then(|router| router.get("routes")?.as_array())
        .ok_or_else(super::crash)?;
    let mut all = of(router);
    for route in given {
        let part = |key: &str| route.get(key).and_then(Value::as_str);
        let (Some(destination), Some(nexthop)) = (part("destination"), part("nexthop")) else {
            return Err(super::crash());
        };
        let route = json!({"destination": destination, "nexthop": nexthop});
        all.retain(|have| *have != route);
        if add {
            if destination.parse::<IpNet>().is_err() && destination.parse::<IpAddr>().is_err() {
                return Err(fault(
                    400,
                    "AddrFormatError",
                    &format!("invalid IPNetwork {destination}"),
                ));
            }
            all.push(route);
        }
    }
    Ok(all)
}

/// Whether a route of the router leads over `subnet`.
pub(super) fn need(router: &Object, subnet: &Object) -> bool {
    let Some(net) = ipam::cidr(subnet) else {
        return false;
    };
    of(router)
        .iter()
        .filter_map(next_hop)
        .any(|hop| net.contains(&hop))
}
