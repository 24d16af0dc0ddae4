//! Floating IPs at the top.

use std::net::IpAddr;

use tricircle_db::models::{
    FLOATING_IP, FloatingIp, FloatingIpFilter, FloatingTarget, NetWrite, Port, PortView,
    ROUTER_INTERFACE, RowState, Subnet,
};
use tricircle_failpoint::hit;

use super::RouterError;
use crate::error::unexpected;
use crate::ipam::FixedIpWish;
use crate::servers::Actor;
use crate::write::{PortDraft, ROUNDS};
use crate::{Network, NetworkError};

/// Where a floating IP is to lead, as a request says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetWish {
    /// The port; `None`: nowhere.
    pub port_id: Option<String>,
    /// Which of its addresses; `None`: the only one.
    pub fixed_ip_address: Option<String>,
}

/// A floating IP to be made.
#[derive(Debug, Clone, Default)]
pub struct FloatingIpDraft {
    /// The row; network, owner and description count.
    pub floating: FloatingIp,
    /// This address.
    pub address: Option<IpAddr>,
    /// An address of this subnet.
    pub subnet_id: Option<String>,
    /// Where it leads.
    pub target: TargetWish,
}

fn bad(message: impl Into<String>) -> NetworkError {
    RouterError::BadFloatingIp(message.into()).into()
}

impl Network {
    /// Makes a floating IP; where it leads somewhere, the router's pods follow by a job.
    pub async fn create_floating_ip(
        &self,
        who: &Actor,
        draft: &FloatingIpDraft,
    ) -> Result<FloatingIp, NetworkError> {
        let network_id = &draft.floating.floating_network_id;
        let view = self.external_network(network_id).await?;
        if !view.network.router_external {
            return Err(bad(format!(
                "Network {network_id} is not a valid external network"
            )));
        }
        let subnets = self.subnets_of(network_id).await?;
        if !subnets.iter().any(|subnet| subnet.ip_version == 4) {
            return Err(bad(format!(
                "Network {network_id} does not contain any IPv4 subnet"
            )));
        }
        let target = self.target(who, &draft.floating, &draft.target).await?;
        for _ in 0..ROUNDS {
            let (floating, port) = self.address_of(draft, &subnets, target.as_ref()).await?;
            let limit = self.config.quota.floatingip;
            let ended = self
                .store
                .floating_ip_create(&floating, &port, limit, &who.request_id)
                .await?;
            match ended {
                NetWrite::Done => {
                    hit("floatingip_create.written");
                    self.jobs.wake_all();
                    return Ok(floating);
                }
                NetWrite::AddressTaken(_) | NetWrite::MacTaken => {}
                NetWrite::Bound(_) => return Err(associated(&floating, target.as_ref()).into()),
                NetWrite::NotFound => {
                    return Err(NetworkError::NetworkNotFound(network_id.clone()));
                }
                other => return Err(unexpected("floating_ip_create", &other)),
            }
        }
        Err(NetworkError::IpAddressGenerationFailure(network_id.clone()))
    }

