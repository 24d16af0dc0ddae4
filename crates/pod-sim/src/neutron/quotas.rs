//! Quotas, shown and set; only that of a router's routes is enforced.

use serde_json::{Map, Value, json};

use super::{Answer, Context, NeutronState, Reply, Table, forbidden, text, updated_object};

const DEFAULTS: &[(&str, i64)] = &[
    ("network", -1),
    ("subnet", -1),
    ("subnetpool", -1),
    ("port", -1),
    ("router_route", 30),
    ("router", -1),
    ("floatingip", -1),
    ("rbac_policy", 10),
    ("security_group", -1),
    ("security_group_rule", -1),
    ("trunk", -1),
];

fn quota(state: &NeutronState, project: &str) -> Map<String, Value> {
    let mut quota: Map<String, Value> = DEFAULTS
        .iter()
        .map(|(name, limit)| ((*name).to_owned(), json!(limit)))
        .collect();
    if let Some(own) = state.quotas.get(project) {
        quota.extend(own.clone());
    }
    quota
}

/// A project's limit of something; -1 is none.
pub(super) fn limit(state: &NeutronState, project: &str, name: &str) -> i64 {
    quota(state, project)
        .get(name)
        .and_then(Value::as_i64)
        .unwrap_or(-1)
}

fn used(state: &NeutronState, project: &str, name: &str) -> usize {
    let count = |table: &Table| {
        table
            .values()
            .filter(|object| text(object, "project_id") == project)
            .count()
    };
    match name {
        "network" => count(&state.networks),
        "subnet" => count(&state.subnets),
        "port" => count(&state.ports),
        "router" => count(&state.routers),
        "floatingip" => count(&state.floatingips),
        "security_group" => count(&state.security_groups),
        "security_group_rule" => count(&state.security_group_rules),
        _ => 0,
    }
}

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    let admin = cx.caller.is_admin();
    let own = |project: &str| admin || project == cx.caller.project_id;
    match (cx.request.method.as_str(), rest) {
        ("GET", []) if admin => {
            let all: Vec<Value> = state
                .quotas
                .keys()
                .map(|project| {
                    let mut one = quota(state, project);
                    one.insert("project_id".into(), json!(project));
                    one.insert("tenant_id".into(), json!(project));
                    Value::Object(one)
                })
                .collect();
            Ok(Reply::ok(json!({ "quotas": all })))
        }
        ("GET", []) => Err(forbidden("rule:get_quota")),
        ("GET", [project, "default"] | [project]) if own(project) => {
            Ok(Reply::ok(json!({ "quota": quota(state, project) })))
        }
        ("GET", [project, "details"]) if own(project) => {
            let details: Map<String, Value> = quota(state, project)
                .into_iter()
                .map(|(name, limit)| {
                    let used = used(state, project, &name);
                    let one = json!({"limit": limit, "used": used, "reserved": 0});
                    (name, one)
                })
                .collect();
            Ok(Reply::ok(json!({ "quota": details })))
        }
        ("PUT", [project]) if admin => {
            let given = updated_object(cx.request, "quota")?;
            let own = state.quotas.entry((*project).to_owned()).or_default();
            own.extend(given);
            Ok(Reply::ok(json!({ "quota": quota(state, project) })))
        }
        ("DELETE", [project]) if admin => {
            state.quotas.remove(*project);
            Ok(Reply::empty(204))
        }
        _ => Err(forbidden("rule:get_quota")),
    }
}
