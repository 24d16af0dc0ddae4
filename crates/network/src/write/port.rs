//! Ports: their MAC and IP addresses.

use std::collections::HashMap;

use ipnet::IpNet;
use tricircle_db::models::{
    AddressPurpose, IpAllocation, NetWrite, Port, PortChange, PortView, RealizationKind, Subnet,
    SubnetFilter,
};

use super::ROUNDS;
use crate::error::unexpected;
use crate::ipam::{
    AddressChoice, FixedIpWish, SubnetState, choose_addresses, number, pools_from_json, random_mac,
};
use crate::realize::is_auto_address;
use crate::{Network, NetworkError};

/// A port to be made. An empty MAC address is filled in.
#[derive(Debug, Clone, Default)]
pub struct PortDraft {
    /// The row.
    pub port: Port,
    /// `fixed_ips` as given; `None`: one of each family that the network has.
    pub fixed_ips: Option<Vec<FixedIpWish>>,
    /// Ids of security groups.
    pub security_groups: Vec<String>,
}

impl Network {
    /// Makes ports, all or none.
    pub async fn create_ports(&self, drafts: &[PortDraft]) -> Result<Vec<PortView>, NetworkError> {
        self.allocate_ports(drafts, &[], "", "").await
    }

    /// Makes ports and gives free ones to a device, all or none.
    pub(crate) async fn allocate_ports(
        &self,
        drafts: &[PortDraft],
        claimed: &[String],
        device_id: &str,
        device_owner: &str,
    ) -> Result<Vec<PortView>, NetworkError> {
        let mut lost = None;
        for _ in 0..ROUNDS {
            let chosen = self.choose_ports(drafts).await?;
            let limit = self.config.quota.port;
            let ended = self
                .store
                .ports_allocate(&chosen, claimed, device_id, device_owner, limit)
                .await?;
            match ended {
                NetWrite::Done => {
                    tricircle_failpoint::hit("port_create.written");
                    return Ok(chosen);
                }
                // Somebody was faster. What a user named is refused in the next round.
                NetWrite::AddressTaken(address) => lost = Some(address),
                NetWrite::MacTaken => self.check_named_macs(drafts)?,
                NetWrite::NotFound => return Err(self.what_is_gone(drafts, claimed).await),
                NetWrite::Bound(device) => {
                    tracing::debug!(device, "a port is in use");
                    let port = claimed.first().cloned().unwrap_or_default();
                    return Err(NetworkError::Conflict(format!(
                        "Port {port} is still in use."
                    )));
                }
                other => return Err(unexpected("ports_allocate", &other)),
            }
        }
        let network = drafts.first().map(|d| d.port.network_id.clone());
        let network = network.unwrap_or_default();
        Err(match lost {
            Some(_) => NetworkError::IpAddressGenerationFailure(network),
            None => NetworkError::MacAddressGenerationFailure(network),
        })
    }

    /// Chooses what a draft leaves open, for a caller that writes the port itself.
    pub(crate) async fn choose_port(&self, draft: &PortDraft) -> Result<PortView, NetworkError> {
        let chosen = self.choose_ports(std::slice::from_ref(draft)).await?;
        let network = &draft.port.network_id;
        chosen
            .into_iter()
            .next()
            .ok_or_else(|| NetworkError::NetworkNotFound(network.clone()))
    }

