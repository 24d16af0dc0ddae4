//! Quotas and limits: the configured ones, with what is used of them.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion};
use tricircle_db::models::{RoutingKind, RoutingUsage};
use tricircle_gateway::Call;

use crate::state::State;

/// A resource that Nova counts, its limit, and what is used of it.
fn counted(state: &State, used: RoutingUsage, keys: i64) -> [(&'static str, i64, i64); 4] {
    let quota = &state.compute.config.quota;
    [
        ("cores", quota.cores, used.vcpus),
        ("instances", quota.instances, used.count),
        ("key_pairs", quota.key_pairs, keys),
        ("ram", quota.ram, used.ram_mb),
    ]
}

/// Limits of the API itself that are the same for everybody.
const FIXED: [(&str, i64); 3] = [
    ("metadata_items", 128),
    ("server_group_members", 10),
    ("server_groups", 10),
];

async fn usage(state: &State, project_id: &str) -> Result<RoutingUsage, Fault> {
    let kind = RoutingKind::Server;
    Ok(state.compute.store.routing_usage(kind, project_id).await?)
}

/// `GET /limits`.
pub(crate) async fn limits(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let asked = call
        .query_pairs()
        .into_iter()
        .find(|(key, _)| key == "tenant_id")
        .map(|(_, value)| value);
    let own = call.context.project_id.clone();
    if asked.as_ref().is_some_and(|project| *project != own) {
        call.require("os_compute_api:limits:other_project")?;
    }
    let used = usage(&state, &asked.unwrap_or(own)).await?;
    let quota = &state.compute.config.quota;
    let mut absolute = json!({
        "maxTotalInstances": quota.instances, "totalInstancesUsed": used.count,
        "maxTotalCores": quota.cores, "totalCoresUsed": used.vcpus,
        "maxTotalRAMSize": quota.ram, "totalRAMUsed": used.ram_mb,
        "maxTotalKeypairs": quota.key_pairs, "maxServerMeta": 128,
        "maxServerGroups": 10, "maxServerGroupMembers": 10, "totalServerGroupsUsed": 0,
    });
    if call.context.version() < Microversion::new(2, 36)
        && let Some(map) = absolute.as_object_mut()
    {
        for key in [
            "maxTotalFloatingIps",
            "maxSecurityGroups",
            "maxSecurityGroupRules",
        ] {
            map.insert(key.to_owned(), json!(-1));
        }
    }
    if call.context.version() < Microversion::new(2, 39)
        && let Some(map) = absolute.as_object_mut()
    {
        map.insert("maxImageMeta".to_owned(), json!(128));
    }
    Ok(HttpResponse::Ok().json(json!({"limits": {"rate": [], "absolute": absolute}})))
}

/// `GET /os-quota-sets/{project}` and its defaults.
pub(crate) async fn quota_set(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let rows = counted(&state, RoutingUsage::default(), 0);
    let mut set = Map::new();
    let rule = match call.path.ends_with("/defaults") {
        true => "os_compute_api:os-quota-sets:defaults",
        false => "os_compute_api:os-quota-sets:show",
    };
    set.insert("id".to_owned(), json!(project_in_path(&call, rule)?));
    for (name, limit) in rows.iter().map(|(n, l, _)| (*n, *l)).chain(FIXED) {
        set.insert(name.to_owned(), json!(limit));
    }
    Ok(HttpResponse::Ok().json(json!({"quota_set": set})))
}

/// `GET /os-quota-sets/{project}/detail`.
pub(crate) async fn quota_detail(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let project = project_in_path(&call, "os_compute_api:os-quota-sets:detail")?;
    let used = usage(&state, &project).await?;
    let detail = |limit: i64, used: i64| json!({"limit": limit, "in_use": used, "reserved": 0});
    let mut set = Map::new();
    set.insert("id".to_owned(), Value::String(project));
    for (name, limit, used) in counted(&state, used, 0) {
        set.insert(name.to_owned(), detail(limit, used));
    }
    for (name, limit) in FIXED {
        set.insert(name.to_owned(), detail(limit, 0));
    }
    Ok(HttpResponse::Ok().json(json!({"quota_set": set})))
}

/// The project in the path, if the rule lets the caller ask about it.
fn project_in_path(call: &Call, rule: &str) -> Result<String, Fault> {
    let project = call.param("project").to_owned();
    call.require_on(rule, &project, &call.context.user_id)?;
    Ok(project)
}
