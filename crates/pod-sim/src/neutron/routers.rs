//! Routers with their interfaces, and floating IPs: as much as invariants and
//! clean-up need; nothing is routed.

use serde_json::{Value, json};

use super::attributes::{
    Attribute, Kind, Set, attribute, check_create, check_update, flag, required,
};
use super::collection::Family;
use super::{
    Answer, Context, NeutronState, Object, Reply, created, created_objects, fault, networks,
    project_of, stamp, subnets, text, touch, updated_object,
};
use crate::ids;

const ROUTER: &[Attribute] = &[
    attribute("name", Kind::Text, Set::Always),
    attribute("admin_state_up", Kind::Flag, Set::Always),
    attribute("status", Kind::Text, Set::Never),
    attribute("external_gateway_info", Kind::Anything, Set::Always),
    attribute("routes", Kind::Anything, Set::Always),
    attribute("availability_zone_hints", Kind::Anything, Set::OnCreate),
    attribute("availability_zones", Kind::Anything, Set::Never),
    attribute("distributed", Kind::Flag, Set::ByAdmin),
    attribute("ha", Kind::Flag, Set::ByAdmin),
    attribute("flavor_id", Kind::Uuid, Set::OnCreate),
];

const FLOATING: &[Attribute] = &[
    required("floating_network_id", Kind::Uuid),
    attribute("floating_ip_address", Kind::Anything, Set::OnCreate),
    attribute("subnet_id", Kind::Uuid, Set::OnCreate),
    attribute("port_id", Kind::Uuid, Set::Always),
    attribute("fixed_ip_address", Kind::Anything, Set::Always),
    attribute("router_id", Kind::Uuid, Set::Never),
    attribute("status", Kind::Text, Set::Never),
    attribute("dns_name", Kind::Text, Set::OnCreate),
    attribute("dns_domain", Kind::Text, Set::OnCreate),
    attribute("qos_policy_id", Kind::Uuid, Set::Always),
];

const ROUTERS: Family = Family {
    path: "routers",
    singular: "router",
    plural: "routers",
    attributes: ROUTER,
    hidden: &["ha", "distributed"],
};

const FLOATINGIPS: Family = Family {
    path: "floatingips",
    singular: "floatingip",
    plural: "floatingips",
    attributes: FLOATING,
    hidden: &[],
};

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => ROUTERS.list(cx, state.routers.values()),
        ("GET", [id]) => Ok(ROUTERS.one(cx, ROUTERS.seen(cx, &state.routers, id)?)),
        ("POST", []) => create(state, cx),
        ("PUT", [id]) => {
            let given = updated_object(cx.request, "router")?;
            let mut router = ROUTERS
                .changeable(cx, &state.routers, id, "update")?
                .clone();
            check_update(ROUTER, "router", &given, cx.caller)?;
            router.extend(given);
            touch(&mut router);
            state.routers.insert((*id).to_owned(), router.clone());
            Ok(ROUTERS.one(cx, &router))
        }
        ("DELETE", [id]) => delete(state, cx, id),
        ("PUT", [id, "add_router_interface"]) => add_interface(state, cx, id),
        ("PUT", [id, "remove_router_interface"]) => remove_interface(state, cx, id),
        _ => Err(super::not_found()),
    }
}

fn create(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let (all, bulk) = created_objects(cx.request, "router", "routers")?;
    let mut views = Vec::new();
    for given in &all {
        check_create(ROUTER, "router", given, cx.caller)?;
        let project = project_of(cx.caller, given)?;
        let mut router = Object::new();
        let or = |key: &str, default: Value| given.get(key).cloned().unwrap_or(default);
        let mut put = |key: &str, value: Value| router.insert(key.into(), value);
        put("id", json!(ids::uuid()));
        put("name", or("name", json!("")));
        put("project_id", json!(project));
        put("admin_state_up", flag(given, "admin_state_up", true));
        put("status", json!("ACTIVE"));
        put(
            "external_gateway_info",
            or("external_gateway_info", Value::Null),
        );
        put("description", or("description", json!("")));
        put("availability_zones", json!([]));
        put(
            "availability_zone_hints",
            or("availability_zone_hints", json!([])),
        );
        put("routes", or("routes", json!([])));
        put("flavor_id", Value::Null);
        stamp(&mut router, 1);
        router.insert("tenant_id".into(), json!(project));
        views.push(ROUTERS.view(cx, &router));
        state.routers.insert(text(&router, "id").to_owned(), router);
    }
    Ok(created("router", "routers", bulk, views))
}

fn interfaces(state: &NeutronState, router: &str) -> Vec<String> {
    state
        .ports
        .iter()
        .filter(|(_, port)| {
            text(port, "device_id") == router
                && text(port, "device_owner") == "network:router_interface"
        })
        .map(|(id, _)| id.clone())
        .collect()
}

fn delete(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    ROUTERS.changeable(cx, &state.routers, id, "delete")?;
    let ports = interfaces(state, id);
    if !ports.is_empty() {
        return Err(fault(
            409,
            "RouterInUse",
            &format!("Router {id} has ports still attached: {}", ports.join(",")),
        ));
    }
    state.routers.remove(id);
    Ok(Reply::empty(204))
}

fn interface_answer(router: &str, project: &str, port: &Object) -> Reply {
    let subnets: Vec<&str> = port
        .get("fixed_ips")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|ip| ip.get("subnet_id")?.as_str())
        .collect();
    Reply::ok(json!({
        "id": router, "project_id": project,
        "port_id": text(port, "id"), "network_id": text(port, "network_id"),
        "subnet_id": subnets.first(), "subnet_ids": subnets,
    }))
}

