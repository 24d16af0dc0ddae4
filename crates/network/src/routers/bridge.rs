//! Bridge networks: one for each project whose routers have parts in several pods.
//!
//! It belongs to nobody at the top and to the service project in the pods, so that users
//! never meet it. Its subnet has no gateway and no DHCP: it carries routers only.

use ipnet::IpNet;
use tricircle_db::models::{
    AddressPurpose, BridgeNetwork, IpAllocation, NetWrite, Network as NetworkRow, Subnet,
};
use tricircle_failpoint::hit;

use crate::drivers::{Segment, Taken, TypeDriver};
use crate::error::unexpected;
use crate::ipam::{Pool, choose_for_pod, number, pools_from_json, pools_to_json};
use crate::kinds::NETWORK_REMOVE;
use crate::write::ROUNDS;
use crate::{Network, NetworkError};

impl Network {
    /// The bridge network of a project and its subnet, made at the first call.
    pub(super) async fn bridge(
        &self,
        project_id: &str,
    ) -> Result<(NetworkRow, Subnet), NetworkError> {
        for _ in 0..ROUNDS {
            if let Some(bridge) = self.store.bridge_of(project_id).await? {
                let network = self.store.network_by_id(&bridge.network_id).await?;
                let subnets = self.subnets_of(&bridge.network_id).await?;
                if let (Some(view), Some(subnet)) = (network, subnets.into_iter().next()) {
                    return Ok((view.network, subnet));
                }
            }
            let (network, subnet) = self.bridge_rows(project_id).await?;
            let bridge = BridgeNetwork {
                project_id: project_id.to_owned(),
                network_id: network.id.clone(),
                cidr: subnet.cidr.clone(),
            };
            match self.store.bridge_create(&bridge, &network, &subnet).await? {
                NetWrite::Done => {
                    hit("bridge_create.written");
                    return Ok((network, subnet));
                }
                NetWrite::Changed | NetWrite::SegmentTaken => {}
                other => return Err(unexpected("bridge_create", &other)),
            }
        }
        Err(NetworkError::NoNetworkAvailable)
    }

    async fn bridge_rows(&self, project_id: &str) -> Result<(NetworkRow, Subnet), NetworkError> {
        let taken: Vec<IpNet> = self
            .store
            .bridge_prefixes()
            .await?
            .iter()
            .filter_map(|prefix| prefix.parse().ok())
            .collect();
        let options = &self.config.tricircle;
        let length = u8::try_from(options.bridge_prefix_length).unwrap_or(u8::MAX);
        let prefix = free_prefix(options.bridge_prefix, length, &taken)
            .ok_or(NetworkError::NoNetworkAvailable)?;
        let segment = self.bridge_segment().await?;
        let most = i32::try_from(options.default_mtu).unwrap_or(1500);
        let network = NetworkRow {
            name: format!("bridge_{project_id}"),
            description: format!("joins the routers of project {project_id}"),
            network_type: segment.network_type,
            physical_network: segment.physical_network,
            segmentation_id: segment.segmentation_id,
            mtu: self.pods.snapshot().smallest_mtu(&[], most),
            port_security_enabled: false,
            ..NetworkRow::default()
        };
        let hosts = prefix.hosts();
        let pool = hosts.clone().next().zip(hosts.last());
        let pool = pool.map(|(start, end)| Pool { start, end });
        let subnet = Subnet {
            network_id: network.id.clone(),
            name: network.name.clone(),
            cidr: prefix.to_string(),
            enable_dhcp: false,
            allocation_pools: pools_to_json(pool.as_slice()).to_string(),
            ..Subnet::default()
        };
        Ok((network, subnet))
    }

    async fn bridge_segment(&self) -> Result<Segment, NetworkError> {
        let driver = self.bridge_driver()?;
        let wanted = Segment {
            network_type: driver.network_type().to_owned(),
            ..Segment::default()
        };
        let mut taken = Taken::new();
        for name in driver.physical_networks(&wanted) {
            let ids = self
                .store
                .network_segments_used(driver.network_type(), &name)
                .await?;
            taken.insert(name, ids.into_iter().collect());
        }
        driver.choose(&Segment::default(), &taken, rand::random())
    }

