//! `/v2.0/quotas`, and the check that creates go through.
//!
//! Limits of a project are the configured ones with those that an administrator
//! set over them; what is used is counted from the rows.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_api::table::{Access, Line};
use tricircle_db::models::NetworkUsage;
use tricircle_network::resource::{Body, Chain, ResourceError};
use tricircle_policy::Target;
use tricircle_quota::{Limits, NETWORKING, check};

use crate::call::{Call, refused};

/// Refuses bodies that do not fit into their projects' limits, with the 409 that
/// names the kind of resource, before anything is made of any of them. Creates that come
/// at the same time are told apart where the rows are written.
pub async fn enforce(call: &Call, resource: &str, bodies: &[Body]) -> Result<(), Fault> {
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for body in bodies {
        *wanted.entry(body.project_id()).or_default() += 1;
    }
    for (project_id, count) in wanted {
        let limit = limits(call, project_id).await?.get(resource);
        if limit < 0 {
            continue;
        }
        let used = used(&call.api.store.network_usage(project_id).await?, resource);
        if check(limit, used, count).is_err() {
            return Err(refused(ResourceError::new(
                409,
                "OverQuota",
                format!("Quota exceeded for resources: ['{resource}']."),
            )));
        }
    }
    Ok(())
}

fn used(usage: &NetworkUsage, resource: &str) -> i64 {
    match resource {
        "network" => usage.network,
        "subnet" => usage.subnet,
        "port" => usage.port,
        "security_group" => usage.security_group,
        "security_group_rule" => usage.security_group_rule,
        "router" => usage.router,
        "floatingip" => usage.floatingip,
        _ => 0,
    }
}

async fn limits(call: &Call, project_id: &str) -> Result<Limits, Fault> {
    let own = call.api.store.project_quotas(project_id).await?;
    Ok(Limits::of_project(&call.api.config.quota, own))
}

fn shown(limits: &Limits) -> Map<String, Value> {
    NETWORKING
        .iter()
        .map(|name| ((*name).to_owned(), json!(limits.get(name))))
        .collect()
}

/// The paths.
pub fn lines() -> Vec<Line> {
    let own = || Access::Anybody("tells callers their own project");
    let by = Access::rule;
    let mut lines = Vec::new();
    for suffix in ["", ".json"] {
        let path = |rest: &str| format!("/v2.0/quotas{rest}{suffix}");
        lines.extend([
            Line::new(Method::GET, path(""), by("get_quota"), list),
            Line::new(Method::GET, path("/tenant"), own(), tenant),
            Line::new(Method::GET, path("/project"), own(), project),
            Line::new(
                Method::GET,
                path("/{project}/default"),
                by("get_quota"),
                defaults,
            ),
            Line::new(
                Method::GET,
                path("/{project}/details"),
                by("get_quota"),
                details,
            ),
        ]);
    }
    let one = "/v2.0/quotas/{project}";
    lines.extend([
        Line::new(Method::GET, one, by("get_quota"), show),
        Line::new(Method::PUT, one, by("update_quota"), set),
        Line::new(Method::DELETE, one, by("delete_quota"), reset),
    ]);
    lines
}

fn bare(project: &str) -> &str {
    project.strip_suffix(".json").unwrap_or(project)
}

/// Refuses with 403 unless the rule lets the caller ask about this project.
fn allowed(call: &Call, rule: &str, project_id: &str) -> Result<(), Fault> {
    call.require(&Chain::of(rule), &Target::of_project(project_id))
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    allowed(&call, "get_quota", "")?;
    let mut projects: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
    for (project_id, name, limit) in call.api.store.project_quotas_all().await? {
        projects.entry(project_id).or_default().push((name, limit));
    }
    let quotas: Vec<Value> = projects
        .into_iter()
        .map(|(project_id, own)| {
            let mut quota = shown(&Limits::of_project(&call.api.config.quota, own));
            quota.insert("tenant_id".to_owned(), json!(project_id));
            quota.insert("project_id".to_owned(), json!(project_id));
            Value::Object(quota)
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "quotas": quotas })))
}

async fn tenant(call: Call) -> HttpResponse {
    HttpResponse::Ok().json(json!({"tenant": {"tenant_id": call.project_id()}}))
}

