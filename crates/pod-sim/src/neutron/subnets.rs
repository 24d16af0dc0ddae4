//! Subnets.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::attributes::{
    Attribute, Kind, Set, attribute, check_create, check_update, flag, required,
};
use super::collection::Family;
use super::ipam::{self, Pool};
use super::{
    Answer, Context, NeutronState, Object, Reply, check_revision, created, created_objects, fault,
    interfaces, invalid_input, networks, project_of, stamp, text, touch, updated_object,
};
use crate::ids;

const ATTRIBUTES: &[Attribute] = &[
    required("network_id", Kind::Uuid),
    required("ip_version", Kind::Number),
    attribute("name", Kind::Text, Set::Always),
    attribute("cidr", Kind::Anything, Set::OnCreate),
    attribute("prefixlen", Kind::Number, Set::OnCreate),
    attribute("subnetpool_id", Kind::Anything, Set::OnCreate),
    attribute("use_default_subnetpool", Kind::Flag, Set::OnCreate),
    attribute("gateway_ip", Kind::Anything, Set::Always),
    attribute("allocation_pools", Kind::Anything, Set::Always),
    attribute("dns_nameservers", Kind::Anything, Set::Always),
    attribute("host_routes", Kind::Anything, Set::Always),
    attribute("enable_dhcp", Kind::Flag, Set::Always),
    attribute("ipv6_ra_mode", Kind::Anything, Set::OnCreate),
    attribute("ipv6_address_mode", Kind::Anything, Set::OnCreate),
    attribute("service_types", Kind::Anything, Set::ByAdmin),
    attribute("segment_id", Kind::Anything, Set::ByAdmin),
    attribute("router:external", Kind::Flag, Set::Never),
    attribute("shared", Kind::Flag, Set::Never),
];

pub(super) const FAMILY: Family = Family {
    path: "subnets",
    singular: "subnet",
    plural: "subnets",
    attributes: ATTRIBUTES,
    hidden: &[],
    no_filters: &[],
};

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => FAMILY.list(cx, state.subnets.values()),
        ("GET", [id]) => Ok(FAMILY.one(cx, FAMILY.seen(cx, &state.subnets, id)?)),
        ("POST", []) => create(state, cx),
        ("PUT", [id]) => update(state, cx, id),
        ("DELETE", [id]) => delete(state, cx, id),
        _ => Err(super::not_found()),
    }
}

fn create(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let (all, bulk) = created_objects(cx.request, "subnet", "subnets")?;
    for given in &all {
        check_create(ATTRIBUTES, "subnet", given, cx.caller)?;
    }
    let mut views = Vec::new();
    let mut made = Vec::new();
    for given in &all {
        match build(state, cx, given) {
            Ok(subnet) => {
                views.push(FAMILY.view(cx, &subnet));
                made.push(text(&subnet, "id").to_owned());
                attach(state, subnet);
            }
            Err(reply) => {
                for id in &made {
                    detach(state, id);
                }
                return Err(reply);
            }
        }
    }
    Ok(created("subnet", "subnets", bulk, views))
}

/// Puts a subnet in its table and into its network's list.
fn attach(state: &mut NeutronState, subnet: Object) {
    let id = text(&subnet, "id").to_owned();
    if let Some(network) = state.networks.get_mut(text(&subnet, "network_id")) {
        if let Some(list) = network.get_mut("subnets").and_then(Value::as_array_mut) {
            list.push(json!(id));
        }
        touch(network);
    }
    state.subnets.insert(id, subnet);
}

fn detach(state: &mut NeutronState, id: &str) {
    let Some(subnet) = state.subnets.remove(id) else {
        return;
    };
    if let Some(network) = state.networks.get_mut(text(&subnet, "network_id")) {
        if let Some(list) = network.get_mut("subnets").and_then(Value::as_array_mut) {
            list.retain(|have| have != id);
        }
        touch(network);
    }
}

