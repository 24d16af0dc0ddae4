//! The five verbs, once for all kinds of resources.
//!
//! A [`Family`] knows where its rows come from and how they are written. Bodies,
//! policy, visibility, lists and rendering are the same for all and happen here,
//! so that no family can forget them.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, Route, web};
use serde_json::Value;
use tricircle_api::table::{Access, Line};
use tricircle_api::{Fault, FaultKind, Site};
use tricircle_network::resource::{
    Action, Body, Chain, Created, ListQuery, Resource, ResourceError, Row, link_to,
    required_revision, select,
};
use tricircle_policy::Target;

use crate::call::{Call, refused};
use crate::quotas;

/// What a write came to.
pub type Done<T> = Result<T, Fault>;

/// A kind of resource.
pub trait Family: 'static {
    /// Its table.
    const RESOURCE: &'static Resource;

    /// The rows that the query may be about. The caller's view, the filters and
    /// the page are applied afterwards; a family narrows only to save work.
    fn rows(call: &Call, query: &ListQuery) -> impl Future<Output = Done<Vec<Row>>>;

    /// One row, fresh, whoever asks.
    fn row(call: &Call, id: &str) -> impl Future<Output = Done<Option<Row>>>;

    /// What rules about a new one of these want to know; 404 when what it
    /// hangs on is not there.
    fn target(call: &Call, body: &Body) -> impl Future<Output = Done<Row>>;

    /// Makes them all or none.
    fn create(call: &Call, bodies: &[Body]) -> impl Future<Output = Done<Vec<Row>>>;

    /// Changes one.
    fn update(
        call: &Call,
        row: &Row,
        body: &Body,
        revision: Option<i64>,
    ) -> impl Future<Output = Done<Row>>;

    /// Deletes one.
    fn delete(call: &Call, row: &Row, revision: Option<i64>) -> impl Future<Output = Done<()>>;
}

/// The paths of a family, with and without the old `.json` suffix.
pub fn lines<F: Family>() -> Vec<Line> {
    let collection = format!("/v2.0/{}", F::RESOURCE.path);
    let by = |action| Access::rule(F::RESOURCE.rule(action));
    let nothing = || Access::Anybody("there is nothing to write to: always 404");
    let mut lines = Vec::new();
    for suffix in ["", ".json", "/"] {
        let path = format!("{collection}{suffix}");
        lines.extend([
            Line::new(Method::GET, &path, by(Action::Get), list::<F>),
            Line::new(Method::POST, &path, by(Action::Create), create::<F>),
            Line::new(Method::PUT, &path, nothing(), of_none::<F>),
            Line::new(Method::DELETE, &path, nothing(), of_none::<F>),
        ]);
    }
    let path = format!("{collection}/{{id}}");
    lines.extend([
        Line::new(Method::GET, &path, by(Action::Get), show::<F>),
        Line::new(Method::PUT, &path, by(Action::Update), update::<F>),
        Line::new(Method::DELETE, &path, by(Action::Delete), delete::<F>),
    ]);
    lines
}

/// What other methods of these paths are answered by.
pub fn other_methods() -> Route {
    web::to(no_such_method)
}

async fn no_such_method() -> Done<HttpResponse> {
    Err(refused(Resource::no_such_method()))
}

/// A write to the collection: Neutron looks for the resource that has no id.
async fn of_none<F: Family>() -> Done<HttpResponse> {
    Err(refused(F::RESOURCE.not_found("None")))
}

fn bare_id(id: &str) -> &str {
    id.strip_suffix(".json").unwrap_or(id)
}

async fn list<F: Family>(call: Call, request: HttpRequest, site: Site) -> Done<HttpResponse> {
    let resource = F::RESOURCE;
    let query = ListQuery::parse(resource, request.query_string(), call.api.max_limit())
        .map_err(refused)?;
    let mut rows = F::rows(&call, &query).await?;
    rows.retain(|row| call.sees(resource, row));
    let rows = select(resource, &query, rows).map_err(refused)?;
    let projection = call.projection(resource).only(&query.fields);
    let url = format!("{}{}", site.base_url(&request), request.path());
    let mut answer = resource.many(rows.iter().map(|row| projection.render(row)).collect());
    link_to(&query, &rows, &url).put_into(resource, &mut answer);
    Ok(HttpResponse::Ok().json(answer))
}

/// The row, if the caller may know of it; else Neutron's 404.
pub async fn visible<F: Family>(call: &Call, id: &str) -> Done<Row> {
    // Ids are ASCII; MariaDB refuses to compare them with anything else.
    let row = match id.is_ascii() {
        true => F::row(call, id).await?,
        false => None,
    };
    row.filter(|row| call.sees(F::RESOURCE, row))
        .ok_or_else(|| refused(F::RESOURCE.not_found(id)))
}