async fn project(call: Call) -> HttpResponse {
    HttpResponse::Ok().json(json!({"project": {"project_id": call.project_id()}}))
}

async fn show(call: Call, project: web::Path<String>) -> Result<HttpResponse, Fault> {
    let project_id = bare(&project);
    allowed(&call, "get_quota", project_id)?;
    let limits = limits(&call, project_id).await?;
    Ok(HttpResponse::Ok().json(json!({ "quota": shown(&limits) })))
}

async fn defaults(call: Call, project: web::Path<String>) -> Result<HttpResponse, Fault> {
    allowed(&call, "get_quota", &project)?;
    let limits = Limits::configured(&call.api.config.quota);
    Ok(HttpResponse::Ok().json(json!({ "quota": shown(&limits) })))
}

async fn details(call: Call, project: web::Path<String>) -> Result<HttpResponse, Fault> {
    allowed(&call, "get_quota", &project)?;
    let limits = limits(&call, &project).await?;
    let usage = call.api.store.network_usage(&project).await?;
    let quota: Map<String, Value> = NETWORKING
        .iter()
        .map(|name| {
            let detail =
                json!({"limit": limits.get(name), "used": used(&usage, name), "reserved": 0});
            ((*name).to_owned(), detail)
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "quota": quota })))
}

async fn set(
    call: Call,
    project: web::Path<String>,
    raw: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let project_id = bare(&project);
    let wanted = read(&raw).map_err(refused)?;
    allowed(&call, "update_quota", project_id)?;
    call.api
        .store
        .project_quotas_set(project_id, &wanted)
        .await?;
    let limits = limits(&call, project_id).await?;
    Ok(HttpResponse::Ok().json(json!({ "quota": shown(&limits) })))
}

async fn reset(call: Call, project: web::Path<String>) -> Result<HttpResponse, Fault> {
    let project_id = bare(&project);
    allowed(&call, "delete_quota", project_id)?;
    call.api.store.project_quotas_delete(project_id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `{"quota": {"network": 5}}`, with Neutron's words for what is none.
fn read(raw: &[u8]) -> Result<Vec<(String, i64)>, ResourceError> {
    let invalid = || ResourceError::bad_request("Body contains invalid data");
    let body: Value = serde_json::from_slice(raw).map_err(|_| invalid())?;
    let Some(quota) = body.get("quota").and_then(Value::as_object) else {
        return Err(ResourceError::bad_request(
            "Unable to find 'quota' in request body",
        ));
    };
    let known = |name: &str| NETWORKING.contains(&name);
    let owner = |name: &str| matches!(name, "tenant_id" | "project_id");
    let unknown: Vec<&str> = quota
        .keys()
        .map(String::as_str)
        .filter(|name| !known(name) && !owner(name))
        .collect();
    if !unknown.is_empty() {
        return Err(ResourceError::bad_request(format!(
            "Unrecognized attribute(s) '{}'",
            unknown.join(", ")
        )));
    }
    quota
        .iter()
        .filter(|(name, _)| known(name))
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let limit: i64 = text.trim().parse().map_err(|_| {
                ResourceError::invalid_input(format_args!("'{text}' is not an integer"))
            })?;
            if limit < -1 {
                return Err(ResourceError::bad_request(format!(
                    "Invalid input for {name}. Reason: '{limit}' is too small - must be at least \
                     '-1'."
                )));
            }
            Ok((name.clone(), limit))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_refused_as_neutron_does() {
        let text = |raw: &str| read(raw.as_bytes()).map_err(|error| error.message);
        assert_eq!(
            text(r#"{"quota": {"network": 5, "port": "-1"}}"#),
            Ok(vec![("network".to_owned(), 5), ("port".to_owned(), -1)])
        );
        for (raw, message) in [
            (
                r#"{"quota": {"bogus": 1}}"#,
                "Unrecognized attribute(s) 'bogus'",
            ),
            (
                r#"{"quota": {"network": -5}}"#,
                "Invalid input for network. Reason: '-5' is too small - must be at least '-1'.",
            ),
            (
                r#"{"quota": {"network": "a"}}"#,
                "Invalid input for operation: 'a' is not an integer.",
            ),
            ("{}", "Unable to find 'quota' in request body"),
        ] {
            assert_eq!(text(raw), Err(message.to_owned()));
        }
    }
}
