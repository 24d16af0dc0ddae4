//! Which addresses a port gets.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::mac::eui64;
use super::range::{Pool, address, bounds, number};
use crate::NetworkError;

/// How many free addresses are looked at before one is picked: the more, the less
/// often racing creates pick the same.
const WINDOW: usize = 16;

/// A subnet as far as choosing needs it.
#[derive(Debug, Clone)]
pub struct SubnetState {
    /// Its id.
    pub id: String,
    /// Its prefix.
    pub cidr: IpNet,
    /// Where addresses that nobody named come from.
    pub pools: Vec<Pool>,
    /// Interfaces configure themselves (SLAAC, stateless DHCPv6).
    pub auto_address: bool,
    /// What is taken, as numbers.
    pub taken: BTreeSet<u128>,
}

/// One entry of `fixed_ips`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixedIpWish {
    /// On this subnet.
    pub subnet_id: Option<String>,
    /// This address.
    pub ip_address: Option<IpAddr>,
}

/// An address for a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressChoice {
    /// The subnet.
    pub subnet_id: String,
    /// The address.
    pub address: IpAddr,
}

/// The addresses of a new port on `network_id`.
///
/// `wishes` as given; `None`: one address of each family that the network has, and
/// none on a network without subnets. Self-configured subnets always add theirs.
/// `start` is any number and says where among free addresses to pick.
pub fn choose_addresses(
    network_id: &str,
    subnets: &[SubnetState],
    wishes: Option<&[FixedIpWish]>,
    mac: &str,
    start: u64,
) -> Result<Vec<AddressChoice>, NetworkError> {
    let mut chosen: Vec<AddressChoice> = Vec::new();
    match wishes {
        Some(wishes) => {
            // Those that name an address come first, so that no free choice takes it.
            let (named, open): (Vec<_>, Vec<_>) =
                wishes.iter().partition(|wish| wish.ip_address.is_some());
            for wish in named.into_iter().chain(open) {
                if let Some(choice) = serve(network_id, subnets, wish, mac, start, &chosen)? {
                    chosen.push(choice);
                }
            }
        }
        None => {
            for v4 in [true, false] {
                let family: Vec<&SubnetState> = subnets
                    .iter()
                    .filter(|subnet| subnet.cidr.addr().is_ipv4() == v4 && !subnet.auto_address)
                    .collect();
                if family.is_empty() {
                    continue;
                }
                let choice = family
                    .iter()
                    .find_map(|subnet| next_free(subnet, &chosen, start))
                    .ok_or_else(|| used_up(network_id))?;
                chosen.push(choice);
            }
        }
    }
    for subnet in subnets.iter().filter(|subnet| subnet.auto_address) {
        if let Some(own) = self_configured(subnet, mac)
            && !chosen.iter().any(|choice| choice.subnet_id == subnet.id)
        {
            chosen.push(own);
        }
    }
    Ok(chosen)
}

fn used_up(network_id: &str) -> NetworkError {
    NetworkError::IpAddressGenerationFailure(network_id.to_owned())
}

fn self_configured(subnet: &SubnetState, mac: &str) -> Option<AddressChoice> {
    let IpNet::V6(prefix) = subnet.cidr else {
        return None;
    };
    Some(AddressChoice {
        subnet_id: subnet.id.clone(),
        address: IpAddr::V6(eui64(prefix, mac)?),
    })
}

fn serve(
    network_id: &str,
    subnets: &[SubnetState],
    wish: &FixedIpWish,
    mac: &str,
    start: u64,
    chosen: &[AddressChoice],
) -> Result<Option<AddressChoice>, NetworkError> {
    let subnet = subnet_of(network_id, subnets, wish)?;
    let Some(ip) = wish.ip_address else {
        if subnet.auto_address {
            return Ok(None);
        }
        let choice = next_free(subnet, chosen, start).ok_or_else(|| used_up(network_id))?;
        return Ok(Some(choice));
    };
    if subnet.auto_address && self_configured(subnet, mac).is_none_or(|own| own.address != ip) {
        return Err(NetworkError::AllocationOnAutoAddressSubnet {
            ip: ip.to_string(),
            subnet: subnet.id.clone(),
        });
    }
    let again = chosen
        .iter()
        .any(|choice| choice.subnet_id == subnet.id && choice.address == ip);
    if again || subnet.taken.contains(&number(ip)) {
        return Err(NetworkError::IpAddressAlreadyAllocated {
            ip: ip.to_string(),
            subnet: subnet.id.clone(),
        });
    }
    Ok(Some(AddressChoice {
        subnet_id: subnet.id.clone(),
        address: ip,
    }))
}

