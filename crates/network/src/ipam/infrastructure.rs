//! The addresses that a pod needs for itself on a subnet.
//!
//! Bottom Neutron chooses addresses for its own ports (DHCP, metadata) from the
//! bottom subnet's pools. So that it never takes one that the top gives away, those
//! pools are a few addresses that the top has reserved for this pod, from the end of
//! the users' pools, where users' ports come last.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::range::{Pool, address};

/// What a pod gets of a subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodAddresses {
    /// Its own gateway, where the users' one is another pod's.
    pub gateway: Option<IpAddr>,
    /// Its pool, address by address.
    pub infrastructure: Vec<IpAddr>,
}

/// Takes up to `count` free addresses from the end of the pools, and one more for a
/// gateway where the pod needs its own. Fewer, down to none, on a subnet that is
/// almost full; `None` only when a gateway is needed and there is no address for it.
pub fn choose_for_pod(
    pools: &[Pool],
    taken: &BTreeSet<u128>,
    own_gateway: bool,
    count: usize,
) -> Option<PodAddresses> {
    let wanted = count + usize::from(own_gateway);
    let mut free = pools
        .iter()
        .rev()
        .flat_map(|pool| {
            pool.numbers()
                .rev()
                .filter(|at| !taken.contains(at))
                .map(|at| address(pool.start, at))
        })
        .take(wanted);
    let gateway = if own_gateway {
        Some(free.next()?)
    } else {
        None
    };
    Some(PodAddresses {
        gateway,
        infrastructure: free.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipam::number;

    fn taken(texts: &[&str]) -> BTreeSet<u128> {
        texts.iter().map(|ip| number(ip.parse().unwrap())).collect()
    }

    #[test]
    fn pods_take_from_the_end_and_a_gateway_comes_first() {
        let pools = [
            Pool {
                start: "10.0.1.2".parse().unwrap(),
                end: "10.0.1.3".parse().unwrap(),
            },
            Pool {
                start: "10.0.1.10".parse().unwrap(),
                end: "10.0.1.12".parse().unwrap(),
            },
        ];
        for (used, own, count, wanted) in [
            (
                vec![],
                false,
                2,
                Some((None, vec!["10.0.1.12", "10.0.1.11"])),
            ),
            (
                vec![],
                true,
                2,
                Some((Some("10.0.1.12"), vec!["10.0.1.11", "10.0.1.10"])),
            ),
            (
                vec!["10.0.1.12", "10.0.1.10"],
                true,
                3,
                Some((Some("10.0.1.11"), vec!["10.0.1.3", "10.0.1.2"])),
            ),
            (
                vec![
                    "10.0.1.12",
                    "10.0.1.11",
                    "10.0.1.10",
                    "10.0.1.3",
                    "10.0.1.2",
                ],
                true,
                1,
                None,
            ),
            (
                vec![
                    "10.0.1.12",
                    "10.0.1.11",
                    "10.0.1.10",
                    "10.0.1.3",
                    "10.0.1.2",
                ],
                false,
                1,
                Some((None, vec![])),
            ),
        ] {
            let chosen = choose_for_pod(&pools, &taken(&used), own, count);
            let wanted = wanted.map(|(gateway, list)| PodAddresses {
                gateway: gateway.map(|ip| ip.parse().unwrap()),
                infrastructure: list.iter().map(|ip| ip.parse().unwrap()).collect(),
            });
            assert_eq!(chosen, wanted, "{used:?}");
        }
    }
}
