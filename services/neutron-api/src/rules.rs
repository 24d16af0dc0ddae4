//! What a security group rule has to be, beyond its single attributes: ports
//! that fit the protocol, an address family that fits the rest, and no second
//! rule that says the same. The checks and their order are Neutron's.

use tricircle_db::models::SecurityGroupRule;
use tricircle_network::resource::tables::protocol_number;
use tricircle_network::resource::{ResourceError, parse_cidr};

const ICMP: i64 = 1;
const ICMPV6: i64 = 58;
/// Protocols with ports: DCCP, SCTP, TCP, UDP, UDPLITE.
const WITH_PORTS: [i64; 5] = [33, 132, 6, 17, 136];
/// Protocols of IPv6 only, by name.
const IPV6_ONLY: [&str; 7] = [
    "ipv6-encap",
    "ipv6-frag",
    "ipv6-icmp",
    "icmpv6",
    "ipv6-nonxt",
    "ipv6-opts",
    "ipv6-route",
];

fn refuse<T>(kind: &'static str, message: impl Into<String>) -> Result<T, ResourceError> {
    Err(ResourceError::new(400, kind, message))
}

/// Checks one rule, and gives it the one name of its protocol where there are two.
pub fn check_rule(rule: &mut SecurityGroupRule) -> Result<(), ResourceError> {
    if rule.remote_ip_prefix.is_some() && rule.remote_group_id.is_some() {
        return refuse(
            "SecurityGroupMultipleRemoteEntites",
            "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be \
             provided.",
        );
    }
    check_ports(rule)?;
    check_family(rule)?;
    if rule.ethertype == "IPv6" && matches!(rule.protocol.as_deref(), Some("icmp" | "icmpv6")) {
        rule.protocol = Some("ipv6-icmp".to_owned());
    }
    Ok(())
}

fn check_ports(rule: &SecurityGroupRule) -> Result<(), ResourceError> {
    let (min, max) = (rule.port_range_min, rule.port_range_max);
    if min.is_none() && max.is_none() {
        return Ok(());
    }
    let Some(protocol) = &rule.protocol else {
        return refuse(
            "SecurityGroupProtocolRequiredWithPorts",
            "Must also specify protocol if port range is given.",
        );
    };
    match protocol_number(protocol) {
        Some(number) if WITH_PORTS.contains(&number) => match (min, max) {
            (Some(min), Some(max)) if min <= max => Ok(()),
            _ => refuse(
                "SecurityGroupInvalidPortRange",
                "For TCP/UDP protocols, port_range_min must be <= port_range_max",
            ),
        },
        Some(ICMP | ICMPV6) => check_icmp(min, max),
        number => refuse(
            "SecurityGroupInvalidProtocolForPort",
            format!(
                "Ports cannot be specified for protocol {}. Ports are only supported for DCCP, \
                 SCTP, TCP, UDP, UDPLITE.",
                number.map_or_else(|| protocol.clone(), |number| number.to_string())
            ),
        ),
    }
}

fn check_icmp(kind: Option<i32>, code: Option<i32>) -> Result<(), ResourceError> {
    for (value, field, attribute) in [
        (kind, "type", "port_range_min"),
        (code, "code", "port_range_max"),
    ] {
        if let Some(value) = value
            && !(0..=255).contains(&value)
        {
            return refuse(
                "SecurityGroupInvalidIcmpValue",
                format!(
                    "Invalid value for ICMP {field} ({attribute}) {value}. It must be 0 to 255."
                ),
            );
        }
    }
    match (kind, code) {
        (None, Some(code)) => refuse(
            "SecurityGroupMissingIcmpType",
            format!(
                "ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is \
                 missing."
            ),
        ),
        _ => Ok(()),
    }
}

fn check_family(rule: &SecurityGroupRule) -> Result<(), ResourceError> {
    let family = rule.ethertype.as_str();
    if let Some(protocol) = rule.protocol.as_deref()
        && family == "IPv4"
        && IPV6_ONLY.contains(&protocol)
    {
        return refuse(
            "SecurityGroupEthertypeConflictWithProtocol",
            format!("Invalid ethertype {family} for protocol {protocol}."),
        );
    }
    if let Some(prefix) = &rule.remote_ip_prefix {
        let v4 = parse_cidr(prefix).is_some_and(|net| net.addr().is_ipv4());
        if v4 != (family == "IPv4") {
            return refuse(
                "SecurityGroupRuleParameterConflict",
                format!("Conflicting value ethertype {family} for CIDR {prefix}"),
            );
        }
    }
    Ok(())
}

/// No rule twice in one request, and none that its group has already.
pub fn check_new<'a>(
    new: &[SecurityGroupRule],
    old: impl IntoIterator<Item = &'a SecurityGroupRule>,
) -> Result<(), ResourceError> {
    for (place, rule) in new.iter().enumerate() {
        if new.iter().take(place).any(|other| same(rule, other)) {
            return Err(ResourceError::new(
                409,
                "DuplicateSecurityGroupRuleInPost",
                "Duplicate Security Group Rule in POST.",
            ));
        }
    }
    for there in old {
        if new.iter().any(|rule| same(rule, there)) {
            return Err(ResourceError::new(
                409,
                "SecurityGroupRuleExists",
                format!(
                    "Security group rule already exists. Rule id is {}.",
                    there.id
                ),
            ));
        }
    }
    Ok(())
}