    /// The type of bridge networks: the configured one, or the first for tenants that
    /// spans pods.
    fn bridge_driver(&self) -> Result<&dyn TypeDriver, NetworkError> {
        let named = &self.config.tricircle.bridge_network_type;
        let found = match named.is_empty() {
            false => self.drivers.get(named).ok(),
            true => self
                .drivers
                .tenant_types()
                .find(|driver| driver.spans_pods()),
        };
        found
            .filter(|driver| driver.spans_pods())
            .map(AsRef::as_ref)
            .ok_or_else(|| {
                NetworkError::InvalidInput(
                    "no network type that spans pods is enabled for bridge networks".to_owned(),
                )
            })
    }

    /// What a pod uses in place of an address that belongs to a router: on the bridge
    /// network the address of `owner`, the router; elsewhere of an interface or gateway.
    pub(super) async fn address_in_pod(
        &self,
        subnet: &Subnet,
        owner: &str,
        pod_id: &str,
    ) -> Result<String, NetworkError> {
        let pools = serde_json::from_str(&subnet.allocation_pools).unwrap_or_default();
        let pools = pools_from_json(&pools)?;
        let exhausted = || NetworkError::IpAddressGenerationFailure(subnet.network_id.clone());
        for _ in 0..ROUNDS {
            let used = self.store.addresses_used(&subnet.id).await?;
            let of = |address: &&IpAllocation| {
                address.port_id.as_deref() == Some(owner)
                    && address.pod_id.as_deref() == Some(pod_id)
            };
            if let Some(held) = used.iter().find(of) {
                return Ok(held.ip_address.clone());
            }
            let taken = used
                .iter()
                .filter_map(|address| address.ip_address.parse().ok())
                .map(number)
                .collect();
            let chosen = choose_for_pod(&pools, &taken, true, 0);
            let address = chosen.and_then(|chosen| chosen.gateway);
            let wanted = IpAllocation {
                port_id: Some(owner.to_owned()),
                pod_id: Some(pod_id.to_owned()),
                ..IpAllocation::new(
                    subnet,
                    address.ok_or_else(exhausted)?,
                    AddressPurpose::Router,
                )
            };
            let (ended, held) = self.store.router_address(owner, pod_id, &wanted).await?;
            match (ended, held) {
                (NetWrite::Done, Some(held)) => {
                    hit("router_address.taken");
                    return Ok(held.ip_address);
                }
                (NetWrite::AddressTaken(_), _) => {}
                (NetWrite::NotFound, _) => {
                    return Err(NetworkError::NetworkNotFound(subnet.network_id.clone()));
                }
                (other, _) => return Err(unexpected("router_address", &other)),
            }
        }
        Err(exhausted())
    }

    /// Removes a project's bridge network everywhere when no router needs it.
    pub(super) async fn retire_bridge(&self, project_id: &str) -> Result<(), NetworkError> {
        self.store.bridge_retire(project_id, NETWORK_REMOVE).await?;
        Ok(())
    }
}

/// The first prefix of this length that is free in `pool`.
fn free_prefix(pool: IpNet, length: u8, taken: &[IpNet]) -> Option<IpNet> {
    pool.subnets(length).ok()?.find(|prefix| {
        !taken
            .iter()
            .any(|old| old.contains(prefix) || prefix.contains(old))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_given_once() {
        let pool = "100.64.0.0/22".parse().unwrap();
        let mut taken: Vec<IpNet> = Vec::new();
        let mut given = Vec::new();
        while let Some(prefix) = free_prefix(pool, 24, &taken) {
            given.push(prefix.to_string());
            taken.push(prefix);
        }
        assert_eq!(
            given,
            [
                "100.64.0.0/24",
                "100.64.1.0/24",
                "100.64.2.0/24",
                "100.64.3.0/24"
            ]
        );
        assert_eq!(free_prefix(pool, 8, &[]), None, "not longer than the pool");
    }
}
