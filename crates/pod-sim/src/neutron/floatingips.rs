//! Floating IPs: an address of an external network, and the port it leads to.
//!
//! As with an agent, the status is ACTIVE where the address leads somewhere.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::attributes::{Attribute, Kind, Set, attribute, check_create, check_update, required};
use super::collection::Family;
use super::{
    Answer, Context, NeutronState, Object, Reply, check_revision, created_objects, fault, gateways,
    interfaces, networks, ports, project_of, stamp, text, touch, updated_object,
};
use crate::ids;

const ATTRIBUTES: &[Attribute] = &[
    required("floating_network_id", Kind::Uuid),
    attribute("floating_ip_address", Kind::Address, Set::ByAdminOnCreate),
    attribute("subnet_id", Kind::Uuid, Set::OnCreate),
    attribute("port_id", Kind::Uuid, Set::Always),
    attribute("fixed_ip_address", Kind::Address, Set::Always),
    attribute("router_id", Kind::Uuid, Set::Always),
    attribute("status", Kind::Text, Set::Never),
    attribute("dns_name", Kind::Text, Set::OnCreate),
    attribute("dns_domain", Kind::Text, Set::OnCreate),
    attribute("qos_policy_id", Kind::Uuid, Set::Always),
    attribute("port_details", Kind::Anything, Set::Never),
    attribute("port_forwardings", Kind::Anything, Set::Never),
];

const FAMILY: Family = Family {
    path: "floatingips",
    singular: "floatingip",
    plural: "floatingips",
    attributes: ATTRIBUTES,
    hidden: &[],
    no_filters: &["subnet_id", "port_details", "port_forwardings"],
};

fn bad(message: &str) -> Reply {
    fault(
        400,
        "BadRequest",
        &format!("Bad floatingip request: {message}"),
    )
}

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => {
            let all: Vec<Object> = state
                .floatingips
                .values()
                .map(|floating| full(state, floating))
                .collect();
            FAMILY.list(cx, all.iter())
        }
        ("GET", [id]) => {
            let floating = FAMILY.seen(cx, &state.floatingips, id)?;
            Ok(FAMILY.one(cx, &full(state, floating)))
        }
        ("POST", []) => create(state, cx),
        ("PUT", [id]) => update(state, cx, id),
        ("DELETE", [id]) => {
            let floating = FAMILY.changeable(cx, &state.floatingips, id, "delete")?;
            check_revision(cx.request, floating)?;
            state.remove_floating(id);
            Ok(Reply::empty(204))
        }
        _ => Err(super::not_found()),
    }
}

/// A floating IP with what its port is now.
fn full(state: &NeutronState, floating: &Object) -> Object {
    let details = state.ports.get(text(floating, "port_id")).map(|port| {
        let part = |key: &str| port.get(key).cloned().unwrap_or_default();
        json!({
            "name": part("name"), "network_id": part("network_id"),
            "mac_address": part("mac_address"), "admin_state_up": part("admin_state_up"),
            "status": part("status"), "device_id": part("device_id"),
            "device_owner": part("device_owner"),
        })
    });
    let mut floating = floating.clone();
    floating.insert("port_details".into(), json!(details));
    floating
}

fn create(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let given = super::created_alone(created_objects(cx.request, "floatingip", "floatingips")?)?;
    check_create(ATTRIBUTES, "floatingip", &given, cx.caller)?;
    let project = project_of(cx.caller, &given)?;
    let network_id = text(&given, "floating_network_id");
    let network = networks::FAMILY.seen(cx, &state.networks, network_id)?;
    if network.get("router:external") != Some(&json!(true)) {
        return Err(bad(&format!(
            "Network {network_id} is not a valid external network."
        )));
    }
    let v4 = |subnet: &&Object| subnet.get("ip_version").and_then(Value::as_u64) == Some(4);
    if !state.subnets_of(network_id).iter().any(v4) {
        return Err(bad(&format!(
            "Network {network_id} does not contain any IPv4 subnet."
        )));
    }
    let id = ids::uuid();
    let port = outer_port(state, &id, &given)?;
    let mut floating = Object::new();
    let mut put = |key: &str, value: Value| floating.insert(key.into(), value);
    put("id", json!(id));
    put("tenant_id", json!(project));
    put("project_id", json!(project));
    put("floating_ip_address", json!(v4_address(&port)));
    put("floating_network_id", json!(network_id));
    for key in ["router_id", "port_id", "fixed_ip_address"] {
        put(key, Value::Null);
    }
    put("status", json!("DOWN"));
    let or = |key: &str, default: Value| given.get(key).cloned().unwrap_or(default);
    put("description", or("description", json!("")));
    put("qos_policy_id", or("qos_policy_id", Value::Null));
    put("port_details", Value::Null);
    put("dns_domain", or("dns_domain", json!("")));
    put("dns_name", or("dns_name", json!("")));
    put("port_forwardings", json!([]));
    stamp(&mut floating, 0);
    associate(state, cx, &mut floating, &given)?;
    let reply = FAMILY.view(cx, &full(state, &floating));
    state.ports.insert(text(&port, "id").to_owned(), port);
    state.floatingips.insert(id, floating);
    Ok(Reply::json(201, json!({ "floatingip": reply })))
}

