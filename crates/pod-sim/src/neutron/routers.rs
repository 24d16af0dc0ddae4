//! Routers. Nothing is routed; what is refused is what Neutron refuses.

use serde_json::{Value, json};

use super::attributes::{Attribute, Kind, Set, attribute, check_create, check_update, flag};
use super::collection::Family;
use super::{
    Answer, Context, NeutronState, Object, Reply, check_revision, created_objects, fault, gateways,
    interfaces, project_of, routes, stamp, text, touch, updated_object,
};
use crate::ids;

const ATTRIBUTES: &[Attribute] = &[
    attribute("name", Kind::Text, Set::Always),
    attribute("admin_state_up", Kind::Flag, Set::Always),
    attribute("status", Kind::Text, Set::Never),
    attribute("external_gateway_info", Kind::Anything, Set::Always),
    attribute("routes", Kind::Anything, Set::OnUpdate),
    attribute("availability_zone_hints", Kind::Anything, Set::OnCreate),
    attribute("availability_zones", Kind::Anything, Set::Never),
    attribute("distributed", Kind::Flag, Set::ByAdmin),
    attribute("ha", Kind::Flag, Set::ByAdmin),
    attribute("flavor_id", Kind::Uuid, Set::OnCreate),
];

pub(super) const FAMILY: Family = Family {
    path: "routers",
    singular: "router",
    plural: "routers",
    attributes: ATTRIBUTES,
    hidden: &["ha", "distributed"],
    no_filters: &["external_gateway_info", "routes", "status"],
};

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => FAMILY.list(cx, state.routers.values()),
        ("GET", [id]) => Ok(FAMILY.one(cx, FAMILY.seen(cx, &state.routers, id)?)),
        ("POST", []) => create(state, cx),
        ("PUT", [id]) => update(state, cx, id),
        ("DELETE", [id]) => delete(state, cx, id),
        ("PUT", [id, "add_router_interface"]) => interfaces::add(state, cx, id),
        ("PUT", [id, "remove_router_interface"]) => interfaces::remove(state, cx, id),
        ("PUT", [id, "add_extraroutes"]) => change_routes(state, cx, id, true),
        ("PUT", [id, "remove_extraroutes"]) => change_routes(state, cx, id, false),
        _ => Err(super::not_found()),
    }
}

fn create(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let given = super::created_alone(created_objects(cx.request, "router", "routers")?)?;
    check_create(ATTRIBUTES, "router", &given, cx.caller)?;
    gateways::check(cx, "create", &given)?;
    let project = project_of(cx.caller, &given)?;
    let mut router = Object::new();
    let or = |key: &str, default: Value| given.get(key).cloned().unwrap_or(default);
    let mut put = |key: &str, value: Value| router.insert(key.into(), value);
    put("id", json!(ids::uuid()));
    put("name", or("name", json!("")));
    put("project_id", json!(project));
    put("admin_state_up", flag(&given, "admin_state_up", true));
    put("status", json!("ACTIVE"));
    put("external_gateway_info", Value::Null);
    put("description", or("description", json!("")));
    put("availability_zones", json!([]));
    put("distributed", flag(&given, "distributed", false));
    put("ha", flag(&given, "ha", false));
    put(
        "availability_zone_hints",
        or("availability_zone_hints", json!([])),
    );
    put("routes", json!([]));
    put("flavor_id", Value::Null);
    stamp(&mut router, 1);
    router.insert("tenant_id".into(), json!(project));
    let info = or("external_gateway_info", Value::Null);
    state.set_gateway(cx, &mut router, &info)?;
    let reply = FAMILY.view(cx, &router);
    state.routers.insert(text(&router, "id").to_owned(), router);
    Ok(Reply::json(201, json!({ "router": reply })))
}

fn update(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let mut given = updated_object(cx.request, "router")?;
    let before = FAMILY.changeable(cx, &state.routers, id, "update")?.clone();
    check_update(ATTRIBUTES, "router", &given, cx.caller)?;
    gateways::check(cx, "update", &given)?;
    routes::check(&given)?;
    check_revision(cx.request, &before)?;
    let mut router = before.clone();
    if let Some(wanted) = given.shift_remove("routes") {
        let wanted = wanted.as_array().cloned().unwrap_or_default();
        routes::set(state, &mut router, wanted)?;
    }
    if let Some(info) = given.shift_remove("external_gateway_info") {
        state.set_gateway(cx, &mut router, &info)?;
    }
    router.extend(given);
    if router != before {
        touch(&mut router);
    }
    state.routers.insert(id.to_owned(), router.clone());
    Ok(FAMILY.one(cx, &router))
}

fn delete(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let router = FAMILY.changeable(cx, &state.routers, id, "delete")?;
    check_revision(cx.request, router)?;
    let ports = interfaces::of(state, id);
    if !ports.is_empty() {
        return Err(fault(
            409,
            "RouterInUse",
            &format!("Router {id} has ports still attached: {}", ports.join(", ")),
        ));
    }
    if let Some(port) = state.gateway_port(id).cloned() {
        state.drop_gateway(id, &port)?;
    }
    state.routers.remove(id);
    Ok(Reply::empty(204))
}

/// `add_extraroutes` and `remove_extraroutes`. Their answer is the router as
/// the plug-in has it, not as the API shows it.
fn change_routes(state: &mut NeutronState, cx: &Context<'_>, id: &str, add: bool) -> Answer {
    let verb = if add {
        "add_extraroutes"
    } else {
        "remove_extraroutes"
    };
    let mut router = FAMILY.changeable(cx, &state.routers, id, verb)?.clone();
    let wanted = routes::changed(cx, &router, add)?;
    routes::set(state, &mut router, wanted)?;
    touch(&mut router);
    let mut shown: Object = router
        .iter()
        .filter(|(key, _)| !key.starts_with('_'))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let gateway = state.gateway_port(id).map(|port| text(port, "id"));
    for (key, value) in [
        (
            "enable_snat",
            json!(router.get("_enable_snat") != Some(&json!(false))),
        ),
        ("gw_port_id", json!(gateway)),
        ("ha_vr_id", json!(0)),
        ("enable_default_route_ecmp", json!(false)),
        ("enable_default_route_bfd", json!(false)),
    ] {
        shown.insert(key.into(), value);
    }
    state.routers.insert(id.to_owned(), router);
    Ok(Reply::ok(json!({ "router": shown })))
}
