//! Compute services: their list, and what administrators change of nova-compute.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::{Answer, Context, bad_request, fault, python, require_admin};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

/// What was set of the pod's only nova-compute.
#[derive(Debug, Clone, Default)]
pub(crate) struct ComputeService {
    disabled: bool,
    disabled_reason: Option<String>,
    forced_down: bool,
}

const BINARIES: [&str; 3] = ["nova-scheduler", "nova-conductor", "nova-compute"];

/// Ids of different pods differ.
fn uuid(pod: &PodState, number: usize) -> String {
    let mut hasher = DefaultHasher::new();
    pod.compute_host().hash(&mut hasher);
    let hash = hasher.finish() >> 32;
    format!("{hash:08x}-0000-4000-8000-{number:012}")
}

fn shown(pod: &PodState, cx: &Context<'_>, number: usize, binary: &str) -> Value {
    let is_compute = binary == "nova-compute";
    let set = &pod.nova.compute;
    let zone = pod.nova.zones.first().map_or("nova", String::as_str);
    let disabled = is_compute && set.disabled;
    let id = if cx.minor >= 53 {
        json!(uuid(pod, number))
    } else {
        json!(number)
    };
    let mut service = json!({
        "binary": binary,
        "host": pod.compute_host(),
        "id": id,
        "zone": if is_compute { zone } else { "internal" },
        "status": if disabled { "disabled" } else { "enabled" },
        "state": if is_compute && set.forced_down { "down" } else { "up" },
        "updated_at": ids::naive(ids::now()),
        "disabled_reason": if is_compute { json!(set.disabled_reason) } else { Value::Null },
    });
    if cx.minor >= 11 {
        service["forced_down"] = json!(is_compute && set.forced_down);
    }
    service
}

fn numbered() -> impl Iterator<Item = (usize, &'static str)> {
    BINARIES
        .into_iter()
        .enumerate()
        .map(|(at, binary)| (at + 1, binary))
}

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, path: &[&str]) -> Answer {
    match (cx.request.method.as_str(), path) {
        ("GET", []) => {
            require_admin(cx, "os_compute_api:os-services:list")?;
            let wanted = |key: &str, value: &str| {
                cx.request.query.get(key).is_none_or(|asked| asked == value)
            };
            let host = pod.compute_host();
            let list: Vec<Value> = numbered()
                .filter(|(_, binary)| wanted("binary", binary) && wanted("host", &host))
                .map(|(number, binary)| shown(pod, cx, number, binary))
                .collect();
            Ok(Reply::ok(json!({ "services": list })))
        }
        ("PUT", [id]) if cx.minor >= 53 => update(pod, cx, id),
        ("PUT", [action]) => act(pod, cx, action),
        ("DELETE", [id]) => {
            require_admin(cx, "os_compute_api:os-services:delete")?;
            let found = numbered().find(|(number, _)| {
                *id == uuid(pod, *number) || (cx.minor < 53 && *id == number.to_string())
            });
            match found {
                None => Err(fault(404, &format!("Service {id} not found."))),
                Some((_, "nova-compute")) if super::admin::usage(pod, None).3 > 0 => Err(fault(
                    409,
                    "Unable to delete compute service that is hosting instances. Migrate or \
                     delete the instances first.",
                )),
                Some(_) => Ok(Reply::empty(204)),
            }
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn only_compute(binary: &str) -> Result<(), Reply> {
    if binary == "nova-compute" {
        return Ok(());
    }
    Err(bad_request(&format!(
        "Updating a {binary} service is not supported. Only nova-compute services can be updated."
    )))
}

/// From 2.53 on: the service by its id, the change in the body.
fn update(pod: &mut PodState, cx: &Context<'_>, id: &str) -> Answer {
    if !ids::is_uuid(id) {
        return Err(bad_request(&format!("Invalid uuid {id}")));
    }
    require_admin(cx, "os_compute_api:os-services:update")?;
    let body = cx.request.json().unwrap_or_default();
    let (number, binary) = numbered()
        .find(|(number, _)| id == uuid(pod, *number))
        .ok_or_else(|| fault(404, &format!("Service {id} could not be found.")))?;
    only_compute(binary)?;
    let set = &mut pod.nova.compute;
    let reason = body.get("disabled_reason").and_then(Value::as_str);
    match body.get("status").and_then(Value::as_str) {
        Some("enabled") if reason.is_some() => {
            return Err(bad_request(
                "Specifying 'disabled_reason' with status 'enabled' is invalid.",
            ));
        }
        Some("enabled") => (set.disabled, set.disabled_reason) = (false, None),
        Some("disabled") => {
            (set.disabled, set.disabled_reason) = (true, reason.map(str::to_owned));
        }
        _ => {}
    }
    if let Some(down) = body.get("forced_down").and_then(Value::as_bool) {
        set.forced_down = down;
    }
    Ok(Reply::ok(
        json!({"service": shown(pod, cx, number, binary)}),
    ))
}

/// Before: the action in the path, the service in the body.
fn act(pod: &mut PodState, cx: &Context<'_>, action: &str) -> Answer {
    require_admin(cx, "os_compute_api:os-services:update")?;
    let body = cx.request.json().unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let (Some(host), Some(binary)) = (text("host"), text("binary")) else {
        let missing = if text("host").is_none() {
            "host"
        } else {
            "binary"
        };
        return Err(bad_request(&format!("'{missing}' is a required property")));
    };
    let known = ["enable", "disable", "disable-log-reason"].contains(&action)
        || (action == "force-down" && cx.minor >= 11);
    if !known {
        return Err(fault(404, "Unknown action"));
    }
    only_compute(&binary)?;
    if host != pod.compute_host() {
        return Err(fault(
            404,
            &format!("Host '{host}' is not mapped to any cell"),
        ));
    }
    let set = &mut pod.nova.compute;
    let mut service = json!({"host": host, "binary": binary});
    match action {
        "enable" => {
            (set.disabled, set.disabled_reason) = (false, None);
            service["status"] = json!("enabled");
        }
        "force-down" => {
            let down = body.get("forced_down").is_some_and(|down| {
                *down == Value::Bool(true) || python(down).to_lowercase().contains("true")
            });
            set.forced_down = down;
            service["forced_down"] = json!(down);
        }
        _ => {
            let reason = text("disabled_reason").filter(|_| action == "disable-log-reason");
            if let Some(reason) = &reason {
                service["disabled_reason"] = json!(reason);
            }
            service["status"] = json!("disabled");
            (set.disabled, set.disabled_reason) = (true, reason);
        }
    }
    Ok(Reply::ok(json!({ "service": service })))
}
