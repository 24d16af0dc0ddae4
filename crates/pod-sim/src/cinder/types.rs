//! /types.

use serde_json::{Map, Value, json};

use super::{Answer, Context, done, fault, member, require_admin};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

/// One volume type.
#[derive(Clone, Debug)]
pub(crate) struct VolumeType {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Value,
    pub(crate) is_public: bool,
    pub(crate) extra_specs: Map<String, Value>,
}

impl VolumeType {
    pub(super) fn new(name: &str, description: &str) -> Self {
        VolumeType {
            id: ids::uuid(),
            name: name.to_owned(),
            description: json!(description),
            is_public: true,
            extra_specs: Map::new(),
        }
    }

    fn show(&self, cx: &Context<'_>, access: bool) -> Value {
        let mut view = json!({
            "id": self.id, "name": self.name, "is_public": self.is_public,
            "description": self.description, "extra_specs": self.extra_specs,
        });
        if let Some(object) = view.as_object_mut() {
            if cx.caller.is_admin() {
                object.insert("qos_specs_id".into(), Value::Null);
            }
            if access {
                object.insert(
                    "os-volume-type-access:is_public".into(),
                    json!(self.is_public),
                );
            }
        }
        view
    }
}

fn missing(id: &str) -> Reply {
    fault(404, &format!("Volume type {id} could not be found."))
}

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => {
            let shown: Vec<Value> = pod
                .cinder
                .types
                .values()
                .filter(|t| t.is_public || cx.caller.is_admin())
                .map(|t| t.show(cx, true))
                .collect();
            Ok(Reply::ok(json!({ "volume_types": shown })))
        }
        ("GET", ["default"]) => {
            let default = pod.cinder.types.values().find(|t| t.name == "__DEFAULT__");
            let default = default.ok_or_else(|| missing("default"))?;
            Ok(Reply::ok(json!({"volume_type": default.show(cx, false)})))
        }
        ("GET", [id]) => {
            let found = pod.cinder.types.get(*id).ok_or_else(|| missing(id))?;
            Ok(Reply::ok(json!({"volume_type": found.show(cx, true)})))
        }
        ("POST", []) => create(pod, cx),
        ("PUT", [id]) => {
            require_admin(cx, "volume_extension:type_update")?;
            let given = member(cx.request, "volume_type")?;
            let found = pod.cinder.types.get_mut(*id).ok_or_else(|| missing(id))?;
            if let Some(name) = given.get("name").and_then(Value::as_str) {
                found.name = name.to_owned();
            }
            if let Some(description) = given.get("description") {
                found.description = description.clone();
            }
            let found = found.clone();
            Ok(Reply::ok(json!({"volume_type": found.show(cx, true)})))
        }
        ("DELETE", [id]) => {
            require_admin(cx, "volume_extension:type_delete")?;
            let used = pod.cinder.volumes.values().any(|v| v.type_id == *id);
            if used {
                return Err(super::bad_request("Target volume type is still in use."));
            }
            pod.cinder.types.remove(*id).ok_or_else(|| missing(id))?;
            Ok(done(202))
        }
        (_, [id, "extra_specs", rest @ ..]) => extra_specs(pod, cx, id, rest),
        _ => Err(Reply::not_found_page()),
    }
}

fn create(pod: &mut PodState, cx: &Context<'_>) -> Answer {
    let given = member(cx.request, "volume_type")?;
    require_admin(cx, "volume_extension:type_create")?;
    let name = given
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| super::bad_request("'name' is a required property"))?;
    if pod.cinder.types.values().any(|t| t.name == name) {
        return Err(fault(409, &format!("Volume Type {name} already exists.")));
    }
    let mut made = VolumeType::new(name, "");
    made.description = given.get("description").cloned().unwrap_or_default();
    made.is_public = given.get("os-volume-type-access:is_public") != Some(&Value::Bool(false));
    if let Some(specs) = given.get("extra_specs").and_then(Value::as_object) {
        made.extra_specs = specs.clone();
    }
    let mut view = made.show(cx, true);
    if let Some(object) = view.as_object_mut() {
        object.shift_remove("qos_specs_id");
    }
    pod.cinder.types.insert(made.id.clone(), made);
    Ok(Reply::ok(json!({ "volume_type": view })))
}

fn extra_specs(pod: &mut PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    let method = cx.request.method.as_str();
    if method != "GET" {
        require_admin(cx, "volume_extension:types_extra_specs:create")?;
    }
    let found = pod.cinder.types.get_mut(id).ok_or_else(|| missing(id))?;
    let no_key = || {
        fault(
            404,
            &format!("Volume Type {id} has no extra specs with key."),
        )
    };
    match (method, rest) {
        ("GET", []) => Ok(Reply::ok(json!({"extra_specs": found.extra_specs}))),
        ("POST", []) => {
            let given = member(cx.request, "extra_specs")?;
            found.extra_specs.extend(given.clone());
            Ok(Reply::ok(json!({ "extra_specs": given })))
        }
        ("GET", [key]) => {
            let value = found.extra_specs.get(*key).ok_or_else(no_key)?;
            Ok(Reply::ok(json!({ *key: value })))
        }
        ("DELETE", [key]) => {
            found.extra_specs.shift_remove(*key).ok_or_else(no_key)?;
            Ok(done(202))
        }
        _ => Err(Reply::not_found_page()),
    }
}
