//! Checks of the compound values of subnets and ports: pools, routes, fixed
//! IPs, address pairs, DHCP options.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::convert::{canonical_mac, whole};
use super::validate::{address, because, cidr, list_of, text, uuid};
use super::{Problem, ResourceError, python};

type Checked = Result<(), Problem>;

/// Most address pairs of one port.
const MOST_ADDRESS_PAIRS: usize = 10;

/// Exactly these keys.
fn keys<'a>(value: &'a Value, expected: &[&str]) -> Result<&'a Map<String, Value>, Problem> {
    let Some(map) = value.as_object() else {
        return Err(Problem::Reason(format!(
            "Invalid input. '{}' must be a dictionary with keys: {}",
            python::str(value),
            python::strings(expected)
        )));
    };
    if map.len() == expected.len() && expected.iter().all(|key| map.contains_key(*key)) {
        return Ok(map);
    }
    let set = |names: Vec<&str>| {
        let list = python::strings(&names);
        let inner = list.trim_start_matches('[').trim_end_matches(']');
        format!("{{{inner}}}")
    };
    Err(Problem::Reason(format!(
        "Validation of dictionary's keys failed. Expected keys: {} Provided keys: {}",
        set(expected.to_vec()),
        set(map.keys().map(String::as_str).collect()),
    )))
}

fn member(map: &Map<String, Value>, key: &str) -> Value {
    map.get(key).cloned().unwrap_or(Value::Null)
}

/// `[{"start", "end"}]`.
pub(crate) fn ip_pools(value: &Value) -> Checked {
    let Some(pools) = value.as_array() else {
        return because(format!(
            "Invalid data format for IP pool: '{}'",
            python::str(value)
        ));
    };
    for pool in pools {
        let map = keys(pool, &["start", "end"])?;
        address(&member(map, "start"))?;
        address(&member(map, "end"))?;
    }
    Ok(())
}

/// Different addresses. A text is taken as a list of its letters, as in Neutron.
pub(crate) fn nameservers(value: &Value) -> Checked {
    let letters: Vec<Value>;
    let hosts = match value {
        Value::Array(hosts) => hosts,
        Value::String(text) => {
            letters = text.chars().map(|c| Value::String(c.into())).collect();
            &letters
        }
        _ => {
            return because(format!(
                "Invalid data format for nameserver: '{}'",
                python::str(value)
            ));
        }
    };
    for (index, host) in hosts.iter().enumerate() {
        let shown = python::str(host);
        if let Err(Problem::Reason(reason)) = address(host) {
            return because(format!("'{shown}' is not a valid nameserver. {reason}"));
        }
        if hosts.iter().take(index).any(|other| other == host) {
            return because(format!("Duplicate nameserver '{shown}'"));
        }
    }
    Ok(())
}

/// Different `{"destination", "nexthop"}`.
pub(crate) fn host_routes(value: &Value) -> Checked {
    let Some(routes) = value.as_array() else {
        return because(format!(
            "Invalid data format for hostroute: '{}'",
            python::str(value)
        ));
    };
    for (index, route) in routes.iter().enumerate() {
        let map = keys(route, &["destination", "nexthop"])?;
        route_cidr(&member(map, "destination"))?;
        address(&member(map, "nexthop"))?;
        if routes.iter().take(index).any(|other| other == route) {
            return because(format!("Duplicate hostroute '{}'", python::str(route)));
        }
    }
    Ok(())
}

fn route_cidr(value: &Value) -> Checked {
    let shown = python::str(value);
    match value.as_str().and_then(|text| text.parse::<IpNet>().ok()) {
        Some(net) if net.addr() != net.network() => {
            because(format!("'{shown}' is not a valid CIDR"))
        }
        Some(net) if net.addr().is_loopback() => {
            because(format!("'{shown}' is not a routable CIDR"))
        }
        Some(_) => Ok(()),
        None => because(format!("'{shown}' is not a valid CIDR")),
    }
}

/// A MAC that a port can have; `null` asks for a new one.
pub(crate) fn mac_or_null(value: &Value) -> Checked {
    if value.is_null() { Ok(()) } else { mac(value) }
}

fn mac(value: &Value) -> Checked {
    match value.as_str().and_then(canonical_mac) {
        Some(mac) if mac != "00:00:00:00:00:00" && mac != "ff:ff:ff:ff:ff:ff" => Ok(()),
        _ => because(format!(
            "'{}' is not a valid MAC address",
            python::str(value)
        )),
    }
}

