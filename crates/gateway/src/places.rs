//! How far each pod was read when a page ended.
//!
//! A marker is an id, and only one pod knows it. The page that ended with it was made here,
//! though, and then it was known which item of each other pod came last before it. That
//! item is a marker for its pod: reading goes on behind it, not at the start, so the
//! hundredth page costs what the first one does.
//!
//! Only a hint, within one process and for a while. Without it, or when its item is gone,
//! a pod is read from the start. Kept only for orders by what never changes: an item that
//! moved would take those behind it along.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::SortKey;
use crate::query::Query;

/// The most pages whose ends are kept, and how long.
const KEPT: usize = 4096;
const BELIEVED: Duration = Duration::from_secs(300);

/// Sort keys whose values an item keeps.
const LASTING: [&str; 4] = ["created_at", "uuid", "id", "project_id"];

/// The last item before a marker in each pod, by pod.
pub(crate) type Ends = HashMap<String, String>;

/// The ends of the pages that were shown lately. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<String, (Instant, Ends)>>>);

impl Places {
    /// Where the pods were when the page ended that `list` and `marker` tell.
    pub(crate) fn after(&self, list: &str, marker: &str) -> Ends {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get(&key(list, marker)) {
            Some((since, ends)) if since.elapsed() < BELIEVED => ends.clone(),
            _ => Ends::new(),
        }
    }

    pub(crate) fn keep(&self, list: &str, marker: &str, ends: Ends) {
        if ends.is_empty() {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, (since, _)| since.elapsed() < BELIEVED);
        }
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key(list, marker), (Instant::now(), ends));
    }
}

fn key(list: &str, marker: &str) -> String {
    format!("{marker} {list}")
}

/// What makes two calls pages of one list: who asks, for what, in which order. None where
/// the order is by what may change.
pub(crate) fn list_of(project_id: &str, path: &str, query: &Query) -> Option<String> {
    let lasting = |key: &SortKey| LASTING.contains(&key.name.as_str());
    query.keys.iter().all(lasting).then(|| {
        let mut list = format!("{project_id} {path}");
        for (key, value) in &query.filters {
            list.push_str(&format!(" {key}={value:?}"));
        }
        for key in &query.keys {
            list.push_str(&format!(" {} {}", key.name, key.direction.as_str()));
        }
        list
    })
}

/// Where the pods are after a page: in each the last of its items that the page has, else
/// where it was before. `read`: what each pod gave, in its order.
pub(crate) fn ends(before: &Ends, read: &[(String, Vec<String>)], page: &[Value]) -> Ends {
    let shown: std::collections::HashSet<&str> = page
        .iter()
        .filter_map(|item| item.get("id").and_then(Value::as_str))
        .collect();
    let mut ends = Ends::new();
    for (pod, ids) in read {
        let last = ids.iter().rfind(|id| shown.contains(id.as_str()));
        if let Some(last) = last.or_else(|| before.get(pod)) {
            ends.insert(pod.clone(), last.clone());
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction;
    use serde_json::json;

    fn query(keys: &[&str], filters: &[(&str, &str)]) -> Query {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Query {
            filters: filters.iter().map(pair).collect(),
            keys: keys
                .iter()
                .map(|name| SortKey {
                    name: (*name).to_owned(),
                    field: String::new(),
                    direction: Direction::Desc,
                })
                .collect(),
            limit: None,
            marker: None,
            offset: 0,
            only: None,
        }
    }

    #[test]
    fn a_pod_is_where_its_last_shown_item_is() {
        let pod = |name: &str, ids: &[&str]| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            (name.to_owned(), ids)
        };
        let read = [
            pod("1", &["a", "c", "e"]),
            pod("2", &["d", "f"]),
            pod("3", &[]),
        ];
        let page = ["a", "c"].map(|id| json!({"id": id}));
        let before = Ends::from([("2".to_owned(), "x".to_owned())]);
        let expected = [("1", "c"), ("2", "x")];
        let expected = expected.map(|(pod, id)| (pod.to_owned(), id.to_owned()));
        assert_eq!(ends(&before, &read, &page), Ends::from(expected));
        assert_eq!(ends(&Ends::new(), &read, &[]), Ends::new());
    }

    #[test]
    fn only_the_same_list_goes_on() {
        let of = |keys: &[&str], filters: &[(&str, &str)]| {
            list_of("p", "/servers", &query(keys, filters))
        };
        let list = of(&["created_at", "uuid"], &[]).unwrap();
        assert_eq!(of(&["created_at", "uuid"], &[]).as_ref(), Some(&list));
        for other in [
            of(&["uuid"], &[]),
            of(&["created_at", "uuid"], &[("name", "x")]),
            list_of("q", "/servers", &query(&["created_at", "uuid"], &[])),
        ] {
            assert_ne!(other.unwrap(), list);
        }
        assert_eq!(of(&["display_name", "uuid"], &[]), None, "a name changes");
        let places = Places::default();
        let ends = Ends::from([("1".to_owned(), "c".to_owned())]);
        places.keep(&list, "m", ends.clone());
        assert_eq!(places.after(&list, "m"), ends);
        assert_eq!(places.after(&list, "n"), Ends::new());
        assert_eq!(places.after("another", "m"), Ends::new());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let places = Places::default();
        for n in 0..=KEPT {
            let ends = Ends::from([("1".to_owned(), "c".to_owned())]);
            places.keep("list", &n.to_string(), ends);
        }
        assert!(places.0.lock().unwrap().len() <= KEPT);
    }
}
