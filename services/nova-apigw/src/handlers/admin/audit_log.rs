//! `/os-instance_usage_audit_log` over all pods: the hosts of all, and sums.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_gateway::Call;

use super::ask_all;
use crate::state::State;

/// Members that are added up.
const SUMS: [&str; 6] = [
    "num_hosts",
    "num_hosts_done",
    "num_hosts_not_run",
    "num_hosts_running",
    "total_errors",
    "total_instances",
];

fn merged(logs: &[Value]) -> Value {
    let mut out = Map::new();
    let mut hosts = Vec::new();
    let mut log = Map::new();
    for one in logs {
        for key in ["period_beginning", "period_ending"] {
            if let Some(moment) = one.get(key) {
                out.insert(key.to_owned(), moment.clone());
            }
        }
        hosts.extend(
            one.get("hosts_not_run")
                .and_then(Value::as_array)
                .into_iter()
                .flatten(),
        );
        log.extend(
            one.get("log")
                .and_then(Value::as_object)
                .cloned()
                .into_iter()
                .flatten(),
        );
    }
    let sum = |key: &str| {
        let numbers = logs.iter().filter_map(|one| one.get(key)?.as_i64());
        numbers.sum::<i64>()
    };
    for key in SUMS {
        out.insert(key.to_owned(), json!(sum(key)));
    }
    let (all, done, errors) = (sum("num_hosts"), sum("num_hosts_done"), sum("total_errors"));
    let status = if all == done {
        format!("ALL hosts done. {errors} errors.")
    } else {
        format!("{done} of {all} hosts done. {errors} errors.")
    };
    out.insert("overall_status".to_owned(), json!(status));
    out.insert("hosts_not_run".to_owned(), json!(hosts));
    out.insert("log".to_owned(), Value::Object(log));
    Value::Object(out)
}

/// The last period, or the one before a moment.
pub(crate) async fn show(
    _state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let key = match call.param("before") {
        "" => "instance_usage_audit_logs",
        _ => "instance_usage_audit_log",
    };
    let said = ask_all(&call, &call.path_and_query()).await?;
    let logs: Vec<Value> = said
        .into_iter()
        .filter_map(|mut said| said.body.get_mut(key).map(Value::take))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ key: merged(&logs) })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_all_pods_are_in_one_log() {
        let one = |host: &str, done: i64| {
            json!({
                "num_hosts": 1, "num_hosts_done": done, "num_hosts_not_run": 1 - done,
                "num_hosts_running": 0, "total_errors": 2, "total_instances": 3,
                "hosts_not_run": [host], "log": {host: {"state": "DONE"}},
                "period_beginning": "b", "period_ending": "e",
            })
        };
        let log = merged(&[one("a", 1), one("b", 0)]);
        assert_eq!(log["overall_status"], "1 of 2 hosts done. 4 errors.");
        assert_eq!(log["num_hosts"], 2);
        assert_eq!(log["hosts_not_run"], json!(["a", "b"]));
        assert_eq!(log["log"].as_object().unwrap().len(), 2);
        let log = merged(&[one("a", 1)]);
        assert_eq!(log["overall_status"], "ALL hosts done. 2 errors.");
    }
}
