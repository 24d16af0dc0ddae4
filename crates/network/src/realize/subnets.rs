//! Subnets in pods: the same prefix everywhere, a gateway and a few addresses of each
//! pod's own.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::json;
use tricircle_db::models::{
    AddressPurpose, IpAllocation, NetWrite, Network as NetworkRow, RealizationKind, Subnet,
};
use tricircle_pods::PodSession;

use super::body;
use super::ensure::Wanted;
use crate::error::unexpected;
use crate::ipam::{choose_for_pod, number, pools_from_json};
use crate::{Network, NetworkError};

/// How often addresses are chosen again after somebody else took one.
const ROUNDS: usize = 10;

impl Network {
    /// Makes a subnet exist in the session's pod; its id there.
    pub(crate) async fn subnet_in(
        &self,
        session: &PodSession,
        subnet: &Subnet,
        network: &NetworkRow,
        bottom_network: &str,
    ) -> Result<String, NetworkError> {
        let pod_id = session.pod().id().to_owned();
        let kind = RealizationKind::Subnet;
        if let Some(row) = self.present(kind, &subnet.id, &pod_id).await?
            && let Some(id) = row.bottom_id
        {
            return Ok(id);
        }
        let _held = self
            .locks
            .lock(format!("subnet/{}/{pod_id}", subnet.id))
            .await;
        let (row, fresh) = self
            .claim(kind, &subnet.id, &pod_id, &subnet.project_id)
            .await?;
        let held = match self.reserve_for_pod(subnet, network, &pod_id).await {
            Ok(held) => held,
            Err(error) => {
                // Nothing was made, and a subnet that is gone has no job to clean up.
                if fresh {
                    self.store.realization_delete(&row.id).await?;
                    self.forget_job(&row).await?;
                }
                return Err(error);
            }
        };
        tricircle_failpoint::hit("realize.reserved");
        let gateway = held
            .iter()
            .find(|address| address.purpose == AddressPurpose::Gateway)
            .map(|address| address.ip_address.clone())
            // One outside the prefix belongs to nobody here and is the same in each pod.
            .or_else(|| subnet.gateway_ip.clone());
        let own: Vec<String> = held
            .iter()
            .filter(|address| address.purpose == AddressPurpose::Infrastructure)
            .map(|address| address.ip_address.clone())
            .collect();
        let wanted = Wanted {
            kind,
            top_id: &subnet.id,
            revision: subnet.revision_number,
            body: body::subnet(subnet, bottom_network, gateway.as_deref(), &own),
            data: json!({"gateway_ip": gateway, "infrastructure": own}),
            unique_in_pod: true,
        };
        self.ensure(session, row, fresh, wanted).await
    }

    /// The addresses that a pod has of a subnet for itself, chosen at the first call.
    async fn reserve_for_pod(
        &self,
        subnet: &Subnet,
        network: &NetworkRow,
        pod_id: &str,
    ) -> Result<Vec<IpAllocation>, NetworkError> {
        let pools = pools_from_json(&body::parsed(&subnet.allocation_pools))?;
        let count = usize::try_from(self.config.tricircle.infrastructure_ports_per_subnet)
            .unwrap_or(usize::MAX);
        // Interfaces on a self-configured subnet need no pool.
        let count = if is_auto_address(subnet) { 0 } else { count };
        // The gateway of an external network is a router outside, the same for all pods; a
        // bridge network has none. Without DHCP a pod has nothing of its own on either.
        let outer = network.router_external || network.project_id.is_empty();
        if outer && !subnet.enable_dhcp {
            return Ok(Vec::new());
        }
        for _ in 0..ROUNDS {
            let used = self.store.addresses_used(&subnet.id).await?;
            let users = users_gateway(subnet, &used).filter(|_| !outer);
            let take_users = users.is_some_and(|address| address.pod_id.is_none());
            let needs_own = users.is_some() && !take_users;
            let taken: BTreeSet<u128> = used.iter().filter_map(as_number).collect();
            let chosen = choose_for_pod(&pools, &taken, needs_own, count).ok_or_else(|| {
                NetworkError::IpAddressGenerationFailure(subnet.network_id.clone())
            })?;
            let row = |address: IpAddr, purpose| IpAllocation {
                pod_id: Some(pod_id.to_owned()),
                ..IpAllocation::new(subnet, address, purpose)
            };
            let wanted: Vec<IpAllocation> = chosen
                .gateway
                .into_iter()
                .map(|address| row(address, AddressPurpose::Gateway))
                .chain(
                    chosen
                        .infrastructure
                        .into_iter()
                        .map(|address| row(address, AddressPurpose::Infrastructure)),
                )
                .collect();
            let (ended, held) = self
                .store
                .addresses_reserve(&subnet.id, pod_id, take_users, &wanted)
                .await?;
            match ended {
                NetWrite::Done => return Ok(held),
                NetWrite::AddressTaken(_) | NetWrite::Changed => {}
                NetWrite::NotFound => {
                    return Err(NetworkError::SubnetNotFound(subnet.id.clone()));
                }
                other => return Err(unexpected("addresses_reserve", &other)),
            }
        }
        Err(NetworkError::IpAddressGenerationFailure(
            subnet.network_id.clone(),
        ))
    }
}

/// The reservation of the users' gateway, whichever pod has it.
fn users_gateway<'a>(subnet: &Subnet, used: &'a [IpAllocation]) -> Option<&'a IpAllocation> {
    used.iter().find(|address| {
        address.purpose == AddressPurpose::Gateway
            && subnet.gateway_ip.as_deref() == Some(address.ip_address.as_str())
    })
}

fn as_number(address: &IpAllocation) -> Option<u128> {
    address.ip_address.parse::<IpAddr>().ok().map(number)
}

/// Whether interfaces on it configure themselves.
pub(crate) fn is_auto_address(subnet: &Subnet) -> bool {
    [&subnet.ipv6_ra_mode, &subnet.ipv6_address_mode]
        .into_iter()
        .flatten()
        .any(|mode| mode == "slaac" || mode == "dhcpv6-stateless")
}
