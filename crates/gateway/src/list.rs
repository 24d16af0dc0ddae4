//! Lists over all pods: one order, one page.
//!
//! Each pod is asked, at once and each within the deadline, for its first items after
//! the marker in the order of [`crate::merge`]; the page is the first of them all.
//! In the marker's own pod "after the marker" is the pod's business. The other pods
//! do not know that id, and their API cannot be asked for "after these values", so
//! they are read from the start and what comes before the marker is dropped.
//! That is right for any marker, and costs pages in proportion to how deep it is.
//!
//! A pod that does not answer is left out, as Nova leaves out a cell that is down.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_pods::{PodEntry, PodError, PodSession, fan_out};

use crate::merge::{after, merge};
use crate::resolve::{ResolveError, place};
use crate::{Call, Direction, SortKey, answer};

/// What a list of one kind of resource is like.
#[derive(Debug)]
pub struct ListSpec {
    /// Kind of the items.
    pub kind: RoutingKind,
    /// Key of the items in answers: `servers`.
    pub collection: &'static str,
    /// Path whose items have all sort values: `/servers/detail`.
    pub detail: &'static str,
    /// Keys of an item in the brief list; empty: everything.
    pub brief: &'static [&'static str],
    /// Sort keys of the API and where their value stands in a detailed item.
    pub sort_fields: &'static [(&'static str, &'static str)],
    /// Name of the sort key that is the id.
    pub id_key: &'static str,
    /// The order when none is asked for.
    pub default_sort: (&'static str, Direction),
    /// Whether `sort=key:dir,key:dir` is understood too (Cinder).
    pub combined_sort: bool,
    /// Whether `offset` is understood (Cinder).
    pub offset: bool,
    /// Policy rule for the brief list over all projects, where it has one of its own.
    pub all_projects_rule: Option<&'static str>,
}

/// A list's query, read.
#[derive(Debug, PartialEq)]
struct Query {
    /// What goes to every pod as it is.
    filters: Vec<(String, String)>,
    keys: Vec<SortKey>,
    limit: Option<usize>,
    marker: Option<String>,
    offset: usize,
}

impl Query {
    fn asks_for_all(&self) -> bool {
        self.filters.iter().any(|(key, value)| {
            let no = ["0", "f", "false", "off", "n", "no"];
            key == "all_tenants" && !no.contains(&value.to_ascii_lowercase().as_str())
        })
    }
}

/// [`crate::Strategy::List`].
pub(crate) async fn list(call: &Call, spec: &'static ListSpec) -> Result<HttpResponse, Fault> {
    let query = read(spec, call.query_pairs())?;
    let brief = call.path.trim_end_matches('/') != spec.detail;
    if let (true, Some(rule)) = (brief && query.asks_for_all(), spec.all_projects_rule) {
        // The pods are asked for the detailed list, whose rule has another name.
        call.require(rule)?;
    }
    let max = usize::try_from(call.gateway.pods.config().tricircle.max_limit).unwrap_or(1000);
    let page = query.limit.unwrap_or(max).min(max);
    let marker = match &query.marker {
        Some(id) => Some(find_marker(call, spec, id).await?),
        None => None,
    };
    let wanted = page.saturating_add(query.offset);
    let lists = ask(call, spec, &query, wanted, marker.as_ref()).await?;
    let mut items = merge(&query.keys, lists, wanted);
    items.drain(..query.offset.min(items.len()));
    let mut body = Map::new();
    let more = items.len() == page && page > 0;
    let last = items.last().and_then(|item| item.get("id")).cloned();
    let shown = items
        .into_iter()
        .map(|item| shape(spec, brief, item))
        .collect();
    body.insert(spec.collection.to_owned(), Value::Array(shown));
    if let (true, Some(Value::String(last))) = (more, last) {
        let link = json!([{"rel": "next", "href": next_link(call, &last)}]);
        body.insert(format!("{}_links", spec.collection), link);
    }
    Ok(HttpResponse::Ok().json(body))
}

struct Marker {
    pod_id: String,
    item: Value,
}

async fn find_marker(call: &Call, spec: &ListSpec, id: &str) -> Result<Marker, Fault> {
    let missing = || match spec.kind {
        RoutingKind::Server => Fault::bad_request(format!("marker [{id}] not found")),
        // Cinder says that there is no such volume.
        kind => answer::fault_of(ResolveError::NotFound, answer::title(kind), id),
    };
    let pod = call.pod_of(spec.kind, id).await.map_err(|fault| {
        if fault.status() == 404 {
            missing()
        } else {
            fault
        }
    })?;
    let (service, path, envelope) = place(spec.kind);
    let found = call
        .session(&pod)
        .get_json(service, &format!("{path}/{id}"))
        .await;
    match found {
        Ok(mut body) => Ok(Marker {
            pod_id: pod.id().to_owned(),
            item: body.get_mut(envelope).map(Value::take).unwrap_or_default(),
        }),
        Err(error) if error.is_not_found() => Err(missing()),
        Err(error) => Err(answer::pod_fault(error)),
    }
}

