//! `GET /limits`: what a project may have, with what is used of it.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion, schema};
use tricircle_gateway::Call;

use super::quotas::Quotas;
use crate::state::State;

/// Names of limits in the answer, with the resource and the version that forgot them.
const LIMITS: [(&str, &str, u16); 13] = [
    ("maxImageMeta", "metadata_items", 39),
    ("maxPersonality", "injected_files", 57),
    ("maxPersonalitySize", "injected_file_content_bytes", 57),
    ("maxSecurityGroupRules", "security_group_rules", 36),
    ("maxSecurityGroups", "security_groups", 36),
    ("maxServerGroupMembers", "server_group_members", u16::MAX),
    ("maxServerGroups", "server_groups", u16::MAX),
    ("maxServerMeta", "metadata_items", u16::MAX),
    ("maxTotalCores", "cores", u16::MAX),
    ("maxTotalFloatingIps", "floating_ips", 36),
    ("maxTotalInstances", "instances", u16::MAX),
    ("maxTotalKeypairs", "key_pairs", u16::MAX),
    ("maxTotalRAMSize", "ram", u16::MAX),
];

/// The same for what is used.
const USED: [(&str, &str, u16); 6] = [
    ("totalCoresUsed", "cores", u16::MAX),
    ("totalFloatingIpsUsed", "floating_ips", 36),
    ("totalInstancesUsed", "instances", u16::MAX),
    ("totalRAMUsed", "ram", u16::MAX),
    ("totalSecurityGroupsUsed", "security_groups", 36),
    ("totalServerGroupsUsed", "server_groups", u16::MAX),
];

/// `GET /limits`.
pub(crate) async fn limits(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let version = call.context.version();
    let pairs = call.query_pairs();
    schema::query(
        &json!({
            "type": "object",
            "properties": {"tenant_id": {"type": "array", "items": {"type": "string"}}},
            "additionalProperties": version < Microversion::new(2, 75),
        }),
        &pairs,
    )?;
    let asked = pairs.into_iter().rfind(|(key, _)| key == "tenant_id");
    let project_id = match asked {
        Some((_, project_id)) => {
            call.require("os_compute_api:limits:other_project")?;
            project_id
        }
        None => call.context.project_id.clone(),
    };
    let quotas = Quotas::of(&state, &project_id, None).await?;
    let known = |until: u16| version.minor < until;
    let mut absolute: Map<String, Value> = Map::new();
    for (name, resource, until) in LIMITS {
        if known(until) {
            absolute.insert(name.to_owned(), json!(quotas.limit(resource)));
        }
    }
    for (name, resource, until) in USED {
        if known(until) {
            absolute.insert(name.to_owned(), json!(quotas.used(resource)));
        }
    }
    Ok(HttpResponse::Ok().json(json!({"limits": {"rate": [], "absolute": absolute}})))
}
