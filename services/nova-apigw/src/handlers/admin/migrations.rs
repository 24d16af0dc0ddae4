//! `/os-migrations` over all pods: the newest first, page by page from 2.59 on.

use std::cmp::Reverse;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion};
use tricircle_gateway::Call;

use super::{Said, ask_all, hosts, items, numbers, page};
use crate::state::State;

/// Members that hold the name of a host.
const HOSTS: [&str; 4] = [
    "/source_compute",
    "/dest_compute",
    "/source_node",
    "/dest_node",
];

fn joined(said: Vec<Said>) -> Vec<Value> {
    let mut list = Vec::new();
    for mut said in said {
        for mut migration in items(&mut said.body, "migrations") {
            numbers::member_at_top(&said.pod, &mut migration, "id");
            list.push((said.pod.region().to_owned(), migration));
        }
    }
    hosts::qualify(&mut list, &HOSTS);
    list.into_iter().map(|(_, migration)| migration).collect()
}

/// Nova's order over cells: by the moment, then by the number.
fn newest_first(list: &mut [Value]) {
    list.sort_by_key(|migration| {
        let created = migration.get("created_at").and_then(Value::as_str);
        let number = migration.get("id").and_then(Value::as_i64);
        Reverse((created.map(str::to_owned), number))
    });
}

/// Lists.
pub(crate) async fn index(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    if call.context.version() < Microversion::new(2, 59) {
        let list = joined(ask_all(&call, &call.path_and_query()).await?);
        return Ok(HttpResponse::Ok().json(json!({ "migrations": list })));
    }
    let pairs = call.query_pairs();
    let asked = page::asked(&pairs, state.compute.config.tricircle.max_limit)?;
    let query = page::rest(&pairs);
    let said = page::read_all(&call, &call.path, &query, "migrations", "uuid").await?;
    let mut all = joined(said);
    newest_first(&mut all);
    let (list, more) =
        page::cut(all, "uuid", &asked).map_err(page::NoMarker::could_not_be_found)?;
    let mut body = Map::new();
    let last = list.last().and_then(|item| item.get("uuid")?.as_str());
    if let (true, Some(last)) = (more, last) {
        body.insert(
            "migrations_links".to_owned(),
            page::next(&call, &pairs, last),
        );
    }
    body.insert("migrations".to_owned(), Value::Array(list));
    Ok(HttpResponse::Ok().json(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first() {
        let one = |created: &str, id: i64| json!({"created_at": created, "id": id});
        let mut list = [
            one("2026-01-01", 1),
            one("2026-01-02", 2),
            one("2026-01-02", 3),
        ];
        newest_first(&mut list);
        let ids: Vec<_> = list
            .iter()
            .map(|item| item["id"].as_i64().unwrap())
            .collect();
        assert_eq!(ids, [3, 2, 1]);
    }
}