    /// Chooses what the drafts leave open; addresses of one draft are taken for the next.
    async fn choose_ports(&self, drafts: &[PortDraft]) -> Result<Vec<PortView>, NetworkError> {
        let mut networks: HashMap<String, (Vec<Subnet>, Vec<SubnetState>)> = HashMap::new();
        let mut chosen = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let id = &draft.port.network_id;
            if !networks.contains_key(id) {
                let state = self.subnet_states(id, "").await?;
                networks.insert(id.clone(), state);
            }
            let Some((rows, states)) = networks.get_mut(id) else {
                continue;
            };
            let mut port = draft.port.clone();
            if port.mac_address.is_empty() {
                port.mac_address = random_mac(self.config.tricircle.base_mac, rand::random());
            }
            let wishes = draft.fixed_ips.as_deref();
            let found = choose_addresses(id, states, wishes, &port.mac_address, rand::random())?;
            for choice in &found {
                if let Some(state) = states.iter_mut().find(|s| s.id == choice.subnet_id) {
                    state.taken.insert(number(choice.address));
                }
            }
            chosen.push(PortView {
                fixed_ips: owned_by(&port.id, as_rows(rows, &found)),
                port,
                security_groups: draft.security_groups.clone(),
            });
        }
        Ok(chosen)
    }

    /// The subnets of a network, and what is taken on them by others than a port: what
    /// the port has, or is just losing, it may have.
    async fn subnet_states(
        &self,
        network_id: &str,
        port_id: &str,
    ) -> Result<(Vec<Subnet>, Vec<SubnetState>), NetworkError> {
        let filter = SubnetFilter {
            network_ids: vec![network_id.to_owned()],
            ..SubnetFilter::default()
        };
        let rows = self.store.subnets(&filter).await?;
        let mut states = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut used = self.store.addresses_used(&row.id).await?;
            used.retain(|address| address.port_id.as_deref() != Some(port_id));
            states.push(state_of(row, &used)?);
        }
        Ok((rows, states))
    }

    /// A MAC address that a user named and that is taken is the user's to hear.
    fn check_named_macs(&self, drafts: &[PortDraft]) -> Result<(), NetworkError> {
        match drafts.iter().find(|d| !d.port.mac_address.is_empty()) {
            Some(draft) => Err(NetworkError::MacAddressInUse {
                network: draft.port.network_id.clone(),
                mac: draft.port.mac_address.clone(),
            }),
            None => Ok(()),
        }
    }

    async fn what_is_gone(&self, drafts: &[PortDraft], claimed: &[String]) -> NetworkError {
        for id in claimed {
            if !matches!(self.store.port_by_id(id).await, Ok(Some(_))) {
                return NetworkError::PortNotFound(id.clone());
            }
        }
        let network = drafts.first().map(|d| d.port.network_id.clone());
        NetworkError::NetworkNotFound(network.unwrap_or_default())
    }

    /// Changes a port at the top; where given, its addresses and groups become these.
    /// Addresses that it has already are kept.
    pub async fn update_port(
        &self,
        id: &str,
        change: &PortChange,
        fixed_ips: Option<&[FixedIpWish]>,
        groups: Option<&[String]>,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<PortView, NetworkError> {
        let job = self.sync_job(RealizationKind::Port, id, request_id);
        let not_found = || NetworkError::PortNotFound(id.to_owned());
        for _ in 0..ROUNDS {
            let before = self.store.port_by_id(id).await?.ok_or_else(not_found)?;
            let network = &before.port.network_id;
            let wanted = match fixed_ips {
                Some(wishes) => {
                    let (rows, states) = self.subnet_states(network, id).await?;
                    let mac = change
                        .mac_address
                        .as_ref()
                        .unwrap_or(&before.port.mac_address);
                    let found =
                        choose_addresses(network, &states, Some(wishes), mac, rand::random())?;
                    Some(as_rows(&rows, &found))
                }
                None => None,
            };
            let ended = self
                .store
                .port_update(
                    id,
                    change,
                    wanted.as_deref(),
                    groups,
                    expected_revision,
                    &job,
                )
                .await?;
            match ended {
                NetWrite::Done => {
                    tricircle_failpoint::hit("port_update.written");
                    return self.store.port_by_id(id).await?.ok_or_else(not_found);
                }
                NetWrite::AddressTaken(_) => {}
                NetWrite::MacTaken => {
                    return Err(NetworkError::MacAddressInUse {
                        network: network.clone(),
                        mac: change.mac_address.clone().unwrap_or_default(),
                    });
                }
                NetWrite::NotFound => return Err(not_found()),
                other => return Err(unexpected("port_update", &other)),
            }
        }
        Err(NetworkError::Conflict(format!(
            "Port {id} changes too fast; try again."
        )))
    }
}

/// A subnet as choosing needs it.
fn state_of(row: &Subnet, used: &[IpAllocation]) -> Result<SubnetState, NetworkError> {
    let cidr: IpNet = row
        .cidr
        .parse()
        .map_err(|_| NetworkError::Internal(format!("subnet {} has no prefix", row.id)))?;
    let pools = serde_json::from_str(&row.allocation_pools).unwrap_or_default();
    Ok(SubnetState {
        id: row.id.clone(),
        cidr,
        pools: pools_from_json(&pools)?,
        auto_address: is_auto_address(row),
        taken: used
            .iter()
            .filter_map(|address| address.ip_address.parse().ok())
            .map(number)
            .collect(),
    })
}

/// The same addresses as this port's.
fn owned_by(port_id: &str, mut addresses: Vec<IpAllocation>) -> Vec<IpAllocation> {
    for address in &mut addresses {
        address.port_id = Some(port_id.to_owned());
    }
    addresses
}

fn as_rows(subnets: &[Subnet], chosen: &[AddressChoice]) -> Vec<IpAllocation> {
    chosen
        .iter()
        .filter_map(|choice| {
            let subnet = subnets.iter().find(|s| s.id == choice.subnet_id)?;
            Some(IpAllocation::new(
                subnet,
                choice.address,
                AddressPurpose::Port,
            ))
        })
        .collect()
}
