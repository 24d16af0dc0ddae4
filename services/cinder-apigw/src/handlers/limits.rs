//! `GET /limits` and `GET /os-quota-sets/{project}`: volumes and gigabytes are counted
//! at the top; what the top does not limit yet is added up over the pods.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_config::Quota;
use tricircle_db::models::{RoutingKind, RoutingUsage};
use tricircle_gateway::Call;

use super::ask_all;
use crate::state::State;

/// Absolute limits of the caller's project, with what is used.
pub(crate) async fn limits(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let bodies = ask_all(&call).await?;
    let kind = RoutingKind::Volume;
    let used = state
        .volumes
        .store
        .routing_usage(kind, &call.context.project_id)
        .await?;
    let absolute = absolute(&bodies, &state.volumes.config.quota, used);
    Ok(HttpResponse::Ok().json(json!({"limits": {"rate": [], "absolute": absolute}})))
}

/// The quota of a project; with `usage=True` what is used too.
pub(crate) async fn quota_set(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let bodies = ask_all(&call).await?;
    let project = call.param("project").to_owned();
    let kind = RoutingKind::Volume;
    let used = state.volumes.store.routing_usage(kind, &project).await?;
    let mut set = first(&bodies, "/quota_set");
    let quota = &state.volumes.config.quota;
    for (key, limit, used) in [
        ("volumes", quota.volumes, used.count),
        ("gigabytes", quota.gigabytes, used.size_gb),
    ] {
        match set.get_mut(key) {
            Some(Value::Object(detail)) => {
                detail.insert("limit".to_owned(), json!(limit));
                detail.insert("in_use".to_owned(), json!(used));
            }
            Some(number) => *number = json!(limit),
            None => {}
        }
    }
    Ok(HttpResponse::Ok().json(json!({"quota_set": set})))
}

fn absolute(bodies: &[Value], quota: &Quota, used: RoutingUsage) -> Value {
    let mut all = first(bodies, "/limits/absolute");
    for (key, value) in &mut all {
        *value = match key.as_str() {
            "maxTotalVolumes" => json!(quota.volumes),
            "maxTotalVolumeGigabytes" => json!(quota.gigabytes),
            "totalVolumesUsed" => json!(used.count),
            "totalGigabytesUsed" => json!(used.size_gb),
            _ => add(bodies, &format!("/limits/absolute/{key}")),
        };
    }
    Value::Object(all)
}

/// The object at a pointer in the first body that has it.
fn first(bodies: &[Value], pointer: &str) -> Map<String, Value> {
    let mut found = bodies.iter().filter_map(|body| body.pointer(pointer));
    let object = found.find_map(Value::as_object);
    object.cloned().unwrap_or_default()
}

/// The sum of the pods' numbers; -1, "without limit", wins.
fn add(bodies: &[Value], pointer: &str) -> Value {
    let numbers = bodies
        .iter()
        .filter_map(|body| body.pointer(pointer)?.as_i64());
    let sum = numbers.fold(0, |sum, number| match (sum, number) {
        (-1, _) | (_, -1) => -1,
        _ => sum + number,
    });
    json!(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_counted_at_the_top_and_the_rest_is_added_up() {
        let pod = |snapshots: i64, limit: i64| {
            json!({"limits": {"rate": [], "absolute": {
                "maxTotalVolumes": 3, "totalVolumesUsed": 1, "totalGigabytesUsed": 1,
                "totalSnapshotsUsed": snapshots, "maxTotalSnapshots": limit,
            }}})
        };
        let quota = Quota {
            volumes: 7,
            ..Quota::default()
        };
        let used = RoutingUsage {
            count: 4,
            size_gb: 9,
            ..RoutingUsage::default()
        };
        assert_eq!(
            absolute(&[pod(2, 10), pod(3, -1)], &quota, used),
            json!({
                "maxTotalVolumes": 7, "totalVolumesUsed": 4, "totalGigabytesUsed": 9,
                "totalSnapshotsUsed": 5, "maxTotalSnapshots": -1,
            })
        );
    }
}