/// The subnet that an entry of `fixed_ips` means.
fn subnet_of<'a>(
    network_id: &str,
    subnets: &'a [SubnetState],
    wish: &FixedIpWish,
) -> Result<&'a SubnetState, NetworkError> {
    if subnets.is_empty() {
        return Err(NetworkError::InvalidInput(
            "IP allocation requires subnets for network".to_owned(),
        ));
    }
    match (&wish.subnet_id, wish.ip_address) {
        (Some(id), ip) => {
            let subnet = subnets.iter().find(|subnet| &subnet.id == id);
            let subnet = subnet.ok_or_else(|| {
                NetworkError::InvalidInput(format!(
                    "Failed to create port on network {network_id}, because fixed_ips included \
                     invalid subnet {id}"
                ))
            })?;
            match ip {
                Some(ip) if !may_have(subnet.cidr, ip) => {
                    Err(NetworkError::InvalidIpForSubnet(ip.to_string()))
                }
                _ => Ok(subnet),
            }
        }
        (None, Some(ip)) => subnets
            .iter()
            .find(|subnet| may_have(subnet.cidr, ip))
            .ok_or_else(|| NetworkError::InvalidIpForNetwork(ip.to_string())),
        (None, None) => Err(NetworkError::InvalidInput(
            "IP allocation requires subnet_id or ip_address".to_owned(),
        )),
    }
}

/// Whether a port may have this address: in the prefix, and neither the network's
/// nor the broadcast address.
fn may_have(net: IpNet, ip: IpAddr) -> bool {
    let (first, last) = bounds(net);
    let at = number(ip);
    let short = match net {
        IpNet::V4(v4) => v4.prefix_len() > 30,
        IpNet::V6(v6) => v6.prefix_len() > 126,
    };
    net.contains(&ip) && (short || (at != first && (ip.is_ipv6() || at != last)))
}

