//! `GET /volumes/summary`: the pods' numbers added up.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_gateway::Call;
use tricircle_volume::INTENT_KEY;

use super::ask_all;

/// Count and size of all volumes; from 3.36 on which values each metadata key has.
pub(crate) async fn summary(call: Call, _payload: Payload) -> Result<HttpResponse, Fault> {
    let bodies = ask_all(&call).await?;
    Ok(HttpResponse::Ok().json(json!({"volume-summary": add(&bodies)})))
}

fn add(bodies: &[Value]) -> Value {
    let parts: Vec<_> = bodies
        .iter()
        .filter_map(|body| body.get("volume-summary"))
        .collect();
    let sum = |key: &str| -> i64 {
        let numbers = parts.iter().filter_map(|part| part.get(key)?.as_i64());
        numbers.sum()
    };
    let mut total = Map::new();
    total.insert("total_size".to_owned(), json!(sum("total_size")));
    total.insert("total_count".to_owned(), json!(sum("total_count")));
    if parts.iter().any(|part| part.get("metadata").is_some()) {
        total.insert("metadata".to_owned(), metadata(&parts));
    }
    Value::Object(total)
}

fn metadata(parts: &[&Value]) -> Value {
    let mut all: std::collections::BTreeMap<&str, BTreeSet<&str>> = Default::default();
    let maps = parts
        .iter()
        .filter_map(|part| part.get("metadata")?.as_object());
    for (key, values) in maps.flatten().filter(|(key, _)| *key != INTENT_KEY) {
        let values = values.as_array().into_iter().flatten();
        all.entry(key)
            .or_default()
            .extend(values.filter_map(Value::as_str));
    }
    json!(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_and_metadata_joined_without_our_mark() {
        let body = |n: i64, metadata: Value| {
            json!({"volume-summary": {
                "total_size": n, "total_count": 1, "metadata": metadata,
            }})
        };
        let sum = add(&[
            body(2, json!({"a": ["x"], "tricircle_intent": ["i"]})),
            body(3, json!({"a": ["y", "x"]})),
        ]);
        assert_eq!(
            sum,
            json!({"total_size": 5, "total_count": 2, "metadata": {"a": ["x", "y"]}})
        );
        let old = json!({"volume-summary": {"total_size": 1, "total_count": 1}});
        assert_eq!(add(&[old]), json!({"total_size": 1, "total_count": 1}));
    }
}
