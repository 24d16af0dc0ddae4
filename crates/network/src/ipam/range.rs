//! Addresses as numbers, and ranges of them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::NetworkError;

/// An address as a number that orders like addresses of its family.
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The address of that number in the family of `like`.
pub(super) fn address(like: IpAddr, number: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX))),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

/// First and last number of a prefix.
pub(super) fn bounds(net: IpNet) -> (u128, u128) {
    let last = match net {
        IpNet::V4(v4) => IpAddr::V4(v4.broadcast()),
        IpNet::V6(v6) => IpAddr::V6(v6.broadcast()),
    };
    (number(net.network()), number(last))
}

/// A range of addresses, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// First address.
    pub start: IpAddr,
    /// Last address.
    pub end: IpAddr,
}

impl Pool {
    pub(super) fn numbers(&self) -> std::ops::RangeInclusive<u128> {
        number(self.start)..=number(self.end)
    }

    /// Whether the address lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.start.is_ipv4() && self.numbers().contains(&number(address))
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// Pools as the API and the rows write them: `[{"start": .., "end": ..}]`.
pub fn pools_to_json(pools: &[Pool]) -> serde_json::Value {
    pools
        .iter()
        .map(|pool| serde_json::json!({"start": pool.start.to_string(), "end": pool.end.to_string()}))
        .collect()
}

/// The reverse; what is no pool is [`NetworkError::InvalidAllocationPool`].
pub fn pools_from_json(pools: &serde_json::Value) -> Result<Vec<Pool>, NetworkError> {
    let bad = |pool: &serde_json::Value| NetworkError::InvalidAllocationPool(pool.to_string());
    let list = pools.as_array().ok_or_else(|| bad(pools))?;
    list.iter()
        .map(|pool| {
            let end = |name: &str| {
                pool.get(name)
                    .and_then(serde_json::Value::as_str)
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| bad(pool))
            };
            Ok(Pool {
                start: end("start")?,
                end: end("end")?,
            })
        })
        .collect()
}
