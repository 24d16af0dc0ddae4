//! Flavors and their extra specs.

use serde_json::{Map, Value, json};

use super::{Answer, Context, fault, forbidden, invalid, links, member, python, require_admin};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

/// One flavor.
#[derive(Clone, Debug)]
pub(crate) struct Flavor {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) ram: u64,
    pub(crate) vcpus: u64,
    pub(crate) disk: u64,
    pub(crate) ephemeral: u64,
    pub(crate) swap: u64,
    pub(crate) rxtx_factor: f64,
    pub(crate) is_public: bool,
    pub(crate) description: Value,
    pub(crate) extra_specs: Map<String, Value>,
    /// Projects that may use it if it is not public.
    pub(crate) access: Vec<String>,
}

fn unknown(id: &str) -> Reply {
    fault(404, &format!("Flavor {id} could not be found."))
}

impl Flavor {
    fn visible(&self, cx: &Context<'_>) -> bool {
        self.is_public || cx.caller.is_admin() || self.access.contains(&cx.caller.project_id)
    }

    fn brief(&self, cx: &Context<'_>) -> Value {
        let mut body = json!({
            "id": self.id, "name": self.name,
            "links": links(cx.request, "flavors", &self.id),
        });
        if let (true, Some(object)) = (cx.minor >= 55, body.as_object_mut()) {
            object.insert("description".into(), self.description.clone());
        }
        body
    }

    fn show(&self, cx: &Context<'_>) -> Value {
        let swap = match self.swap {
            0 if cx.minor < 75 => json!(""),
            swap => json!(swap),
        };
        let mut body = json!({
            "id": self.id, "name": self.name, "ram": self.ram, "disk": self.disk,
            "swap": swap, "OS-FLV-EXT-DATA:ephemeral": self.ephemeral,
            "OS-FLV-DISABLED:disabled": false, "vcpus": self.vcpus,
            "os-flavor-access:is_public": self.is_public, "rxtx_factor": self.rxtx_factor,
            "links": links(cx.request, "flavors", &self.id),
        });
        if let Some(object) = body.as_object_mut() {
            if cx.minor >= 55 {
                object.insert("description".into(), self.description.clone());
            }
            if cx.minor >= 61 {
                object.insert("extra_specs".into(), json!(self.extra_specs));
            }
        }
        body
    }
}

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => list(pod, cx, false),
        ("GET", ["detail"]) => list(pod, cx, true),
        ("POST", []) => create(pod, cx),
        ("GET", [id]) => {
            let flavor = find(pod, cx, id)?;
            Ok(Reply::ok(json!({"flavor": flavor.show(cx)})))
        }
        ("PUT", [id]) => {
            require_admin(cx, "os_compute_api:os-flavor-manage:update")?;
            let given = member(cx.request, "flavor")?;
            let description = given.get("description").cloned().unwrap_or_default();
            let flavor = pod.nova.flavors.get_mut(*id).ok_or_else(|| unknown(id))?;
            flavor.description = description;
            let flavor = flavor.clone();
            Ok(Reply::ok(json!({"flavor": flavor.show(cx)})))
        }
        ("DELETE", [id]) => {
            require_admin(cx, "os_compute_api:os-flavor-manage:delete")?;
            pod.nova.flavors.remove(*id).ok_or_else(|| unknown(id))?;
            Ok(Reply::empty(202))
        }
        ("POST", [id, "action"]) => change_access(pod, cx, id),
        ("GET", [id, "os-flavor-access"]) => {
            require_admin(cx, "os_compute_api:os-flavor-access")?;
            let flavor = find(pod, cx, id)?;
            if flavor.is_public {
                return Err(fault(404, "Access list not available for public flavors."));
            }
            Ok(Reply::ok(access(flavor)))
        }
        (_, [id, "os-extra_specs", rest @ ..]) => extra_specs(pod, cx, id, rest),
        _ => Err(Reply::not_found_page()),
    }
}

fn find<'a>(pod: &'a PodState, cx: &Context<'_>, id: &str) -> Result<&'a Flavor, Reply> {
    pod.nova
        .flavors
        .get(id)
        .filter(|flavor| flavor.visible(cx))
        .ok_or_else(|| unknown(id))
}

