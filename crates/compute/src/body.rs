//! The body of the create that goes to the pod. Pure.
//!
//! Everything the user sent is kept, except what must be said in the pod's words:
//! zone, ports, name of one server of several, and our mark.

use serde_json::{Map, Value, json};
use tricircle_network::RealizedPort;

use crate::{INTENT_HINT, Intent, ServerRequest};

/// Names under which the API takes scheduler hints.
const HINTS: [&str; 2] = ["os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"];

/// What is put in the place of the user's words.
#[derive(Debug)]
pub(crate) struct InPod<'a> {
    /// Zone in the pod; empty: the pod's default.
    pub(crate) zone: &'a str,
    /// The ports, made in the pod.
    pub(crate) ports: &'a [RealizedPort],
}

/// The body for one server in a pod.
pub(crate) fn for_pod(request: &ServerRequest, intent: &Intent, place: &InPod<'_>) -> Value {
    let mut body = request.body.clone();
    let mut server = request.server().cloned().unwrap_or_default();
    server.insert("name".to_owned(), json!(intent.name));
    for key in [
        "min_count",
        "max_count",
        "return_reservation_id",
        "availability_zone",
        // The ports carry the groups.
        "security_groups",
    ] {
        server.remove(key);
    }
    let zone = format!("{}{}", place.zone, request.zone_host);
    if !zone.is_empty() {
        server.insert("availability_zone".to_owned(), json!(zone));
    }
    server.insert("networks".to_owned(), networks(place.ports));
    body.insert("server".to_owned(), Value::Object(server));
    mark(&mut body, &intent.id);
    Value::Object(body)
}

/// Ports by id, or `none`: never left to the pod, which would choose by itself.
fn networks(ports: &[RealizedPort]) -> Value {
    if ports.is_empty() {
        return json!("none");
    }
    ports
        .iter()
        .map(|port| match &port.tag {
            Some(tag) => json!({"port": port.bottom_id, "tag": tag}),
            None => json!({"port": port.bottom_id}),
        })
        .collect()
}

fn mark(body: &mut Map<String, Value>, intent_id: &str) {
    let key = HINTS
        .into_iter()
        .find(|key| body.contains_key(*key))
        .unwrap_or(HINTS[0]);
    let hints = body.entry(key).or_insert_with(|| json!({}));
    // Hints that are no object are the pod's to refuse.
    if let Some(hints) = hints.as_object_mut() {
        hints.insert(INTENT_HINT.to_owned(), json!(intent_id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";

    fn through(body: Value, zone: &str, ports: &[RealizedPort]) -> Value {
        let request = ServerRequest::read(&body).unwrap();
        let intent = Intent {
            id: "intent".to_owned(),
            name: request.names().next().unwrap(),
            reservation_id: "r-1".to_owned(),
        };
        for_pod(&request, &intent, &InPod { zone, ports })
    }

    #[test]
    fn every_field_of_the_user_is_kept() {
        let out = through(
            json!({
                "server": {
                    "name": "vm", "flavorRef": "1", "imageRef": ID, "availability_zone": "az1",
                    "networks": [{"uuid": ID}], "security_groups": [{"name": "web"}],
                    "min_count": 2, "user_data": "x", "metadata": {"a": "b"}, "key_name": "k",
                    "config_drive": true, "tags": ["t"], "something_new": {"deep": [1]},
                },
                "os:scheduler_hints": {"group": ID},
            }),
            "nova",
            &[RealizedPort {
                top_id: "t".to_owned(),
                bottom_id: "b".to_owned(),
                tag: Some("eth".to_owned()),
            }],
        );
        assert_eq!(
            out,
            json!({
                "server": {
                    "name": "vm-1", "flavorRef": "1", "imageRef": ID,
                    "networks": [{"port": "b", "tag": "eth"}], "user_data": "x",
                    "metadata": {"a": "b"}, "key_name": "k", "config_drive": true,
                    "tags": ["t"], "something_new": {"deep": [1]}, "availability_zone": "nova",
                },
                "os:scheduler_hints": {"group": ID, "tricircle_intent": "intent"},
            })
        );
    }

    #[test]
    fn without_ports_the_pod_is_told_so_and_an_empty_zone_is_not_sent() {
        let out = through(
            json!({"server": {"name": "vm", "flavorRef": "1", "imageRef": ID}}),
            "",
            &[],
        );
        assert_eq!(out["server"]["networks"], "none");
        assert!(out["server"].get("availability_zone").is_none());
    }

    #[test]
    fn a_host_in_the_zone_reaches_the_pod_behind_its_own_zone() {
        let out = through(
            json!({"server": {
                "name": "vm", "flavorRef": "1", "imageRef": ID, "availability_zone": "az1:h1"
            }}),
            "nova",
            &[],
        );
        assert_eq!(out["server"]["availability_zone"], "nova:h1");
    }

    #[test]
    fn hints_under_their_old_name_stay_there() {
        let out = through(
            json!({
                "server": {"name": "vm", "flavorRef": "1", "imageRef": ID},
                "OS-SCH-HNT:scheduler_hints": {"query": "q"},
            }),
            "",
            &[],
        );
        assert_eq!(
            out["OS-SCH-HNT:scheduler_hints"],
            json!({"query": "q", "tricircle_intent": "intent"})
        );
        assert!(out.get("os:scheduler_hints").is_none());
    }
}