/// `[{"subnet_id", "ip_address"}]`, both optional here; no address twice.
pub(crate) fn fixed_ips(value: &Value) -> Checked {
    let format = |value: &Value| {
        because(format!(
            "Invalid data format for fixed IP: '{}'",
            python::str(value)
        ))
    };
    let Some(items) = value.as_array() else {
        return format(value);
    };
    let mut seen = Vec::new();
    for item in items {
        let Some(map) = item.as_object() else {
            return format(item);
        };
        if let Some(ip) = map.get("ip_address") {
            if seen.contains(&ip) {
                return because(format!("Duplicate IP address '{}'", python::str(ip)));
            }
            address(ip)?;
            seen.push(ip);
        }
        if let Some(subnet) = map.get("subnet_id") {
            uuid(subnet)?;
        }
    }
    Ok(())
}

/// `[{"ip_address", "mac_address"}]`: no pair twice, no multicast.
pub(crate) fn address_pairs(value: &Value) -> Checked {
    let refused = |message: String| Err(Problem::Error(ResourceError::bad_request(message)));
    let Some(pairs) = value.as_array() else {
        return refused("Allowed address pairs must be a list.".to_owned());
    };
    if pairs.len() > MOST_ADDRESS_PAIRS {
        let text =
            format!("The number of allowed address pair exceeds the maximum {MOST_ADDRESS_PAIRS}.");
        return Err(ResourceError::new(400, "AllowedAddressPairExhausted", text).into());
    }
    let mut seen = Vec::new();
    for pair in pairs {
        let Some(map) = pair.as_object() else {
            return because(format!("'{}' is not a dictionary", python::str(pair)));
        };
        let mac_address = member(map, "mac_address");
        if map.contains_key("mac_address") {
            plainly(mac(&mac_address))?;
        }
        let Some(ip) = map.get("ip_address") else {
            let text = "AllowedAddressPair must contain ip_address";
            return Err(ResourceError::new(400, "AllowedAddressPairsMissingIP", text).into());
        };
        let key = (mac_address.clone(), ip.clone());
        if seen.contains(&key) {
            let text = format!(
                "Request contains duplicate address pair: mac_address {} ip_address {}.",
                python::str(&mac_address),
                python::str(ip)
            );
            return Err(ResourceError::new(400, "DuplicateAddressPairInRequest", text).into());
        }
        seen.push(key);
        let unknown: Vec<&str> = map
            .keys()
            .map(String::as_str)
            .filter(|key| !matches!(*key, "mac_address" | "ip_address"))
            .collect();
        if !unknown.is_empty() {
            return refused(format!(
                "Unrecognized attribute(s) '{}'",
                unknown.join(", ")
            ));
        }
        let text = ip.as_str().unwrap_or_default();
        plainly(if text.contains('/') {
            cidr(ip)
        } else {
            address(ip)
        })?;
        if is_multicast(text) {
            return refused(format!(
                "IP {text} is a multicast address, which is not supported."
            ));
        }
    }
    Ok(())
}

/// A reason as an error of its own, without the attribute's name.
fn plainly(checked: Checked) -> Checked {
    checked.map_err(|problem| match problem {
        Problem::Reason(reason) => Problem::Error(ResourceError::bad_request(reason)),
        error => error,
    })
}

fn is_multicast(text: &str) -> bool {
    let ip = text.split('/').next().unwrap_or_default();
    ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_multicast())
}

/// `[{"opt_name", "opt_value", "ip_version"}]`.
pub(crate) fn dhcp_options(value: &Value) -> Checked {
    if value.is_null() {
        return Ok(());
    }
    list_of(value, |option| {
        if is_dhcp_option(option) {
            return Ok(());
        }
        because(format!(
            "No valid key specs matched for: {}",
            python::str(option)
        ))
    })
    .map_err(|problem| match problem {
        Problem::Reason(reason) => Problem::Error(ResourceError::invalid_input(reason)),
        error => error,
    })
}

fn is_dhcp_option(option: &Value) -> bool {
    let Some(map) = option.as_object() else {
        return false;
    };
    let known = map
        .keys()
        .all(|key| matches!(key.as_str(), "id" | "opt_name" | "opt_value" | "ip_version"));
    let name = map.get("opt_name").and_then(Value::as_str).unwrap_or("");
    let blank_allowed = matches!(name, "router" | "classless-static-route");
    let value_ok = match map.get("opt_value") {
        Some(Value::Null) => true,
        Some(Value::String(text)) => {
            text.chars().count() <= 255 && (blank_allowed || !text.trim().is_empty())
        }
        _ => false,
    };
    let version_ok = map
        .get("ip_version")
        .is_none_or(|version| matches!(whole(version), Some(4 | 6)));
    let name_ok = !name.trim().is_empty() && name.chars().count() <= 64;
    known && name_ok && value_ok && version_ok
}