fn list(pod: &PodState, cx: &Context<'_>, detail: bool) -> Answer {
    let query = &cx.request.query;
    // Administrators choose by is_public; `None` means both.
    let wanted = match query.get("is_public") {
        Some(value) if cx.caller.is_admin() => match value.to_lowercase().as_str() {
            "none" => None,
            other => Some(crate::request::truthy(other)),
        },
        _ => Some(true),
    };
    let at_least = |key: &str| {
        query
            .get(key)
            .and_then(|v| v.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let mut found: Vec<&Flavor> = pod
        .nova
        .flavors
        .values()
        .filter(|f| match wanted {
            Some(true) => f.is_public || f.access.contains(&cx.caller.project_id),
            Some(false) => !f.is_public,
            None => true,
        })
        .filter(|f| f.ram >= at_least("minRam") && f.disk >= at_least("minDisk"))
        .collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(marker) = query.get("marker") {
        let at = found
            .iter()
            .position(|f| f.id == marker)
            .ok_or_else(|| super::bad_request(&format!("marker [{marker}] not found")))?;
        found.drain(..=at);
    }
    let limit = query.get("limit").and_then(|v| v.parse::<usize>().ok());
    let more = limit.is_some_and(|limit| limit > 0 && found.len() >= limit);
    found.truncate(limit.unwrap_or(1000));
    let shown: Vec<Value> = found
        .iter()
        .map(|f| if detail { f.show(cx) } else { f.brief(cx) })
        .collect();
    let mut body = json!({ "flavors": shown });
    if let (true, Some(last), Some(object)) = (more, found.last(), body.as_object_mut()) {
        let href = format!(
            "{}{}?{}",
            cx.request.base,
            cx.request.path,
            query.with("marker", &last.id)
        );
        object.insert(
            "flavors_links".into(),
            json!([{"rel": "next", "href": href}]),
        );
    }
    Ok(Reply::ok(body))
}

fn create(pod: &mut PodState, cx: &Context<'_>) -> Answer {
    require_admin(cx, "os_compute_api:os-flavor-manage:create")?;
    let given = member(cx.request, "flavor")?;
    for key in ["name", "ram", "vcpus", "disk"] {
        if let Some(value) = given.get(key)
            && key != "name"
            && number(value).is_none()
        {
            let shown = value.as_str().unwrap_or_default();
            return Err(invalid(
                key,
                shown,
                &format!("{} does not match '^[0-9]+$'", python(value)),
            ));
        }
        if !given.contains_key(key) {
            return Err(invalid(
                "flavor",
                &python(&Value::Object(given.clone())),
                &format!("'{key}' is a required property"),
            ));
        }
    }
    let count = |key: &str| given.get(key).and_then(number).unwrap_or(0);
    let id = match given.get("id") {
        Some(Value::String(id)) if id != "auto" => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => ids::uuid(),
    };
    let name = given["name"].as_str().unwrap_or_default().to_owned();
    if pod.nova.flavors.contains_key(&id) {
        return Err(fault(409, &format!("Flavor with ID {id} already exists.")));
    }
    if pod.nova.flavors.values().any(|f| f.name == name) {
        return Err(fault(
            409,
            &format!("Flavor with name {name} already exists."),
        ));
    }
    let public = given.get("os-flavor-access:is_public");
    let flavor = Flavor {
        id: id.clone(),
        name,
        ram: count("ram"),
        vcpus: count("vcpus"),
        disk: count("disk"),
        ephemeral: count("OS-FLV-EXT-DATA:ephemeral"),
        swap: count("swap"),
        rxtx_factor: given
            .get("rxtx_factor")
            .and_then(|v| v.as_f64().or_else(|| v.as_str()?.parse().ok()))
            .unwrap_or(1.0),
        is_public: public.is_none_or(|p| *p != Value::Bool(false)),
        description: given.get("description").cloned().unwrap_or_default(),
        extra_specs: Map::new(),
        access: Vec::new(),
    };
    let shown = flavor.show(cx);
    pod.nova.flavors.insert(id, flavor);
    Ok(Reply::ok(json!({ "flavor": shown })))
}

fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn access(flavor: &Flavor) -> Value {
    let list: Vec<Value> = flavor
        .access
        .iter()
        .map(|project| json!({"flavor_id": flavor.id, "tenant_id": project}))
        .collect();
    json!({ "flavor_access": list })
}

fn change_access(pod: &mut PodState, cx: &Context<'_>, id: &str) -> Answer {
    require_admin(cx, "os_compute_api:os-flavor-access:add_tenant_access")?;
    let body = cx.request.json().unwrap_or_default();
    let flavor = pod.nova.flavors.get_mut(id).ok_or_else(|| unknown(id))?;
    let project = |key: &str| {
        body.get(key)
            .and_then(|v| v.get("tenant")?.as_str())
            .map(str::to_owned)
    };
    if let Some(project) = project("addTenantAccess") {
        if flavor.access.contains(&project) {
            return Err(fault(
                409,
                &format!(
                    "Flavor access already exists for flavor {id} and project {project} combination."
                ),
            ));
        }
        flavor.access.push(project);
    } else if let Some(project) = project("removeTenantAccess") {
        flavor.access.retain(|have| *have != project);
    } else {
        return Err(super::bad_request("There is no such action"));
    }
    Ok(Reply::ok(access(flavor)))
}

fn extra_specs(pod: &mut PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    let method = cx.request.method.as_str();
    find(pod, cx, id)?;
    if method != "GET" && !cx.caller.is_admin() {
        return Err(forbidden("os_compute_api:os-flavor-extra-specs:create"));
    }
    let flavor = pod.nova.flavors.get_mut(id).ok_or_else(|| unknown(id))?;
    let no_key = |key: &str| {
        fault(
            404,
            &format!("Flavor {id} has no extra specs with key {key}."),
        )
    };
    match (method, rest) {
        ("GET", []) => Ok(Reply::ok(json!({"extra_specs": flavor.extra_specs}))),
        ("POST", []) => {
            let given = member(cx.request, "extra_specs")?;
            flavor.extra_specs.extend(given.clone());
            Ok(Reply::ok(json!({ "extra_specs": given })))
        }
        ("GET", [key]) => {
            let value = flavor.extra_specs.get(*key).ok_or_else(|| no_key(key))?;
            Ok(Reply::ok(json!({ *key: value })))
        }
        ("PUT", [key]) => {
            let body = cx.request.json().unwrap_or_default();
            let value = body
                .get(*key)
                .cloned()
                .ok_or_else(|| super::bad_request("Request body and URI mismatch"))?;
            flavor.extra_specs.insert((*key).to_owned(), value.clone());
            Ok(Reply::ok(json!({ *key: value })))
        }
        ("DELETE", [key]) => {
            flavor.extra_specs.remove(*key).ok_or_else(|| no_key(key))?;
            Ok(Reply::empty(200))
        }
        _ => Err(Reply::not_found_page()),
    }
}