/// The port that holds the address on the external network; it is nobody's.
fn outer_port(state: &mut NeutronState, id: &str, given: &Object) -> Result<Object, Reply> {
    let mut wanted = json!({
        "network_id": text(given, "floating_network_id"), "device_id": id,
        "device_owner": "network:floatingip", "port_security_enabled": false,
    });
    let mut fixed = Object::new();
    for (key, of) in [
        ("subnet_id", "subnet_id"),
        ("ip_address", "floating_ip_address"),
    ] {
        if let Some(Value::String(value)) = given.get(of) {
            fixed.insert(key.into(), json!(value));
        }
    }
    if let (false, Some(object)) = (fixed.is_empty(), wanted.as_object_mut()) {
        object.insert("fixed_ips".into(), json!([fixed]));
    }
    let mut port = state.build_port(&wanted.as_object().cloned().unwrap_or_default(), "")?;
    port.insert("status".into(), json!("N/A"));
    Ok(port)
}

fn addresses(port: &Object) -> impl Iterator<Item = (&str, &str)> {
    port.get("fixed_ips")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|ip| {
            Some((
                ip.get("ip_address")?.as_str()?,
                ip.get("subnet_id")?.as_str()?,
            ))
        })
}

fn v4_address(port: &Object) -> Option<&str> {
    addresses(port)
        .map(|(ip, _)| ip)
        .find(|ip| ip.contains('.'))
}

fn update(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let given = updated_object(cx.request, "floatingip")?;
    let before = FAMILY
        .changeable(cx, &state.floatingips, id, "update")?
        .clone();
    check_update(ATTRIBUTES, "floatingip", &given, cx.caller)?;
    check_revision(cx.request, &before)?;
    let mut floating = before.clone();
    associate(state, cx, &mut floating, &given)?;
    for key in ["description", "qos_policy_id"] {
        if let Some(value) = given.get(key) {
            floating.insert(key.into(), value.clone());
        }
    }
    if floating != before {
        touch(&mut floating);
    }
    let view = full(state, &floating);
    state.floatingips.insert(id.to_owned(), floating);
    Ok(FAMILY.one(cx, &view))
}

/// Lets the floating IP lead where `given` says: nothing said leaves it as it
/// is, a null port takes it off.
fn associate(
    state: &NeutronState,
    cx: &Context<'_>,
    floating: &mut Object,
    given: &Object,
) -> Result<(), Reply> {
    let named = given.get("port_id").and_then(Value::as_str);
    let fixed = given.get("fixed_ip_address").and_then(Value::as_str);
    let Some(port_id) = named else {
        if fixed.is_some() {
            return Err(bad(
                "fixed_ip_address cannot be specified without a port_id.",
            ));
        }
        if given.contains_key("port_id") {
            disassociate(floating);
        }
        return Ok(());
    };
    let port = ports::FAMILY.seen(cx, &state.ports, port_id)?;
    if text(port, "project_id") != text(floating, "project_id") && !cx.caller.is_admin() {
        return Err(bad(&format!(
            "Cannot process floating IP association with Port {port_id}, since that port is \
             owned by a different project."
        )));
    }
    let (ip, subnet) = inner_address(port, fixed)?;
    let network = text(floating, "floating_network_id");
    let router = match given.get("router_id").and_then(Value::as_str) {
        Some(router) => named_router(state, router, network)?,
        None => router_between(state, port, subnet, network)?,
    };
    let twin = state.floatingips.values().any(|other| {
        text(other, "id") != text(floating, "id")
            && text(other, "port_id") == port_id
            && text(other, "fixed_ip_address") == ip
            && text(other, "floating_network_id") == network
    });
    if twin && text(floating, "port_id") != port_id {
        return Err(fault(
            409,
            "FloatingIPPortAlreadyAssociated",
            &format!(
                "Cannot associate floating IP {} ({}) with port {port_id} using fixed IP {ip}, as \
                 that fixed IP already has a floating IP on external network {network}.",
                text(floating, "floating_ip_address"),
                text(floating, "id")
            ),
        ));
    }
    floating.insert("port_id".into(), json!(port_id));
    floating.insert("fixed_ip_address".into(), json!(ip));
    floating.insert("router_id".into(), json!(router));
    floating.insert("status".into(), json!("ACTIVE"));
    Ok(())
}

fn disassociate(floating: &mut Object) {
    for key in ["port_id", "fixed_ip_address", "router_id"] {
        floating.insert(key.into(), Value::Null);
    }
    floating.insert("status".into(), json!("DOWN"));
}