/// Different zone names.
pub(crate) fn zone_hints(value: &Value) -> Checked {
    list_of(value, |zone| text(zone, 255))?;
    if value.to_string().len() > 255 {
        return Err(
            ResourceError::invalid_input("Too many availability_zone_hints specified").into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A check, a value, and what the check says of it.
    type Case = (fn(&Value) -> Checked, Value, &'static str);

    fn said(checked: Checked) -> String {
        match checked {
            Ok(()) => "ok".to_owned(),
            Err(Problem::Reason(reason)) => reason,
            Err(Problem::Error(error)) => format!("{}: {}", error.kind, error.message),
        }
    }

    #[test]
    fn subnet_values() {
        let route = json!({"destination": "1.0.0.0/8", "nexthop": "10.7.0.9"});
        let check: &[Case] = &[
            (
                ip_pools,
                json!([{"start": "10.0.0.1", "end": "10.0.0.9"}]),
                "ok",
            ),
            (ip_pools, json!("x"), "Invalid data format for IP pool: 'x'"),
            (
                ip_pools,
                json!([{"start": "x", "end": "y"}]),
                "'x' is not a valid IP address",
            ),
            (
                ip_pools,
                json!([{"start": "10.7.0.2"}]),
                "Validation of dictionary's keys failed. Expected keys: {'start', 'end'} \
                 Provided keys: {'start'}",
            ),
            (nameservers, json!(["1.1.1.1", "1.1.1.2"]), "ok"),
            (
                nameservers,
                json!("x"),
                "'x' is not a valid nameserver. 'x' is not a valid IP address",
            ),
            (
                nameservers,
                json!(["1.1.1.1", "1.1.1.1"]),
                "Duplicate nameserver '1.1.1.1'",
            ),
            (
                host_routes,
                json!([route, route]),
                "Duplicate hostroute '{'destination': '1.0.0.0/8', 'nexthop': '10.7.0.9'}'",
            ),
            (
                host_routes,
                json!([{"destination": "1.0.0.1/8", "nexthop": "10.7.0.9"}]),
                "'1.0.0.1/8' is not a valid CIDR",
            ),
        ];
        for (run, value, expected) in check {
            assert_eq!(said(run(value)), *expected, "{value}");
        }
    }

    #[test]
    fn port_values() {
        let pair = json!({"ip_address": "10.7.0.5"});
        let check: &[Case] = &[
            (mac_or_null, json!(null), "ok"),
            (
                mac_or_null,
                json!("00:00:00:00:00:00"),
                "'00:00:00:00:00:00' is not a valid MAC address",
            ),
            (
                fixed_ips,
                json!(null),
                "Invalid data format for fixed IP: 'None'",
            ),
            (fixed_ips, json!([{}]), "ok"),
            (
                fixed_ips,
                json!([{"ip_address": "10.7.0.77"}, {"ip_address": "10.7.0.77"}]),
                "Duplicate IP address '10.7.0.77'",
            ),
            (address_pairs, json!([pair]), "ok"),
            (
                address_pairs,
                json!([pair, pair]),
                "DuplicateAddressPairInRequest: Request contains duplicate address pair: \
                 mac_address None ip_address 10.7.0.5.",
            ),
            (
                address_pairs,
                json!([{"ip_address": "x"}]),
                "HTTPBadRequest: 'x' is not a valid IP address",
            ),
            (
                address_pairs,
                json!([{"ip_address": "224.0.0.5"}]),
                "HTTPBadRequest: IP 224.0.0.5 is a multicast address, which is not supported.",
            ),
            (
                dhcp_options,
                json!([{"opt_name": "a", "opt_value": null}]),
                "ok",
            ),
            (
                dhcp_options,
                json!([{"opt_value": "b"}]),
                "InvalidInput: Invalid input for operation: No valid key specs matched for: \
                 {'opt_value': 'b'}.",
            ),
            (zone_hints, json!("zz"), "'zz' is not a list"),
        ];
        for (run, value, expected) in check {
            assert_eq!(said(run(value)), *expected, "{value}");
        }
    }
}
