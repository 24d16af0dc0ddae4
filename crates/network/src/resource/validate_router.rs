//! Checks of a router's external gateway.

use serde_json::{Map, Value};

use super::convert::boolean;
use super::validate::{because, uuid};
use super::validate_network::fixed_ips;
use super::{Problem, ResourceError, python};

/// What `external_gateway_info` may hold, in the order in which Neutron looks at it.
pub(crate) const GATEWAY_KEYS: &[&str] = &["network_id", "external_fixed_ips", "enable_snat"];

/// `enable_snat` as a boolean, and `null` for what Python takes for nothing. What is none
/// of these is left for [`gateway_info`] to refuse.
pub(crate) fn canonical_gateway(value: Value) -> Result<Value, ResourceError> {
    let mut map = match value {
        Value::Object(map) => map,
        other if is_nothing(&other) => return Ok(Value::Null),
        other => return Ok(other),
    };
    if map.is_empty() {
        return Ok(Value::Null);
    }
    if let Some(snat) = map.get_mut("enable_snat")
        && let Ok(read) = boolean(snat.clone())
    {
        *snat = read;
    }
    Ok(Value::Object(map))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Object(_) => false,
    }
}

/// `null`, or an external network with addresses on it and whether there is source NAT.
pub(crate) fn gateway_info(value: &Value) -> Result<(), Problem> {
    let map = match value {
        Value::Null => return Ok(()),
        Value::Object(map) => map,
        other => return because(format!("'{}' is not a dictionary", python::str(other))),
    };
    let Some(network) = map.get("network_id") else {
        return because(format!(
            "Validation of dictionary's keys failed. Expected keys: {{'network_id'}} Provided \
             keys: {{{}}}",
            quoted(map)
        ));
    };
    let unknown: Vec<&str> = map
        .keys()
        .map(String::as_str)
        .filter(|key| !GATEWAY_KEYS.contains(key))
        .collect();
    if !unknown.is_empty() {
        return because(format!("Unexpected keys supplied: {}", unknown.join(", ")));
    }
    uuid(network)?;
    if let Some(ips) = map.get("external_fixed_ips") {
        fixed_ips(ips)?;
    }
    match map.get("enable_snat") {
        None => Ok(()),
        Some(snat) => Ok(boolean(snat.clone()).map(|_| ())?),
    }
}

fn quoted(map: &Map<String, Value>) -> String {
    let keys: Vec<String> = map.keys().map(|key| format!("'{key}'")).collect();
    keys.join(", ")
}

/// The port and the subnet that a request for an interface names.
pub fn interface_named(
    body: &Map<String, Value>,
) -> Result<(Option<String>, Option<String>), ResourceError> {
    let named = |key: &str| match body.get(key) {
        None => Ok(None),
        Some(value) => match uuid(value) {
            Ok(()) => Ok(value.as_str().map(str::to_owned)),
            Err(Problem::Reason(reason)) => Err(ResourceError::bad_subject("router", reason)),
            Err(Problem::Error(error)) => Err(error),
        },
    };
    Ok((named("port_id")?, named("subnet_id")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn gateways_are_refused_in_neutrons_words() {
        let id = "11111111-1111-1111-1111-111111111111";
        for (value, said) in [
            (json!(null), "ok"),
            (json!({}), "ok"),
            (json!(""), "ok"),
            (json!({"network_id": id}), "ok"),
            (json!({"network_id": id, "enable_snat": "no"}), "ok"),
            (json!("x"), "'x' is not a dictionary"),
            (json!({"network_id": "x"}), "'x' is not a valid UUID"),
            (
                json!({"enable_snat": true}),
                "Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided \
                 keys: {'enable_snat'}",
            ),
            (
                json!({"network_id": id, "bogus": 1}),
                "Unexpected keys supplied: bogus",
            ),
            (
                json!({"network_id": id, "external_fixed_ips": "x"}),
                "Invalid data format for fixed IP: 'x'",
            ),
            (
                json!({"network_id": id, "external_fixed_ips": [{"ip_address": "x"}]}),
                "'x' is not a valid IP address",
            ),
            (
                json!({"network_id": id, "enable_snat": "x"}),
                "Invalid input for operation: 'x' cannot be converted to boolean.",
            ),
        ] {
            let read = canonical_gateway(value.clone()).unwrap();
            let found = match gateway_info(&read) {
                Ok(()) => "ok".to_owned(),
                Err(Problem::Reason(reason)) => reason,
                Err(Problem::Error(error)) => error.message,
            };
            assert_eq!(found, said, "{value}");
        }
    }
}
