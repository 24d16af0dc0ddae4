//! `GET /v1.0/routings`: where everything is.
//!
//! One list of two kinds of rows: what pods own (servers, volumes: *routing*)
//! and what the top owns and made in pods (networks, ports, flavors, …:
//! *realization*). To an operator both say "this top id is that id in that pod".

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, RequestContext, Site};
use tricircle_db::models::{Realization, RealizationKind, Routing, RoutingFilter, RoutingKind};

use super::Query;
use crate::listing::{Listing, moment};
use crate::regions::Regions;
use crate::state::State;

const FILTERS: [&str; 8] = [
    "resource_type",
    "record",
    "top_id",
    "bottom_id",
    "pod_id",
    "region_name",
    "project_id",
    "state",
];

pub(crate) async fn list(
    context: RequestContext,
    state: Data<State>,
    site: Site,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    state.require("routings:list", &context)?;
    let listing = Listing::parse(&query, &FILTERS, state.config.tricircle.max_limit)?;
    let regions = Regions::read(&state).await?;
    let kind = listing.filter("resource_type");
    let mut items = Vec::new();
    // The database narrows down by what it has an index for; the rest of the
    // filters, and the page, are taken from what is left.
    if kind.is_none_or(|kind| kind.parse::<RoutingKind>().is_ok()) {
        let filter = RoutingFilter {
            kind: kind.and_then(|kind| kind.parse().ok()),
            project_id: listing.filter("project_id").map(str::to_owned),
            pod_id: listing.filter("pod_id").map(str::to_owned),
            ..RoutingFilter::default()
        };
        let rows = state.store.routings(&filter).await?;
        items.extend(rows.iter().map(|row| routing_shown(row, &regions)));
    }
    if kind.is_none_or(|kind| kind.parse::<RealizationKind>().is_ok()) {
        let rows = state
            .store
            .realizations(listing.filter("pod_id"), listing.filter("project_id"))
            .await?;
        items.extend(rows.iter().map(|row| realization_shown(row, &regions)));
    }
    newest_first(&mut items);
    let body = listing.page("routings", items, &site, &request)?;
    Ok(HttpResponse::Ok().json(body))
}

pub(crate) async fn show(
    context: RequestContext,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    state.require("routings:show", &context)?;
    let regions = Regions::read(&state).await?;
    if let Some(row) = state.store.routing_by_id(&id).await? {
        let mut shown = routing_shown(&row, &regions);
        for (name, value) in [
            ("user_id", json!(row.user_id)),
            ("availability_zone", json!(row.availability_zone)),
            ("flavor_id", json!(row.flavor_id)),
            ("image_id", json!(row.image_id)),
            ("request_id", json!(row.request_id)),
            ("reservation_id", json!(row.reservation_id)),
            ("deleted_at", json!(row.deleted_at.map(moment))),
        ] {
            shown.insert(name.to_owned(), value);
        }
        return Ok(HttpResponse::Ok().json(json!({"routing": shown})));
    }
    let row = state.store.realization_by_id(&id).await?;
    let row = row.ok_or_else(|| Fault::not_found(format!("Routing {id} could not be found.")))?;
    Ok(HttpResponse::Ok().json(json!({"routing": realization_shown(&row, &regions)})))
}

fn newest_first(items: &mut [Map<String, Value>]) {
    let key = |item: &Map<String, Value>| {
        let text = |name: &str| {
            item.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        (text("created_at"), text("id"))
    };
    items.sort_by_cached_key(|item| std::cmp::Reverse(key(item)));
}

pub(super) fn routing_shown(row: &Routing, regions: &Regions) -> Map<String, Value> {
    record([
        ("id", json!(row.id)),
        ("record", json!("routing")),
        ("resource_type", json!(row.kind)),
        ("top_id", json!(row.top_id)),
        ("pod_id", json!(row.pod_id)),
        ("region_name", json!(regions.of(&row.pod_id))),
        ("bottom_id", json!(row.bottom_id)),
        ("project_id", json!(row.project_id)),
        ("name", json!(row.name)),
        ("state", json!(row.state)),
        ("created_at", json!(moment(row.created_at))),
        ("updated_at", json!(moment(row.updated_at))),
    ])
}

pub(super) fn realization_shown(row: &Realization, regions: &Regions) -> Map<String, Value> {
    record([
        ("id", json!(row.id)),
        ("record", json!("realization")),
        ("resource_type", json!(row.kind)),
        ("top_id", json!(row.top_id)),
        ("pod_id", json!(row.pod_id)),
        ("region_name", json!(regions.of(&row.pod_id))),
        ("bottom_id", json!(row.bottom_id)),
        ("project_id", json!(row.project_id)),
        ("name", Value::Null),
        ("state", json!(row.state)),
        ("created_at", json!(moment(row.created_at))),
        ("updated_at", json!(moment(row.updated_at))),
    ])
}

fn record<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
