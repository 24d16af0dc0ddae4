//! `/os-server-groups`: kept at the top; pods have what they need of them.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion, schema};
use tricircle_compute::no_such_group;
use tricircle_db::models::{GroupPolicy, ServerGroup};
use tricircle_gateway::Call;

use super::{name, non_negative, read};
use crate::state::State;

/// The version from which on a group has one policy, and rules.
const RULES: Microversion = Microversion::new(2, 64);

fn policies(version: Microversion) -> Value {
    if version < Microversion::new(2, 15) {
        json!(["anti-affinity", "affinity"])
    } else {
        json!([
            "anti-affinity",
            "affinity",
            "soft-anti-affinity",
            "soft-affinity"
        ])
    }
}

fn create_schema(version: Microversion) -> Value {
    let policy = json!({"type": "string", "enum": policies(version)});
    let (properties, required) = if version < RULES {
        (
            json!({
                "name": name(),
                "policies": {
                    "type": "array", "prefixItems": [policy], "uniqueItems": true,
                    "minItems": 1, "maxItems": 1,
                },
            }),
            json!(["name", "policies"]),
        )
    } else {
        (
            json!({
                "name": name(),
                "policy": policy,
                "rules": {
                    "type": "object",
                    "properties": {"max_server_per_host": {
                        "type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1,
                        "minLength": 1,
                    }},
                    "additionalProperties": false,
                },
            }),
            json!(["name", "policy"]),
        )
    };
    json!({
        "type": "object",
        "properties": {"server_group": {
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        }},
        "required": ["server_group"],
        "additionalProperties": false,
    })
}

/// A group as a version shows it.
fn shown(version: Microversion, group: &ServerGroup, members: &[String]) -> Value {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(group.id));
    out.insert("name".to_owned(), json!(group.name));
    if version < RULES {
        out.insert("policies".to_owned(), json!([group.policy.as_str()]));
        out.insert("metadata".to_owned(), json!({}));
    } else {
        let rules: Value = serde_json::from_str(&group.rules).unwrap_or_else(|_| json!({}));
        out.insert("policy".to_owned(), json!(group.policy.as_str()));
        out.insert("rules".to_owned(), rules);
    }
    out.insert("members".to_owned(), json!(members));
    if version >= Microversion::new(2, 13) {
        out.insert("project_id".to_owned(), json!(group.project_id));
        out.insert("user_id".to_owned(), json!(group.user_id));
    }
    Value::Object(out)
}

/// The servers of groups, by group.
async fn members(
    state: &State,
    groups: &[ServerGroup],
) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let ids: Vec<String> = groups.iter().map(|group| group.id.clone()).collect();
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for member in state.compute.store.server_group_members(&ids).await? {
        let of_group = found.entry(member.group_id).or_default();
        of_group.extend(member.server_id);
    }
    Ok(found)
}

/// Lists the project's groups, or for administrators all.
pub(crate) async fn index(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let version = call.context.version();
    let pairs = call.query_pairs();
    let text = json!({"type": "array", "items": {"type": "string"}});
    let number = json!({"type": "array", "items": non_negative()});
    schema::query(
        &json!({
            "type": "object",
            "properties": {"all_projects": text, "limit": number, "offset": number},
            "additionalProperties": version < Microversion::new(2, 75),
        }),
        &pairs,
    )?;
    let last = |key: &str| {
        pairs
            .iter()
            .rfind(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    };
    let all = last("all_projects").is_some() && call.context.is_admin();
    if all {
        call.require("os_compute_api:os-server-groups:index:all_projects")?;
    }
    let number = |key: &str| last(key).and_then(|text| text.parse::<i64>().ok());
    let most = i64::try_from(state.compute.config.tricircle.max_limit).unwrap_or(i64::MAX);
    let limit = number("limit").filter(|limit| *limit > 0);
    let limit = limit.unwrap_or(most).min(most);
    let project = (!all).then_some(call.context.project_id.as_str());
    let store = &state.compute.store;
    let groups = store
        .server_groups(project, number("offset").unwrap_or(0), limit)
        .await?;
    let members = members(&state, &groups).await?;
    let list: Vec<Value> = groups
        .iter()
        .map(|group| {
            let of_group = members.get(&group.id).map_or(&[][..], Vec::as_slice);
            shown(version, group, of_group)
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "server_groups": list })))
}