fn add_interface(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let router = ROUTERS.changeable(cx, &state.routers, id, "add_router_interface")?;
    let project = text(router, "project_id").to_owned();
    let body = cx.request.json().unwrap_or_default();
    let mut port = if let Some(port) = body.get("port_id").and_then(Value::as_str) {
        state
            .ports
            .get(port)
            .cloned()
            .ok_or_else(|| super::missing("ports", port))?
    } else {
        let subnet_id = body
            .get("subnet_id")
            .and_then(Value::as_str)
            .ok_or_else(|| {
                fault(
                    400,
                    "BadRequest",
                    "Bad router request: Either subnet_id or port_id must be specified.",
                )
            })?;
        let subnet = subnets::FAMILY.seen(cx, &state.subnets, subnet_id)?;
        let gateway = text(subnet, "gateway_ip");
        if gateway.is_empty() {
            return Err(fault(
                400,
                "BadRequest",
                "Bad router request: Subnet for router interface must have a gateway IP.",
            ));
        }
        let wanted = json!({
            "network_id": text(subnet, "network_id"),
            "fixed_ips": [{"subnet_id": subnet_id, "ip_address": gateway}],
            "device_owner": "network:router_interface",
            "port_security_enabled": false,
        });
        state.build_port(&wanted.as_object().cloned().unwrap_or_default(), &project)?
    };
    port.insert("device_id".into(), json!(id));
    port.insert("device_owner".into(), json!("network:router_interface"));
    let answer = interface_answer(id, &project, &port);
    state.ports.insert(text(&port, "id").to_owned(), port);
    Ok(answer)
}

fn remove_interface(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let router = ROUTERS.changeable(cx, &state.routers, id, "remove_router_interface")?;
    let project = text(router, "project_id").to_owned();
    let body = cx.request.json().unwrap_or_default();
    let wanted = |port: &Object| {
        let by_port = body.get("port_id").and_then(Value::as_str) == Some(text(port, "id"));
        let by_subnet = body.get("subnet_id").is_some_and(|subnet| {
            port.get("fixed_ips")
                .and_then(Value::as_array)
                .is_some_and(|ips| ips.iter().any(|ip| ip.get("subnet_id") == Some(subnet)))
        });
        by_port || by_subnet
    };
    let port = interfaces(state, id)
        .into_iter()
        .find(|port| state.ports.get(port).is_some_and(wanted))
        .and_then(|port| state.ports.remove(&port))
        .ok_or_else(|| {
            fault(
                404,
                "RouterInterfaceNotFound",
                &format!("Router {id} does not have an interface with id None"),
            )
        })?;
    Ok(interface_answer(id, &project, &port))
}

pub(super) fn floating_route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => FLOATINGIPS.list(cx, state.floatingips.values()),
        ("GET", [id]) => Ok(FLOATINGIPS.one(cx, FLOATINGIPS.seen(cx, &state.floatingips, id)?)),
        ("POST", []) => create_floating(state, cx),
        ("PUT", [id]) => {
            let given = updated_object(cx.request, "floatingip")?;
            let mut floating = FLOATINGIPS
                .changeable(cx, &state.floatingips, id, "update")?
                .clone();
            check_update(FLOATING, "floatingip", &given, cx.caller)?;
            floating.extend(given);
            touch(&mut floating);
            state.floatingips.insert((*id).to_owned(), floating.clone());
            Ok(FLOATINGIPS.one(cx, &floating))
        }
        ("DELETE", [id]) => {
            FLOATINGIPS.changeable(cx, &state.floatingips, id, "delete")?;
            state.floatingips.remove(*id);
            state.ports.retain(|_, port| text(port, "device_id") != *id);
            Ok(Reply::empty(204))
        }
        _ => Err(super::not_found()),
    }
}

fn create_floating(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let (all, bulk) = created_objects(cx.request, "floatingip", "floatingips")?;
    let mut views = Vec::new();
    for given in &all {
        check_create(FLOATING, "floatingip", given, cx.caller)?;
        let network_id = text(given, "floating_network_id");
        let network = networks::FAMILY.seen(cx, &state.networks, network_id)?;
        if network.get("router:external") != Some(&json!(true)) {
            return Err(fault(
                400,
                "BadRequest",
                &format!(
                    "Bad floatingip request: Network {network_id} is not a valid external network."
                ),
            ));
        }
        let project = project_of(cx.caller, given)?;
        let id = ids::uuid();
        let wanted = json!({
            "network_id": network_id, "device_id": id,
            "device_owner": "network:floatingip", "port_security_enabled": false,
        });
        let port = state.build_port(&wanted.as_object().cloned().unwrap_or_default(), "")?;
        let address = port
            .get("fixed_ips")
            .and_then(|ips| ips.get(0)?.get("ip_address").cloned());
        let mut floating = Object::new();
        let mut put = |key: &str, value: Value| floating.insert(key.into(), value);
        put("id", json!(id));
        put("project_id", json!(project));
        put("tenant_id", json!(project));
        put("floating_ip_address", json!(address));
        put("floating_network_id", json!(network_id));
        put("router_id", Value::Null);
        put("port_id", given.get("port_id").cloned().unwrap_or_default());
        let fixed = given.get("fixed_ip_address").cloned();
        put("fixed_ip_address", fixed.unwrap_or_default());
        put("status", json!("DOWN"));
        let description = given.get("description").cloned();
        put("description", description.unwrap_or(json!("")));
        stamp(&mut floating, 0);
        views.push(FLOATINGIPS.view(cx, &floating));
        state.ports.insert(text(&port, "id").to_owned(), port);
        state.floatingips.insert(id, floating);
    }
    Ok(created("floatingip", "floatingips", bulk, views))
}