fn build(state: &NeutronState, cx: &Context<'_>, given: &Object) -> Result<Object, Reply> {
    let network_id = text(given, "network_id");
    let network = networks::FAMILY.changeable(cx, &state.networks, network_id, "create")?;
    let version = given
        .get("ip_version")
        .and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()))
        .filter(|version| matches!(version, 4 | 6))
        .ok_or_else(|| {
            super::bad_request("Invalid input for ip_version. Reason: not in [4, 6].")
        })?;
    let net = wanted_cidr(given)?;
    if (version == 6) != matches!(net, IpNet::V6(_)) {
        return Err(invalid_input(&format!(
            "cidr {net} does not match the ip_version '{version}'"
        )));
    }
    check_overlap(state, network_id, &net)?;
    let gateway = wanted_gateway(given, &net)?;
    let pools = match given.get("allocation_pools").and_then(Value::as_array) {
        Some(given) => parse_pools(given, &net)?,
        None => ipam::default_pools(&net, gateway),
    };
    check_gateway(gateway, &pools, version == 6)?;
    let mut subnet = Object::new();
    let mut put = |key: &str, value: Value| subnet.insert(key.into(), value);
    let or = |key: &str, default: Value| given.get(key).cloned().unwrap_or(default);
    put("id", json!(ids::uuid()));
    put("name", or("name", json!("")));
    put("project_id", json!(project_of(cx.caller, given)?));
    put("network_id", json!(network_id));
    put("ip_version", json!(version));
    put("subnetpool_id", Value::Null);
    put("enable_dhcp", flag(given, "enable_dhcp", true));
    put("ipv6_ra_mode", or("ipv6_ra_mode", Value::Null));
    put("ipv6_address_mode", or("ipv6_address_mode", Value::Null));
    put("gateway_ip", json!(gateway.map(|g| g.to_string())));
    put("cidr", json!(net.to_string()));
    put("allocation_pools", show_pools(&pools, version == 6));
    put("host_routes", or("host_routes", json!([])));
    put("dns_nameservers", or("dns_nameservers", json!([])));
    put("description", or("description", json!("")));
    put(
        "router:external",
        network
            .get("router:external")
            .cloned()
            .unwrap_or(json!(false)),
    );
    put("service_types", or("service_types", json!([])));
    put(
        // Neutron knows it and shows it to nobody.
        "_shared",
        network.get("shared").cloned().unwrap_or(json!(false)),
    );
    stamp(&mut subnet, 0);
    let project = subnet.get("project_id").cloned().unwrap_or_default();
    subnet.insert("tenant_id".into(), project);
    Ok(subnet)
}

fn wanted_cidr(given: &Object) -> Result<IpNet, Reply> {
    let asked = given.get("cidr").and_then(Value::as_str).ok_or_else(|| {
        fault(
            400,
            "BadRequest",
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
        )
    })?;
    asked
        .parse::<IpNet>()
        .map(|net| net.trunc())
        .map_err(|_| invalid_input(&format!("{asked} is not in a CIDR format")))
}

fn check_overlap(state: &NeutronState, network_id: &str, net: &IpNet) -> Result<(), Reply> {
    let overlaps = state
        .subnets
        .values()
        .filter(|subnet| text(subnet, "network_id") == network_id)
        .filter_map(ipam::cidr)
        .any(|other| other.contains(net) || net.contains(&other));
    if !overlaps {
        return Ok(());
    }
    Err(invalid_input(&format!(
        "Requested subnet with cidr: {net} for network: {network_id} overlaps with another subnet"
    )))
}

/// The gateway: none when null was given, the first address when nothing was.
fn wanted_gateway(given: &Object, net: &IpNet) -> Result<Option<IpAddr>, Reply> {
    match given.get("gateway_ip") {
        Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(|text| text.parse().ok())
            .map(Some)
            .ok_or_else(|| {
                super::bad_request(&format!(
                    "Invalid input for gateway_ip. Reason: {value} is not a valid IP address."
                ))
            }),
        None => {
            let first = match net {
                IpNet::V4(_) => ipam::number(net.network()) + 1,
                IpNet::V6(_) => ipam::number(net.network()),
            };
            Ok(Some(ipam::address(first, matches!(net, IpNet::V6(_)))))
        }
    }
}

