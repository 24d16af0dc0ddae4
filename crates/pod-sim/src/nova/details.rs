//! What hangs below a server: name, metadata, tags, addresses, actions, groups.

use serde_json::{Map, Value, json};

use super::server::{check_unlocked, find, find_mut};
use super::{Answer, Context, bad_request, fault, member, view};
use crate::ids;
use crate::neutron::text;
use crate::request::Reply;
use crate::state::PodState;

/// PUT /servers/{id}.
pub(super) fn update(pod: &mut PodState, cx: &Context<'_>, id: &str) -> Answer {
    let given = member(cx.request, "server")?;
    let server = find_mut(pod, cx, id, "os_compute_api:servers:update")?;
    let string = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(name) = string("name") {
        server.name = name;
    }
    if given.contains_key("description") && cx.minor >= 19 {
        server.description = string("description");
    }
    if let Some(hostname) = string("hostname") {
        server.hostname = hostname;
    }
    if let Some(address) = string("accessIPv4") {
        server.access_v4 = address;
    }
    if let Some(address) = string("accessIPv6") {
        server.access_v6 = address;
    }
    server.updated = ids::now();
    let server = find(pod, cx, id)?;
    Ok(Reply::ok(json!({"server": view::updated(pod, cx, server)})))
}

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", ["ips"]) => {
            let server = find(pod, cx, id)?;
            Ok(Reply::ok(
                json!({"addresses": view::addresses(pod, server, false)}),
            ))
        }
        ("GET", ["ips", network]) => {
            let server = find(pod, cx, id)?;
            view::addresses(pod, server, false)
                .get(*network)
                .map(|list| Reply::ok(json!({ *network: list })))
                .ok_or_else(|| fault(404, "Instance is not a member of specified network"))
        }
        (_, ["metadata", rest @ ..]) => metadata(pod, cx, id, rest),
        (_, ["tags", rest @ ..]) if cx.minor >= 26 => tags(pod, cx, id, rest),
        ("GET", ["os-instance-actions", rest @ ..]) => instance_actions(pod, cx, id, rest),
        ("GET", ["os-security-groups"]) => security_groups(pod, cx, id),
        ("GET", ["topology"]) if cx.minor >= 78 => {
            find(pod, cx, id)?;
            Ok(Reply::ok(json!({"nodes": [], "pagesize_kb": null})))
        }
        ("GET", ["diagnostics"]) => {
            find(pod, cx, id)?;
            super::require_admin(cx, "os_compute_api:os-server-diagnostics")?;
            Ok(Reply::ok(json!({"state": "running", "driver": "libvirt"})))
        }
        ("GET", ["migrations"]) => {
            find(pod, cx, id)?;
            super::require_admin(cx, "os_compute_api:servers:migrations:index")?;
            Ok(Reply::ok(json!({"migrations": []})))
        }
        ("POST", ["remote-consoles"]) => {
            find(pod, cx, id)?;
            let given = member(cx.request, "remote_console")?;
            let kind = given
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or_default();
            Err(bad_request(&format!("Unavailable console type {kind}.")))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn metadata(pod: &mut PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    let method = cx.request.method.as_str();
    let missing = || fault(404, "Metadata item was not found");
    if method == "GET" {
        let all = &find(pod, cx, id)?.metadata;
        return match rest {
            [] => Ok(Reply::ok(json!({ "metadata": all }))),
            [key] => {
                let value = all.get(*key).ok_or_else(missing)?;
                Ok(Reply::ok(json!({"meta": {*key: value}})))
            }
            _ => Err(Reply::not_found_page()),
        };
    }
    let server = find_mut(pod, cx, id, "os_compute_api:server-metadata:update")?;
    check_unlocked(cx, server)?;
    match (method, rest) {
        ("POST", []) => {
            server.metadata.extend(member(cx.request, "metadata")?);
            Ok(Reply::ok(json!({"metadata": server.metadata})))
        }
        ("PUT", []) => {
            server.metadata = member(cx.request, "metadata")?;
            Ok(Reply::ok(json!({"metadata": server.metadata})))
        }
        ("PUT", [key]) => {
            let meta: Map<String, Value> = member(cx.request, "meta")?;
            let value = meta
                .get(*key)
                .ok_or_else(|| bad_request("Request body and URI mismatch"))?;
            server.metadata.insert((*key).to_owned(), value.clone());
            Ok(Reply::ok(json!({ "meta": meta })))
        }
        ("DELETE", [key]) => {
            server.metadata.shift_remove(*key).ok_or_else(missing)?;
            Ok(Reply::empty(204))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn tags(pod: &mut PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    let method = cx.request.method.as_str();
    let missing = |tag: &str| fault(404, &format!("Server {id} has no tag '{tag}'"));
    if method == "GET" {
        let all = &find(pod, cx, id)?.tags;
        return match rest {
            [] => Ok(Reply::ok(json!({ "tags": all }))),
            [tag] if all.iter().any(|have| have == tag) => Ok(Reply::empty(204)),
            [tag] => Err(missing(tag)),
            _ => Err(Reply::not_found_page()),
        };
    }
    let server = find_mut(pod, cx, id, "os_compute_api:os-server-tags:update")?;
    match (method, rest) {
        ("PUT", []) => {
            let body = cx.request.json().unwrap_or_default();
            let wanted = body
                .get("tags")
                .and_then(Value::as_array)
                .ok_or_else(|| bad_request("'tags' is a required property"))?;
            server.tags = wanted
                .iter()
                .filter_map(|tag| tag.as_str().map(str::to_owned))
                .collect();
            Ok(Reply::ok(json!({"tags": server.tags})))
        }
        ("PUT", [tag]) => {
            if server.tags.iter().any(|have| have == tag) {
                return Ok(Reply::empty(204));
            }
            server.tags.push((*tag).to_owned());
            let location = format!("{}/v2.1/servers/{id}/tags/{tag}", cx.request.base);
            Ok(Reply::empty(201).header("Location", &location))
        }
        ("DELETE", []) => {
            server.tags.clear();
            Ok(Reply::empty(204))
        }
        ("DELETE", [tag]) => {
            let before = server.tags.len();
            server.tags.retain(|have| have != tag);
            if server.tags.len() == before {
                return Err(missing(tag));
            }
            Ok(Reply::empty(204))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn instance_actions(pod: &PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    // From 2.21 the actions of deleted servers can be read.
    let server = pod
        .nova
        .servers
        .get(id)
        .filter(|s| cx.minor >= 21 || !s.is_deleted())
        .filter(|s| cx.caller.is_admin() || s.project_id == cx.caller.project_id)
        .ok_or_else(|| fault(404, &format!("Instance {id} could not be found.")))?;
    let show = |action: &super::server::Action| {
        let mut body = json!({
            "action": action.name, "instance_uuid": id, "request_id": action.request_id,
            "user_id": action.user_id, "project_id": action.project_id,
            "start_time": ids::naive(action.start), "message": null,
        });
        if let (true, Some(object)) = (cx.minor >= 58, body.as_object_mut()) {
            object.insert("updated_at".into(), json!(ids::naive(action.updated)));
        }
        body
    };
    match rest {
        [] => {
            let all: Vec<Value> = server.actions.iter().rev().map(show).collect();
            Ok(Reply::ok(json!({ "instanceActions": all })))
        }
        [request] => {
            let action = server
                .actions
                .iter()
                .find(|action| action.request_id == *request)
                .ok_or_else(|| {
                    fault(
                        404,
                        &format!("Action for request_id {request} on instance {id} not found"),
                    )
                })?;
            let mut body = show(action);
            if let Some(object) = body.as_object_mut() {
                let events = action.event.iter().map(|event| {
                    json!({
                        "event": format!("compute_{}", action.name),
                        "start_time": ids::naive(event.start),
                        "finish_time": event.end.map(|(at, _)| ids::naive(at)),
                        "result": event.end.map(|(_, well)| match well {
                            true => "Success",
                            false => "Error",
                        }),
                        "traceback": null,
                    })
                });
                object.insert("events".into(), events.collect());
            }
            Ok(Reply::ok(json!({ "instanceAction": body })))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn security_groups(pod: &PodState, cx: &Context<'_>, id: &str) -> Answer {
    let server = find(pod, cx, id)?;
    let mut groups: Vec<&str> = server
        .nics
        .iter()
        .filter_map(|nic| pod.neutron.ports.get(&nic.port_id))
        .filter_map(|port| port.get("security_groups").and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let shown: Vec<Value> = groups
        .iter()
        .filter_map(|group| pod.neutron.security_groups.get(*group))
        .map(|group| {
            json!({
                "id": text(group, "id"), "description": text(group, "description"),
                "name": text(group, "name"), "tenant_id": text(group, "project_id"),
                "rules": [],
            })
        })
        .collect();
    Ok(Reply::ok(json!({ "security_groups": shown })))
}
