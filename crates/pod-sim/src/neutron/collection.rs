//! Lists of all resources: who sees what, filters, `fields`, sorting, paging.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::attributes::{self, Attribute};
use super::{Answer, Context, Object, Table, bad_request, fault, missing, owns, text};
use crate::request::{Query, Reply, truthy};

/// How a family is shown.
pub(super) struct Family {
    /// As in the path: `security-groups`.
    pub(super) path: &'static str,
    pub(super) singular: &'static str,
    pub(super) plural: &'static str,
    pub(super) attributes: &'static [Attribute],
    /// Fields that only an administrator sees.
    pub(super) hidden: &'static [&'static str],
    /// Attributes by which lists are neither filtered nor sorted.
    pub(super) no_filters: &'static [&'static str],
}

/// Query keys that are not filters.
const CONTROLS: &[&str] = &[
    "fields",
    "limit",
    "marker",
    "page_reverse",
    "sort_key",
    "sort_dir",
    "verbose",
];
/// Filters that are not plain attributes.
const SPECIAL: &[&str] = &[
    "tags",
    "tags-any",
    "not-tags",
    "not-tags-any",
    "changed_since",
    "fixed_ips",
    "security_groups",
    "status",
    "shared",
];

impl Family {
    /// The view of one resource for the caller.
    pub(super) fn view(&self, cx: &Context<'_>, object: &Object) -> Value {
        let wanted: Vec<&str> = cx.request.query.all("fields").collect();
        let admin = cx.caller.is_admin();
        let shown: Object = object
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .filter(|(name, _)| admin || !self.hidden.contains(&name.as_str()))
            .filter(|(name, _)| wanted.is_empty() || wanted.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Value::Object(shown)
    }

    /// `{"<singular>": {...}}`.
    pub(super) fn one(&self, cx: &Context<'_>, object: &Object) -> Reply {
        let singular = self.singular;
        Reply::ok(json!({ singular: self.view(cx, object) }))
    }

    /// A resource that the caller may see, or its 404.
    pub(super) fn seen<'a>(
        &self,
        cx: &Context<'_>,
        table: &'a Table,
        id: &str,
    ) -> Result<&'a Object, Reply> {
        table
            .get(id)
            .filter(|object| visible(cx, object))
            .ok_or_else(|| missing(self.path, id))
    }

    /// A resource that the caller may change, or the 404 or 403.
    pub(super) fn changeable<'a>(
        &self,
        cx: &Context<'_>,
        table: &'a Table,
        id: &str,
        verb: &str,
    ) -> Result<&'a Object, Reply> {
        let object = self.seen(cx, table, id)?;
        if owns(cx.caller, object) && (cx.caller.is_member() || cx.caller.is_service()) {
            return Ok(object);
        }
        Err(super::forbidden(&format!("rule:{verb}_{}", self.singular)))
    }

    /// The list.
    pub(super) fn list<'a>(
        &self,
        cx: &Context<'_>,
        objects: impl Iterator<Item = &'a Object>,
    ) -> Answer {
        let query = &cx.request.query;
        self.check_filters(query)?;
        let mut found: Vec<&Object> = objects
            .filter(|object| visible(cx, object))
            .filter(|object| matches(query, object))
            .collect();
        self.sort(query, &mut found)?;
        let (page, links) = self.page(cx, found)?;
        let views: Vec<Value> = page.iter().map(|object| self.view(cx, object)).collect();
        let plural = self.plural;
        let mut body = json!({ plural: views });
        if let (Some(links), Some(object)) = (links, body.as_object_mut()) {
            object.insert(format!("{plural}_links"), links);
        }
        Ok(Reply::ok(body))
    }

    fn check_filters(&self, query: &Query) -> Result<(), Reply> {
        let unknown: Vec<String> = query
            .pairs()
            .map(|(key, _)| key)
            .filter(|key| !CONTROLS.contains(key))
            .filter(|key| {
                let known =
                    SPECIAL.contains(key) || attributes::find(self.attributes, key).is_some();
                !known || self.no_filters.contains(key)
            })
            .map(|key| format!("'{key}'"))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(bad_request(&format!(
            "[{}] is invalid attribute for filtering",
            unknown.join(", ")
        )))
    }

    fn sort(&self, query: &Query, found: &mut [&Object]) -> Result<(), Reply> {
        let keys: Vec<&str> = query.all("sort_key").collect();
        let directions: Vec<&str> = query.all("sort_dir").collect();
        if keys.len() != directions.len() {
            return Err(bad_request(
                "The number of sort_keys and sort_dirs must be same",
            ));
        }
        let unknown: Vec<String> = keys
            .iter()
            .filter(|key| {
                attributes::find(self.attributes, key).is_none() || self.no_filters.contains(key)
            })
            .map(|key| format!("'{key}'"))
            .collect();
        if !unknown.is_empty() {
            return Err(bad_request(&format!(
                "[{}] is invalid attribute for sort_keys",
                unknown.join(", ")
            )));
        }
        found.sort_by(|a, b| {
            let by_keys = keys.iter().zip(&directions).map(|(key, direction)| {
                let order = compare(a.get(*key), b.get(*key));
                if *direction == "desc" {
                    order.reverse()
                } else {
                    order
                }
            });
            by_keys
                .fold(Ordering::Equal, Ordering::then)
                .then_with(|| text(a, "id").cmp(text(b, "id")))
        });
        Ok(())
    }

    fn page<'a>(
        &self,
        cx: &Context<'_>,
        mut found: Vec<&'a Object>,
    ) -> Result<(Vec<&'a Object>, Option<Value>), Reply> {
        let query = &cx.request.query;
        let limit = match query.get("limit") {
            None | Some("" | "-1" | "infinite") => None,
            Some(given) => Some(given.parse::<usize>().map_err(|_| {
                fault(
                    400,
                    "BadRequest",
                    &format!(
                        "Bad limit request: Limit must be an integer 0 or greater and not \
                         '{given}'."
                    ),
                )
            })?),
        };
        let reverse = query.truthy("page_reverse");
        if reverse {
            found.reverse();
        }
        if let Some(marker) = query.get("marker") {
            let at = found
                .iter()
                .position(|object| text(object, "id") == marker)
                .ok_or_else(|| missing(self.path, marker))?;
            found.drain(..=at);
        }
        let Some(limit) = limit.filter(|limit| *limit > 0) else {
            if reverse {
                found.reverse();
            }
            return Ok((found, None));
        };
        let full = found.len() >= limit;
        found.truncate(limit);
        if reverse {
            found.reverse();
        }
        Ok((found.clone(), Some(links(cx, &found, full, reverse))))
    }
}