fn parse_pools(given: &[Value], net: &IpNet) -> Result<Vec<Pool>, Reply> {
    let mut pools: Vec<Pool> = Vec::new();
    for pool in given {
        let part = |key: &str| pool.get(key).and_then(Value::as_str).unwrap_or_default();
        let invalid = || {
            fault(
                400,
                "InvalidAllocationPool",
                &format!(
                    "The allocation pool {{'start': '{}', 'end': '{}'}} is not valid.",
                    part("start"),
                    part("end")
                ),
            )
        };
        let start: IpAddr = part("start").parse().map_err(|_| invalid())?;
        let end: IpAddr = part("end").parse().map_err(|_| invalid())?;
        let next = Pool {
            start: ipam::number(start),
            end: ipam::number(end),
        };
        if next.start > next.end {
            return Err(invalid());
        }
        if !ipam::usable(net, start) || !ipam::usable(net, end) {
            return Err(fault(
                400,
                "OutOfBoundsAllocationPool",
                &format!("The allocation pool {start}-{end} spans beyond the subnet cidr {net}."),
            ));
        }
        if pools
            .iter()
            .any(|p| p.start <= next.end && next.start <= p.end)
        {
            return Err(fault(
                409,
                "OverlappingAllocationPools",
                &format!("Found overlapping allocation pools for subnet {net}."),
            ));
        }
        pools.push(next);
    }
    Ok(pools)
}

fn check_gateway(gateway: Option<IpAddr>, pools: &[Pool], v6: bool) -> Result<(), Reply> {
    let Some(gateway) = gateway else {
        return Ok(());
    };
    let number = ipam::number(gateway);
    match pools.iter().find(|p| (p.start..=p.end).contains(&number)) {
        None => Ok(()),
        Some(pool) => Err(fault(
            409,
            "GatewayConflictWithAllocationPools",
            &format!(
                "Gateway ip {gateway} conflicts with allocation pool {}-{}.",
                ipam::address(pool.start, v6),
                ipam::address(pool.end, v6)
            ),
        )),
    }
}

fn show_pools(pools: &[Pool], v6: bool) -> Value {
    let shown: Vec<Value> = pools
        .iter()
        .map(|pool| {
            json!({
                "start": ipam::address(pool.start, v6).to_string(),
                "end": ipam::address(pool.end, v6).to_string(),
            })
        })
        .collect();
    Value::Array(shown)
}

fn update(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let mut given = updated_object(cx.request, "subnet")?;
    let subnet = FAMILY.changeable(cx, &state.subnets, id, "update")?;
    check_update(ATTRIBUTES, "subnet", &given, cx.caller)?;
    check_revision(cx.request, subnet)?;
    let net = ipam::cidr(subnet).ok_or_else(|| invalid_input("the subnet has no cidr"))?;
    let v6 = matches!(net, IpNet::V6(_));
    let pools = match given.get("allocation_pools").and_then(Value::as_array) {
        Some(pools) => parse_pools(pools, &net)?,
        None => ipam::pools(subnet),
    };
    let gateway = match given.get("gateway_ip") {
        Some(_) => wanted_gateway(&given, &net)?,
        None => text(subnet, "gateway_ip").parse().ok(),
    };
    check_gateway(gateway, &pools, v6)?;
    if gateway != text(subnet, "gateway_ip").parse().ok() {
        interfaces::check_gateway_free(state, subnet)?;
    }
    if given.contains_key("allocation_pools") {
        given.insert("allocation_pools".into(), show_pools(&pools, v6));
    }
    let subnet = state
        .subnets
        .get_mut(id)
        .ok_or_else(|| super::missing("subnets", id))?;
    let before = subnet.clone();
    subnet.extend(given);
    if *subnet != before {
        touch(subnet);
    }
    let subnet = subnet.clone();
    Ok(FAMILY.one(cx, &subnet))
}

fn delete(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let subnet = FAMILY.changeable(cx, &state.subnets, id, "delete")?;
    check_revision(cx.request, subnet)?;
    let used = state
        .ports
        .values()
        .filter_map(|port| port.get("fixed_ips").and_then(Value::as_array))
        .flatten()
        .any(|ip| ip.get("subnet_id").and_then(Value::as_str) == Some(id));
    if used {
        return Err(fault(
            409,
            "SubnetInUse",
            &format!(
                "Unable to complete operation on subnet {id}: One or more ports have an IP \
                 allocation from this subnet."
            ),
        ));
    }
    detach(state, id);
    Ok(Reply::empty(204))
}