    /// Chooses the address, and the port that holds it.
    async fn address_of(
        &self,
        draft: &FloatingIpDraft,
        subnets: &[Subnet],
        target: Option<&FloatingTarget>,
    ) -> Result<(FloatingIp, PortView), NetworkError> {
        let mut wish = FixedIpWish {
            subnet_id: draft.subnet_id.clone(),
            ip_address: draft.address,
        };
        if wish == FixedIpWish::default() {
            // A network may have IPv6 beside the family that floats.
            let v4 = subnets.iter().find(|subnet| subnet.ip_version == 4);
            wish.subnet_id = v4
                .filter(|_| subnets.iter().any(|subnet| subnet.ip_version == 6))
                .map(|subnet| subnet.id.clone());
        }
        let port = self
            .choose_port(&PortDraft {
                port: Port {
                    network_id: draft.floating.floating_network_id.clone(),
                    device_id: draft.floating.id.clone(),
                    device_owner: FLOATING_IP.to_owned(),
                    port_security_enabled: false,
                    status: "N/A".to_owned(),
                    ..Port::default()
                },
                fixed_ips: (wish != FixedIpWish::default()).then(|| vec![wish]),
                security_groups: Vec::new(),
            })
            .await?;
        let address = port.fixed_ips.iter().map(|ip| ip.ip_address.clone()).next();
        let network = &draft.floating.floating_network_id;
        let address =
            address.ok_or_else(|| NetworkError::IpAddressGenerationFailure(network.clone()))?;
        let floating = FloatingIp {
            floating_ip_address: address,
            floating_port_id: port.port.id.clone(),
            port_id: target.map(|target| target.port_id.clone()),
            fixed_ip_address: target.map(|target| target.fixed_ip_address.clone()),
            router_id: target.map(|target| target.router_id.clone()),
            ..draft.floating.clone()
        };
        Ok((floating, port))
    }

    /// Changes a floating IP. `target`: where it leads from now on, if that is named.
    pub async fn update_floating_ip(
        &self,
        who: &Actor,
        id: &str,
        description: Option<&str>,
        target: Option<&TargetWish>,
        expected_revision: Option<i64>,
    ) -> Result<FloatingIp, NetworkError> {
        let not_found = || NetworkError::from(RouterError::FloatingIpNotFound(id.to_owned()));
        let found = self.store.floating_ip_by_id(id).await?;
        let floating = found.ok_or_else(not_found)?;
        let target = match target {
            Some(wish) => Some(self.target(who, &floating, wish).await?),
            None => None,
        };
        let ended = self
            .store
            .floating_ip_update(
                id,
                description,
                target.as_ref().map(Option::as_ref),
                expected_revision,
                &who.request_id,
            )
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => return Err(not_found()),
            NetWrite::Bound(_) => {
                return Err(associated(&floating, target.as_ref().and_then(Option::as_ref)).into());
            }
            other => return Err(unexpected("floating_ip_update", &other)),
        }
        hit("floatingip_update.written");
        self.jobs.wake_all();
        self.store
            .floating_ip_by_id(id)
            .await?
            .ok_or_else(not_found)
    }

    /// Deletes a floating IP. Users no longer see it when this returns.
    pub async fn delete_floating_ip(
        &self,
        id: &str,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let ended = self
            .store
            .floating_ip_mark_deleting(id, expected_revision, request_id)
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => {
                return Err(RouterError::FloatingIpNotFound(id.to_owned()).into());
            }
            other => return Err(unexpected("floating_ip_mark_deleting", &other)),
        }
        hit("floatingip_delete.marked");
        self.jobs.wake_all();
        Ok(())
    }

    /// The port, address and router that a wish means.
    async fn target(
        &self,
        who: &Actor,
        floating: &FloatingIp,
        wish: &TargetWish,
    ) -> Result<Option<FloatingTarget>, NetworkError> {
        let Some(port_id) = &wish.port_id else {
            return match wish.fixed_ip_address {
                Some(_) => Err(bad(
                    "fixed_ip_address cannot be specified without a port_id",
                )),
                None => Ok(None),
            };
        };
        let found = self.store.port_by_id(port_id).await?;
        let view = found
            .filter(|view| view.port.state == RowState::Live)
            .filter(|view| who.is_admin || view.port.project_id == who.project_id)
            .ok_or_else(|| NetworkError::PortNotFound(port_id.clone()))?;
        let (subnet_id, address) = address_for(floating, who, &view, wish)?;
        let subnet = self.store.subnet_by_id(&subnet_id).await?;
        let network = &floating.floating_network_id;
        let routers = self.routers_between(&subnet_id, network).await?;
        let gateway = subnet.and_then(|subnet| subnet.gateway_ip);
        let router = routers
            .iter()
            .find(|(_, address)| Some(address) == gateway.as_ref())
            .or_else(|| routers.first());
        let Some((router, _)) = router else {
            return Err(RouterError::NotReachable {
                network: network.clone(),
                subnet: subnet_id,
                port: port_id.clone(),
            }
            .into());
        };
        Ok(Some(FloatingTarget {
            port_id: port_id.clone(),
            fixed_ip_address: address,
            router_id: router.clone(),
        }))
    }

    /// The routers between a subnet and an external network, with their addresses on it.
    async fn routers_between(
        &self,
        subnet_id: &str,
        network_id: &str,
    ) -> Result<Vec<(String, String)>, NetworkError> {
        let mut between = Vec::new();
        for id in self.store.routers_on(&[subnet_id.to_owned()]).await? {
            let Some(router) = self.store.router_by_id(&id).await? else {
                continue;
            };
            if router.state != RowState::Live
                || router.gateway_network_id.as_deref() != Some(network_id)
            {
                continue;
            }
            let ports = self.router_ports(&id).await?;
            let ip = ports
                .iter()
                .filter(|view| view.port.device_owner == ROUTER_INTERFACE)
                .flat_map(|view| &view.fixed_ips)
                .find(|ip| ip.subnet_id == subnet_id);
            if let Some(ip) = ip {
                between.push((id, ip.ip_address.clone()));
            }
        }
        Ok(between)
    }

    /// The floating IPs that lead to these ports.
    pub async fn floating_ips_to(&self, ports: &[String]) -> Result<Vec<FloatingIp>, NetworkError> {
        let filter = FloatingIpFilter {
            port_ids: ports.to_vec(),
            ..FloatingIpFilter::default()
        };
        match ports.is_empty() {
            true => Ok(Vec::new()),
            false => Ok(self.store.floating_ips(&filter).await?),
        }
    }
}