/// Whether two rules let the same through: protocols by number, prefixes by
/// network, and everything is no prefix.
fn same(a: &SecurityGroupRule, b: &SecurityGroupRule) -> bool {
    let key = |rule: &SecurityGroupRule| {
        let prefix = rule
            .remote_ip_prefix
            .as_deref()
            .and_then(parse_cidr)
            .map(|net| net.trunc())
            .filter(|net| net.prefix_len() > 0);
        (
            rule.security_group_id.clone(),
            rule.direction.clone(),
            rule.ethertype.clone(),
            rule.protocol.as_deref().map(protocol_number),
            rule.port_range_min,
            rule.port_range_max,
            prefix,
            rule.remote_group_id.clone(),
        )
    };
    key(a) == key(b)
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::SecurityGroup;

    use super::*;

    fn rule(change: impl Fn(&mut SecurityGroupRule)) -> SecurityGroupRule {
        let group = SecurityGroup::new("p", "g", "");
        let mut rule = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
        rule.security_group_id = "g".to_owned();
        change(&mut rule);
        rule
    }

    fn tcp(min: Option<i32>, max: Option<i32>) -> SecurityGroupRule {
        rule(|rule| {
            rule.protocol = Some("tcp".to_owned());
            (rule.port_range_min, rule.port_range_max) = (min, max);
        })
    }

    fn icmp(min: Option<i32>, max: Option<i32>) -> SecurityGroupRule {
        rule(|rule| {
            rule.protocol = Some("icmp".to_owned());
            (rule.port_range_min, rule.port_range_max) = (min, max);
        })
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        for (mut rule, kind) in [
            (tcp(Some(22), Some(22)), "ok"),
            (tcp(None, None), "ok"),
            (tcp(Some(80), None), "SecurityGroupInvalidPortRange"),
            (tcp(Some(80), Some(22)), "SecurityGroupInvalidPortRange"),
            (icmp(Some(8), None), "ok"),
            (icmp(Some(8), Some(0)), "ok"),
            (icmp(None, Some(8)), "SecurityGroupMissingIcmpType"),
            (icmp(Some(300), None), "SecurityGroupInvalidIcmpValue"),
            (
                rule(|rule| rule.port_range_min = Some(1)),
                "SecurityGroupProtocolRequiredWithPorts",
            ),
            (
                rule(|rule| {
                    rule.protocol = Some("gre".to_owned());
                    rule.port_range_min = Some(1);
                }),
                "SecurityGroupInvalidProtocolForPort",
            ),
            (
                rule(|rule| rule.protocol = Some("icmpv6".to_owned())),
                "SecurityGroupEthertypeConflictWithProtocol",
            ),
            (
                rule(|rule| rule.remote_ip_prefix = Some("fe80::/64".to_owned())),
                "SecurityGroupRuleParameterConflict",
            ),
            (
                rule(|rule| {
                    rule.remote_ip_prefix = Some("10.0.0.0/8".to_owned());
                    rule.remote_group_id = Some("g".to_owned());
                }),
                "SecurityGroupMultipleRemoteEntites",
            ),
        ] {
            let said =
                check_rule(&mut rule).map_or_else(|error| error.kind.into(), |()| "ok".to_owned());
            assert_eq!(said, kind, "{rule:?}");
        }
    }

    #[test]
    fn the_same_rule_is_known_in_other_words() {
        let with = |protocol: &str| rule(|rule| rule.protocol = Some(protocol.to_owned()));
        let from = |prefix: &str| rule(|rule| rule.remote_ip_prefix = Some(prefix.to_owned()));
        for (a, b, same) in [
            (with("tcp"), with("6"), true),
            (with("tcp"), with("udp"), false),
            (from("10.0.0.5/24"), from("10.0.0.0/24"), true),
            (from("0.0.0.0/0"), rule(|_| ()), true),
            (from("10.0.0.0/24"), rule(|_| ()), false),
        ] {
            let kind = |result: Result<(), ResourceError>| result.err().map(|error| error.kind);
            let expected = |kind: &'static str| same.then_some(std::borrow::Cow::Borrowed(kind));
            assert_eq!(
                kind(check_new(std::slice::from_ref(&a), [&b])),
                expected("SecurityGroupRuleExists")
            );
            assert_eq!(
                kind(check_new(&[a, b], [])),
                expected("DuplicateSecurityGroupRuleInPost")
            );
        }
    }

    #[test]
    fn icmp_of_ipv6_has_one_name() {
        for name in ["icmp", "icmpv6", "ipv6-icmp"] {
            let mut rule = rule(|rule| {
                rule.ethertype = "IPv6".to_owned();
                rule.protocol = Some(name.to_owned());
            });
            check_rule(&mut rule).unwrap();
            assert_eq!(rule.protocol.as_deref(), Some("ipv6-icmp"));
        }
    }
}
