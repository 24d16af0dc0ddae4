//! What pods are to have of routers, from the rows alone: for whoever compares.
//!
//! `realize` makes a pod's part and learns ids and addresses on the way. Here nothing is
//! made and no pod is asked: what has no address or id yet is left out, which is a
//! difference, and rightly so: somebody still has to make it.

use std::collections::{BTreeMap, BTreeSet};

use tricircle_db::models::{AddressPurpose, IpAllocation, RealizationKind, RouterFilter};

use super::facts::Known;
use super::plan::{Part, Via, layout};
use crate::{Network, NetworkError};

/// A router's part as a pod is to have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPart {
    /// The router.
    pub router_id: String,
    /// Its owner.
    pub project_id: String,
    /// The pod.
    pub pod_id: String,
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub admin_state_up: bool,
    /// The addresses of its ports, by kind and top id.
    pub ports: BTreeMap<(RealizationKind, String), BTreeSet<String>>,
    /// How it leaves to the outside.
    pub gateway: Option<WantedGateway>,
    /// Destination and next hop.
    pub routes: BTreeSet<(String, String)>,
    /// Floating IPs by id.
    pub floating: BTreeMap<String, WantedFloating>,
}

/// How a part leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedGateway {
    /// The external network, at the top.
    pub network_id: String,
    /// Its addresses there.
    pub addresses: BTreeSet<String>,
    /// Source NAT.
    pub enable_snat: bool,
}

/// A floating IP of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFloating {
    /// The address.
    pub address: String,
    /// The address that it leads to.
    pub fixed: String,
    /// The port that it leads to, at the top.
    pub port_id: String,
    /// Something stands for that port in this pod.
    pub elsewhere: bool,
}

impl Network {
    /// The parts that pods are to have of all routers, by router and pod.
    pub async fn wanted_parts(&self) -> Result<Vec<WantedPart>, NetworkError> {
        let mut all = Vec::new();
        for router in self.store.routers(&RouterFilter::default()).await? {
            let Some(known) = self.known(&router.id).await? else {
                continue;
            };
            for (pod_id, part) in layout(&known.facts, self.host_routes()) {
                all.push(self.wanted_part(&known, pod_id, &part).await?);
            }
        }
        Ok(all)
    }

    async fn wanted_part(
        &self,
        known: &Known,
        pod_id: String,
        part: &Part,
    ) -> Result<WantedPart, NetworkError> {
        let router = &known.router;
        let mut ports = BTreeMap::new();
        for id in &part.interfaces {
            let mut addresses = BTreeSet::new();
            for ip in known
                .port(id)
                .map(|view| &view.fixed_ips)
                .into_iter()
                .flatten()
            {
                let used = self.store.addresses_used(&ip.subnet_id).await?;
                addresses.extend(match ip.purpose {
                    AddressPurpose::Gateway => gateway_of(&used, &pod_id),
                    _ => address_of(&used, id, &pod_id),
                });
            }
            ports.insert((RealizationKind::RouterInterface, id.clone()), addresses);
        }
        let on_bridge = self.on_bridge(&router.project_id).await?;
        if part.bridge {
            let own = address_of(&on_bridge, &router.id, &pod_id);
            let key = (RealizationKind::BridgePort, router.id.clone());
            ports.insert(key, own.into_iter().collect());
        }
        let gateway = match part.gateway {
            true => self.wanted_gateway(known, &pod_id).await?,
            false => None,
        };
        let routes = part.routes.iter().filter_map(|(to, via)| {
            let hop = match via {
                Via::Address(address) => address.clone(),
                Via::Pod(pod) => address_of(&on_bridge, &router.id, pod)?,
            };
            Some((to.clone(), hop))
        });
        let floating = part.floating.iter().filter_map(|one| {
            let row = known.floating.get(&one.id)?;
            let wanted = WantedFloating {
                address: row.floating_ip_address.clone(),
                fixed: row.fixed_ip_address.clone().unwrap_or_default(),
                port_id: one.port_id.clone(),
                elsewhere: one.elsewhere,
            };
            Some((one.id.clone(), wanted))
        });
        Ok(WantedPart {
            router_id: router.id.clone(),
            project_id: router.project_id.clone(),
            name: router.name.clone(),
            admin_state_up: router.admin_state_up,
            routes: routes.collect(),
            floating: floating.collect(),
            pod_id,
            ports,
            gateway,
        })
    }

    async fn wanted_gateway(
        &self,
        known: &Known,
        pod_id: &str,
    ) -> Result<Option<WantedGateway>, NetworkError> {
        let router = &known.router;
        let port = router.gateway_port_id.as_ref();
        let Some(view) = port.and_then(|id| known.port(id)) else {
            return Ok(None);
        };
        let mut addresses = BTreeSet::new();
        for ip in &view.fixed_ips {
            let used = self.store.addresses_used(&ip.subnet_id).await?;
            addresses.extend(address_of(&used, &view.port.id, pod_id));
        }
        Ok(Some(WantedGateway {
            network_id: view.port.network_id.clone(),
            addresses,
            enable_snat: router.enable_snat,
        }))
    }

    /// The addresses that are taken on a project's bridge network.
    async fn on_bridge(&self, project_id: &str) -> Result<Vec<IpAllocation>, NetworkError> {
        let Some(bridge) = self.store.bridge_of(project_id).await? else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for subnet in self.subnets_of(&bridge.network_id).await? {
            all.extend(self.store.addresses_used(&subnet.id).await?);
        }
        Ok(all)
    }
}

fn gateway_of(used: &[IpAllocation], pod_id: &str) -> Option<String> {
    let own = used.iter().find(|address| {
        address.purpose == AddressPurpose::Gateway && address.pod_id.as_deref() == Some(pod_id)
    });
    own.map(|address| address.ip_address.clone())
}

fn address_of(used: &[IpAllocation], owner: &str, pod_id: &str) -> Option<String> {
    let own = used.iter().find(|address| {
        address.port_id.as_deref() == Some(owner) && address.pod_id.as_deref() == Some(pod_id)
    });
    own.map(|address| address.ip_address.clone())
}
