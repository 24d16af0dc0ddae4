//! Routers: the row is the top's; the parts of it in the pods follow by a job.

use serde_json::Value;
use tricircle_db::models::{RealizationKind, Router, RouterChange, RouterFilter, RowState};
use tricircle_network::NetworkError;
use tricircle_network::resource::tables::ROUTER;
use tricircle_network::resource::{Body, ListQuery, Resource, ResourceError, Row};
use tricircle_network::routers::{GatewayUpdate, GatewayWish, RouterView, routes_from_json};

use super::{narrowed, owners};
use crate::call::{Call, failed, refused, written};
use crate::cloud::{Hints, check_hints, zones_of};
use crate::family::{Done, Family};
use crate::{rows, writes};

/// `/v2.0/routers`
pub struct Routers;

impl Family for Routers {
    const RESOURCE: &'static Resource = &ROUTER;

    async fn rows(call: &Call, query: &ListQuery) -> Done<Vec<Row>> {
        let filter = RouterFilter {
            ids: narrowed(query, "id"),
            project_ids: owners(query, call.projects()),
            names: narrowed(query, "name"),
            deleting_too: false,
        };
        let routers = call.api.store.routers(&filter).await?;
        let views = call.api.network.router_views(routers).await;
        let views = views.map_err(failed)?;
        Ok(views.iter().map(|view| rows::router(view, &[])).collect())
    }

    async fn row(call: &Call, id: &str) -> Done<Option<Row>> {
        let found = call.api.store.router_by_id(id).await?;
        let Some(router) = found.filter(|router| router.state == RowState::Live) else {
            return Ok(None);
        };
        let views = call.api.network.router_views(vec![router]).await;
        match views.map_err(failed)?.first() {
            Some(view) => Ok(Some(shown(call, view).await?)),
            None => Ok(None),
        }
    }

    async fn target(_call: &Call, body: &Body) -> Done<Row> {
        Ok(body.values.clone())
    }

    async fn create(call: &Call, bodies: &[Body]) -> Done<Vec<Row>> {
        let mut made: Vec<RouterView> = Vec::new();
        for body in bodies {
            match create_one(call, body).await {
                Ok(view) => made.push(view),
                Err(fault) => {
                    undo(call, &made).await;
                    return Err(fault);
                }
            }
        }
        Ok(made.iter().map(|view| rows::router(view, &[])).collect())
    }

    async fn update(call: &Call, row: &Row, body: &Body, revision: Option<i64>) -> Done<Row> {
        let id = Resource::id_of(row);
        if body.values.is_empty() {
            return Ok(row.clone());
        }
        refuse_special(body)?;
        let change = RouterChange {
            name: body.text("name").map(str::to_owned),
            description: body.text("description").map(str::to_owned),
            admin_state_up: body.flag("admin_state_up"),
            routes: routes_of(body)?,
            ..RouterChange::default()
        };
        let gateway = match body.has("external_gateway_info") {
            false => GatewayUpdate::Keep,
            true => match wished_gateway(call, body).await? {
                None => GatewayUpdate::Clear,
                Some(wish) => GatewayUpdate::Set(wish),
            },
        };
        let request = call.context.request_id();
        let network = &call.api.network;
        let changed = network.update_router(id, &change, &gateway, revision, request);
        written(revision, changed.await)?;
        Self::row(call, id)
            .await?
            .ok_or_else(|| refused(ROUTER.not_found(id)))
    }

    async fn delete(call: &Call, row: &Row, revision: Option<i64>) -> Done<()> {
        let id = Resource::id_of(row);
        let request = call.context.request_id();
        let gone = call.api.network.delete_router(id, revision, request).await;
        written(revision, gone)
    }
}

/// A router with the zones of the pods that have a part of it.
pub(super) async fn shown(call: &Call, view: &RouterView) -> Done<Row> {
    let zones = zones_of(call, RealizationKind::Router, &view.router.id).await?;
    Ok(rows::router(view, &zones))
}

/// Refuses what the top has no way to offer: its parts in the pods are plain routers.
fn refuse_special(body: &Body) -> Done<()> {
    for (name, what) in [
        ("distributed", "Distributed routers"),
        ("ha", "Routers with high availability"),
    ] {
        if body.flag(name) == Some(true) {
            return Err(bad_router(&format!("{what} are not offered")));
        }
    }
    Ok(())
}

async fn create_one(call: &Call, body: &Body) -> Done<RouterView> {
    refuse_special(body)?;
    let hints = body.get("availability_zone_hints");
    check_hints(call, hints, Hints::ZonesAndPods).await?;
    let gateway = wished_gateway(call, body).await?;
    let draft = Router {
        project_id: body.project_id().to_owned(),
        name: body.text("name").unwrap_or_default().to_owned(),
        description: body.text("description").unwrap_or_default().to_owned(),
        admin_state_up: body.flag("admin_state_up").unwrap_or(true),
        availability_zone_hints: hints.to_string(),
        ..Router::default()
    };
    let request = call.context.request_id();
    let made = call
        .api
        .network
        .create_router(&draft, gateway.as_ref(), request);
    made.await.map_err(failed)
}

async fn undo(call: &Call, made: &[RouterView]) {
    for view in made {
        let id = &view.router.id;
        let request = call.context.request_id();
        let gone = call.api.network.delete_router(id, None, request);
        if let Err(error) = gone.await {
            tracing::error!(router.id = %id, %error, "a router of a failed bulk create is left");
        }
    }
}

/// The gateway that a body asks for; `None`: none. Its network is one that the caller may
/// know of, or a 404.
async fn wished_gateway(call: &Call, body: &Body) -> Done<Option<GatewayWish>> {
    let info = body.get("external_gateway_info");
    let Some(network_id) = info.get("network_id").and_then(Value::as_str) else {
        return Ok(None);
    };
    let view = writes::visible_network(call, network_id).await?;
    let ips = info.get("external_fixed_ips").unwrap_or(&Value::Null);
    Ok(Some(GatewayWish {
        network_id: view.network.id,
        enable_snat: info.get("enable_snat").and_then(Value::as_bool),
        fixed_ips: writes::wished_addresses(call, ips)
            .await?
            .unwrap_or_default(),
    }))
}

/// The routes of a body as the row holds them; `None`: it names none.
fn routes_of(body: &Body) -> Done<Option<String>> {
    if !body.has("routes") {
        return Ok(None);
    }
    let routes = routes_from_json(body.get("routes"));
    serde_json::to_string(&routes)
        .map(Some)
        .map_err(|error| failed(NetworkError::Internal(error.to_string())))
}

/// The refusal of a request that names something of a router twice or not at all.
pub(super) fn bad_router(message: &str) -> tricircle_api::Fault {
    refused(ResourceError::bad_subject("router", message))
}
