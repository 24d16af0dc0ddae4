//! Security groups and their rules.

use serde_json::{Value, json};

use super::{
    NAME, created_at, description, id, project_id, revision_number, tenant_id, updated_at,
};
use crate::resource::convert::{boolean, parse_cidr, whole};
use crate::resource::table::{Attribute, Check, Preset, Resource};
use crate::resource::{Problem, ResourceError, python};

/// Security groups.
pub static SECURITY_GROUP: Resource = Resource {
    name: "security_group",
    collection: "security_groups",
    path: "security-groups",
    missing: (
        "SecurityGroupNotFound",
        "Security group ",
        " does not exist",
    ),
    attributes: &[
        id(),
        Attribute::changeable("name", Preset::Text(""))
            .keyed()
            .check(Check::By(not_default)),
        Attribute::changeable("stateful", Preset::Bool(true))
            .filter()
            .read_by(boolean),
        tenant_id(),
        project_id(),
        description(),
        Attribute::shown("security_group_rules"),
        created_at(),
        updated_at(),
        revision_number(),
    ],
};

/// Rules of security groups.
pub static SECURITY_GROUP_RULE: Resource = Resource {
    name: "security_group_rule",
    collection: "security_group_rules",
    path: "security-group-rules",
    missing: (
        "SecurityGroupRuleNotFound",
        "Security group rule ",
        " does not exist",
    ),
    attributes: &[
        id(),
        tenant_id(),
        project_id(),
        Attribute::fixed("security_group_id", Preset::Required)
            .keyed()
            .check(Check::Text(36)),
        Attribute::fixed("remote_group_id", Preset::Null).keyed(),
        Attribute::fixed("direction", Preset::Required)
            .keyed()
            .check(Check::OneOf(&["ingress", "egress"])),
        Attribute::fixed("protocol", Preset::Null)
            .keyed()
            .read_by(protocol),
        Attribute::fixed("port_range_min", Preset::Null)
            .keyed()
            .read_by(port),
        Attribute::fixed("port_range_max", Preset::Null)
            .keyed()
            .read_by(port),
        Attribute::fixed("ethertype", Preset::Text("IPv4"))
            .keyed()
            .read_by(ethertype),
        Attribute::fixed("remote_ip_prefix", Preset::Null)
            .keyed()
            .read_by(prefix),
        Attribute::shown("normalized_cidr"),
        description(),
        created_at(),
        updated_at(),
        revision_number(),
    ],
};

/// Names and numbers of the protocols that rules may name.
const PROTOCOLS: [(&str, i64); 25] = [
    ("ah", 51),
    ("dccp", 33),
    ("egp", 8),
    ("esp", 50),
    ("gre", 47),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ip", 0),
    ("ipip", 4),
    ("ipv6-encap", 41),
    ("ipv6-frag", 44),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("ospf", 89),
    ("pgm", 113),
    ("rsvp", 46),
    ("sctp", 132),
    ("tcp", 6),
    ("udp", 17),
    ("udplite", 136),
    ("vrrp", 112),
];

/// The number of a protocol given by name or number.
pub fn protocol_number(protocol: &str) -> Option<i64> {
    let named = PROTOCOLS.iter().find(|(name, _)| *name == protocol);
    named
        .map(|(_, number)| *number)
        .or_else(|| protocol.parse().ok())
}

fn not_default(value: &Value) -> Result<(), Problem> {
    Check::Text(NAME).run(value)?;
    if value
        .as_str()
        .is_some_and(|name| name.eq_ignore_ascii_case("default"))
    {
        let error = ResourceError::new(
            409,
            "SecurityGroupDefaultAlreadyExists",
            "Default security group already exists.",
        );
        return Err(error.into());
    }
    Ok(())
}

fn protocol(value: Value) -> Result<Value, ResourceError> {
    let any = |text: &str| text.eq_ignore_ascii_case("any");
    if value.is_null() || value.as_str().is_some_and(any) {
        return Ok(Value::Null);
    }
    if let Some(number) = whole(&value)
        && (0..=255).contains(&number)
    {
        return Ok(json!(python::str(&value).trim()));
    }
    let name = value
        .as_str()
        .map(str::to_ascii_lowercase)
        .unwrap_or_default();
    if PROTOCOLS.iter().any(|(known, _)| *known == name) {
        return Ok(json!(name));
    }
    let known: Vec<&str> = std::iter::once("any")
        .chain(PROTOCOLS.iter().map(|(name, _)| *name))
        .collect();
    let known = python::strings(&known);
    Err(ResourceError::new(
        400,
        "SecurityGroupRuleInvalidProtocol",
        format!(
            "Security group rule protocol {} not supported. Only protocol values (None, {}) and \
             integer representations [0 to 255] are supported.",
            python::str(&value),
            known.trim_start_matches('[').trim_end_matches(']')
        ),
    ))
}

fn port(value: Value) -> Result<Value, ResourceError> {
    if value.is_null() {
        return Ok(value);
    }
    match whole(&value) {
        Some(port) if (0..=65535).contains(&port) && !value.is_boolean() => Ok(json!(port)),
        _ => Err(ResourceError::new(
            400,
            "SecurityGroupInvalidPortValue",
            format!("Invalid value for port {}", python::str(&value)),
        )),
    }
}

fn ethertype(value: Value) -> Result<Value, ResourceError> {
    let sent = value.as_str().unwrap_or_default();
    for known in ["IPv4", "IPv6"] {
        if known.eq_ignore_ascii_case(sent) {
            return Ok(json!(known));
        }
    }
    Err(ResourceError::new(
        400,
        "SecurityGroupRuleInvalidEtherType",
        format!(
            "Security group rule for ethertype '{}' not supported. Allowed values are ['IPv4', \
             'IPv6'].",
            python::str(&value)
        ),
    ))
}

fn prefix(value: Value) -> Result<Value, ResourceError> {
    if value.is_null() || value == "" {
        return Ok(Value::Null);
    }
    match value.as_str().and_then(parse_cidr) {
        Some(net) => Ok(json!(net.to_string())),
        None => Err(ResourceError::new(
            400,
            "InvalidCIDR",
            format!("Invalid CIDR {} given as IP prefix.", python::str(&value)),
        )),
    }
}
