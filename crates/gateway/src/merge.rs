//! One order over the answers of all pods.
//!
//! Every list has a declared total order: the sort keys asked for and, as the last
//! one, the id. Pods sort their part the same way; this module compares items of
//! different pods and cuts the page out. Pure.

use std::cmp::Ordering;

use serde_json::Value;

/// Ascending or descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

impl Direction {
    /// `asc` or `desc`, as queries write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// One key of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Name in the query (`created_at`).
    pub name: String,
    /// Where the value stands in an item (`created`, or `image/id`).
    pub field: String,
    /// Which way.
    pub direction: Direction,
}

/// Compares two items by `keys`. A missing or null value is the smallest, as the
/// pods' database has it.
pub fn compare(keys: &[SortKey], a: &Value, b: &Value) -> Ordering {
    keys.iter()
        .map(|key| {
            let order = values(lookup(a, &key.field), lookup(b, &key.field));
            match key.direction {
                Direction::Asc => order,
                Direction::Desc => order.reverse(),
            }
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The first `limit` items, in order, of lists that each are in order already.
/// An item that two pods return (it moved, or a pod is registered twice) appears once.
pub(crate) fn merge(keys: &[SortKey], lists: Vec<Vec<Value>>, limit: usize) -> Vec<Value> {
    let mut all: Vec<Value> = lists.into_iter().flatten().collect();
    all.sort_by(|a, b| compare(keys, a, b));
    all.dedup_by(|a, b| a.get("id").is_some() && a.get("id") == b.get("id"));
    all.truncate(limit);
    all
}

/// The items that come after `marker` in the order.
pub(crate) fn after(keys: &[SortKey], marker: &Value, mut items: Vec<Value>) -> Vec<Value> {
    items.retain(|item| compare(keys, item, marker).is_gt());
    items
}

fn lookup<'a>(item: &'a Value, field: &str) -> &'a Value {
    field
        .split('/')
        .fold(item, |inside, key| inside.get(key).unwrap_or(&Value::Null))
}

fn values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a
            .as_f64()
            .unwrap_or_default()
            .total_cmp(&b.as_f64().unwrap_or_default()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Nulls first; other kinds apart from each other, so that the order stays total.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys() -> Vec<SortKey> {
        let key = |name: &str, field: &str| SortKey {
            name: name.to_owned(),
            field: field.to_owned(),
            direction: Direction::Desc,
        };
        vec![key("created_at", "created"), key("uuid", "id")]
    }

    fn item(created: &str, id: &str) -> Value {
        json!({"created": created, "id": id})
    }

    fn ids(items: &[Value]) -> Vec<&str> {
        items.iter().map(|i| i["id"].as_str().unwrap()).collect()
    }

    #[test]
    fn pods_are_merged_by_time_and_then_by_id() {
        let lists = vec![
            vec![item("2", "b"), item("1", "a")],
            vec![item("3", "c"), item("2", "d")],
        ];
        assert_eq!(
            ids(&merge(&keys(), lists.clone(), 10)),
            ["c", "d", "b", "a"]
        );
        assert_eq!(ids(&merge(&keys(), lists, 2)), ["c", "d"]);
    }

    #[test]
    fn an_item_that_two_pods_return_appears_once() {
        let lists = vec![vec![item("2", "b")], vec![item("2", "b")]];
        assert_eq!(ids(&merge(&keys(), lists, 10)), ["b"]);
    }

    #[test]
    fn paging_through_skips_and_repeats_nothing() {
        let lists = || {
            vec![
                vec![item("2", "b"), item("2", "a"), item("1", "e")],
                vec![item("3", "c"), item("2", "d"), item("1", "f")],
            ]
        };
        let whole = merge(&keys(), lists(), 10);
        let mut seen = Vec::new();
        while seen.len() < whole.len() {
            let rest = match seen.last() {
                None => lists(),
                Some(marker) => lists()
                    .into_iter()
                    .map(|list| after(&keys(), marker, list))
                    .collect(),
            };
            let page = merge(&keys(), rest, 2);
            assert!(!page.is_empty());
            seen.extend(page);
        }
        assert_eq!(seen, whole);
    }

    #[test]
    fn missing_values_and_mixed_kinds_still_have_an_order() {
        let key = SortKey {
            name: "x".to_owned(),
            field: "x/y".to_owned(),
            direction: Direction::Asc,
        };
        let mut items = [json!({"x": {"y": "t"}}), json!({"x": {"y": 1}}), json!({})];
        items.sort_by(|a, b| compare(std::slice::from_ref(&key), a, b));
        assert_eq!(
            items,
            [json!({}), json!({"x": {"y": 1}}), json!({"x": {"y": "t"}})]
        );
    }
}
