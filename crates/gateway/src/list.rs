//! Lists over all pods: one order, one page.
//!
//! Each pod is asked, at once and each within the deadline, for its first items after
//! the marker in the order of [`crate::merge`]; the page is the first of them all.
//! In the marker's own pod "after the marker" is the pod's business. The other pods
//! do not know that id, and their API cannot be asked for "after these values", so
//! they are read from the start and what comes before the marker is dropped.
//! That is right for any marker, and costs pages in proportion to how deep it is.
//!
//! What becomes of a pod that does not answer is the rule of [`crate::away`].

use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_pods::{PodAnswer, PodEntry, PodError, PodSession, fan_out};

use crate::merge::{after, merge};
use crate::query::{self, LARGEST_PAGE, Query};
use crate::resolve::{ResolveError, place};
use crate::{AwayRecords, Call, Direction, answer};

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
    /// What stands in for resources of a pod that does not answer; none: nothing does.
    pub away: Option<&'static AwayRecords>,
}

/// [`crate::Strategy::List`].
pub(crate) async fn list(call: &Call, spec: &'static ListSpec) -> Result<HttpResponse, Fault> {
    let pairs = call.query_pairs();
    let records = spec.away.filter(|records| records.apply(call, &pairs));
    let query = query::read(spec, pairs)?;
    let brief = call.path.trim_end_matches('/') != spec.detail;
    if let (true, Some(rule)) = (brief && query.asks_for_all(), spec.all_projects_rule) {
        // The pods are asked for the detailed list, whose rule has another name.
        call.require(rule)?;
    }
    let config = call.gateway.pods.config();
    let max = usize::try_from(config.tricircle.max_limit).unwrap_or(1000);
    let page = query.limit.unwrap_or(max).min(max);
    let marker = match &query.marker {
        Some(id) => Some(find_marker(call, spec, id).await?),
        None => None,
    };
    let wanted = page.saturating_add(query.offset);
    let asked = ask(call, spec, &query, wanted, marker.as_ref()).await;
    let skipping = config.client.list_records_by_skipping_down_pods;
    let Judged { lists, away } = judge(asked, marker.as_ref(), records.is_some(), skipping)?;
    let mut items = merge(&query.keys, lists, wanted);
    items.drain(..query.offset.min(items.len()));
    let mut body = Map::new();
    let more = items.len() == page && page > 0;
    let last = items.last().and_then(|item| item.get("id")).cloned();
    let mut shown = match records {
        Some(records) if !away.is_empty() => {
            let all = query.asks_for_all();
            let room = page - items.len();
            let kind = spec.kind;
            records.of_pods(call, kind, &away, brief, all, room).await?
        }
        _ => Vec::new(),
    };
    shown.extend(items.into_iter().map(|item| shape(spec, brief, item)));
    body.insert(spec.collection.to_owned(), Value::Array(shown));
    if let (true, Some(Value::String(last))) = (more, last) {
        let link = json!([{"rel": "next", "href": next_link(call, &last)}]);
        body.insert(format!("{}_links", spec.collection), link);
    }
    Ok(HttpResponse::Ok().json(body))
}

/// What the pods' answers make together.
struct Judged {
    /// The items of each pod that answered.
    lists: Vec<Vec<Value>>,
    /// The pods that did not.
    away: Vec<Arc<PodEntry>>,
}

/// Tells the pods that answered from those that did not, or why the whole list fails.
/// `stand_ins`: there will be records for the latter.
fn judge(
    asked: Vec<PodAnswer<Vec<Value>>>,
    marker: Option<&Marker>,
    stand_ins: bool,
    skipping: bool,
) -> Result<Judged, Fault> {
    let mut lists = Vec::new();
    let mut away = Vec::new();
    let (mut refused, mut missing) = (None, None);
    for PodAnswer { pod, result } in asked {
        let error = match result {
            Ok(items) => {
                lists.push(items);
                continue;
            }
            Err(error) => error,
        };
        if error.is_refusal() {
            // From the marker's own pod: the page would begin in the wrong place.
            if marker.is_some_and(|marker| marker.pod_id == pod.id()) {
                return Err(answer::pod_fault(error));
            }
            refused = refused.or(Some(error));
        } else {
            missing = missing.or(Some(error));
        }
        away.push(pod);
    }
    // What every pod that answers refuses is about the query or the caller; what only
    // some refuse is about these pods, which must not cost users the others.
    match (refused, missing) {
        (Some(error), _) if lists.is_empty() => Err(answer::pod_fault(error)),
        (_, Some(error)) if !stand_ins && (lists.is_empty() || !skipping) => {
            Err(answer::pod_fault(error))
        }
        (Some(error), None) if !stand_ins && !skipping => Err(answer::pod_fault(error)),
        _ => Ok(Judged { lists, away }),
    }
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
) -> Vec<PodAnswer<Vec<Value>>> {
    let pods = &call.gateway.pods;
    let snapshot = pods.snapshot();
    let deadline = pods.config().client.list_timeout;
    // What is read stays in memory until all of it is merged.
    let held = pods.held_answers();
    fan_out(snapshot.callable().cloned(), deadline, |pod| {
        let session = call.session(&pod).holding(held.clone());
        async move { read_pod(call, &session, &pod, spec, query, wanted, marker).await }
    })
    .await
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
        .and_then(|marker| id_of(&marker.item))
        .map(str::to_owned);
    let (service, _, _) = place(spec.kind);
    let mut found = Vec::new();
    loop {
        // A limit of zero means something else in each service.
        let limit = (wanted - found.len()).clamp(1, LARGEST_PAGE);
        let path = query::pod_path(spec, query, limit, position.as_deref(), pod);
        let body = session.get_json(service, &path).await?;
        let Page { mut items, more } =
            page(spec.collection, body, limit).map_err(|why| PodError::Malformed {
                pod: pod.region().to_owned(),
                why: why.to_owned(),
            })?;
        let last = items.last().and_then(id_of).map(str::to_owned);
        let moved = last.is_some() && last != position;
        position = last;
        items.iter_mut().for_each(|item| rewriter.value(item));
        found.extend(match marker {
            Some(marker) => after(&query.keys, &marker.item, items),
            None => items,
        });
        if !more || found.len() >= wanted || !moved {
            return Ok(found);
        }
    }
}

/// A pod's page.
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    pub(crate) more: bool,
}

/// Takes a pod's page apart. Pods are not trusted to be well-formed: every item must have
/// an id, and of more items than were asked for the first count.
pub(crate) fn page(collection: &str, mut body: Value, limit: usize) -> Result<Page, &'static str> {
    let more = body.get(format!("{collection}_links")).is_some();
    let Some(Value::Array(mut items)) = body.get_mut(collection).map(Value::take) else {
        return Err("a list without its collection");
    };
    let more = more || items.len() > limit;
    items.truncate(limit);
    match items.iter().all(|item| id_of(item).is_some()) {
        true => Ok(Page { items, more }),
        false => Err("a list with an item without id"),
    }
}

fn id_of(item: &Value) -> Option<&str> {
    item.get("id").and_then(Value::as_str)
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
