//! Creates of things that belong to a volume named in the body: snapshots, backups,
//! attachments, transfers. They are made in the volume's pod.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value};
use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, forward_to};

use super::read;

/// How the volume is called in the bodies.
const KEYS: [&str; 2] = ["volume_id", "volume_uuid"];

/// Forwards the create to the pod of the volume in its body.
pub(crate) async fn create(call: Call, payload: Payload) -> Result<HttpResponse, Fault> {
    let (body, bytes) = read(&call, payload).await?;
    let pod = match volume_in(&body) {
        Some(id) => call.pod_of(RoutingKind::Volume, id).await?,
        // Not what the API asks for: any Cinder says so in its own words.
        None => call.any_pod()?,
    };
    forward_to(&call, &pod, ForwardBody::Made(bytes)).await
}

fn volume_in(body: &Map<String, Value>) -> Option<&str> {
    body.values()
        .filter_map(Value::as_object)
        .find_map(|inside| KEYS.iter().find_map(|key| inside.get(*key)?.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_volume_is_found_under_either_name() {
        let found = |body: Value| {
            let body = body.as_object().unwrap().clone();
            volume_in(&body).map(str::to_owned)
        };
        let some = Some("v".to_owned());
        assert_eq!(
            found(json!({"snapshot": {"name": "s", "volume_id": "v"}})),
            some
        );
        assert_eq!(found(json!({"attachment": {"volume_uuid": "v"}})), some);
        assert_eq!(found(json!({"backup": {"volume_id": 7}})), None);
        assert_eq!(found(json!({"volume_id": "v"})), None);
    }
}
