//! External gateways of routers, as ports of the top.

use tricircle_db::models::{
    GatewayChange, NetworkView, Port, PortView, ROUTER_GATEWAY, ROUTER_INTERFACE, Router, RowState,
};

use super::RouterError;
use crate::ipam::FixedIpWish;
use crate::write::PortDraft;
use crate::{Network, NetworkError};

/// `external_gateway_info` of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayWish {
    /// The external network.
    pub network_id: String,
    /// Source NAT; `None`: on, also where it was off.
    pub enable_snat: Option<bool>,
    /// `external_fixed_ips`, empty where none were named.
    pub fixed_ips: Vec<FixedIpWish>,
}

/// What an update makes of a gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GatewayUpdate {
    /// The request does not name it.
    #[default]
    Keep,
    /// `null` or `{}`.
    Clear,
    /// This.
    Set(GatewayWish),
}

impl Network {
    /// An external network that users see.
    pub(super) async fn external_network(&self, id: &str) -> Result<NetworkView, NetworkError> {
        let found = self.store.network_by_id(id).await?;
        found
            .filter(|view| view.network.state == RowState::Live)
            .ok_or_else(|| NetworkError::NetworkNotFound(id.to_owned()))
    }

    /// The port that a router's gateway will be.
    pub(super) async fn gateway_port(
        &self,
        router_id: &str,
        wish: &GatewayWish,
    ) -> Result<PortView, NetworkError> {
        let view = self.external_network(&wish.network_id).await?;
        if !view.network.router_external {
            return Err(RouterError::BadRouter(format!(
                "Network {} is not an external network",
                wish.network_id
            ))
            .into());
        }
        self.refuse_outer_gateway(&wish.network_id, &wish.fixed_ips)
            .await?;
        let draft = PortDraft {
            port: Port {
                network_id: wish.network_id.clone(),
                device_id: router_id.to_owned(),
                device_owner: ROUTER_GATEWAY.to_owned(),
                port_security_enabled: false,
                status: "ACTIVE".to_owned(),
                ..Port::default()
            },
            fixed_ips: (!wish.fixed_ips.is_empty()).then(|| wish.fixed_ips.clone()),
            security_groups: Vec::new(),
        };
        self.choose_port(&draft).await
    }

    /// The network's own gateway is a router outside.
    async fn refuse_outer_gateway(
        &self,
        network_id: &str,
        wishes: &[FixedIpWish],
    ) -> Result<(), NetworkError> {
        let named: Vec<String> = wishes
            .iter()
            .filter_map(|wish| wish.ip_address.map(|ip| ip.to_string()))
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let subnets = self.subnets_of(network_id).await?;
        let taken = named.iter().find(|ip| {
            subnets
                .iter()
                .any(|subnet| subnet.gateway_ip.as_ref() == Some(ip))
        });
        match taken {
            Some(ip) => Err(RouterError::BadRouter(format!(
                "External IP {ip} is the same as the gateway IP"
            ))
            .into()),
            None => Ok(()),
        }
    }

    /// What an update writes of the gateway, and of source NAT. A gateway that names no
    /// addresses and is on its network already keeps its port.
    pub(super) async fn gateway_change(
        &self,
        router: &Router,
        update: &GatewayUpdate,
    ) -> Result<(GatewayChange, Option<bool>), NetworkError> {
        let wish = match update {
            GatewayUpdate::Keep => return Ok((GatewayChange::Keep, None)),
            GatewayUpdate::Clear => return Ok((GatewayChange::Clear, Some(true))),
            GatewayUpdate::Set(wish) => wish,
        };
        let snat = Some(wish.enable_snat.unwrap_or(true));
        let stays = router.gateway_network_id.as_ref() == Some(&wish.network_id);
        if stays && wish.fixed_ips.is_empty() {
            return Ok((GatewayChange::Keep, snat));
        }
        if stays && self.has_addresses(router, &wish.fixed_ips).await? {
            return Ok((GatewayChange::Keep, snat));
        }
        let port = self.gateway_port(&router.id, wish).await?;
        if !stays {
            let mut interfaces = self.router_ports(&router.id).await?;
            interfaces.retain(|view| view.port.device_owner == ROUTER_INTERFACE);
            let outside = self.subnets_of(&wish.network_id).await?;
            self.refuse_overlaps(&interfaces, &outside).await?;
        }
        Ok((GatewayChange::Set(Box::new(port)), snat))
    }

    /// Whether the gateway has what is wished for already.
    async fn has_addresses(
        &self,
        router: &Router,
        wishes: &[FixedIpWish],
    ) -> Result<bool, NetworkError> {
        let Some(port) = &router.gateway_port_id else {
            return Ok(false);
        };
        let found = self.store.port_by_id(port).await?;
        let held = found.map(|view| view.fixed_ips).unwrap_or_default();
        Ok(wishes.len() == held.len()
            && wishes.iter().all(|wish| {
                held.iter().any(|ip| {
                    let subnet = wish.subnet_id.as_ref().is_none_or(|id| *id == ip.subnet_id);
                    let address = wish
                        .ip_address
                        .is_none_or(|wanted| wanted.to_string() == ip.ip_address);
                    subnet && address
                })
            }))
    }
}
