//! What a new subnet becomes: its prefix, gateway and pools, checked in Neutron's
//! order and refused in its words.

use std::net::IpAddr;

use ipnet::IpNet;

use super::range::{Pool, address, bounds, number};
use crate::NetworkError;

/// What a user said about the gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gateway {
    /// Nothing: the first address.
    #[default]
    Default,
    /// `null`: there is none.
    None,
    /// This one.
    At(IpAddr),
}

/// What a user wants of a subnet.
#[derive(Debug, Clone, Default)]
pub struct SubnetWish {
    /// 4 or 6.
    pub ip_version: i32,
    /// The prefix; host bits are dropped as Neutron drops them.
    pub cidr: String,
    /// The gateway.
    pub gateway: Gateway,
    /// Pools; none: everything but the gateway.
    pub pools: Option<Vec<Pool>>,
    /// Whether DHCP is served.
    pub enable_dhcp: bool,
    /// `ipv6_ra_mode`.
    pub ipv6_ra_mode: Option<String>,
    /// `ipv6_address_mode`.
    pub ipv6_address_mode: Option<String>,
}

/// What it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetPlan {
    /// The prefix.
    pub cidr: IpNet,
    /// The gateway, if any.
    pub gateway: Option<IpAddr>,
    /// Where ports' addresses are taken from.
    pub pools: Vec<Pool>,
}

fn invalid<T>(text: impl Into<String>) -> Result<T, NetworkError> {
    Err(NetworkError::InvalidInput(text.into()))
}

/// Checks a wish and fills in what it leaves open.
pub fn plan_subnet(wish: &SubnetWish) -> Result<SubnetPlan, NetworkError> {
    let Ok(net) = wish.cidr.parse::<IpNet>() else {
        return invalid(format!("'{}' is not a valid IP subnet", wish.cidr));
    };
    let net = net.trunc();
    check_prefix(wish, net)?;
    let gateway = match wish.gateway {
        Gateway::None => None,
        Gateway::Default => Some(default_gateway(net)),
        Gateway::At(at) => {
            check_version(wish.ip_version, at, "gateway_ip")?;
            check_gateway(net, at)?;
            Some(at)
        }
    };
    let pools = match &wish.pools {
        None => default_pools(net, gateway),
        Some(pools) => {
            check_pools(net, pools)?;
            if let Some(gateway) = gateway {
                check_outside(gateway, pools)?;
            }
            pools.clone()
        }
    };
    check_ipv6_modes(wish)?;
    Ok(SubnetPlan {
        cidr: net,
        gateway,
        pools,
    })
}

fn check_version(ip_version: i32, address: IpAddr, name: &str) -> Result<(), NetworkError> {
    if address.is_ipv4() == (ip_version == 4) {
        return Ok(());
    }
    invalid(format!(
        "{name} '{address}' does not match the ip_version '{ip_version}'"
    ))
}

fn check_prefix(wish: &SubnetWish, net: IpNet) -> Result<(), NetworkError> {
    let first = net.network();
    if first.is_ipv4() != (wish.ip_version == 4) {
        return invalid(format!(
            "cidr '{net}' does not match the ip_version '{}'",
            wish.ip_version
        ));
    }
    if first.is_ipv6() && number(first) == 0 {
        return invalid("IPv6 subnet '::' is not supported");
    }
    if wish.enable_dhcp {
        let longest = if first.is_ipv4() { 30 } else { 126 };
        if net.prefix_len() > longest {
            return invalid(
                "Subnet has a prefix length that is incompatible with DHCP service enabled",
            );
        }
        if first.is_multicast() {
            return invalid("Multicast IP subnet is not supported if enable_dhcp is True");
        }
        if first.is_loopback() {
            return invalid("Loopback IP subnet is not supported if enable_dhcp is True");
        }
        if first.is_ipv4() && number(first) == 0 {
            return invalid(
                "First IP '0.0.0.0' of network is not supported if enable_dhcp is True.",
            );
        }
    }
    if net.prefix_len() == 0 {
        return invalid("0 is not allowed as CIDR prefix length");
    }
    Ok(())
}

fn check_ipv6_modes(wish: &SubnetWish) -> Result<(), NetworkError> {
    for (name, mode) in [
        ("ipv6_ra_mode", &wish.ipv6_ra_mode),
        ("ipv6_address_mode", &wish.ipv6_address_mode),
    ] {
        if mode.is_some() && wish.ip_version == 4 {
            return invalid(format!("{name} is not valid when ip_version is 4"));
        }
        if mode.is_some() && !wish.enable_dhcp {
            return invalid(
                "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False",
            );
        }
    }
    match (&wish.ipv6_ra_mode, &wish.ipv6_address_mode) {
        (Some(ra), Some(address)) if ra != address => invalid(format!(
            "ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{address}' is not valid. \
             If both attributes are set, they must be the same value"
        )),
        _ => Ok(()),
    }
}

fn default_gateway(net: IpNet) -> IpAddr {
    let (first, last) = bounds(net);
    address(net.network(), if first == last { first } else { first + 1 })
}