/// One of the first free addresses of the pools.
fn next_free(subnet: &SubnetState, chosen: &[AddressChoice], start: u64) -> Option<AddressChoice> {
    let mut free = Vec::with_capacity(WINDOW);
    for pool in &subnet.pools {
        let mut at = *pool.numbers().start();
        let last = *pool.numbers().end();
        // The taken ones come in order, so that a gap is found without trying each.
        for taken in subnet
            .taken
            .range(at..=last)
            .copied()
            .chain([last.saturating_add(1)])
        {
            while at < taken && free.len() < WINDOW {
                let ip = address(pool.start, at);
                if !chosen
                    .iter()
                    .any(|choice| choice.subnet_id == subnet.id && choice.address == ip)
                {
                    free.push(ip);
                }
                at += 1;
            }
            at = taken.saturating_add(1);
            if free.len() >= WINDOW {
                break;
            }
        }
        if free.len() >= WINDOW {
            break;
        }
    }
    let place = usize::try_from(start % free.len().max(1) as u64).unwrap_or(0);
    free.get(place).map(|ip| AddressChoice {
        subnet_id: subnet.id.clone(),
        address: *ip,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "00:16:3e:33:44:55";

    fn subnet(id: &str, cidr: &str, pool: (&str, &str), taken: &[&str]) -> SubnetState {
        SubnetState {
            id: id.to_owned(),
            cidr: cidr.parse().unwrap(),
            pools: vec![Pool {
                start: pool.0.parse().unwrap(),
                end: pool.1.parse().unwrap(),
            }],
            auto_address: false,
            taken: taken.iter().map(|ip| number(ip.parse().unwrap())).collect(),
        }
    }

    fn v4(taken: &[&str]) -> SubnetState {
        subnet("s4", "10.0.1.0/24", ("10.0.1.2", "10.0.1.5"), taken)
    }

    fn wish(subnet: Option<&str>, ip: Option<&str>) -> FixedIpWish {
        FixedIpWish {
            subnet_id: subnet.map(str::to_owned),
            ip_address: ip.map(|ip| ip.parse().unwrap()),
        }
    }

    fn addresses(choices: &[AddressChoice]) -> Vec<String> {
        choices.iter().map(|c| c.address.to_string()).collect()
    }

    #[test]
    fn free_addresses_are_found_between_taken_ones() {
        for (taken, start, found) in [
            (vec![], 0, Some("10.0.1.2")),
            (vec![], 3, Some("10.0.1.5")),
            (vec![], 4, Some("10.0.1.2")),
            (
                vec!["10.0.1.2", "10.0.1.3", "10.0.1.5"],
                7,
                Some("10.0.1.4"),
            ),
            (
                vec!["10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5"],
                0,
                None,
            ),
        ] {
            let choice = choose_addresses("n", &[v4(&taken)], None, MAC, start);
            match found {
                Some(ip) => assert_eq!(addresses(&choice.unwrap()), [ip], "{taken:?}"),
                None => assert_eq!(
                    choice.unwrap_err().status(),
                    (409, "IpAddressGenerationFailure")
                ),
            }
        }
    }

    #[test]
    fn a_port_gets_one_address_of_each_family_and_every_self_configured_one() {
        let full = v4(&["10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5"]);
        let other = subnet("t4", "10.0.2.0/24", ("10.0.2.9", "10.0.2.9"), &[]);
        let v6 = subnet(
            "s6",
            "2001:db8:1::/64",
            ("2001:db8:1::5", "2001:db8:1::5"),
            &[],
        );
        let slaac = SubnetState {
            auto_address: true,
            ..subnet("a6", "2001:db8::/64", ("2001:db8::2", "2001:db8::9"), &[])
        };
        let all = [full, other, v6, slaac];
        let chosen = choose_addresses("n", &all, None, MAC, 0).unwrap();
        assert_eq!(
            addresses(&chosen),
            ["10.0.2.9", "2001:db8:1::5", "2001:db8::216:3eff:fe33:4455"]
        );
        assert!(choose_addresses("n", &[], None, MAC, 0).unwrap().is_empty());
    }

    #[test]
    fn named_addresses_are_checked_in_neutrons_words() {
        let subnets = [v4(&["10.0.1.200"])];
        for (wishes, answer) in [
            (vec![wish(None, Some("10.0.1.100"))], Ok(vec!["10.0.1.100"])),
            (vec![wish(Some("s4"), None)], Ok(vec!["10.0.1.2"])),
            (
                vec![wish(Some("s4"), None), wish(Some("s4"), Some("10.0.1.2"))],
                Ok(vec!["10.0.1.2", "10.0.1.3"]),
            ),
            (
                vec![wish(None, Some("10.0.1.200"))],
                Err((409, "IpAddressAlreadyAllocated")),
            ),
            (
                vec![wish(None, Some("10.0.9.1"))],
                Err((400, "InvalidIpForNetwork")),
            ),
            (
                vec![wish(Some("s4"), Some("10.0.9.1"))],
                Err((400, "InvalidIpForSubnet")),
            ),
            (
                vec![wish(None, Some("10.0.1.255"))],
                Err((400, "InvalidIpForNetwork")),
            ),
            (vec![wish(Some("zz"), None)], Err((400, "InvalidInput"))),
            (vec![wish(None, None)], Err((400, "InvalidInput"))),
            (vec![], Ok(vec![])),
        ] {
            let chosen = choose_addresses("n", &subnets, Some(&wishes), MAC, 0);
            match answer {
                Ok(wanted) => assert_eq!(addresses(&chosen.unwrap()), wanted, "{wishes:?}"),
                Err(status) => assert_eq!(chosen.unwrap_err().status(), status, "{wishes:?}"),
            }
        }
    }
}
