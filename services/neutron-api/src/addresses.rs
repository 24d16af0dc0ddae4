//! Which addresses the ports of one request get: the state of their subnets is
//! read once, and what one port chose is taken for the next.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_db::models::{AddressPurpose, IpAllocation, Port, PortView, Subnet, SubnetFilter};
use tricircle_network::NetworkError;
use tricircle_network::ipam::{
    AddressChoice, FixedIpWish, SubnetState, choose_addresses, number, pools_from_json,
};
use tricircle_network::resource::tables::SUBNET;
use tricircle_network::resource::{Body, ResourceError};

use crate::call::{Call, failed, json_or, refused};
use crate::family::Done;
use crate::state::random;

/// What a request says about a port's addresses; `None`: nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted(Option<Vec<FixedIpWish>>);

impl Wanted {
    /// From `fixed_ips`, which the table has checked.
    pub fn of(body: &Body) -> Result<Self, NetworkError> {
        let Some(list) = body.get("fixed_ips").as_array() else {
            return Ok(Self(None));
        };
        let text =
            |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        let wishes = list
            .iter()
            .map(|item| {
                let wish = FixedIpWish {
                    subnet_id: text(item, "subnet_id"),
                    ip_address: text(item, "ip_address").and_then(|ip| ip.parse().ok()),
                };
                if wish == FixedIpWish::default() {
                    return Err(NetworkError::InvalidInput(
                        "IP allocation requires subnet_id or ip_address".to_owned(),
                    ));
                }
                Ok(wish)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self(Some(wishes)))
    }
}

/// The subnets of the networks that a request is about, as choosing sees them.
#[derive(Default)]
pub struct Addresses {
    networks: HashMap<String, Vec<(Subnet, SubnetState)>>,
}

impl Addresses {
    /// Addresses for a new port.
    pub async fn choose(
        &mut self,
        call: &Call,
        port: &Port,
        wanted: &Wanted,
    ) -> Done<Vec<IpAllocation>> {
        self.read(call, &port.network_id).await?;
        let states = self.states(&port.network_id);
        check_subnets(call, wanted, &states).await?;
        let chosen = choose_addresses(
            &port.network_id,
            &states,
            wanted.0.as_deref(),
            &port.mac_address,
            random(),
        )
        .map_err(failed)?;
        Ok(self.take(&port.network_id, &chosen))
    }

    /// Addresses for a port that has some: those that it keeps are free for it.
    pub async fn change(
        &mut self,
        call: &Call,
        view: &PortView,
        wanted: &Wanted,
    ) -> Done<Vec<IpAllocation>> {
        let network_id = &view.port.network_id;
        self.read(call, network_id).await?;
        for (_, state) in self.networks.entry(network_id.clone()).or_default() {
            for own in view.fixed_ips.iter().filter(|ip| ip.subnet_id == state.id) {
                if let Ok(ip) = own.ip_address.parse::<IpAddr>() {
                    state.taken.remove(&number(ip));
                }
            }
        }
        // A subnet without an address keeps the address that the port has on it.
        let mut kept: Vec<&IpAllocation> = view.fixed_ips.iter().collect();
        let wishes = wanted.0.clone().unwrap_or_default();
        let named: Vec<Option<IpAddr>> = wishes.iter().map(|wish| wish.ip_address).collect();
        kept.retain(|own| !named.contains(&own.ip_address.parse().ok()));
        let wishes = wishes
            .into_iter()
            .map(|mut wish| {
                if wish.ip_address.is_none()
                    && let Some(place) = kept
                        .iter()
                        .position(|own| Some(&own.subnet_id) == wish.subnet_id.as_ref())
                {
                    wish.ip_address = kept.remove(place).ip_address.parse().ok();
                }
                wish
            })
            .collect();
        self.choose(call, &view.port, &Wanted(Some(wishes))).await
    }

    async fn read(&mut self, call: &Call, network_id: &str) -> Done<()> {
        if self.networks.contains_key(network_id) {
            return Ok(());
        }
        let filter = SubnetFilter {
            network_ids: vec![network_id.to_owned()],
            ..SubnetFilter::default()
        };
        let mut subnets = Vec::new();
        for subnet in call.api.store.subnets(&filter).await? {
            let used = call.api.store.addresses_used(&subnet.id).await?;
            let state = state_of(&subnet, &used)?;
            subnets.push((subnet, state));
        }
        self.networks.insert(network_id.to_owned(), subnets);
        Ok(())
    }

    fn states(&self, network_id: &str) -> Vec<SubnetState> {
        let subnets = self.networks.get(network_id);
        subnets
            .into_iter()
            .flatten()
            .map(|(_, state)| state.clone())
            .collect()
    }

    fn take(&mut self, network_id: &str, chosen: &[AddressChoice]) -> Vec<IpAllocation> {
        let subnets = self.networks.entry(network_id.to_owned()).or_default();
        let mut taken = Vec::new();
        for choice in chosen {
            let Some((subnet, state)) = subnets
                .iter_mut()
                .find(|(subnet, _)| subnet.id == choice.subnet_id)
            else {
                continue;
            };
            state.taken.insert(number(choice.address));
            taken.push(IpAllocation::new(
                subnet,
                choice.address,
                AddressPurpose::Port,
            ));
        }
        taken
    }
}

fn state_of(subnet: &Subnet, used: &[IpAllocation]) -> Done<SubnetState> {
    let broken = |what: &str| Fault::internal(format!("subnet {} has no valid {what}", subnet.id));
    let taken: BTreeSet<u128> = used
        .iter()
        .filter_map(|address| address.ip_address.parse().ok())
        .map(number)
        .collect();
    Ok(SubnetState {
        id: subnet.id.clone(),
        cidr: subnet.cidr.parse().map_err(|_| broken("cidr"))?,
        pools: pools_from_json(&json_or(&subnet.allocation_pools, json!([])))
            .map_err(|_| broken("pools"))?,
        auto_address: matches!(
            subnet.ipv6_address_mode.as_deref(),
            Some("slaac" | "dhcpv6-stateless")
        ),
        taken,
    })
}

/// Subnets that are not there are a 404; those of other networks a 400.
async fn check_subnets(call: &Call, wanted: &Wanted, states: &[SubnetState]) -> Done<()> {
    let wishes = wanted.0.as_deref().unwrap_or_default();
    for id in wishes.iter().filter_map(|wish| wish.subnet_id.as_deref()) {
        if states.iter().any(|state| state.id == id) {
            continue;
        }
        if call.api.store.subnet_by_id(id).await?.is_none() {
            return Err(refused(SUBNET.not_found(id)));
        }
        return Err(refused(ResourceError::invalid_input(format_args!(
            "Failed to create port on network, because fixed_ips included invalid subnet {id}"
        ))));
    }
    Ok(())
}
