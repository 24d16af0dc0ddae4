//! Address groups: lists of prefixes that rules of security groups name.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::attributes::{Attribute, Kind, Set, attribute, check_create, check_update};
use super::collection::Family;
use super::{
    Answer, Context, NeutronState, Object, Reply, bad_request, check_revision, created_objects,
    fault, project_of, stamp, text, touch, updated_object,
};
use crate::ids;

/// The extension without which a pod knows nothing of this.
pub(super) const EXTENSION: &str = "address-group";

const ATTRIBUTES: &[Attribute] = &[
    attribute("name", Kind::Text, Set::Always),
    attribute("addresses", Kind::Anything, Set::OnCreate),
];

pub(super) const FAMILY: Family = Family {
    path: "address-groups",
    singular: "address_group",
    plural: "address_groups",
    attributes: ATTRIBUTES,
    hidden: &[],
    no_filters: &["addresses"],
};

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    if state.lacks(EXTENSION) {
        return Err(super::not_found());
    }
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => FAMILY.list(cx, state.address_groups.values()),
        ("GET", [id]) => Ok(FAMILY.one(cx, FAMILY.seen(cx, &state.address_groups, id)?)),
        ("POST", []) => create(state, cx),
        ("PUT", [id]) => update(state, cx, id),
        ("DELETE", [id]) => delete(state, cx, id),
        ("PUT", [id, "add_addresses"]) => change(state, cx, id, true),
        ("PUT", [id, "remove_addresses"]) => change(state, cx, id, false),
        _ => Err(super::not_found()),
    }
}

fn create(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let (mut all, bulk) = created_objects(cx.request, "address_group", "address_groups")?;
    let given = match (all.pop(), bulk) {
        (Some(given), false) => given,
        // Neutron announces bulk creates of these and fails on them.
        _ => return Err(super::crash()),
    };
    check_create(ATTRIBUTES, "address_group", &given, cx.caller)?;
    let addresses = checked(given.get("addresses"))?;
    let project = project_of(cx.caller, &given)?;
    let mut group = Object::new();
    let or = |key: &str| given.get(key).cloned().unwrap_or(json!(""));
    let mut put = |key: &str, value: Value| group.insert(key.into(), value);
    put("id", json!(ids::uuid()));
    put("name", or("name"));
    put("project_id", json!(project));
    put("addresses", json!(addresses));
    put("description", or("description"));
    stamp(&mut group, 0);
    group.shift_remove("tags");
    group.insert("tenant_id".into(), json!(project));
    let reply = FAMILY.view(cx, &group);
    state
        .address_groups
        .insert(text(&group, "id").to_owned(), group);
    Ok(Reply::json(201, json!({ "address_group": reply })))
}

/// The addresses of a create: each a prefix, none twice.
fn checked(given: Option<&Value>) -> Result<Vec<String>, Reply> {
    let refuse = |reason: String| {
        Err(bad_request(&format!(
            "Invalid input for addresses. Reason: {reason}"
        )))
    };
    let list = match given {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(other) => {
            let shown = other
                .as_str()
                .map_or_else(|| other.to_string(), str::to_owned);
            return refuse(format!("'{shown}' is not a list."));
        }
    };
    let mut all = Vec::new();
    for item in list {
        let item = item.as_str().unwrap_or_default();
        let Ok(net) = item.parse::<IpNet>() else {
            return refuse(format!("'{item}' is not a valid IP subnet."));
        };
        let net = net.trunc().to_string();
        if all.contains(&net) {
            return refuse(format!("Duplicate items in the list: '{item}'."));
        }
        all.push(net);
    }
    Ok(all)
}

fn update(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let given = updated_object(cx.request, "address_group")?;
    let group = FAMILY.changeable(cx, &state.address_groups, id, "update")?;
    check_update(ATTRIBUTES, "address_group", &given, cx.caller)?;
    check_revision(cx.request, group)?;
    let mut changed = group.clone();
    changed.extend(given);
    if changed != *group {
        touch(&mut changed);
    }
    state.address_groups.insert(id.to_owned(), changed.clone());
    Ok(FAMILY.one(cx, &changed))
}

fn delete(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let group = FAMILY.changeable(cx, &state.address_groups, id, "delete")?;
    check_revision(cx.request, group)?;
    let used = state
        .security_group_rules
        .values()
        .any(|rule| text(rule, "remote_address_group_id") == id);
    if used {
        return Err(fault(
            409,
            "AddressGroupInUse",
            &format!("Address group {id} is in use on one or more security group rules."),
        ));
    }
    state.address_groups.remove(id);
    Ok(Reply::empty(204))
}

/// `add_addresses` and `remove_addresses`: all or nothing. Their answer shows
/// what the plug-in has, not what the API shows.
fn change(state: &mut NeutronState, cx: &Context<'_>, id: &str, add: bool) -> Answer {
    let verb = if add {
        "add_addresses"
    } else {
        "remove_addresses"
    };
    let mut group = FAMILY
        .changeable(cx, &state.address_groups, id, verb)?
        .clone();
    let body = cx.request.json().unwrap_or_default();
    let given = body
        .get("addresses")
        .and_then(Value::as_array)
        .ok_or_else(super::crash)?;
    let mut named: Vec<String> = Vec::new();
    for item in given {
        let item = item.as_str().unwrap_or_default();
        let net = item
            .parse::<IpNet>()
            .or_else(|_| item.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| fault(400, "AddrFormatError", &format!("invalid IPNetwork {item}")))?;
        let net = net.trunc().to_string();
        if !named.contains(&net) {
            named.push(net);
        }
    }
    let mut have: Vec<String> = group
        .get("addresses")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|net| Some(net.as_str()?.to_owned()))
        .collect();
    let odd: Vec<String> = named
        .iter()
        .filter(|net| have.contains(net) == add)
        .map(|net| format!("'{net}'"))
        .collect();
    if !odd.is_empty() {
        let odd = odd.join(", ");
        return Err(if add {
            fault(
                400,
                "AddressesAlreadyExist",
                &format!("Addresses [{odd}] already exist in the address group {id}."),
            )
        } else {
            fault(
                404,
                "AddressesNotFound",
                &format!("Addresses [{odd}] not found in the address group {id}."),
            )
        });
    }
    if add {
        have.extend(named.iter().cloned());
    } else {
        have.retain(|net| !named.contains(net));
    }
    group.insert("addresses".into(), json!(have));
    if !named.is_empty() {
        touch(&mut group);
    }
    let mut shown = group.clone();
    shown.insert("shared".into(), json!(false));
    shown.insert("standard_attr_id".into(), json!(0));
    state.address_groups.insert(id.to_owned(), group);
    Ok(Reply::ok(json!({ "address_group": shown })))
}