async fn show<F: Family>(
    call: Call,
    id: web::Path<String>,
    request: HttpRequest,
) -> Done<HttpResponse> {
    let row = visible::<F>(&call, bare_id(&id)).await?;
    let fields: Vec<String> = url_fields(request.query_string());
    let shown = call.projection(F::RESOURCE).only(&fields).render(&row);
    Ok(HttpResponse::Ok().json(F::RESOURCE.one(shown)))
}

fn url_fields(query: &str) -> Vec<String> {
    web::Query::<Vec<(String, String)>>::from_query(query)
        .map(|pairs| {
            pairs
                .into_inner()
                .into_iter()
                .filter(|(key, value)| key == "fields" && !value.is_empty())
                .map(|(_, value)| value)
                .collect()
        })
        .unwrap_or_default()
}

async fn create<F: Family>(call: Call, raw: web::Bytes) -> Done<HttpResponse> {
    let resource = F::RESOURCE;
    let created = resource
        .parse_create(&raw, call.project_id(), call.any_project())
        .map_err(refused)?;
    for body in created.bodies() {
        let target = Target::from(F::target(&call, body).await?);
        call.require(&resource.rules(Action::Create, body), &target)?;
    }
    quotas::enforce(&call, resource.name, created.bodies()).await?;
    let rows = F::create(&call, created.bodies()).await?;
    let projection = call.projection(resource);
    let shown = rows.iter().map(|row| projection.render(row)).collect();
    let answer = answer(resource, &created, shown)?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(answer))
}

/// What was made, in the shape that was asked for. It is read after it was written: a
/// subnet may have gone with its network in between, and is not there to be shown.
fn answer(resource: &Resource, created: &Created, shown: Vec<Value>) -> Done<Value> {
    if shown.len() < created.bodies().len() {
        let message = format!("The {} was deleted while it was made.", resource.name);
        return Err(Fault::new(FaultKind::Conflict, message));
    }
    Ok(match created {
        Created::One(_) => resource.one(shown.into_iter().next().unwrap_or_default()),
        Created::Many(_) => Value::Object(resource.many(shown)),
    })
}

async fn update<F: Family>(
    call: Call,
    id: web::Path<String>,
    request: HttpRequest,
    raw: web::Bytes,
) -> Done<HttpResponse> {
    let resource = F::RESOURCE;
    let body = resource
        .parse_update(&raw, call.project_id(), call.any_project())
        .map_err(refused)?;
    let row = visible::<F>(&call, bare_id(&id)).await?;
    let revision = revision_wanted(&request, &row)?;
    let mut target = row.clone();
    target.extend(body.values.clone());
    // Ownership is what the resource has, not what the request says.
    for name in ["project_id", "tenant_id"] {
        if let Some(owner) = row.get(name) {
            target.insert(name.to_owned(), owner.clone());
        }
    }
    call.require(
        &resource.rules(Action::Update, &body),
        &Target::from(target),
    )?;
    let row = F::update(&call, &row, &body, revision).await?;
    let shown = call.projection(resource).render(&row);
    Ok(HttpResponse::Ok().json(resource.one(shown)))
}

async fn delete<F: Family>(
    call: Call,
    id: web::Path<String>,
    request: HttpRequest,
) -> Done<HttpResponse> {
    let row = visible::<F>(&call, bare_id(&id)).await?;
    let revision = revision_wanted(&request, &row)?;
    let chain = Chain::of(F::RESOURCE.rule(Action::Delete));
    call.require(&chain, &Target::from(row.clone()))?;
    F::delete(&call, &row, revision).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The revision that `If-Match` insists on. A mismatch that shows already is
/// refused here; one that comes up meanwhile is refused by the database.
fn revision_wanted(request: &HttpRequest, row: &Row) -> Done<Option<i64>> {
    let headers = request
        .headers()
        .get_all("if-match")
        .filter_map(|value| value.to_str().ok());
    let wanted = required_revision(headers).map_err(refused)?;
    let current = row.get("revision_number").and_then(Value::as_i64);
    match (wanted, current) {
        (Some(wanted), Some(current)) if wanted != current => {
            Err(refused(ResourceError::wrong_revision(wanted, current)))
        }
        _ => Ok(wanted),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tricircle_network::resource::tables::NETWORK;

    use super::*;

    #[test]
    fn what_went_while_it_was_made_is_not_answered_as_made() {
        let parsed = |body: Value| {
            let raw = body.to_string();
            NETWORK.parse_create(raw.as_bytes(), "mine", false).unwrap()
        };
        let one = parsed(json!({"network": {}}));
        let two = parsed(json!({"networks": [{}, {}]}));
        let shown = |count| vec![json!({"id": "a"}); count];
        let answered = |created, count| answer(&NETWORK, created, shown(count));
        assert_eq!(answered(&one, 1).unwrap(), json!({"network": {"id": "a"}}));
        assert_eq!(
            answered(&two, 2).unwrap(),
            json!({"networks": [{"id": "a"}, {"id": "a"}]})
        );
        for (created, count) in [(&one, 0), (&two, 1), (&two, 0)] {
            assert_eq!(answered(created, count).unwrap_err().status(), 409);
        }
    }
}
