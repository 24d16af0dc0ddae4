//! What the top answers by itself, a file per resource.

pub(crate) mod actions;
pub(crate) mod attachments;
pub(crate) mod away;
pub(crate) mod flavors;
pub(crate) mod groups;
pub(crate) mod interfaces;
pub(crate) mod keypairs;
pub(crate) mod limits;
pub(crate) mod networking;
pub(crate) mod servers;
pub(crate) mod zones;

use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, FaultStyle, Site, json as body};
use tricircle_gateway::Call;

/// The request's body as a JSON object, with the bytes it came as.
async fn read(call: &Call, payload: Payload) -> Result<(Map<String, Value>, Vec<u8>), Fault> {
    let max = call
        .request
        .app_data::<Site>()
        .map_or(114_688, Site::max_body);
    let bytes = body::read(payload.into_inner(), max).await?;
    let content_type = call
        .request
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let object = body::parse(FaultStyle::Nova, content_type, &bytes)?;
    Ok((object, bytes))
}

/// The two links of a resource: with and without the version.
fn links(call: &Call, path: &str) -> Value {
    let root = &call.top_root;
    json!([
        {"rel": "self", "href": format!("{root}/v2.1{path}")},
        {"rel": "bookmark", "href": format!("{root}{path}")},
    ])
}
