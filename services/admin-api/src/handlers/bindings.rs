//! `/v1.0/bindings`: which project is placed in which pod.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, JsonBody, RequestContext, Site};
use tricircle_db::DbError;
use tricircle_db::models::PodBinding;
use uuid::Uuid;

use super::Query;
use crate::listing::{Listing, moment};
use crate::state::State;

const FILTERS: [&str; 3] = ["project_id", "tenant_id", "pod_id"];

pub(crate) async fn list(
    context: RequestContext,
    state: Data<State>,
    site: Site,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    state.require("bindings:list", &context)?;
    let listing = Listing::parse(&query, &FILTERS, state.config.tricircle.max_limit)?;
    let bindings = state.store.bindings(None, None, false).await?;
    let items = bindings.iter().map(shown).collect();
    let body = listing.page("pod_bindings", items, &site, &request)?;
    Ok(HttpResponse::Ok().json(body))
}

pub(crate) async fn show(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("bindings:show", &context)?;
    let binding = state.store.binding_by_id(&id).await?;
    let binding = binding.ok_or_else(|| no_such_binding(&id))?;
    Ok(HttpResponse::Ok().json(json!({"pod_binding": shown(&binding)})))
}

pub(crate) async fn create(
    context: RequestContext,
    state: Data<State>,
    body: JsonBody,
) -> Result<HttpResponse, Fault> {
    state.require("bindings:create", &context)?;
    let (project_id, pod_id) = parse(body.member("pod_binding")?)?;
    let pods = state.store.pods_all().await?;
    if !pods.iter().any(|view| view.pod.id == pod_id) {
        return Err(Fault::bad_request(format!("There is no pod {pod_id}.")));
    }
    let binding = PodBinding {
        id: Uuid::new_v4().to_string(),
        project_id,
        pod_id,
        started_at: tricircle_db::now(),
        ended_at: None,
        active_slot: String::new(),
    };
    match state.store.binding_create(&binding).await {
        Err(DbError::Duplicate(_)) => Err(Fault::conflict(format!(
            "Project {} is bound to pod {} already.",
            binding.project_id, binding.pod_id
        ))),
        other => {
            other?;
            Ok(HttpResponse::Created().json(json!({"pod_binding": shown(&binding)})))
        }
    }
}

pub(crate) async fn delete(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("bindings:delete", &context)?;
    if state.store.binding_end(&id).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(no_such_binding(&id))
    }
}

/// Project and pod of a request; the project under its name of today or the
/// ancestors'.
fn parse(body: &Map<String, Value>) -> Result<(String, String), Fault> {
    if let Some(unknown) = body
        .keys()
        .find(|key| !["project_id", "tenant_id", "pod_id"].contains(&key.as_str()))
    {
        return Err(Fault::bad_request(format!(
            "A pod binding has no field {unknown:?}."
        )));
    }
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() && text.len() <= 64 => {
            Ok(Some(text.trim().to_owned()))
        }
        Some(_) => Err(Fault::bad_request(format!(
            "{name} must be an id of at most 64 characters."
        ))),
    };
    let project_id = match (text("project_id")?, text("tenant_id")?) {
        (Some(project), Some(tenant)) if project != tenant => {
            return Err(Fault::bad_request(
                "project_id and tenant_id mean the same and differ.",
            ));
        }
        (project, tenant) => project
            .or(tenant)
            .ok_or_else(|| Fault::bad_request("project_id is missing."))?,
    };
    let pod_id = text("pod_id")?.ok_or_else(|| Fault::bad_request("pod_id is missing."))?;
    Ok((project_id, pod_id))
}

fn shown(binding: &PodBinding) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in [
        ("id", json!(binding.id)),
        ("project_id", json!(binding.project_id)),
        ("tenant_id", json!(binding.project_id)),
        ("pod_id", json!(binding.pod_id)),
        ("started_at", json!(moment(binding.started_at))),
        ("ended_at", json!(binding.ended_at.map(moment))),
    ] {
        shown.insert(name.to_owned(), value);
    }
    shown
}

fn no_such_binding(id: &str) -> Fault {
    Fault::not_found(format!("Pod binding {id} could not be found."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_names_one_project_and_one_pod() {
        let parse = |body: Value| parse(body.as_object().unwrap()).map_err(|f| f.to_string());
        let pair = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        assert_eq!(
            parse(json!({"tenant_id": "p", "pod_id": "x"})),
            pair("p", "x")
        );
        assert_eq!(
            parse(json!({"project_id": "p", "pod_id": "x"})),
            pair("p", "x")
        );
        for bad in [
            json!({}),
            json!({"project_id": "p"}),
            json!({"pod_id": "x"}),
            json!({"project_id": "", "pod_id": "x"}),
            json!({"project_id": 1, "pod_id": "x"}),
            json!({"project_id": "p", "tenant_id": "q", "pod_id": "x"}),
            json!({"project_id": "p", "pod_id": "x", "until": "now"}),
            json!({"project_id": "p".repeat(65), "pod_id": "x"}),
        ] {
            assert!(parse(bad.clone()).is_err(), "{bad}");
        }
    }
}