async fn ask(
    call: &Call,
    spec: &'static ListSpec,
    query: &Query,
    wanted: usize,
    marker: Option<&Marker>,
) -> Result<Vec<Vec<Value>>, Fault> {
    let snapshot = call.gateway.pods.snapshot();
    let deadline = call.gateway.pods.config().client.list_timeout;
    let answers = fan_out(snapshot.callable().cloned(), deadline, |pod| {
        let session = call.session(&pod);
        async move { read_pod(call, &session, &pod, spec, query, wanted, marker).await }
    })
    .await;
    let mut lists = Vec::new();
    let mut away = None;
    for answer in answers {
        match answer.result {
            Ok(items) => lists.push(items),
            // About the query or the caller, not about this pod.
            Err(error) if error.is_refusal() => return Err(answer::pod_fault(error)),
            Err(error) => away = Some(error),
        }
    }
    match away {
        Some(error) if lists.is_empty() => Err(answer::pod_fault(error)),
        _ => Ok(lists),
    }
}

/// One pod's first `wanted` items after the marker, read in pages.
async fn read_pod(
    call: &Call,
    session: &PodSession,
    pod: &Arc<PodEntry>,
    spec: &ListSpec,
    query: &Query,
    wanted: usize,
    marker: Option<&Marker>,
) -> Result<Vec<Value>, PodError> {
    let rewriter = call.rewriter(pod);
    let at_home = marker.filter(|marker| marker.pod_id == pod.id());
    let mut position = at_home
        .and_then(|marker| marker.item.get("id"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let mut found = Vec::new();
    loop {
        let path = pod_path(spec, query, wanted - found.len(), position.as_deref(), pod);
        let (service, _, _) = place(spec.kind);
        let mut body = session.get_json(service, &path).await?;
        let Some(Value::Array(mut items)) = body.get_mut(spec.collection).map(Value::take) else {
            return Err(PodError::Malformed {
                pod: pod.region().to_owned(),
                why: format!("no {} in a list", spec.collection),
            });
        };
        let more = body.get(format!("{}_links", spec.collection)).is_some();
        position = items
            .last()
            .and_then(|item| item.get("id"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        items.iter_mut().for_each(|item| rewriter.value(item));
        found.extend(match marker {
            Some(marker) => after(&query.keys, &marker.item, items),
            None => items,
        });
        if !more || found.len() >= wanted || position.is_none() {
            return Ok(found);
        }
    }
}

/// Path and query of one page of a pod.
fn pod_path(
    spec: &ListSpec,
    query: &Query,
    limit: usize,
    marker: Option<&str>,
    pod: &PodEntry,
) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in &query.filters {
        match key.as_str() {
            "availability_zone" => {
                let service = zone_service(spec.kind);
                // A zone of another pod matches nothing here.
                let bottom = pod.view.bottom_az(service, value).unwrap_or("-");
                if !bottom.is_empty() {
                    pairs.append_pair(key, bottom);
                }
            }
            _ => {
                pairs.append_pair(key, value);
            }
        }
    }
    if spec.combined_sort {
        let sort: Vec<String> = query
            .keys
            .iter()
            .map(|key| format!("{}:{}", key.name, key.direction.as_str()))
            .collect();
        pairs.append_pair("sort", &sort.join(","));
    } else {
        for key in &query.keys {
            pairs.append_pair("sort_key", &key.name);
            pairs.append_pair("sort_dir", key.direction.as_str());
        }
    }
    // A limit of zero means something else in each service; nothing is asked then.
    pairs.append_pair("limit", &limit.clamp(1, 1000).to_string());
    if let Some(marker) = marker {
        pairs.append_pair("marker", marker);
    }
    format!("{}?{}", spec.detail, pairs.finish())
}

fn zone_service(kind: RoutingKind) -> tricircle_db::models::ZoneService {
    match kind {
        RoutingKind::Server => tricircle_db::models::ZoneService::Compute,
        _ => tricircle_db::models::ZoneService::Volume,
    }
}

fn shape(spec: &ListSpec, brief: bool, item: Value) -> Value {
    match item {
        Value::Object(map) if brief && !spec.brief.is_empty() => Value::Object(
            map.into_iter()
                .filter(|(key, _)| spec.brief.contains(&key.as_str()))
                .collect(),
        ),
        other => other,
    }
}

fn next_link(call: &Call, last: &str) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in call.query_pairs() {
        if key != "marker" && key != "offset" {
            pairs.append_pair(&key, &value);
        }
    }
    pairs.append_pair("marker", last);
    format!(
        "{}{}?{}",
        call.top_root,
        call.request.uri().path(),
        pairs.finish()
    )
}

fn read(spec: &ListSpec, pairs: Vec<(String, String)>) -> Result<Query, Fault> {
    let mut query = Query {
        filters: Vec::new(),
        keys: Vec::new(),
        limit: None,
        marker: None,
        offset: 0,
    };
    let mut names = Vec::new();
    let mut directions = Vec::new();
    for (key, value) in pairs {
        match key.as_str() {
            "limit" => query.limit = Some(limit(spec, &value)?),
            "offset" if spec.offset => query.offset = number("offset", &value)?,
            "marker" => query.marker = Some(value),
            "sort_key" => names.push(value),
            "sort_dir" => directions.push(direction(&value)?),
            "sort" if spec.combined_sort => {
                for part in value.split(',').map(str::trim).filter(|p| !p.is_empty()) {
                    let (name, dir) = part.split_once(':').unwrap_or((part, "desc"));
                    names.push(name.to_owned());
                    directions.push(direction(dir)?);
                }
            }
            _ => query.filters.push((key, value)),
        }
    }
    if names.is_empty() {
        names.push(spec.default_sort.0.to_owned());
        if directions.is_empty() {
            directions.push(spec.default_sort.1);
        }
    }
    let usual = directions.first().copied().unwrap_or(spec.default_sort.1);
    let fields: HashMap<_, _> = spec.sort_fields.iter().copied().collect();
    for (place, name) in names.into_iter().enumerate() {
        let direction = directions.get(place).copied().unwrap_or(usual);
        // A key that is not in the table is the pods' to refuse, in their own words.
        let field = match name == spec.id_key {
            true => "id",
            false => fields.get(name.as_str()).copied().unwrap_or(""),
        };
        query.keys.push(SortKey {
            field: field.to_owned(),
            name,
            direction,
        });
    }
    if !query.keys.iter().any(|key| key.name == spec.id_key) {
        query.keys.push(SortKey {
            name: spec.id_key.to_owned(),
            field: "id".to_owned(),
            direction: usual,
        });
    }
    Ok(query)
}

/// Nova checks a query against a schema, Cinder by hand.
fn limit(spec: &ListSpec, value: &str) -> Result<usize, Fault> {
    if spec.kind == RoutingKind::Server {
        return number("limit", value);
    }
    let whole: i64 = value
        .trim()
        .parse()
        .map_err(|_| Fault::bad_request("limit param must be an integer"))?;
    usize::try_from(whole).map_err(|_| Fault::bad_request("limit param must be positive"))
}

fn number(name: &str, value: &str) -> Result<usize, Fault> {
    value.parse().map_err(|_| {
        Fault::bad_request(format!(
            "Invalid input for query parameters {name}. Value: {value}. '{value}' does not match '^[0-9]*$'"
        ))
    })
}

fn direction(value: &str) -> Result<Direction, Fault> {
    match value {
        "asc" => Ok(Direction::Asc),
        "desc" => Ok(Direction::Desc),
        _ => Err(Fault::bad_request(
            "Invalid input received: Unknown sort direction, must be one of asc, desc",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: ListSpec = ListSpec {
        kind: RoutingKind::Server,
        collection: "servers",
        detail: "/servers/detail",
        brief: &["id", "name", "links"],
        sort_fields: &[("created_at", "created"), ("display_name", "name")],
        id_key: "uuid",
        default_sort: ("created_at", Direction::Desc),
        combined_sort: false,
        offset: false,
        all_projects_rule: None,
    };

    fn parse(text: &str) -> Result<Query, Fault> {
        let pairs = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        read(&SPEC, pairs)
    }

    fn order(query: &Query) -> Vec<(&str, &str, &str)> {
        query
            .keys
            .iter()
            .map(|k| (k.name.as_str(), k.field.as_str(), k.direction.as_str()))
            .collect()
    }

    #[test]
    fn every_order_is_total() {
        let by_time = [("created_at", "created", "desc"), ("uuid", "id", "desc")];
        assert_eq!(order(&parse("").unwrap()), by_time);
        assert_eq!(
            order(&parse("sort_key=display_name&sort_dir=asc").unwrap()),
            [("display_name", "name", "asc"), ("uuid", "id", "asc")]
        );
        assert_eq!(
            order(&parse("sort_key=uuid&sort_dir=asc").unwrap()),
            [("uuid", "id", "asc")]
        );
    }

    #[test]
    fn filters_go_to_the_pods_and_paging_does_not() {
        let query = parse("name=a%26b&limit=5&marker=m&status=ACTIVE&status=ERROR").unwrap();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            query.filters,
            [
                pair("name", "a&b"),
                pair("status", "ACTIVE"),
                pair("status", "ERROR")
            ]
        );
        assert_eq!(query.limit, Some(5));
        assert_eq!(query.marker.as_deref(), Some("m"));
    }

    #[test]
    fn limits_and_directions_that_are_none_are_refused() {
        for bad in ["limit=-1", "limit=x", "limit=", "sort_dir=up", "limit=1.5"] {
            assert_eq!(parse(bad).unwrap_err().status(), 400, "{bad}");
        }
    }
}
