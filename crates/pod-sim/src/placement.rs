//! Placement API: one resource provider, its capacity, and what fits.

use serde_json::{Map, Value, json};

use crate::keystone::Caller;
use crate::nova::admin::{DISK_GB, MEMORY_MB, VCPUS, usage};
use crate::request::{Reply, Request};
use crate::state::PodState;

const MAX_MINOR: u32 = 39;
const CPU_RATIO: u64 = 4;
const RESERVED_MB: u64 = 512;

fn fault(code: u16, title: &str, detail: &str, request: &Request) -> Reply {
    Reply::json(
        code,
        json!({"errors": [{
            "status": code, "title": title, "detail": detail,
            "request_id": request.request_id,
        }]}),
    )
}

/// The id of the pod's only provider; it follows from the pod's name.
pub(crate) fn provider_id(pod: &PodState) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    pod.name.hash(&mut hasher);
    let n = hasher.finish();
    format!(
        "{:08x}-{:04x}-4000-8000-{:012x}",
        n >> 32,
        (n >> 16) & 0xffff,
        n & 0xffff_ffff_ffff
    )
}

/// Answers a call without a token, if it is one that needs none.
pub(crate) fn public(request: &Request) -> Option<Reply> {
    request.segments().is_empty().then(|| {
        let body = json!({"versions": [{
            "id": "v1.0", "max_version": format!("1.{MAX_MINOR}"), "min_version": "1.0",
            "status": "CURRENT", "links": [{"rel": "self", "href": ""}],
        }]});
        stamp(Reply::ok(body), "1.0")
    })
}

fn stamp(reply: Reply, version: &str) -> Reply {
    reply
        .header("openstack-api-version", &format!("placement {version}"))
        .header("vary", "openstack-api-version")
}

/// Answers a call whose token was good.
pub(crate) fn answer(pod: &PodState, request: &Request, caller: &Caller) -> Reply {
    let asked = request
        .header("openstack-api-version")
        .and_then(|value| {
            value
                .split(',')
                .find_map(|part| part.trim().strip_prefix("placement "))
        })
        .unwrap_or("1.0");
    let version = match asked {
        "latest" => format!("1.{MAX_MINOR}"),
        other => other.to_owned(),
    };
    let known = version
        .strip_prefix("1.")
        .and_then(|minor| minor.parse::<u32>().ok())
        .is_some_and(|minor| minor <= MAX_MINOR);
    if !known {
        return fault(
            406,
            "Not Acceptable",
            &format!("Unacceptable version header: {version}"),
            request,
        );
    }
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    if !caller.is_admin() && !caller.is_service() {
        let rule = format!("placement:{}:list", path.first().unwrap_or(&""));
        return fault(
            403,
            "Forbidden",
            &format!(
                "Access was denied to this resource.\n\n Policy does not allow {rule} to be \
                 performed.  "
            ),
            request,
        )
        .header("openstack-api-version", &format!("placement {version}"));
    }
    stamp(route(pod, request, &path), &version)
}

