//! Interfaces of routers, as ports of the top.

use std::net::IpAddr;

use ipnet::IpNet;
use tricircle_db::models::{
    NetWrite, Port, PortView, ROUTER_GATEWAY, ROUTER_INTERFACE, Router, RowState, Subnet,
    SubnetFilter,
};
use tricircle_failpoint::hit;

use super::RouterError;
use super::interface_checks::{
    bad, refuse_foreign_address, refuse_outer_advertisements, refuse_overlap, refuse_second_ipv6,
};
use super::write::routes_from_json;
use crate::error::unexpected;
use crate::ipam::random_mac;
use crate::servers::Actor;
use crate::write::ROUNDS;
use crate::{Network, NetworkError};

/// What `add_router_interface` and `remove_router_interface` name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceWish {
    /// The gateway address of this subnet; of a removal: the interface on it.
    Subnet(String),
    /// This port; of a removal, on this subnet if one is named too.
    Port(String, Option<String>),
}

/// An interface as the API answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The router.
    pub router_id: String,
    /// Owner of the port.
    pub project_id: String,
    /// The port.
    pub port_id: String,
    /// Its network.
    pub network_id: String,
    /// Its subnets; one, except for IPv6.
    pub subnet_ids: Vec<String>,
}

fn interface_of(router: &Router, view: &PortView, subnets: Vec<String>) -> Interface {
    Interface {
        router_id: router.id.clone(),
        project_id: view.port.project_id.clone(),
        port_id: view.port.id.clone(),
        network_id: view.port.network_id.clone(),
        subnet_ids: subnets,
    }
}

impl Network {
    /// The live subnets of a network.
    pub(super) async fn subnets_of(&self, network_id: &str) -> Result<Vec<Subnet>, NetworkError> {
        let filter = SubnetFilter {
            network_ids: vec![network_id.to_owned()],
            ..SubnetFilter::default()
        };
        Ok(self.store.subnets(&filter).await?)
    }

    async fn live_subnet(&self, id: &str) -> Result<Subnet, NetworkError> {
        let found = self.store.subnet_by_id(id).await?;
        found
            .filter(|subnet| subnet.state == RowState::Live)
            .ok_or_else(|| NetworkError::SubnetNotFound(id.to_owned()))
    }

    /// Gives a router an interface; the pods that have its subnet follow by a job.
    pub async fn add_interface(
        &self,
        who: &Actor,
        router_id: &str,
        wish: &InterfaceWish,
    ) -> Result<Interface, NetworkError> {
        for _ in 0..ROUNDS {
            let router = self.live_router(router_id).await?;
            let ports = self.router_ports(router_id).await?;
            let (view, subnets, gateway_of) = match wish {
                InterfaceWish::Subnet(id) => {
                    let subnet = self.live_subnet(id).await?;
                    let view = self.gateway_interface(who, &router, &subnet)?;
                    (view, vec![subnet], Some(id.as_str()))
                }
                InterfaceWish::Port(id, _) => {
                    let view = self.free_port(id).await?;
                    let subnets = self.subnets_under(&view).await?;
                    refuse_foreign_address(who, &view, &subnets)?;
                    (view, subnets, None)
                }
            };
            refuse_outer_advertisements(&subnets)?;
            refuse_second_ipv6(&ports, &view.port.network_id, &subnets)?;
            self.refuse_overlaps(&ports, &subnets).await?;
            let siblings: Vec<String> = ports
                .iter()
                .filter(|view| view.port.device_owner == ROUTER_INTERFACE)
                .map(|view| view.port.id.clone())
                .collect();
            let job = self.router_job(&router, &who.request_id);
            let ended = self
                .store
                .router_interface_add(router_id, &siblings, &view, gateway_of, &job)
                .await?;
            match ended {
                NetWrite::Done => {
                    hit("router_interface_add.written");
                    self.jobs.wake_all();
                    let ids = subnets.into_iter().map(|subnet| subnet.id).collect();
                    return Ok(interface_of(&router, &view, ids));
                }
                NetWrite::Changed | NetWrite::MacTaken => {}
                NetWrite::AddressTaken(ip) => {
                    let subnet = gateway_of.unwrap_or_default().to_owned();
                    return Err(NetworkError::IpAddressAlreadyAllocated { ip, subnet });
                }
                NetWrite::Bound(device) => {
                    return Err(NetworkError::PortInUse {
                        port: view.port.id,
                        network: view.port.network_id,
                        device,
                    });
                }
                NetWrite::NotFound => {
                    // The next round says what is gone.
                }
                other => return Err(unexpected("router_interface_add", &other)),
            }
        }
        Err(NetworkError::Conflict(format!(
            "Router {router_id} changes too fast; try again."
        )))
    }

    /// A port that takes a subnet's gateway address.
    fn gateway_interface(
        &self,
        who: &Actor,
        router: &Router,
        subnet: &Subnet,
    ) -> Result<PortView, NetworkError> {
        if subnet.gateway_ip.is_none() {
            return Err(bad("Subnet for router interface must have a gateway IP"));
        }
        if subnet.project_id != who.project_id && !who.is_admin {
            return Err(bad(format!(
                "Cannot add interface to router because subnet {} is not owned by project making \
                 the request",
                subnet.id
            )));
        }
        Ok(PortView {
            port: Port {
                network_id: subnet.network_id.clone(),
                project_id: router.project_id.clone(),
                mac_address: random_mac(self.config.tricircle.base_mac, rand::random()),
                device_id: router.id.clone(),
                device_owner: ROUTER_INTERFACE.to_owned(),
                port_security_enabled: false,
                status: "ACTIVE".to_owned(),
                ..Port::default()
            },
            fixed_ips: Vec::new(),
            security_groups: Vec::new(),
        })
    }