/// A gateway may lie outside; inside it is neither network nor broadcast address.
fn check_gateway(net: IpNet, gateway: IpAddr) -> Result<(), NetworkError> {
    let (first, last) = bounds(net);
    let at = number(gateway);
    if net.contains(&gateway) && gateway.is_ipv4() && (at == first || at == last) {
        return invalid("Gateway is not valid on subnet");
    }
    Ok(())
}

/// What a port may have at all: neither network nor broadcast address, except on
/// prefixes so short that they have none.
fn usable(net: IpNet) -> (u128, u128) {
    let (first, last) = bounds(net);
    match net {
        _ if first == last => (first, last),
        IpNet::V4(v4) if v4.prefix_len() > 30 => (first, last),
        IpNet::V4(_) => (first + 1, last - 1),
        IpNet::V6(_) => (first + 1, last),
    }
}

fn default_pools(net: IpNet, gateway: Option<IpAddr>) -> Vec<Pool> {
    let (first, last) = usable(net);
    let like = net.network();
    let pool = |from: u128, to: u128| {
        (from <= to).then(|| Pool {
            start: address(like, from),
            end: address(like, to),
        })
    };
    match gateway.filter(|gateway| net.contains(gateway)).map(number) {
        Some(at) if first < last && (first..=last).contains(&at) => {
            let before = at.checked_sub(1).and_then(|to| pool(first, to));
            let after = at.checked_add(1).and_then(|from| pool(from, last));
            before.into_iter().chain(after).collect()
        }
        _ => pool(first, last).into_iter().collect(),
    }
}

fn check_pools(net: IpNet, pools: &[Pool]) -> Result<(), NetworkError> {
    let (first, last) = usable(net);
    for pool in pools {
        let family = net.network().is_ipv4();
        if pool.start.is_ipv4() != family
            || pool.end.is_ipv4() != family
            || number(pool.end) < number(pool.start)
        {
            return Err(NetworkError::InvalidAllocationPool(pool.to_string()));
        }
        if number(pool.start) < first || number(pool.end) > last {
            return Err(NetworkError::OutOfBoundsAllocationPool {
                pool: pool.to_string(),
                cidr: net.to_string(),
            });
        }
    }
    for (place, one) in pools.iter().enumerate() {
        for other in pools.iter().skip(place + 1) {
            if one.numbers().start() <= other.numbers().end()
                && other.numbers().start() <= one.numbers().end()
            {
                return Err(NetworkError::OverlappingAllocationPools {
                    first: one.to_string(),
                    second: other.to_string(),
                    cidr: net.to_string(),
                });
            }
        }
    }
    Ok(())
}

fn check_outside(gateway: IpAddr, pools: &[Pool]) -> Result<(), NetworkError> {
    match pools.iter().find(|pool| pool.contains(gateway)) {
        Some(pool) => Err(NetworkError::GatewayConflictWithAllocationPools {
            ip: gateway.to_string(),
            pool: pool.to_string(),
        }),
        None => Ok(()),
    }
}

/// Whether a subnet that exists may get this gateway and these pools.
pub fn check_gateway_change(
    net: IpNet,
    gateway: Option<IpAddr>,
    pools: &[Pool],
) -> Result<(), NetworkError> {
    check_pools(net, pools)?;
    let Some(gateway) = gateway else {
        return Ok(());
    };
    let version = if net.network().is_ipv4() { 4 } else { 6 };
    check_version(version, gateway, "gateway_ip")?;
    check_gateway(net, gateway)?;
    check_outside(gateway, pools)
}