fn associated(floating: &FloatingIp, target: Option<&FloatingTarget>) -> RouterError {
    RouterError::AlreadyAssociated {
        address: floating.floating_ip_address.clone(),
        floating: floating.id.clone(),
        port: target.map(|t| t.port_id.clone()).unwrap_or_default(),
        fixed: target
            .map(|t| t.fixed_ip_address.clone())
            .unwrap_or_default(),
        network: floating.floating_network_id.clone(),
    }
}

/// The subnet and address of a port that a floating IP leads to.
fn address_for(
    floating: &FloatingIp,
    who: &Actor,
    view: &PortView,
    wish: &TargetWish,
) -> Result<(String, String), NetworkError> {
    let port = &view.port;
    if port.project_id != floating.project_id && !who.is_admin {
        return Err(bad(format!(
            "Cannot process floating IP association with Port {}, since that port is owned by a \
             different project",
            port.id
        )));
    }
    if port.device_owner.starts_with("network:") {
        return Err(bad(format!(
            "Port {} is unable to be assigned a floating IP",
            port.id
        )));
    }
    if let Some(address) = &wish.fixed_ip_address {
        if address.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) {
            return Err(bad(format!(
                "Cannot process floating IP association with {address}, since that is not an IPv4 \
                 address"
            )));
        }
        let held = view.fixed_ips.iter().find(|ip| ip.ip_address == *address);
        return match held {
            Some(ip) => Ok((ip.subnet_id.clone(), address.clone())),
            None => Err(bad(format!(
                "Port {} does not have fixed ip {address}",
                port.id
            ))),
        };
    }
    let mut v4 = view.fixed_ips.iter().filter(|ip| {
        let address = ip.ip_address.parse::<IpAddr>();
        address.is_ok_and(|address| address.is_ipv4())
    });
    match (v4.next(), v4.next()) {
        (None, _) => Err(bad(format!(
            "Cannot add floating IP to port {} that has no fixed IPv4 addresses",
            port.id
        ))),
        (Some(ip), None) => Ok((ip.subnet_id.clone(), ip.ip_address.clone())),
        _ => Err(bad(format!(
            "Port {} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address \
             when assigning a floating IP",
            port.id
        ))),
    }
}
