//! One page of a list: order, marker, limit, and the links to its neighbours.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::ResourceError;
use super::query::{ListQuery, Sort};
use super::render::Row;
use super::table::Resource;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Most rows; everything when absent.
    pub limit: Option<usize>,
    /// The id that the client saw last.
    pub marker: Option<String>,
    /// Towards the beginning.
    pub reverse: bool,
}

impl Page {
    /// Reads `limit`, `marker` and `page_reverse`. A marker without a limit is ignored.
    pub(crate) fn parse(
        pairs: &[(String, String)],
        max_limit: usize,
    ) -> Result<Self, ResourceError> {
        let get = |name: &str| {
            pairs
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let text = get("limit").unwrap_or("0");
        let Ok(mut limit) = text.trim().parse::<usize>() else {
            return Err(ResourceError::bad_subject(
                "limit",
                format_args!("Limit must be an integer 0 or greater and not '{text}'"),
            ));
        };
        if max_limit > 0 && (limit == 0 || limit > max_limit) {
            limit = max_limit;
        }
        let marker = get("marker").filter(|marker| limit > 0 && !marker.is_empty());
        Ok(Self {
            limit: (limit > 0).then_some(limit),
            marker: marker.map(str::to_owned),
            reverse: get("page_reverse").is_some_and(|text| text.eq_ignore_ascii_case("true")),
        })
    }
}

/// The rows of `rows` that the query asks for, in its order.
///
/// A marker that is not in the list (the rows that the caller may see, before
/// the filters) is the 404 of the resource.
pub fn select(
    resource: &Resource,
    query: &ListQuery,
    mut rows: Vec<Row>,
) -> Result<Vec<Row>, ResourceError> {
    let marker = match &query.page.marker {
        None => None,
        Some(id) => Some(
            rows.iter()
                .find(|row| Resource::id_of(row) == id)
                .cloned()
                .ok_or_else(|| resource.not_found(id))?,
        ),
    };
    rows.retain(|row| query.filters.iter().all(|filter| filter.matches(row)));
    rows.sort_by(|a, b| compare(&query.sorts, a, b));
    let Some(limit) = query.page.limit else {
        return Ok(rows);
    };
    if query.page.reverse {
        if let Some(marker) = &marker {
            rows.retain(|row| compare(&query.sorts, row, marker) == Ordering::Less);
        }
        let start = rows.len().saturating_sub(limit);
        return Ok(rows.split_off(start));
    }
    if let Some(marker) = &marker {
        rows.retain(|row| compare(&query.sorts, row, marker) == Ordering::Greater);
    }
    rows.truncate(limit);
    Ok(rows)
}

fn compare(sorts: &[Sort], a: &Row, b: &Row) -> Ordering {
    for sort in sorts {
        let order = order(a.get(&sort.key), b.get(&sort.key));
        let order = if sort.ascending {
            order
        } else {
            order.reverse()
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Resource::id_of(a).cmp(Resource::id_of(b))
}

/// `null` before everything, numbers as numbers, texts as texts.
fn order(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let (a, b) = (a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null));
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a
            .as_f64()
            .partial_cmp(&b.as_f64())
            .unwrap_or(Ordering::Equal),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (a, b) => a.to_string().cmp(&b.to_string()),
    }
}

/// The links of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    links: Vec<(&'static str, String)>,
}

/// The links from a page to its neighbours. `url` is the absolute URL of the
/// list without its query.
pub fn link_to(query: &ListQuery, rows: &[Row], url: &str) -> Links {
    let Some(limit) = query.page.limit else {
        return Links::default();
    };
    let short = rows.len() < limit;
    let mut links = Vec::new();
    if !short || query.page.reverse {
        links.push(("next", href(query, url, rows.last(), false)));
    }
    if !short || !query.page.reverse {
        links.push(("previous", href(query, url, rows.first(), true)));
    }
    Links { links }
}

impl Links {
    /// Puts `<collection>_links` into the answer, if there are any.
    pub fn put_into(self, resource: &Resource, answer: &mut Map<String, Value>) {
        if self.links.is_empty() {
            return;
        }
        let links: Vec<Value> = self
            .links
            .into_iter()
            .map(|(rel, href)| json!({"rel": rel, "href": href}))
            .collect();
        answer.insert(format!("{}_links", resource.collection), json!(links));
    }
}

fn href(query: &ListQuery, url: &str, marker: Option<&Row>, reverse: bool) -> String {
    let start = url.len() + 1;
    let mut query_part = url::form_urlencoded::Serializer::for_suffix(format!("{url}?"), start);
    let kept = query
        .pairs
        .iter()
        .filter(|(key, _)| key != "marker" && key != "page_reverse");
    query_part.extend_pairs(kept);
    if let Some(row) = marker {
        query_part.append_pair("marker", Resource::id_of(row));
    }
    if reverse {
        query_part.append_pair("page_reverse", "True");
    }
    query_part.finish()
}
