//! What projects used, and events from outside.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Context, Server, require_admin};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

/// `/os-simple-tenant-usage`: each server counts for an hour.
pub(super) fn route(pod: &PodState, cx: &Context<'_>, path: &[&str]) -> Answer {
    let query = &cx.request.query;
    let moment = ids::naive(ids::now());
    let limit = query
        .get("limit")
        .and_then(|text| text.parse::<usize>().ok());
    let limit = limit.unwrap_or(1000);
    let marker = query.get("marker").filter(|_| cx.minor >= 40);
    let only = path.first().copied();
    let rule = "os_compute_api:os-simple-tenant-usage";
    match only {
        None => require_admin(cx, &format!("{rule}:list"))?,
        Some(project) if project == cx.caller.project_id => {}
        Some(_) => require_admin(cx, &format!("{rule}:show"))?,
    }
    let page: Vec<&Server> = pod
        .nova
        .servers
        .values()
        .filter(|server| !server.is_deleted() && server.launched.is_some())
        .filter(|server| only.is_none_or(|project| server.project_id == project))
        .filter(|server| marker.is_none_or(|marker| server.id.as_str() > marker))
        .take(limit)
        .collect();
    let detailed = only.is_some() || query.get("detailed") == Some("1");
    let mut projects = BTreeMap::<&str, Vec<&Server>>::new();
    for server in &page {
        projects.entry(&server.project_id).or_default().push(server);
    }
    let usages: Vec<Value> = projects
        .into_iter()
        .map(|(project, servers)| {
            let sum = |of: fn(&Server) -> u64| servers.iter().map(|s| of(s)).sum::<u64>() as f64;
            let mut usage = json!({
                "tenant_id": project, "start": moment, "stop": moment,
                "total_hours": servers.len() as f64,
                "total_vcpus_usage": sum(|s| s.flavor.vcpus),
                "total_memory_mb_usage": sum(|s| s.flavor.ram),
                "total_local_gb_usage": sum(|s| s.flavor.disk),
            });
            if detailed {
                usage["server_usages"] = servers.iter().map(|s| of_server(s)).collect();
            }
            usage
        })
        .collect();
    let (key, mut body) = match only {
        None => ("tenant_usages", json!({ "tenant_usages": usages })),
        Some(_) => {
            let first = usages.into_iter().next().unwrap_or_else(|| json!({}));
            ("tenant_usage", json!({ "tenant_usage": first }))
        }
    };
    if cx.minor >= 40 && page.len() == limit {
        body[format!("{key}_links")] = json!([{"rel": "next", "href": cx.request.base}]);
    }
    Ok(Reply::ok(body))
}

fn of_server(server: &Server) -> Value {
    json!({
        "instance_id": server.id, "name": server.name, "tenant_id": server.project_id,
        "flavor": server.flavor.name, "hours": 1.0, "vcpus": server.flavor.vcpus,
        "memory_mb": server.flavor.ram, "local_gb": server.flavor.disk,
        "started_at": server.launched.map(ids::naive), "ended_at": null,
        "state": server.state, "uptime": 3600,
    })
}

/// `POST /os-server-external-events`.
pub(super) fn events(pod: &PodState, cx: &Context<'_>) -> Answer {
    require_admin(cx, "os_compute_api:os-server-external-events:create")?;
    let body = cx.request.json().unwrap_or_default();
    let mut events = body
        .get("events")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut status = 200;
    for event in &mut events {
        let id = event
            .get("server_uuid")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let server = pod
            .nova
            .servers
            .get(id)
            .filter(|server| !server.is_deleted());
        let code = match server {
            None => 404,
            Some(server) if server.launched.is_none() => 422,
            Some(_) => 200,
        };
        event["code"] = json!(code);
        event["status"] = json!(if code == 200 { "completed" } else { "failed" });
        if code != 200 {
            status = 207;
        }
    }
    Ok(Reply::json(status, json!({ "events": events })))
}