/// The group in the path, if the rule lets the caller at it.
async fn find(state: &State, call: &Call, rule: &str) -> Result<ServerGroup, Fault> {
    let id = call.param("id");
    let found = state.compute.store.server_group_by_id(id).await?;
    let group = found.ok_or_else(|| Fault::not_found(no_such_group(id)))?;
    call.require_on(rule, &group.project_id, &group.user_id)?;
    Ok(group)
}

/// Shows a group.
pub(crate) async fn show(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let version = call.context.version();
    schema::query(
        &json!({
            "type": "object", "properties": {},
            "additionalProperties": version < Microversion::new(2, 102),
        }),
        &call.query_pairs(),
    )?;
    let group = find(&state, &call, "os_compute_api:os-server-groups:show").await?;
    let groups = [group];
    let members = members(&state, &groups).await?;
    let [group] = &groups;
    let of_group = members.get(&group.id).map_or(&[][..], Vec::as_slice);
    Ok(HttpResponse::Ok().json(json!({"server_group": shown(version, group, of_group)})))
}

/// Creates a group.
pub(crate) async fn create(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    let version = call.context.version();
    schema::body(&create_schema(version), &body)?;
    let wanted = body.get("server_group");
    let text = |pointer: &str| wanted.and_then(|wanted| wanted.pointer(pointer)?.as_str());
    let policy = text("/policy").or(text("/policies/0")).unwrap_or_default();
    let policy: GroupPolicy = policy.parse().map_err(Fault::bad_request)?;
    let rules = wanted
        .and_then(|wanted| wanted.get("rules")?.as_object())
        .cloned()
        .unwrap_or_default();
    let row = ServerGroup {
        id: uuid::Uuid::new_v4().to_string(),
        project_id: call.context.project_id.clone(),
        user_id: call.context.user_id.clone(),
        name: text("/name").unwrap_or_default().to_owned(),
        policy,
        rules: rules_as_kept(&rules).to_string(),
        created_at: tricircle_db::now(),
    };
    let configured = state.compute.config.quota.server_groups;
    let store = &state.compute.store;
    // Nova counts before it reads the rules.
    let quotas = super::quotas::Quotas::of(&state, &row.project_id, None).await?;
    let limit = quotas.limit("server_groups");
    if limit >= 0 && quotas.used("server_groups") >= limit {
        return Err(too_many());
    }
    if policy != GroupPolicy::AntiAffinity && !rules.is_empty() {
        return Err(Fault::bad_request(
            "Only anti-affinity policy supports rules.",
        ));
    }
    if !store.server_group_create(&row, configured).await? {
        return Err(too_many());
    }
    Ok(HttpResponse::Ok().json(json!({"server_group": shown(version, &row, &[])})))
}

/// Nova shows numbers, however they were written.
fn rules_as_kept(rules: &Map<String, Value>) -> Value {
    let kept = rules.iter().map(|(name, value)| {
        let number = match value {
            Value::String(text) => text.parse::<i64>().ok(),
            number => number.as_i64().or(number.as_f64().map(|n| n as i64)),
        };
        (name.clone(), json!(number))
    });
    Value::Object(kept.collect())
}

fn too_many() -> Fault {
    Fault::forbidden("Quota exceeded, too many server groups.")
}

/// Deletes a group; its servers stay.
pub(crate) async fn delete(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let group = find(&state, &call, "os_compute_api:os-server-groups:delete").await?;
    let gone = state
        .compute
        .delete_group(&group, call.context.request_id())
        .await?;
    if !gone {
        return Err(Fault::not_found(no_such_group(&group.id)));
    }
    Ok(HttpResponse::NoContent().finish())
}
