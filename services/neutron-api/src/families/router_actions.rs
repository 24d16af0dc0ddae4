//! What is done to a router by PUT on a path below it: interfaces and single routes.

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};
use tricircle_api::table::{Access, Line};
use tricircle_network::resource::tables::ROUTER;
use tricircle_network::resource::{Chain, Resource, ResourceError, Row, interface_named};
use tricircle_network::routers::{Interface, InterfaceWish, Route, routes_from_json};
use tricircle_policy::Target;

use super::routers::{bad_router, shown};
use super::{Routers, Subnets};
use crate::call::{Call, failed, refused};
use crate::family::{Done, visible};
use crate::writes;

/// The paths.
pub fn lines() -> Vec<Line> {
    let path = |action: &str| format!("/v2.0/routers/{{id}}/{action}");
    let by = Access::rule;
    vec![
        Line::new(
            Method::PUT,
            path("add_router_interface"),
            by("add_router_interface"),
            add_interface,
        ),
        Line::new(
            Method::PUT,
            path("remove_router_interface"),
            by("remove_router_interface"),
            remove_interface,
        ),
        Line::new(
            Method::PUT,
            path("add_extraroutes"),
            by("add_extraroutes"),
            add_routes,
        ),
        Line::new(
            Method::PUT,
            path("remove_extraroutes"),
            by("remove_extraroutes"),
            remove_routes,
        ),
    ]
}

/// The router, if the rule lets the caller do this to it.
async fn allowed(call: &Call, id: &str, rule: &str) -> Done<Row> {
    let row = visible::<Routers>(call, id).await?;
    call.require(&Chain::of(rule), &Target::from(row.clone()))?;
    Ok(row)
}

async fn add_interface(call: Call, id: web::Path<String>, raw: web::Bytes) -> Done<HttpResponse> {
    let body = object(&raw)?;
    let row = allowed(&call, &id, "add_router_interface").await?;
    let wish = interface(&body)?;
    match &wish {
        InterfaceWish::Port(_, Some(_)) => {
            return Err(bad_router("Cannot specify both subnet-id and port-id"));
        }
        InterfaceWish::Port(port, None) => {
            writes::visible_port(&call, port).await?;
        }
        InterfaceWish::Subnet(subnet) => {
            visible::<Subnets>(&call, subnet).await?;
        }
    }
    let network = &call.api.network;
    let who = call.actor();
    let made = network.add_interface(&who, Resource::id_of(&row), &wish);
    Ok(answer(&made.await.map_err(failed)?))
}

async fn remove_interface(
    call: Call,
    id: web::Path<String>,
    raw: web::Bytes,
) -> Done<HttpResponse> {
    let body = object(&raw)?;
    let row = allowed(&call, &id, "remove_router_interface").await?;
    let wish = interface(&body)?;
    if let InterfaceWish::Subnet(subnet) = &wish {
        visible::<Subnets>(&call, subnet).await?;
    }
    let network = &call.api.network;
    let who = call.actor();
    let gone = network.remove_interface(&who, Resource::id_of(&row), &wish);
    Ok(answer(&gone.await.map_err(failed)?))
}

fn answer(interface: &Interface) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "id": interface.router_id,
        "project_id": interface.project_id,
        "port_id": interface.port_id,
        "network_id": interface.network_id,
        "subnet_id": interface.subnet_ids.last(),
        "subnet_ids": interface.subnet_ids,
    }))
}

async fn add_routes(call: Call, id: web::Path<String>, raw: web::Bytes) -> Done<HttpResponse> {
    let row = allowed(&call, &id, "add_extraroutes").await?;
    let routes = named_routes(&call, &raw)?;
    change_routes(&call, &row, &routes, &[]).await
}

async fn remove_routes(call: Call, id: web::Path<String>, raw: web::Bytes) -> Done<HttpResponse> {
    let row = allowed(&call, &id, "remove_extraroutes").await?;
    let routes = named_routes(&call, &raw)?;
    change_routes(&call, &row, &[], &routes).await
}

async fn change_routes(
    call: &Call,
    row: &Row,
    add: &[Route],
    remove: &[Route],
) -> Done<HttpResponse> {
    let id = Resource::id_of(row);
    let request = call.context.request_id();
    let changed = call.api.network.change_routes(id, add, remove, request);
    let row = shown(call, &changed.await.map_err(failed)?).await?;
    let answer = ROUTER.one(call.projection(&ROUTER).render(&row));
    Ok(HttpResponse::Ok().json(answer))
}

/// A body that names routes of a router and nothing else.
fn named_routes(call: &Call, raw: &[u8]) -> Done<Vec<Route>> {
    let body = ROUTER
        .parse_update(raw, call.project_id(), call.any_project())
        .map_err(refused)?;
    if !body.has("routes") {
        let message = "Failed to parse request. Required attribute 'routes' not specified";
        return Err(refused(ResourceError::bad_request(message)));
    }
    if let Some(other) = body.values.keys().find(|name| *name != "routes") {
        let message = format!("Unrecognized attribute(s) '{other}'");
        return Err(refused(ResourceError::bad_request(message)));
    }
    Ok(routes_from_json(body.get("routes")))
}

/// A body without an envelope. Nothing at all is an object without members.
fn object(raw: &[u8]) -> Done<Map<String, Value>> {
    if raw.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(raw) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Ok(Map::new()),
        Err(_) => Err(refused(ResourceError::new(
            400,
            "MalformedRequestBody",
            "Malformed request body: Cannot understand JSON.",
        ))),
    }
}

/// What the body names: a port, a subnet, or (to be removed) a port on a subnet.
fn interface(body: &Map<String, Value>) -> Done<InterfaceWish> {
    match interface_named(body).map_err(refused)? {
        (Some(port), subnet) => Ok(InterfaceWish::Port(port, subnet)),
        (None, Some(subnet)) => Ok(InterfaceWish::Subnet(subnet)),
        (None, None) => Err(bad_router("Either subnet_id or port_id must be specified")),
    }
}
