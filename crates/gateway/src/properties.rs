//! What must hold whatever pods answer: properties of merging, paging and rewriting.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tricircle_db::models::{AuthMode, Pod, PodState, PodView, PodZone, ZoneService};

use crate::list::page;
use crate::merge::{after, merge};
use crate::{Direction, FieldRule, FieldWork, Rewriter, SortKey, compare};

const POD: &str = "http://pod1:8774";
const TOP: &str = "https://top/compute";

/// Any JSON, made of words that mean something to the gateway among others.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("id".to_owned()),
        Just("servers".to_owned()),
        Just("servers_links".to_owned()),
        Just("zone".to_owned()),
        Just("mark".to_owned()),
        Just("nova".to_owned()),
        Just(format!("{POD}/v2.1/servers/1")),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Others lose their last digit when they are read.
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((word.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn key(name: &str, descending: bool) -> SortKey {
    SortKey {
        name: name.to_owned(),
        field: name.to_owned(),
        direction: match descending {
            true => Direction::Desc,
            false => Direction::Asc,
        },
    }
}

fn rewriter() -> Rewriter {
    const FIELDS: &[FieldRule] = &[
        FieldRule {
            key: "zone",
            work: FieldWork::Zone(ZoneService::Compute),
        },
        FieldRule {
            key: "mark",
            work: FieldWork::Drop,
        },
    ];
    let now = tricircle_db::now();
    let pod = Pod {
        id: "p".to_owned(),
        region_name: "Pod1".to_owned(),
        ordinal: 1,
        state: PodState::Enabled,
        auth_mode: AuthMode::Shared,
        created_at: now,
        updated_at: now,
    };
    let zones = vec![PodZone {
        pod_id: "p".to_owned(),
        service: ZoneService::Compute,
        top_az: "az1".to_owned(),
        bottom_az: "nova".to_owned(),
    }];
    Rewriter::new(
        POD,
        TOP,
        FIELDS,
        PodView {
            pod,
            zones,
            mtu: None,
        },
    )
}

/// The same with the keys that hold a pod's root replaced by others: the rewriter takes
/// roots out of keys only where it works on bytes, and no API has such keys.
fn without_roots_in_keys(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_roots_in_keys).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key.replace(POD, "x"), without_roots_in_keys(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

proptest! {
    #[test]
    fn pages_over_pods_join_without_gap_or_repetition(
        made in vec((0..4u8, 0..5usize), 0..40),
        size in 1..7usize,
        (by_time, by_id) in any::<(bool, bool)>(),
    ) {
        let keys = [key("created", by_time), key("id", by_id)];
        let mut pods = vec![Vec::new(); 5];
        for (number, (created, pod)) in made.iter().enumerate() {
            pods[*pod].push(json!({"id": format!("{number:03}"), "created": created.to_string()}));
        }
        pods.iter_mut().for_each(|pod| pod.sort_by(|a, b| compare(&keys, a, b)));
        let whole = merge(&keys, pods.clone(), usize::MAX);
        prop_assert_eq!(whole.len(), made.len());
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let rest = pods.iter().map(|pod| {
                let mut rest = match seen.last() {
                    Some(marker) => after(&keys, marker, pod.clone()),
                    None => pod.clone(),
                };
                rest.truncate(size);
                rest
            });
            let page = merge(&keys, rest.collect(), size);
            if page.is_empty() {
                break;
            }
            seen.extend(page);
            prop_assert!(seen.len() <= whole.len());
        }
        prop_assert_eq!(seen, whole);
    }

    #[test]
    fn anything_can_be_ordered(lists in vec(vec(any_json(), 0..40), 0..4), limit in 0..50usize) {
        let keys = [key("zone", true), key("id", false)];
        let merged = merge(&keys, lists, limit);
        prop_assert!(merged.len() <= limit);
        prop_assert!(merged.is_sorted_by(|a, b| compare(&keys, a, b).is_le()));
    }

    #[test]
    fn a_page_has_ids_and_no_more_items_than_asked_for(body in any_json(), limit in 1..5usize) {
        if let Ok(page) = page("servers", body, limit) {
            prop_assert!(page.items.len() <= limit);
            prop_assert!(page.items.iter().all(|item| item["id"].is_string()));
        }
    }

    #[test]
    fn bytes_and_values_are_rewritten_alike(value in any_json()) {
        let mut value = without_roots_in_keys(value);
        let bytes = rewriter().body(value.to_string().into_bytes());
        let text = String::from_utf8(bytes).unwrap();
        prop_assert!(!text.contains(POD), "{}", text);
        rewriter().value(&mut value);
        // Through text, since not every number is the same after it.
        let through: Value = serde_json::from_str(&text).unwrap();
        let expected: Value = serde_json::from_str(&value.to_string()).unwrap();
        prop_assert_eq!(through, expected);
    }

    #[test]
    fn what_is_no_json_passes(bytes in vec(any::<u8>(), 0..200)) {
        prop_assume!(serde_json::from_slice::<Value>(&bytes).is_err());
        prop_assert_eq!(rewriter().body(bytes.clone()), bytes);
    }
}