/// The address of the port that is meant, with its subnet.
fn inner_address<'a>(port: &'a Object, fixed: Option<&str>) -> Result<(&'a str, &'a str), Reply> {
    let id = text(port, "id");
    if let Some(fixed) = fixed {
        if fixed.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) {
            return Err(bad(&format!(
                "Cannot process floating IP association with {fixed}, since that is not an IPv4 \
                 address."
            )));
        }
        return addresses(port)
            .find(|(ip, _)| *ip == fixed)
            .ok_or_else(|| bad(&format!("Port {id} does not have fixed ip {fixed}.")));
    }
    let mut all = addresses(port).filter(|(ip, _)| ip.contains('.'));
    match (all.next(), all.next()) {
        (None, _) => Err(bad(&format!(
            "Cannot add floating IP to port {id} that has no fixed IPv4 addresses."
        ))),
        (Some(_), Some(_)) => Err(bad(&format!(
            "Port {id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address \
             when assigning a floating IP."
        ))),
        (Some(one), None) => Ok(one),
    }
}

fn leads_out(state: &NeutronState, router: &str, network: &str) -> bool {
    state
        .gateway_port(router)
        .is_some_and(|port| text(port, "network_id") == network)
}

fn named_router(state: &NeutronState, router: &str, network: &str) -> Result<String, Reply> {
    if !state.routers.contains_key(router) {
        return Err(super::missing("routers", router));
    }
    if leads_out(state, router, network) {
        return Ok(router.to_owned());
    }
    Err(fault(
        409,
        "Conflict",
        &format!("Router {router} has no external gateway on network {network}"),
    ))
}

/// The router between the subnet and the external network; where there are
/// several, the one that has the subnet's gateway address.
fn router_between(
    state: &NeutronState,
    port: &Object,
    subnet: &str,
    network: &str,
) -> Result<String, Reply> {
    let gateway = state
        .subnets
        .get(subnet)
        .map(|subnet| text(subnet, "gateway_ip"))
        .unwrap_or_default();
    let found: Vec<(&str, &str)> = state
        .ports
        .values()
        .filter(|port| text(port, "device_owner") == interfaces::OWNER)
        .flat_map(|port| addresses(port).map(move |ip| (text(port, "device_id"), ip)))
        .filter(|(router, (_, of))| *of == subnet && leads_out(state, router, network))
        .map(|(router, (ip, _))| (router, ip))
        .collect();
    found
        .iter()
        .find(|(_, ip)| *ip == gateway)
        .or(found.first())
        .map(|(router, _)| (*router).to_owned())
        .ok_or_else(|| {
            fault(
                404,
                "ExternalGatewayForFloatingIPNotFound",
                &format!(
                    "External network {network} is not reachable from subnet {subnet}.  \
                     Therefore, cannot associate Port {} with a Floating IP.",
                    text(port, "id")
                ),
            )
        })
}

impl NeutronState {
    /// Removes a floating IP and its port.
    fn remove_floating(&mut self, id: &str) {
        self.floatingips.remove(id);
        self.ports.retain(|_, port| {
            text(port, "device_owner") != "network:floatingip" || text(port, "device_id") != id
        });
    }

    /// Removes the floating IPs of an external network that lead nowhere, as
    /// Neutron does before it deletes the network.
    pub(super) fn remove_idle_floating(&mut self, network: &str) {
        let idle: Vec<String> = self
            .floatingips
            .values()
            .filter(|f| text(f, "floating_network_id") == network && text(f, "port_id").is_empty())
            .map(|f| text(f, "id").to_owned())
            .collect();
        for id in idle {
            self.remove_floating(&id);
        }
    }

    /// Removes a port; floating IPs that led to it lead nowhere then.
    pub(crate) fn forget_port(&mut self, id: &str) {
        self.ports.remove(id);
        for floating in self.floatingips.values_mut() {
            if text(floating, "port_id") == id {
                disassociate(floating);
                touch(floating);
            }
        }
    }

    /// Refuses to take an address from a port to which a floating IP leads.
    pub(super) fn check_floating_keeps(&self, port: &str, new: &[Value]) -> Result<(), Reply> {
        let held = self
            .floatingips
            .values()
            .find(|floating| text(floating, "port_id") == port);
        let Some(held) = held else {
            return Ok(());
        };
        if new
            .iter()
            .any(|ip| ip.get("ip_address") == held.get("fixed_ip_address"))
        {
            return Ok(());
        }
        Err(fault(
            400,
            "BadRequest",
            &format!(
                "Bad port request: Cannot update the fixed_ips of the port {port}, because its \
                 original fixed_ip has been associated to a floating ip."
            ),
        ))
    }

    /// The floating addresses that lead to an address of a port.
    pub(crate) fn floating_of<'a>(
        &'a self,
        port: &'a str,
        fixed: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        self.floatingips
            .values()
            .filter(move |f| text(f, "port_id") == port && text(f, "fixed_ip_address") == fixed)
            .map(|f| text(f, "floating_ip_address"))
    }

    /// Whether a network has gateways of routers on it.
    pub(super) fn has_gateways(&self, network: &str) -> bool {
        self.ports.values().any(|port| {
            text(port, "network_id") == network && text(port, "device_owner") == gateways::OWNER
        })
    }
}
