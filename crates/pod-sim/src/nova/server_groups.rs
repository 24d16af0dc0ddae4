//! Server groups: names, policies, and who is in them.

use serde_json::{Value, json};

use super::{Answer, Context, bad_request, fault, member, python, require_member};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

/// A server group.
#[derive(Debug, Clone)]
pub(crate) struct ServerGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) project_id: String,
    user_id: String,
    pub(crate) policy: String,
    pub(crate) rules: Value,
    pub(crate) members: Vec<String>,
}

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, path: &[&str]) -> Answer {
    match (cx.request.method.as_str(), path) {
        ("GET", []) => Ok(list(pod, cx)),
        ("POST", []) => create(pod, cx),
        ("GET", [id]) => {
            let group = find(pod, cx, id)?;
            Ok(Reply::ok(json!({"server_group": shown(pod, cx, group)})))
        }
        ("DELETE", [id]) => {
            find(pod, cx, id)?;
            require_member(cx, "os_compute_api:os-server-groups:delete")?;
            pod.nova.server_groups.retain(|group| group.id != *id);
            Ok(Reply::empty(204))
        }
        _ => Err(Reply::not_found_page()),
    }
}

/// Nova's words for a group that is not there.
fn missing(id: &str) -> String {
    format!("Instance group {id} could not be found.")
}

fn find<'a>(pod: &'a PodState, cx: &Context<'_>, id: &str) -> Result<&'a ServerGroup, Reply> {
    let group = pod.nova.server_groups.iter().find(|group| group.id == id);
    let group = group.ok_or_else(|| fault(404, &missing(id)))?;
    if !cx.caller.is_admin() && group.project_id != cx.caller.project_id {
        return Err(super::forbidden("os_compute_api:os-server-groups:show"));
    }
    Ok(group)
}

fn shown(pod: &PodState, cx: &Context<'_>, group: &ServerGroup) -> Value {
    let alive = |id: &&String| {
        let server = pod.nova.servers.get(*id);
        server.is_some_and(|server| !server.is_deleted())
    };
    let members: Vec<&String> = group.members.iter().filter(alive).collect();
    let mut out = json!({"id": group.id, "name": group.name});
    if cx.minor >= 64 {
        out["policy"] = json!(group.policy);
        out["rules"] = group.rules.clone();
    } else {
        out["policies"] = json!([group.policy]);
        out["metadata"] = json!({});
    }
    out["members"] = json!(members);
    if cx.minor >= 13 {
        out["project_id"] = json!(group.project_id);
        out["user_id"] = json!(group.user_id);
    }
    out
}

fn list(pod: &PodState, cx: &Context<'_>) -> Reply {
    let all = cx.request.query.has("all_projects") && cx.caller.is_admin();
    let number = |key: &str| {
        cx.request
            .query
            .get(key)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let groups: Vec<Value> = pod
        .nova
        .server_groups
        .iter()
        .filter(|group| all || group.project_id == cx.caller.project_id)
        .skip(number("offset").unwrap_or(0))
        .take(number("limit").filter(|n| *n > 0).unwrap_or(1000))
        .map(|group| shown(pod, cx, group))
        .collect();
    Reply::ok(json!({ "server_groups": groups }))
}

fn create(pod: &mut PodState, cx: &Context<'_>) -> Answer {
    let given = member(cx.request, "server_group")?;
    require_member(cx, "os_compute_api:os-server-groups:create")?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").ok_or_else(|| required("name", &given))?;
    let policy = if cx.minor >= 64 {
        text("policy").ok_or_else(|| required("policy", &given))?
    } else {
        let first = given.get("policies").and_then(|list| list.get(0)?.as_str());
        first
            .map(str::to_owned)
            .ok_or_else(|| required("policies", &given))?
    };
    let mut rules = given.get("rules").cloned().unwrap_or_else(|| json!({}));
    if policy != "anti-affinity" && rules.as_object().is_some_and(|rules| !rules.is_empty()) {
        return Err(bad_request("Only anti-affinity policy supports rules."));
    }
    if let Some(most) = rules.get_mut("max_server_per_host")
        && let Some(number) = most.as_str().and_then(|text| text.parse::<i64>().ok())
    {
        *most = json!(number);
    }
    let group = ServerGroup {
        id: ids::uuid(),
        name,
        project_id: cx.caller.project_id.clone(),
        user_id: cx.caller.user_id.clone(),
        policy,
        rules,
        members: Vec::new(),
    };
    let reply = Reply::ok(json!({"server_group": shown(pod, cx, &group)}));
    pod.nova.server_groups.push(group);
    Ok(reply)
}

fn required(key: &str, given: &serde_json::Map<String, Value>) -> Reply {
    super::invalid(
        "server_group",
        &python(&Value::Object(given.clone())),
        &format!("'{key}' is a required property"),
    )
}

/// The 400 for a hint that names no group.
pub(super) fn check_hint(pod: &PodState, id: &str) -> Result<(), Reply> {
    let known = pod.nova.server_groups.iter().any(|group| group.id == id);
    known.then_some(()).ok_or_else(|| bad_request(&missing(id)))
}

/// Puts a new server into the group of its hint.
pub(super) fn join(pod: &mut PodState, id: &str, server: &str) {
    let mut groups = pod.nova.server_groups.iter_mut();
    if let Some(group) = groups.find(|group| group.id == id) {
        group.members.push(server.to_owned());
    }
}

/// The groups that a server is in.
pub(super) fn of_server(pod: &PodState, server: &str) -> Vec<String> {
    let groups = pod.nova.server_groups.iter();
    groups
        .filter(|group| group.members.iter().any(|member| member == server))
        .map(|group| group.id.clone())
        .collect()
}