/// Subnets of one network do not overlap. Whose they overlap with is not told.
pub fn check_overlap(
    net: IpNet,
    network_id: &str,
    siblings: impl IntoIterator<Item = IpNet>,
) -> Result<(), NetworkError> {
    for sibling in siblings {
        if net.contains(&sibling) || sibling.contains(&net) {
            return invalid(format!(
                "Requested subnet with cidr: {net} for network: {network_id} overlaps with another subnet"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(cidr: &str) -> SubnetWish {
        SubnetWish {
            ip_version: if cidr.contains(':') { 6 } else { 4 },
            cidr: cidr.to_owned(),
            enable_dhcp: true,
            ..SubnetWish::default()
        }
    }

    fn pools(texts: &[(&str, &str)]) -> Vec<Pool> {
        texts
            .iter()
            .map(|(start, end)| Pool {
                start: start.parse().unwrap(),
                end: end.parse().unwrap(),
            })
            .collect()
    }

    fn shown(plan: &SubnetPlan) -> (String, String, String) {
        let pools: Vec<String> = plan.pools.iter().map(ToString::to_string).collect();
        (
            plan.cidr.to_string(),
            plan.gateway.map(|g| g.to_string()).unwrap_or_default(),
            pools.join(" "),
        )
    }

    #[test]
    fn gateway_and_pools_are_filled_in_as_neutron_does() {
        let at = |text: &str| Gateway::At(text.parse().unwrap());
        for (cidr, gateway, dhcp, wanted) in [
            (
                "10.0.1.0/24",
                Gateway::Default,
                true,
                ("10.0.1.0/24", "10.0.1.1", "10.0.1.2-10.0.1.254"),
            ),
            (
                "10.0.1.7/24",
                Gateway::None,
                true,
                ("10.0.1.0/24", "", "10.0.1.1-10.0.1.254"),
            ),
            (
                "10.0.1.0/24",
                at("10.0.1.254"),
                true,
                ("10.0.1.0/24", "10.0.1.254", "10.0.1.1-10.0.1.253"),
            ),
            (
                "10.0.1.0/24",
                at("10.0.1.9"),
                true,
                (
                    "10.0.1.0/24",
                    "10.0.1.9",
                    "10.0.1.1-10.0.1.8 10.0.1.10-10.0.1.254",
                ),
            ),
            (
                "10.0.1.0/24",
                at("192.168.0.1"),
                true,
                ("10.0.1.0/24", "192.168.0.1", "10.0.1.1-10.0.1.254"),
            ),
            (
                "10.0.1.0/30",
                Gateway::Default,
                true,
                ("10.0.1.0/30", "10.0.1.1", "10.0.1.2-10.0.1.2"),
            ),
            (
                "10.0.1.8/31",
                Gateway::None,
                false,
                ("10.0.1.8/31", "", "10.0.1.8-10.0.1.9"),
            ),
            (
                "10.0.1.8/32",
                Gateway::Default,
                false,
                ("10.0.1.8/32", "10.0.1.8", "10.0.1.8-10.0.1.8"),
            ),
            (
                "2001:db8::/64",
                Gateway::Default,
                true,
                (
                    "2001:db8::/64",
                    "2001:db8::1",
                    "2001:db8::2-2001:db8::ffff:ffff:ffff:ffff",
                ),
            ),
        ] {
            let plan = plan_subnet(&SubnetWish {
                gateway,
                enable_dhcp: dhcp,
                ..wish(cidr)
            })
            .unwrap();
            let (net, gateway, pools) = shown(&plan);
            assert_eq!(
                (net.as_str(), gateway.as_str(), pools.as_str()),
                wanted,
                "{cidr}"
            );
        }
    }

    #[test]
    fn what_neutron_refuses_is_refused() {
        let at = |text: &str| Gateway::At(text.parse().unwrap());
        let with = |cidr: &str, gateway, list: &[(&str, &str)]| SubnetWish {
            gateway,
            pools: (!list.is_empty()).then(|| pools(list)),
            ..wish(cidr)
        };
        for (wish, status) in [
            (
                with("10.0.1.0/31", Gateway::Default, &[]),
                (400, "InvalidInput"),
            ),
            (
                with("0.0.0.0/0", Gateway::Default, &[]),
                (400, "InvalidInput"),
            ),
            (
                with("224.0.0.0/24", Gateway::Default, &[]),
                (400, "InvalidInput"),
            ),
            (
                with("127.0.0.0/24", Gateway::Default, &[]),
                (400, "InvalidInput"),
            ),
            (with("::/64", Gateway::Default, &[]), (400, "InvalidInput")),
            (
                with("rubbish", Gateway::Default, &[]),
                (400, "InvalidInput"),
            ),
            (
                with("10.0.1.0/24", at("10.0.1.0"), &[]),
                (400, "InvalidInput"),
            ),
            (
                with("10.0.1.0/24", at("10.0.1.255"), &[]),
                (400, "InvalidInput"),
            ),
            (
                with("10.0.1.0/24", at("2001:db8::1"), &[]),
                (400, "InvalidInput"),
            ),
            (
                with("10.0.1.0/24", Gateway::Default, &[("10.0.1.9", "10.0.1.5")]),
                (400, "InvalidAllocationPool"),
            ),
            (
                with("10.0.1.0/24", Gateway::Default, &[("10.0.1.9", "10.0.2.5")]),
                (400, "OutOfBoundsAllocationPool"),
            ),
            (
                with(
                    "10.0.1.0/24",
                    Gateway::Default,
                    &[("10.0.1.2", "10.0.1.9"), ("10.0.1.9", "10.0.1.20")],
                ),
                (409, "OverlappingAllocationPools"),
            ),
            (
                with("10.0.1.0/24", at("10.0.1.5"), &[("10.0.1.2", "10.0.1.9")]),
                (409, "GatewayConflictWithAllocationPools"),
            ),
        ] {
            assert_eq!(plan_subnet(&wish).unwrap_err().status(), status, "{wish:?}");
        }
    }

    #[test]
    fn overlap_is_seen_from_both_sides() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        for (one, other, clash) in [
            ("10.0.0.0/16", "10.0.1.0/24", true),
            ("10.0.1.0/24", "10.0.0.0/16", true),
            ("10.0.1.0/24", "10.0.2.0/24", false),
            ("10.0.1.0/24", "2001:db8::/64", false),
        ] {
            assert_eq!(check_overlap(net(one), "n", [net(other)]).is_err(), clash);
        }
    }
}
