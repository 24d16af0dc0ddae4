//! Tags of networks, subnets, ports, security groups, routers and floating IPs.

use serde_json::{Value, json};

use super::{Answer, Context, NeutronState, Object, Reply, Table, bad_request, fault, missing};
use super::{owns, touch};

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, path: &[&str]) -> Answer {
    let [family, id, _, rest @ ..] = path else {
        return Err(super::not_found());
    };
    let table: &mut Table = match *family {
        "networks" => &mut state.networks,
        "subnets" => &mut state.subnets,
        "ports" => &mut state.ports,
        "security-groups" => &mut state.security_groups,
        "floatingips" => &mut state.floatingips,
        _ => &mut state.routers,
    };
    let object = table
        .get_mut(*id)
        .filter(|object| owns(cx.caller, object))
        .ok_or_else(|| missing(family, id))?;
    let have = tags(object);
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => Ok(Reply::ok(json!({ "tags": have }))),
        ("PUT", []) => {
            let wanted = cx
                .request
                .json()
                .and_then(|body| body.get("tags")?.as_array().cloned())
                .ok_or_else(|| bad_request("Invalid input for tags."))?;
            set(object, wanted.clone());
            Ok(Reply::ok(json!({ "tags": wanted })))
        }
        ("DELETE", []) => {
            set(object, Vec::new());
            Ok(Reply::empty(204))
        }
        ("GET", [tag]) if have.iter().any(|t| t == tag) => Ok(Reply::empty(204)),
        ("PUT", [tag]) => {
            let mut all = have;
            if !all.iter().any(|t| t == tag) {
                all.push(json!(tag));
            }
            set(object, all);
            Ok(Reply::json(201, Value::Null))
        }
        ("DELETE", [tag]) if have.iter().any(|t| t == tag) => {
            set(object, have.into_iter().filter(|t| t != tag).collect());
            Ok(Reply::empty(204))
        }
        (_, [tag]) => Err(fault(
            404,
            "TagNotFound",
            &format!("Tag {tag} could not be found."),
        )),
        _ => Err(super::not_found()),
    }
}

fn tags(object: &Object) -> Vec<Value> {
    object
        .get("tags")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn set(object: &mut Object, tags: Vec<Value>) {
    object.insert("tags".into(), Value::Array(tags));
    touch(object);
}
