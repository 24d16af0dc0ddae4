//! The body of `POST /servers/{id}/os-interface`. Pure.

use std::net::IpAddr;

use serde_json::{Map, Value};
use tricircle_api::Microversion;
use tricircle_network::RequestedNic;

/// From here on an interface may have a tag.
const WITH_TAG: Microversion = Microversion::new(2, 49);

/// The longest tag.
const LONGEST_TAG: usize = 60;

/// Reads a body as Nova's schema has it; `None` when it has not that shape, which is the
/// pod's to say in its own words.
pub(super) fn read(body: &Map<String, Value>, version: Microversion) -> Option<RequestedNic> {
    if body.keys().any(|key| key != "interfaceAttachment") {
        return None;
    }
    let mut nic = RequestedNic::default();
    let Some(given) = body.get("interfaceAttachment") else {
        return Some(nic);
    };
    for (key, value) in given.as_object()? {
        match key.as_str() {
            "net_id" => nic.uuid = Some(uuid(value)?),
            "port_id" => nic.port = Some(uuid(value)?),
            "fixed_ips" => nic.fixed_ip = Some(one_address(value)?),
            "tag" if version >= WITH_TAG => nic.tag = Some(tag(value)?),
            _ => return None,
        }
    }
    Some(nic)
}

fn uuid(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let parsed = uuid::Uuid::parse_str(text).ok()?;
    // However it is written, it means the one that the top has.
    Some(parsed.hyphenated().to_string())
}

fn one_address(value: &Value) -> Option<String> {
    let [only] = value.as_array()?.as_slice() else {
        return None;
    };
    let only = only.as_object()?;
    let text = only.get("ip_address")?.as_str()?;
    (only.len() == 1 && text.parse::<IpAddr>().is_ok()).then(|| text.to_owned())
}

fn tag(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fits = !text.is_empty() && text.chars().count() <= LONGEST_TAG;
    (fits && !text.contains([',', '/'])).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";

    fn of(body: Value, minor: u16) -> Option<RequestedNic> {
        read(body.as_object().unwrap(), Microversion::new(2, minor))
    }

    #[test]
    fn what_may_be_asked_for_is_read() {
        let nothing = RequestedNic::default();
        assert_eq!(of(json!({}), 1), Some(nothing.clone()));
        assert_eq!(of(json!({"interfaceAttachment": {}}), 1), Some(nothing));
        let body = json!({"interfaceAttachment": {
            "net_id": ID.replace('-', "").to_uppercase(),
            "fixed_ips": [{"ip_address": "10.0.0.5"}],
            "tag": "public",
        }});
        let nic = of(body.clone(), 49).unwrap();
        assert_eq!(nic.uuid.as_deref(), Some(ID));
        assert_eq!(nic.fixed_ip.as_deref(), Some("10.0.0.5"));
        assert_eq!(nic.tag.as_deref(), Some("public"));
        assert_eq!(of(body, 48), None, "tags came with 2.49");
    }

    #[test]
    fn everything_else_is_left_to_the_pod() {
        for attachment in [
            json!(null),
            json!([]),
            json!({"net_id": "x"}),
            json!({"net_id": null}),
            json!({"port_id": 1}),
            json!({"fixed_ips": []}),
            json!({"fixed_ips": [{"ip_address": "10.0.0.5"}, {"ip_address": "10.0.0.6"}]}),
            json!({"fixed_ips": [{"ip_address": "10.0.0.5", "subnet_id": ID}]}),
            json!({"fixed_ips": [{"ip_address": "10.0.0"}]}),
            json!({"tag": ""}),
            json!({"tag": "a/b"}),
            json!({"tag": "x".repeat(61)}),
            json!({"mac": "fa:16:3e:00:00:01"}),
        ] {
            let body = json!({"interfaceAttachment": attachment});
            assert_eq!(of(body.clone(), 60), None, "{body}");
        }
        assert_eq!(of(json!({"interface": {}}), 60), None);
    }
}