    async fn free_port(&self, id: &str) -> Result<PortView, NetworkError> {
        let found = self.store.port_by_id(id).await?;
        let view = found
            .filter(|view| view.port.state == RowState::Live)
            .ok_or_else(|| NetworkError::PortNotFound(id.to_owned()))?;
        if !view.port.device_id.is_empty() {
            return Err(NetworkError::PortInUse {
                port: view.port.id,
                network: view.port.network_id,
                device: view.port.device_id,
            });
        }
        Ok(view)
    }

    /// The subnets that a port has addresses on.
    async fn subnets_under(&self, view: &PortView) -> Result<Vec<Subnet>, NetworkError> {
        if view.fixed_ips.is_empty() {
            return Err(bad("Router port must have at least one fixed IP"));
        }
        let all = self.subnets_of(&view.port.network_id).await?;
        let on: Vec<Subnet> = all
            .into_iter()
            .filter(|subnet| view.fixed_ips.iter().any(|ip| ip.subnet_id == subnet.id))
            .collect();
        if on.iter().filter(|subnet| subnet.ip_version == 4).count() > 1 {
            return Err(bad("Cannot have multiple IPv4 subnets on router port"));
        }
        Ok(on)
    }

    /// Refuses subnets that the router has, or whose prefixes it has.
    pub(super) async fn refuse_overlaps(
        &self,
        ports: &[PortView],
        new: &[Subnet],
    ) -> Result<(), NetworkError> {
        let taken = |id: &str| {
            let mut ips = ports.iter().flat_map(|view| &view.fixed_ips);
            ips.any(|ip| ip.subnet_id == id)
        };
        if let Some(twice) = new.iter().find(|subnet| taken(&subnet.id)) {
            return Err(bad(format!(
                "Router already has a port on subnet {}",
                twice.id
            )));
        }
        let mut held: Vec<Subnet> = Vec::new();
        for view in ports {
            let all = self.subnets_of(&view.port.network_id).await?;
            let outer = view.port.device_owner == ROUTER_GATEWAY;
            held.extend(all.into_iter().filter(|subnet| {
                outer || view.fixed_ips.iter().any(|ip| ip.subnet_id == subnet.id)
            }));
        }
        Ok(refuse_overlap(&held, new)?)
    }

    /// Takes an interface from a router; its pods follow by a job.
    pub async fn remove_interface(
        &self,
        who: &Actor,
        router_id: &str,
        wish: &InterfaceWish,
    ) -> Result<Interface, NetworkError> {
        let router = self.live_router(router_id).await?;
        let ports = self.router_ports(router_id).await?;
        let view = which(&router, &ports, wish)?;
        let ids: Vec<String> = view
            .fixed_ips
            .iter()
            .map(|ip| ip.subnet_id.clone())
            .collect();
        let subnet = ids.first().cloned().unwrap_or_default();
        let held = serde_json::from_str(&router.routes).unwrap_or_default();
        let hops: Vec<IpAddr> = routes_from_json(&held)
            .into_iter()
            .filter_map(|route| route.nexthop.parse().ok())
            .collect();
        for on in self.subnets_of(&view.port.network_id).await? {
            let prefix = on
                .cidr
                .parse::<IpNet>()
                .ok()
                .filter(|_| ids.contains(&on.id));
            if prefix.is_some_and(|prefix| hops.iter().any(|hop| prefix.contains(hop))) {
                return Err(RouterError::InterfaceInUseByRoute {
                    router: router.id,
                    subnet: on.id,
                }
                .into());
            }
        }
        let job = self.router_job(&router, &who.request_id);
        let ended = self
            .store
            .router_interface_remove(router_id, &view.port.id, &job)
            .await?;
        match ended {
            NetWrite::Done => {
                hit("router_interface_remove.marked");
                self.jobs.wake_all();
                Ok(interface_of(&router, view, ids))
            }
            NetWrite::InUse(_) => Err(RouterError::InterfaceInUseByFloatingIp {
                router: router.id,
                subnet,
            }
            .into()),
            NetWrite::NotFound => Err(RouterError::InterfaceNotFound {
                router: router.id,
                port: view.port.id.clone(),
            }
            .into()),
            other => Err(unexpected("router_interface_remove", &other)),
        }
    }
}

/// The interface that a removal means.
fn which<'a>(
    router: &Router,
    ports: &'a [PortView],
    wish: &InterfaceWish,
) -> Result<&'a PortView, RouterError> {
    let mut interfaces = ports
        .iter()
        .filter(|view| view.port.device_owner == ROUTER_INTERFACE);
    let on = |view: &PortView, subnet: &str| view.fixed_ips.iter().any(|ip| ip.subnet_id == subnet);
    match wish {
        InterfaceWish::Subnet(subnet) => {
            interfaces.find(|view| on(view, subnet)).ok_or_else(|| {
                RouterError::InterfaceNotFoundForSubnet {
                    router: router.id.clone(),
                    subnet: subnet.clone(),
                }
            })
        }
        InterfaceWish::Port(port, subnet) => {
            let view = interfaces
                .find(|view| view.port.id == *port)
                .ok_or_else(|| RouterError::InterfaceNotFound {
                    router: router.id.clone(),
                    port: port.clone(),
                })?;
            match subnet {
                Some(subnet) if !on(view, subnet) => Err(RouterError::SubnetMismatch {
                    port: port.clone(),
                    subnet: subnet.clone(),
                }),
                _ => Ok(view),
            }
        }
    }
}