/// The next and previous links of a page.
fn links(cx: &Context<'_>, page: &[&Object], full: bool, reverse: bool) -> Value {
    let url = format!("{}{}", cx.request.base, cx.request.path);
    let plain = Query::parse(
        &url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(
                cx.request
                    .query
                    .pairs()
                    .filter(|(key, _)| !matches!(*key, "marker" | "page_reverse")),
            )
            .finish(),
    );
    let mut links = Vec::new();
    if let Some(last) = page.last().filter(|_| full || reverse) {
        let query = plain.with("marker", text(last, "id"));
        links.push(json!({"rel": "next", "href": format!("{url}?{query}")}));
    }
    if let Some(first) = page.first() {
        let query = plain.with("marker", text(first, "id"));
        links.push(json!({
            "rel": "previous", "href": format!("{url}?{query}&page_reverse=True"),
        }));
    }
    Value::Array(links)
}

fn visible(cx: &Context<'_>, object: &Object) -> bool {
    owns(cx.caller, object)
        || object.get("shared") == Some(&Value::Bool(true))
        || object.get("_shared") == Some(&Value::Bool(true))
        || object.get("router:external") == Some(&Value::Bool(true))
        || object.get("_network_owner").and_then(Value::as_str) == Some(&cx.caller.project_id)
}

fn matches(query: &Query, object: &Object) -> bool {
    query.pairs().all(|(key, _)| {
        if CONTROLS.contains(&key) {
            return true;
        }
        let mut values = query.all(key);
        match key {
            "tags" => split_all(values).all(|tag| has_tag(object, tag)),
            "tags-any" => split_all(values).any(|tag| has_tag(object, tag)),
            "not-tags" => !split_all(values).all(|tag| has_tag(object, tag)),
            "not-tags-any" => !split_all(values).any(|tag| has_tag(object, tag)),
            "fixed_ips" => values.all(|wanted| has_address(object, wanted)),
            "changed_since" => values.all(|time| text(object, "updated_at") >= time),
            _ => values.any(|wanted| equals(object.get(key), wanted)),
        }
    })
}

fn split_all<'a>(values: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    values.flat_map(|value| value.split(','))
}

fn has_tag(object: &Object, tag: &str) -> bool {
    object
        .get("tags")
        .and_then(Value::as_array)
        .is_some_and(|tags| tags.iter().any(|t| t == tag))
}

fn has_address(object: &Object, wanted: &str) -> bool {
    let Some((key, value)) = wanted.split_once('=') else {
        return false;
    };
    let (field, part) = match key {
        "ip_address_substr" => ("ip_address", true),
        other => (other, false),
    };
    object
        .get("fixed_ips")
        .and_then(Value::as_array)
        .is_some_and(|all| {
            all.iter().any(|ip| {
                let have = ip.get(field).and_then(Value::as_str).unwrap_or_default();
                if part {
                    have.contains(value)
                } else {
                    have == value
                }
            })
        })
}

fn equals(have: Option<&Value>, wanted: &str) -> bool {
    match have {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Bool(value)) => *value == truthy(wanted),
        Some(Value::Array(items)) => items.iter().any(|item| equals(Some(item), wanted)),
        Some(Value::Null) | None => wanted.is_empty(),
        Some(Value::Number(number)) => number.to_string() == wanted,
        Some(Value::Object(_)) => false,
    }
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64().partial_cmp(&b.as_f64()),
        (Some(Value::String(a)), Some(Value::String(b))) => Some(a.cmp(b)),
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => Some(a.cmp(b)),
        _ => None,
    }
    .unwrap_or(Ordering::Equal)
}
