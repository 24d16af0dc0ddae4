//! Subnets and the gateway's reservation.

use std::net::IpAddr;

use ipnet::IpNet;
use tricircle_db::models::{
    AddressPurpose, IpAllocation, NetWrite, ROUTER_INTERFACE, RealizationKind, RowState, Subnet,
    SubnetChange, SubnetFilter,
};

use super::ROUNDS;
use crate::error::unexpected;
use crate::ipam::{
    Pool, SubnetWish, check_gateway_change, check_overlap, plan_subnet, pools_from_json,
    pools_to_json,
};
use crate::routers::RouterError;
use crate::{Network, NetworkError};

impl Network {
    /// Makes a subnet. Prefix, gateway and pools of `draft` are filled in from `wish`.
    pub async fn create_subnet(
        &self,
        draft: &Subnet,
        wish: &SubnetWish,
    ) -> Result<Subnet, NetworkError> {
        let plan = plan_subnet(wish)?;
        let subnet = Subnet {
            ip_version: wish.ip_version,
            cidr: plan.cidr.to_string(),
            gateway_ip: plan.gateway.map(|gateway| gateway.to_string()),
            enable_dhcp: wish.enable_dhcp,
            ipv6_ra_mode: wish.ipv6_ra_mode.clone(),
            ipv6_address_mode: wish.ipv6_address_mode.clone(),
            allocation_pools: pools_to_json(&plan.pools).to_string(),
            ..draft.clone()
        };
        let reserved = gateway_on(&subnet, plan.cidr, plan.gateway);
        for _ in 0..ROUNDS {
            let siblings = self.siblings(&subnet.network_id).await?;
            let prefixes = siblings.iter().filter_map(|s| s.cidr.parse::<IpNet>().ok());
            check_overlap(plan.cidr, &subnet.network_id, prefixes)?;
            let known: Vec<String> = siblings.iter().map(|s| s.id.clone()).collect();
            match self
                .store
                .subnet_create(&subnet, &reserved, &known, self.config.quota.subnet)
                .await?
            {
                NetWrite::Done => {
                    tricircle_failpoint::hit("subnet_create.written");
                    return Ok(subnet);
                }
                NetWrite::Changed => {}
                NetWrite::NotFound => {
                    return Err(NetworkError::NetworkNotFound(subnet.network_id));
                }
                other => return Err(unexpected("subnet_create", &other)),
            }
        }
        Err(NetworkError::Conflict(format!(
            "Network {} changes too fast; try again.",
            subnet.network_id
        )))
    }

    /// All subnets of a network, those being deleted too: pods may still have them.
    async fn siblings(&self, network_id: &str) -> Result<Vec<Subnet>, NetworkError> {
        let filter = SubnetFilter {
            network_ids: vec![network_id.to_owned()],
            deleting_too: true,
            ..SubnetFilter::default()
        };
        Ok(self.store.subnets(&filter).await?)
    }

    /// Changes a subnet at the top; its pods follow by a job. A new gateway and new pools are checked together.
    pub async fn update_subnet(
        &self,
        id: &str,
        change: &SubnetChange,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<Subnet, NetworkError> {
        let not_found = || NetworkError::SubnetNotFound(id.to_owned());
        let before = self.store.subnet_by_id(id).await?.ok_or_else(not_found)?;
        let net: IpNet = before
            .cidr
            .parse()
            .map_err(|_| NetworkError::Internal(format!("subnet {id} has no prefix")))?;
        let reserved = if change.gateway_ip.is_some() || change.allocation_pools.is_some() {
            match self.check_change(&before, net, change) {
                // Who has the gateway is told before what the new one collides with.
                Err(error @ NetworkError::GatewayConflictWithAllocationPools { .. }) => {
                    self.refuse_routers_gateway(&before).await?;
                    return Err(error);
                }
                checked => checked?,
            }
        } else {
            None
        };
        let job = self.sync_job(RealizationKind::Subnet, id, request_id);
        let ended = self
            .store
            .subnet_update(id, change, reserved.as_deref(), expected_revision, &job)
            .await?;
        match ended {
            NetWrite::Done => tricircle_failpoint::hit("subnet_update.written"),
            NetWrite::NotFound => return Err(not_found()),
            NetWrite::InUse(ports) => {
                let port = ports.into_iter().next().unwrap_or_default();
                return Err(gateway_in_use(&before, port));
            }
            NetWrite::AddressTaken(ip) => {
                return Err(NetworkError::IpAddressAlreadyAllocated {
                    ip,
                    subnet: id.to_owned(),
                });
            }
            other => return Err(unexpected("subnet_update", &other)),
        }
        self.store.subnet_by_id(id).await?.ok_or_else(not_found)
    }

    /// Refuses when a router's interface has the subnet's gateway address.
    async fn refuse_routers_gateway(&self, subnet: &Subnet) -> Result<(), NetworkError> {
        let taken = self.store.addresses_used(&subnet.id).await?;
        let held = taken
            .into_iter()
            .find(|row| Some(&row.ip_address) == subnet.gateway_ip.as_ref());
        let Some(port) = held.and_then(|row| row.port_id) else {
            return Ok(());
        };
        let found = self.store.port_by_id(&port).await?;
        let interface = found.is_some_and(|view| {
            view.port.state == RowState::Live && view.port.device_owner == ROUTER_INTERFACE
        });
        match interface {
            true => Err(gateway_in_use(subnet, port)),
            false => Ok(()),
        }
    }

    /// The reservation that a new gateway needs, if the gateway changes.
    fn check_change(
        &self,
        before: &Subnet,
        net: IpNet,
        change: &SubnetChange,
    ) -> Result<Option<Vec<IpAllocation>>, NetworkError> {
        let pools: Vec<Pool> = {
            let text = change
                .allocation_pools
                .as_deref()
                .unwrap_or(&before.allocation_pools);
            let json = serde_json::from_str(text).unwrap_or_default();
            pools_from_json(&json)?
        };
        let wanted = change.gateway_ip.as_ref().unwrap_or(&before.gateway_ip);
        let gateway = match wanted {
            Some(text) => Some(text.parse::<IpAddr>().map_err(|_| {
                NetworkError::InvalidInput(format!("'{text}' is not a valid IP address"))
            })?),
            None => None,
        };
        check_gateway_change(net, gateway, &pools)?;
        let changes = wanted != &before.gateway_ip;
        Ok(changes.then(|| gateway_on(before, net, gateway)))
    }
}

fn gateway_in_use(subnet: &Subnet, port: String) -> NetworkError {
    let ip = subnet.gateway_ip.clone().unwrap_or_default();
    RouterError::GatewayIpInUse { ip, port }.into()
}

/// The gateway's address as taken, if it lies on the subnet at all.
fn gateway_on(subnet: &Subnet, net: IpNet, gateway: Option<IpAddr>) -> Vec<IpAllocation> {
    gateway
        .filter(|gateway| net.contains(gateway))
        .map(|gateway| IpAllocation::new(subnet, gateway, AddressPurpose::Gateway))
        .into_iter()
        .collect()
}
