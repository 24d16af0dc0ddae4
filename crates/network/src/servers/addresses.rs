//! Fixed IPs of a server: one more on a network, or one less.

use std::net::IpAddr;

use tricircle_db::models::{PortChange, PortView, SubnetFilter};
use tricircle_failpoint::hit;

use super::{Actor, ServerPortsError};
use crate::ipam::FixedIpWish;
use crate::{Network, NetworkError};

impl Network {
    /// Gives a port that a server has on a network an address more, from the first of the
    /// network's subnets that has one left. Where that cannot be, Nova says so in its log
    /// only; here the user hears of it.
    pub async fn add_server_address(
        &self,
        who: &Actor,
        server_id: &str,
        network_id: &str,
    ) -> Result<(), ServerPortsError> {
        let filter = SubnetFilter {
            network_ids: vec![network_id.to_owned()],
            ..SubnetFilter::default()
        };
        let subnets = self.store.subnets(&filter).await?;
        let mut ports = self.server_ports(server_id).await?;
        ports.retain(|view| view.port.network_id == network_id);
        if ports.is_empty() || subnets.is_empty() {
            return Err(ServerPortsError::NotOnNetwork(server_id.to_owned()));
        }
        for view in &ports {
            for subnet in &subnets {
                let mut wishes = kept(view, None);
                wishes.push(FixedIpWish {
                    subnet_id: Some(subnet.id.clone()),
                    ip_address: None,
                });
                match self.set_addresses(who, view, &wishes).await {
                    Err(NetworkError::IpAddressGenerationFailure(_)) => {}
                    other => return other.map_err(Into::into),
                }
            }
        }
        Err(ServerPortsError::NoMoreAddresses(network_id.to_owned()))
    }

    /// Takes an address from the port of a server that has it.
    pub async fn remove_server_address(
        &self,
        who: &Actor,
        server_id: &str,
        address: &str,
    ) -> Result<(), ServerPortsError> {
        let missing = || ServerPortsError::HasNotAddress {
            address: address.to_owned(),
            server: server_id.to_owned(),
        };
        let parsed: IpAddr = address.parse().map_err(|_| missing())?;
        let ports = self.server_ports(server_id).await?;
        let has = |view: &&PortView| addresses(view).any(|(_, own)| own == parsed);
        let view = ports.iter().find(has).ok_or_else(missing)?;
        let kept = kept(view, Some(parsed));
        let changed = self.set_addresses(who, view, &kept).await;
        changed.map_err(Into::into)
    }

    /// The addresses of a port become these, unless it changed since it was read.
    async fn set_addresses(
        &self,
        who: &Actor,
        view: &PortView,
        wishes: &[FixedIpWish],
    ) -> Result<(), NetworkError> {
        let id = &view.port.id;
        let nothing = PortChange::default();
        let revision = Some(view.port.revision_number);
        self.update_port(id, &nothing, Some(wishes), None, revision, &who.request_id)
            .await?;
        hit("server_ports.written");
        self.push_port(id, &who.request_id).await;
        Ok(())
    }
}

fn addresses(view: &PortView) -> impl Iterator<Item = (&str, IpAddr)> {
    let parsed = |own: &tricircle_db::models::IpAllocation| own.ip_address.parse().ok();
    view.fixed_ips
        .iter()
        .filter_map(move |own| Some((own.subnet_id.as_str(), parsed(own)?)))
}

/// What a port has, without one.
fn kept(view: &PortView, without: Option<IpAddr>) -> Vec<FixedIpWish> {
    addresses(view)
        .filter(|(_, address)| Some(*address) != without)
        .map(|(subnet, address)| FixedIpWish {
            subnet_id: Some(subnet.to_owned()),
            ip_address: Some(address),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::{AddressPurpose, IpAllocation, Port, Subnet};

    use super::*;

    #[test]
    fn a_port_keeps_its_other_addresses() {
        let subnet = Subnet::default();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let own = |text: &str| IpAllocation::new(&subnet, ip(text), AddressPurpose::Port);
        let view = PortView {
            port: Port::default(),
            fixed_ips: vec![own("10.0.0.5"), own("10.0.0.6")],
            security_groups: Vec::new(),
        };
        let left = |without: Option<&str>| -> Vec<Option<IpAddr>> {
            let wishes = kept(&view, without.map(ip));
            wishes.into_iter().map(|wish| wish.ip_address).collect()
        };
        assert_eq!(left(None).len(), 2);
        assert_eq!(left(Some("10.0.0.5")), [Some(ip("10.0.0.6"))]);
    }
}
