//! Readers: a value as users send it, made canonical.
//!
//! They accept what Neutron's converters accept (the text `"on"` is a boolean,
//! `"4"` is a number), and fail with `InvalidInput`.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{ResourceError, python};

/// A boolean in any of the spellings that oslo knows.
pub(crate) fn boolean(value: Value) -> Result<Value, ResourceError> {
    let text = python::str(&value).trim().to_ascii_lowercase();
    match text.as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Ok(Value::Bool(true)),
        "0" | "f" | "false" | "off" | "n" | "no" => Ok(Value::Bool(false)),
        _ => Err(ResourceError::invalid_input(format!(
            "'{}' cannot be converted to boolean",
            python::str(&value)
        ))),
    }
}

/// A boolean or `null`.
pub(crate) fn boolean_or_null(value: Value) -> Result<Value, ResourceError> {
    if value.is_null() {
        return Ok(value);
    }
    boolean(value)
}

/// A whole number, also as text.
pub(crate) fn integer(value: Value) -> Result<Value, ResourceError> {
    whole(&value).map(|number| json!(number)).ok_or_else(|| {
        ResourceError::invalid_input(format!("'{}' is not an integer", python::str(&value)))
    })
}

/// A whole number or `null`.
pub(crate) fn integer_or_null(value: Value) -> Result<Value, ResourceError> {
    if value.is_null() {
        return Ok(value);
    }
    integer(value)
}

/// What Python's `int()` makes of the value.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float.trunc() as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// `null` means no items.
pub(crate) fn list_or_empty(value: Value) -> Result<Value, ResourceError> {
    Ok(if value.is_null() { json!([]) } else { value })
}

/// `null` means the empty object.
pub(crate) fn map_or_empty(value: Value) -> Result<Value, ResourceError> {
    Ok(if value.is_null() { json!({}) } else { value })
}

/// `null` means the empty text.
pub(crate) fn text_or_empty(value: Value) -> Result<Value, ResourceError> {
    Ok(if value.is_null() { json!("") } else { value })
}

/// IPv6 addresses in their shortest form; everything else as it is.
pub(crate) fn address(value: Value) -> Result<Value, ResourceError> {
    Ok(canonical_address(value))
}

fn canonical_address(value: Value) -> Value {
    match value.as_str().map(str::parse::<IpAddr>) {
        Some(Ok(IpAddr::V6(ip))) => json!(ip.to_string()),
        _ => value,
    }
}

/// A CIDR with its prefix length written out. Host bits are kept.
pub(crate) fn cidr(value: Value) -> Result<Value, ResourceError> {
    match value.as_str().and_then(parse_cidr) {
        Some(net) => Ok(json!(net.to_string())),
        None => Err(ResourceError::invalid_input(format!(
            "{} is not in a CIDR format",
            python::str(&value)
        ))),
    }
}

/// A CIDR as Neutron reads it: a bare address is a network of one, and IPv4
/// netmasks may be written out.
pub fn parse_cidr(text: &str) -> Option<IpNet> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Some(net);
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(IpNet::from(ip));
    }
    let (ip, mask) = text.split_once('/')?;
    let mask: Ipv4Addr = mask.parse().ok()?;
    IpNet::with_netmask(ip.parse::<Ipv4Addr>().ok()?.into(), mask.into()).ok()
}

/// Pools with their addresses made canonical.
pub(crate) fn allocation_pools(value: Value) -> Result<Value, ResourceError> {
    let refused = || ResourceError::invalid_input("Invalid data format for allocation pools");
    let pools = match value {
        Value::Null => return Ok(json!([])),
        Value::Array(pools) => pools,
        _ => return Err(refused()),
    };
    pools
        .into_iter()
        .map(|pool| match pool {
            Value::Object(map) => Ok(Value::Object(
                map.into_iter()
                    .map(|(key, ip)| (key, canonical_address(ip)))
                    .collect(),
            )),
            _ => Err(refused()),
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

/// A MAC as `fa:16:3e:00:11:22`; what is none is left for the check to refuse.
pub(crate) fn mac(value: Value) -> Result<Value, ResourceError> {
    Ok(match value.as_str().and_then(canonical_mac) {
        Some(mac) => json!(mac),
        None => value,
    })
}

/// The usual spellings of a MAC (`-`, `:`, `.` or nothing between) in one.
pub fn canonical_mac(text: &str) -> Option<String> {
    let digits = |part: &str, width: usize| {
        (1..=width).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let hex = if let Some(parts) = split_exact(text, &[':', '-'], 6) {
        parts.iter().all(|part| digits(part, 2)).then(|| {
            parts
                .iter()
                .map(|part| format!("{part:0>2}"))
                .collect::<String>()
        })
    } else if let Some(parts) = split_exact(text, &['.', ':'], 3) {
        parts.iter().all(|part| digits(part, 4)).then(|| {
            parts
                .iter()
                .map(|part| format!("{part:0>4}"))
                .collect::<String>()
        })
    } else {
        (text.len() == 12 && digits(text, 12)).then(|| text.to_owned())
    }?;
    let hex = hex.to_ascii_lowercase();
    let pairs: Vec<&str> = (0..6).filter_map(|i| hex.get(2 * i..2 * i + 2)).collect();
    Some(pairs.join(":"))
}

fn split_exact<'a>(text: &'a str, separators: &[char], count: usize) -> Option<Vec<&'a str>> {
    separators.iter().find_map(|separator| {
        let parts: Vec<&str> = text.split(*separator).collect();
        (parts.len() == count).then_some(parts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_in_every_spelling() {
        for (sent, read) in [
            (json!(true), Some(true)),
            (json!("ON"), Some(true)),
            (json!(" yes "), Some(true)),
            (json!(1), Some(true)),
            (json!("0"), Some(false)),
            (json!(null), None),
            (json!(5), None),
            (json!("maybe"), None),
        ] {
            assert_eq!(boolean(sent.clone()).ok(), read.map(Value::Bool), "{sent}");
        }
        assert_eq!(
            boolean(Value::Null).unwrap_err().message,
            "Invalid input for operation: 'None' cannot be converted to boolean."
        );
    }

    #[test]
    fn macs_in_every_spelling() {
        for text in [
            "fa:16:3e:0:11:22",
            "FA-16-3E-00-11-22",
            "fa16.3e00.1122",
            "fa163e001122",
        ] {
            assert_eq!(canonical_mac(text).as_deref(), Some("fa:16:3e:00:11:22"));
        }
        for text in [
            "",
            "x",
            "fa:16",
            "fa:16:3e:00:11:22:33",
            "fa:16:3e:00:11:2g",
            "fa:16:3e:00:11:",
        ] {
            assert_eq!(canonical_mac(text), None, "{text}");
        }
    }

    #[test]
    fn cidrs_keep_host_bits_and_get_a_prefix() {
        for (sent, read) in [
            ("10.7.0.5/24", Some("10.7.0.5/24")),
            ("10.7.0.0", Some("10.7.0.0/32")),
            ("10.7.0.0/255.255.0.0", Some("10.7.0.0/16")),
            ("FD00:7:0::/64", Some("fd00:7::/64")),
            ("10.7.0.0/33", None),
            ("x", None),
        ] {
            assert_eq!(
                cidr(json!(sent)).ok(),
                read.map(|text| json!(text)),
                "{sent}"
            );
        }
    }
}