fn route(pod: &PodState, request: &Request, path: &[&str]) -> Reply {
    let id = provider_id(pod);
    match (request.method.as_str(), path) {
        ("GET", ["resource_providers"]) => {
            Reply::ok(json!({"resource_providers": [provider(pod, &id)]}))
        }
        ("GET", ["allocation_candidates"]) => candidates(pod, request, &id),
        ("GET", ["usages"]) => {
            let (cpu, ram, disk, _) = usage(pod, request.query.get("project_id"));
            Reply::ok(json!({"usages": {"VCPU": cpu, "MEMORY_MB": ram, "DISK_GB": disk}}))
        }
        ("GET", ["traits"]) => Reply::ok(json!({"traits": []})),
        ("GET", ["resource_classes"]) => {
            let classes: Vec<Value> = ["VCPU", "MEMORY_MB", "DISK_GB"]
                .iter()
                .map(|name| json!({"name": name, "links": []}))
                .collect();
            Reply::ok(json!({ "resource_classes": classes }))
        }
        ("GET", ["resource_providers", uuid]) if *uuid == id => Reply::ok(provider(pod, &id)),
        ("GET", ["resource_providers", uuid, "inventories"]) if *uuid == id => {
            let inventory = |total: u64, reserved: u64, ratio: f64| {
                json!({
                    "total": total, "reserved": reserved, "min_unit": 1, "max_unit": total,
                    "step_size": 1, "allocation_ratio": ratio,
                })
            };
            Reply::ok(json!({"resource_provider_generation": 1, "inventories": {
                "VCPU": inventory(VCPUS, 0, 4.0),
                "MEMORY_MB": inventory(MEMORY_MB, RESERVED_MB, 1.0),
                "DISK_GB": inventory(DISK_GB, 0, 1.0),
            }}))
        }
        ("GET", ["resource_providers", uuid, "usages"]) if *uuid == id => {
            let (cpu, ram, disk, _) = usage(pod, None);
            Reply::ok(json!({"resource_provider_generation": 1, "usages": {
                "VCPU": cpu, "MEMORY_MB": ram, "DISK_GB": disk,
            }}))
        }
        _ => fault(
            404,
            "Not Found",
            "The resource could not be found.\n\n   ",
            request,
        ),
    }
}

fn provider(pod: &PodState, id: &str) -> Value {
    let links: Vec<Value> = [
        "self",
        "inventories",
        "usages",
        "aggregates",
        "traits",
        "allocations",
    ]
    .iter()
    .map(|rel| {
        let tail = if *rel == "self" {
            String::new()
        } else {
            format!("/{rel}")
        };
        json!({"rel": rel, "href": format!("/resource_providers/{id}{tail}")})
    })
    .collect();
    json!({
        "uuid": id, "name": pod.compute_host(), "generation": 1, "links": links,
        "parent_provider_uuid": null, "root_provider_uuid": id,
    })
}

fn candidates(pod: &PodState, request: &Request, id: &str) -> Reply {
    let Some(asked) = request.query.get("resources") else {
        return fault(
            400,
            "Bad Request",
            "The server could not comply with the request since it is either malformed or \
             otherwise incorrect.\n\n There must be at least one resources or resources[$S] \
             parameter.  ",
            request,
        );
    };
    let mut wanted: Map<String, Value> = Map::new();
    for part in asked.split(',') {
        let parsed = part
            .split_once(':')
            .and_then(|(class, amount)| Some((class, amount.parse::<u64>().ok()?)));
        match parsed {
            Some((class, amount)) => wanted.insert(class.to_owned(), json!(amount)),
            None => {
                return fault(
                    400,
                    "Bad Request",
                    &format!("Badly formed resources parameter: {part}"),
                    request,
                );
            }
        };
    }
    let (cpu, ram, disk, _) = usage(pod, None);
    let capacity = [
        ("VCPU", VCPUS * CPU_RATIO, cpu),
        ("MEMORY_MB", MEMORY_MB - RESERVED_MB, ram),
        ("DISK_GB", DISK_GB, disk),
    ];
    let fits = wanted.iter().all(|(class, amount)| {
        capacity.iter().any(|(name, total, used)| {
            name == class && used + amount.as_u64().unwrap_or(u64::MAX) <= *total
        })
    });
    if !fits {
        return Reply::ok(json!({"allocation_requests": [], "provider_summaries": {}}));
    }
    let resources: Map<String, Value> = capacity
        .iter()
        .map(|(name, total, used)| ((*name).to_owned(), json!({"capacity": total, "used": used})))
        .collect();
    Reply::ok(json!({
        "allocation_requests": [{
            "allocations": {id: {"resources": wanted}}, "mappings": {"": [id]},
        }],
        "provider_summaries": {id: {
            "resources": resources, "traits": [],
            "parent_provider_uuid": null, "root_provider_uuid": id,
        }},
    }))
}
