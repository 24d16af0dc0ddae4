//! Addresses: pools, and which are taken.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde_json::Value;

use super::{Object, Table, text};

/// An inclusive range of addresses as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) start: u128,
    pub(crate) end: u128,
}

pub(crate) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

pub(crate) fn address(number: u128, v6: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(small) if !v6 => IpAddr::V4(Ipv4Addr::from(small)),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

/// The subnet's network.
pub(crate) fn cidr(subnet: &Object) -> Option<IpNet> {
    text(subnet, "cidr").parse().ok()
}

/// Whether a port may have `address` in `net`: inside, and for IPv4 neither the
/// network's nor the broadcast address.
pub(crate) fn usable(net: &IpNet, address: IpAddr) -> bool {
    let v4_edge = matches!(net, IpNet::V4(v4) if v4.prefix_len() < 31
        && (address == IpAddr::V4(v4.network()) || address == IpAddr::V4(v4.broadcast())));
    net.contains(&address) && !v4_edge
}

/// The pools of a subnet for which none were given: all but the gateway.
pub(crate) fn default_pools(net: &IpNet, gateway: Option<IpAddr>) -> Vec<Pool> {
    let v6 = matches!(net, IpNet::V6(_));
    let (low, high) = (number(net.network()), number(net.broadcast()));
    let (start, end) = match (v6, net.max_prefix_len() - net.prefix_len()) {
        (_, 0 | 1) => (low, high),
        (true, _) => (low + 1, high),
        (false, _) => (low + 1, high - 1),
    };
    let Some(gateway) = gateway.map(number).filter(|g| (start..=end).contains(g)) else {
        return vec![Pool { start, end }];
    };
    [
        (gateway > start).then(|| Pool {
            start,
            end: gateway - 1,
        }),
        (gateway < end).then(|| Pool {
            start: gateway + 1,
            end,
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The pools that a subnet shows.
pub(crate) fn pools(subnet: &Object) -> Vec<Pool> {
    subnet
        .get("allocation_pools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|pool| {
            let end_of = |key: &str| -> Option<u128> {
                let address: IpAddr = pool.get(key)?.as_str()?.parse().ok()?;
                Some(number(address))
            };
            Some(Pool {
                start: end_of("start")?,
                end: end_of("end")?,
            })
        })
        .collect()
}

/// The addresses of a subnet that ports have.
fn taken(ports: &Table, subnet_id: &str) -> Vec<u128> {
    ports
        .values()
        .filter_map(|port| port.get("fixed_ips").and_then(Value::as_array))
        .flatten()
        .filter(|ip| ip.get("subnet_id").and_then(Value::as_str) == Some(subnet_id))
        .filter_map(|ip| ip.get("ip_address")?.as_str()?.parse().ok())
        .map(number)
        .collect()
}

/// Whether a port other than `except` has this address.
pub(crate) fn is_taken(
    ports: &Table,
    subnet_id: &str,
    address: IpAddr,
    except: Option<&str>,
) -> bool {
    let wanted = address.to_string();
    ports
        .iter()
        .filter(|(id, _)| except != Some(id.as_str()))
        .filter_map(|(_, port)| port.get("fixed_ips").and_then(Value::as_array))
        .flatten()
        .any(|ip| {
            ip.get("subnet_id").and_then(Value::as_str) == Some(subnet_id)
                && ip.get("ip_address").and_then(Value::as_str) == Some(&wanted)
        })
}

/// The lowest free address of the subnet's pools.
pub(crate) fn allocate(ports: &Table, subnet: &Object, also: &[u128]) -> Option<IpAddr> {
    let v6 = subnet.get("ip_version").and_then(Value::as_u64) == Some(6);
    let mut used = taken(ports, text(subnet, "id"));
    used.extend_from_slice(also);
    used.sort_unstable();
    pools(subnet).into_iter().find_map(|pool| {
        let mut next = pool.start;
        for number in used.iter().skip_while(|number| **number < pool.start) {
            match number.cmp(&next) {
                std::cmp::Ordering::Equal => next += 1,
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Greater => break,
            }
        }
        (next <= pool.end).then(|| address(next, v6))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn default_pools_leave_out_the_edges_and_the_gateway() {
        let net: IpNet = "10.0.0.0/29".parse().unwrap();
        let show = |gateway: Option<&str>| -> Vec<(String, String)> {
            default_pools(&net, gateway.map(|g| g.parse().unwrap()))
                .iter()
                .map(|p| {
                    (
                        address(p.start, false).to_string(),
                        address(p.end, false).to_string(),
                    )
                })
                .collect()
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(show(Some("10.0.0.1")), [pair("10.0.0.2", "10.0.0.6")]);
        assert_eq!(show(None), [pair("10.0.0.1", "10.0.0.6")]);
        assert_eq!(
            show(Some("10.0.0.3")),
            [pair("10.0.0.1", "10.0.0.2"), pair("10.0.0.4", "10.0.0.6")]
        );
        assert_eq!(show(Some("192.0.2.1")), [pair("10.0.0.1", "10.0.0.6")]);
    }

    #[test]
    fn allocation_takes_the_lowest_free_address_until_none_is_left() {
        let subnet = json!({"id": "s", "ip_version": 4,
            "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.3"},
                                 {"start": "10.0.0.6", "end": "10.0.0.6"}]});
        let subnet = subnet.as_object().unwrap();
        let mut ports = Table::new();
        let mut seen = Vec::new();
        while let Some(ip) = allocate(&ports, subnet, &[]) {
            let port = json!({"fixed_ips": [{"subnet_id": "s", "ip_address": ip.to_string()}]});
            ports.insert(ip.to_string(), port.as_object().unwrap().clone());
            seen.push(ip.to_string());
        }
        assert_eq!(seen, ["10.0.0.2", "10.0.0.3", "10.0.0.6"]);
    }
}
