//! `/os-simple-tenant-usage` over all pods.
//!
//! Pods are asked for every server of the period, and the sums are made here: a page is
//! made of servers, and the sums are those of the servers on it.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion};
use tricircle_gateway::Call;
use tricircle_pods::{PodError, PodSession, Service};

use super::{Said, ask_with, items, page};
use crate::state::State;

/// The most pages that are read of a pod.
const PAGES: usize = 1000;

/// The sums of a project, and what of a server goes into each.
const SUMS: [(&str, &str); 4] = [
    ("total_hours", ""),
    ("total_local_gb_usage", "local_gb"),
    ("total_memory_mb_usage", "memory_mb"),
    ("total_vcpus_usage", "vcpus"),
];

/// What is asked of a pod: the period alone, and every server.
fn question(pairs: &[(String, String)]) -> String {
    let kept = pairs
        .iter()
        .filter(|(key, _)| !["limit", "marker", "detailed"].contains(&key.as_str()));
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("detailed", "1")
        .finish()
}

/// All servers that a pod tells of, with the period they were used in.
async fn read(
    session: &PodSession,
    path: &str,
    query: &str,
    paged: bool,
) -> Result<Value, PodError> {
    let mut all = Vec::new();
    let mut period = Map::new();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES {
        let mut target = format!("{path}?{query}");
        if let Some(marker) = &marker {
            target.push_str(&format!("&marker={marker}"));
        }
        let mut body = session.get_json(Service::Compute, &target).await?;
        let more = ["tenant_usages_links", "tenant_usage_links"]
            .iter()
            .any(|key| body.get(*key).is_some());
        let mut usages = items(&mut body, "tenant_usages");
        usages.extend(body.get_mut("tenant_usage").map(Value::take));
        let mut page = Vec::new();
        for usage in &mut usages {
            for key in ["start", "stop"] {
                if let Some(moment) = usage.get(key) {
                    period.insert(key.to_owned(), moment.clone());
                }
            }
            page.extend(items(usage, "server_usages"));
        }
        // Pods go through their servers in the order of their ids.
        let last = page
            .iter()
            .filter_map(|server| server.get("instance_id")?.as_str())
            .max()
            .map(str::to_owned);
        all.extend(page);
        match last {
            Some(last) if paged && more && marker.as_ref() != Some(&last) => marker = Some(last),
            _ => break,
        }
    }
    Ok(json!({"servers": all, "period": period}))
}

/// The usage of each project that has servers among these.
fn summed(servers: &[Value], period: &Map<String, Value>, detailed: bool) -> Vec<Value> {
    let number = |server: &Value, key: &str| server.get(key).and_then(Value::as_f64);
    let project = |server: &Value| {
        let id = server.get("tenant_id").and_then(Value::as_str);
        id.unwrap_or_default().to_owned()
    };
    let mut seen = BTreeSet::new();
    let mut usages = Vec::new();
    for first in servers {
        let id = project(first);
        if !seen.insert(id.clone()) {
            continue;
        }
        let own: Vec<&Value> = servers.iter().filter(|one| project(one) == id).collect();
        let mut usage = period.clone();
        usage.insert("tenant_id".to_owned(), json!(id));
        for (sum, factor) in SUMS {
            let total: f64 = own
                .iter()
                .map(|server| {
                    let hours = number(server, "hours").unwrap_or(0.0);
                    match factor {
                        "" => hours,
                        factor => hours * number(server, factor).unwrap_or(0.0),
                    }
                })
                .sum();
            usage.insert(sum.to_owned(), json!(total));
        }
        if detailed {
            usage.insert("server_usages".to_owned(), json!(own));
        }
        usages.push(Value::Object(usage));
    }
    usages
}

/// The servers on the page that is asked for, and the link to the next.
struct Used {
    servers: Vec<Value>,
    period: Map<String, Value>,
    next: Option<Value>,
}

async fn used(state: &State, call: &Call) -> Result<Used, Fault> {
    let pairs = call.query_pairs();
    let paged = call.context.version() >= Microversion::new(2, 40);
    let query = question(&pairs);
    let path = call.path.clone();
    let said: Vec<Said> = ask_with(call, |session| {
        let (path, query) = (path.clone(), query.clone());
        async move { read(&session, &path, &query, paged).await }
    })
    .await?;
    let mut all = Vec::new();
    let mut period = Map::new();
    for mut one in said {
        all.extend(items(&mut one.body, "servers"));
        if let Some(Value::Object(of_pod)) = one.body.get_mut("period").map(Value::take) {
            period.extend(of_pod);
        }
    }
    let id = |server: &Value| {
        let id = server.get("instance_id").and_then(Value::as_str);
        id.unwrap_or_default().to_owned()
    };
    all.sort_by_key(id);
    if !paged {
        return Ok(Used {
            servers: all,
            period,
            next: None,
        });
    }
    let asked = page::asked(&pairs, state.compute.config.tricircle.max_limit)?;
    let (servers, more) =
        page::cut(all, "instance_id", &asked).map_err(page::NoMarker::could_not_be_found)?;
    let next = match servers.last() {
        Some(last) if more => Some(page::next(call, &pairs, &id(last))),
        _ => None,
    };
    Ok(Used {
        servers,
        period,
        next,
    })
}

/// `GET /os-simple-tenant-usage`.
pub(crate) async fn index(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let first = call
        .query_pairs()
        .into_iter()
        .find(|(key, _)| key == "detailed");
    let detailed = first.is_some_and(|(_, value)| value == "1");
    let used = used(&state, &call).await?;
    let mut body = Map::new();
    let usages = summed(&used.servers, &used.period, detailed);
    body.insert("tenant_usages".to_owned(), Value::Array(usages));
    if let Some(next) = used.next {
        body.insert("tenant_usages_links".to_owned(), next);
    }
    Ok(HttpResponse::Ok().json(body))
}

/// `GET /os-simple-tenant-usage/{project}`.
pub(crate) async fn show(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let project = call.param("project").to_owned();
    let rule = "os_compute_api:os-simple-tenant-usage:show";
    call.require_on(rule, &project, &call.context.user_id)?;
    let used = used(&state, &call).await?;
    let mut usages = summed(&used.servers, &used.period, true).into_iter();
    let mut body = Map::new();
    let usage = usages.next().unwrap_or_else(|| json!({}));
    body.insert("tenant_usage".to_owned(), usage);
    if let Some(next) = used.next {
        body.insert("tenant_usage_links".to_owned(), next);
    }
    Ok(HttpResponse::Ok().json(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_summed_up_over_pods() {
        let server = |project: &str, hours: f64| {
            json!({
                "tenant_id": project, "hours": hours, "memory_mb": 512, "local_gb": 1, "vcpus": 2,
            })
        };
        let servers = [server("a", 1.0), server("b", 2.0), server("a", 0.5)];
        let period = Map::from_iter([("start".to_owned(), json!("s"))]);
        let usages = summed(&servers, &period, false);
        assert_eq!(
            usages[0],
            json!({
                "start": "s", "tenant_id": "a", "total_hours": 1.5, "total_local_gb_usage": 1.5,
                "total_memory_mb_usage": 768.0, "total_vcpus_usage": 3.0,
            })
        );
        assert_eq!(usages.len(), 2);
        let detailed = summed(&servers, &period, true);
        assert_eq!(detailed[0]["server_usages"].as_array().unwrap().len(), 2);
    }
}
