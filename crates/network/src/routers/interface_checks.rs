//! What keeps a port or subnet from being an interface of a router: decided from rows, in
//! Neutron's words.

use std::net::IpAddr;

use ipnet::IpNet;
use tricircle_db::models::{PortView, ROUTER_INTERFACE, Subnet};

use super::RouterError;
use crate::NetworkError;
use crate::servers::Actor;

/// A 400 about a router.
pub(super) fn bad(message: impl Into<String>) -> NetworkError {
    RouterError::BadRouter(message.into()).into()
}

/// A user may use an address beyond the pools of its own subnets only.
pub(super) fn refuse_foreign_address(
    who: &Actor,
    view: &PortView,
    subnets: &[Subnet],
) -> Result<(), NetworkError> {
    for ip in &view.fixed_ips {
        let foreign = subnets.iter().find(|subnet| {
            subnet.id == ip.subnet_id && subnet.project_id != who.project_id && !who.is_admin
        });
        let Some(subnet) = foreign else {
            continue;
        };
        let pools = serde_json::from_str(&subnet.allocation_pools).unwrap_or_default();
        let pools = crate::ipam::pools_from_json(&pools)?;
        let inside = ip
            .ip_address
            .parse::<IpAddr>()
            .is_ok_and(|ip| pools.iter().any(|pool| pool.start <= ip && ip <= pool.end));
        if !inside {
            return Err(bad(format!(
                "Cannot add interface to router because specified port {} has an IP address out \
                 of the allocation pool of subnet {}, which is not owned by the project making \
                 the request",
                view.port.id, subnet.id
            )));
        }
    }
    Ok(())
}

/// Refuses prefixes that overlap with one that the router has.
pub(super) fn refuse_overlap(held: &[Subnet], new: &[Subnet]) -> Result<(), RouterError> {
    for old in held {
        for subnet in new {
            let pair = (old.cidr.parse::<IpNet>(), subnet.cidr.parse::<IpNet>());
            if let (Ok(a), Ok(b)) = pair
                && (a.contains(&b) || b.contains(&a))
            {
                return Err(RouterError::BadRouter(format!(
                    "Cidr {} of subnet {} overlaps with cidr {} of subnet {}",
                    subnet.cidr, subnet.id, old.cidr, old.id
                )));
            }
        }
    }
    Ok(())
}

/// Refuses IPv6 subnets whose hosts listen to a router outside.
pub(super) fn refuse_outer_advertisements(subnets: &[Subnet]) -> Result<(), NetworkError> {
    let outer = subnets.iter().find(|subnet| {
        subnet.ip_version == 6
            && subnet.ipv6_ra_mode.is_none()
            && subnet.ipv6_address_mode.is_some()
    });
    match outer {
        None => Ok(()),
        Some(subnet) => Err(bad(format!(
            "IPv6 subnet {} configured to receive RAs from an external router cannot be added to \
             Neutron Router.",
            subnet.id
        ))),
    }
}

/// Refuses a second interface with IPv6 on one network: pods have one such port of a router
/// at most.
pub(super) fn refuse_second_ipv6(
    ports: &[PortView],
    network_id: &str,
    new: &[Subnet],
) -> Result<(), NetworkError> {
    if !new.iter().any(|subnet| subnet.ip_version == 6) {
        return Ok(());
    }
    let has_v6 = |view: &&PortView| {
        view.port.device_owner == ROUTER_INTERFACE
            && view.port.network_id == network_id
            && view.fixed_ips.iter().any(|ip| ip.ip_address.contains(':'))
    };
    match ports.iter().find(has_v6) {
        None => Ok(()),
        Some(view) => Err(bad(format!(
            "Router already contains IPv6 port {} belonging to network id {network_id}. Only one \
             IPv6 port from the same network subnet can be connected to a router.",
            view.port.id
        ))),
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::{AddressPurpose, IpAllocation, Port};

    use super::*;

    fn subnet(id: &str, cidr: &str) -> Subnet {
        Subnet {
            id: id.to_owned(),
            cidr: cidr.to_owned(),
            ..Subnet::default()
        }
    }

    #[test]
    fn one_router_has_no_prefix_twice() {
        let held = [subnet("a", "10.0.1.0/24"), subnet("b", "fd00::/64")];
        for (cidr, overlaps) in [
            ("10.0.2.0/24", false),
            ("10.0.1.128/25", true),
            ("10.0.0.0/16", true),
            ("fd00:0:0:1::/64", false),
        ] {
            let said = refuse_overlap(&held, &[subnet("c", cidr)]);
            assert_eq!(said.is_err(), overlaps, "{cidr}");
        }
    }
    fn ipv6(id: &str, ra_mode: Option<&str>, address_mode: Option<&str>) -> Subnet {
        Subnet {
            ip_version: 6,
            ipv6_ra_mode: ra_mode.map(str::to_owned),
            ipv6_address_mode: address_mode.map(str::to_owned),
            ..subnet(id, "fd00::/64")
        }
    }

    #[test]
    fn routers_advertise_ipv6_or_are_left_out() {
        for (ra, address, refused) in [
            (None, None, false),
            (Some("slaac"), Some("slaac"), false),
            (Some("slaac"), None, false),
            (None, Some("slaac"), true),
        ] {
            let said = refuse_outer_advertisements(&[ipv6("a", ra, address)]);
            assert_eq!(said.is_err(), refused, "{ra:?} {address:?}");
        }
    }

    #[test]
    fn a_router_has_one_ipv6_interface_on_a_network() {
        let port = |address: &str| {
            let on = subnet("a", "fd00::/64");
            let ip = IpAllocation::new(&on, address.parse().unwrap(), AddressPurpose::Port);
            PortView {
                port: Port {
                    network_id: "n".to_owned(),
                    device_owner: ROUTER_INTERFACE.to_owned(),
                    ..Port::default()
                },
                fixed_ips: vec![ip],
                security_groups: Vec::new(),
            }
        };
        for (held, network, new, refused) in [
            ("fd00::1", "n", ipv6("b", None, None), true),
            ("fd00::1", "m", ipv6("b", None, None), false),
            ("fd00::1", "n", subnet("b", "10.0.0.0/24"), false),
            ("10.0.1.1", "n", ipv6("b", None, None), false),
        ] {
            let said = refuse_second_ipv6(&[port(held)], network, &[new]);
            assert_eq!(said.is_err(), refused, "{held} {network}");
        }
    }
}
