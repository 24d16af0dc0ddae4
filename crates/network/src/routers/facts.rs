//! What the tables say about a router, as [`plan`](super::plan) needs it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tricircle_db::models::{
    AddressPurpose, FloatingIp, FloatingIpFilter, Network as NetworkRow, PodView, PortFilter,
    PortView, ROUTER_INTERFACE, RealizationKind, RealizationState, Router, RowState, Subnet,
};

use super::plan::{Facts, FloatingFacts, InterfaceFacts};
use super::write::routes_from_json;
use crate::{Network, NetworkError};

/// A router with all that its parts are made from.
pub(crate) struct Known {
    /// The row.
    pub router: Router,
    /// The ports of interfaces and gateway.
    pub ports: Vec<PortView>,
    /// The subnets that it joins, by id.
    pub subnets: HashMap<String, Subnet>,
    /// Floating IPs that lead through it, by id.
    pub floating: BTreeMap<String, FloatingIp>,
    /// The ports that they lead to, by id.
    pub targets: HashMap<String, PortView>,
    /// What the plan is made from.
    pub facts: Facts,
}

impl Known {
    /// A port of the router, or the one of a floating IP's server.
    pub fn port(&self, id: &str) -> Option<&PortView> {
        self.ports
            .iter()
            .find(|view| view.port.id == id)
            .or_else(|| self.targets.get(id))
    }
}

impl Network {
    /// What is known of a router; `None` when there is no such row.
    pub(super) async fn known(&self, id: &str) -> Result<Option<Known>, NetworkError> {
        let Some(router) = self.store.router_by_id(id).await? else {
            return Ok(None);
        };
        let ports = self.router_ports(id).await?;
        let pods = self.store.pods_all().await?;
        let mut subnets = HashMap::new();
        let mut interfaces = Vec::new();
        for view in &ports {
            if view.port.device_owner == ROUTER_INTERFACE {
                interfaces.extend(self.interface_facts(view, &mut subnets).await?);
            }
        }
        let exits = match &router.gateway_network_id {
            Some(network) => self.exits(network, &pods).await?,
            None => Vec::new(),
        };
        let filter = FloatingIpFilter {
            router_ids: vec![id.to_owned()],
            ..FloatingIpFilter::default()
        };
        let floating: BTreeMap<String, FloatingIp> = self
            .store
            .floating_ips(&filter)
            .await?
            .into_iter()
            .map(|floating| (floating.id.clone(), floating))
            .collect();
        let targets = self.targets_of(&floating).await?;
        let facts = Facts {
            live: router.state == RowState::Live,
            pods: pods.iter().map(|view| view.pod.id.clone()).collect(),
            interfaces,
            exits,
            floating: self.floating_facts(&floating, &targets).await?,
            routes: routes_from_json(&serde_json::from_str(&router.routes).unwrap_or_default()),
        };
        Ok(Some(Known {
            router,
            ports,
            subnets,
            floating,
            targets,
            facts,
        }))
    }

    async fn interface_facts(
        &self,
        view: &PortView,
        subnets: &mut HashMap<String, Subnet>,
    ) -> Result<Vec<InterfaceFacts>, NetworkError> {
        let Some(network) = self.store.network_by_id(&view.port.network_id).await? else {
            return Ok(Vec::new());
        };
        let spans = self
            .drivers
            .get(&network.network.network_type)
            .is_ok_and(|driver| driver.spans_pods());
        let mut all = Vec::new();
        for ip in &view.fixed_ips {
            let found = self.store.subnet_by_id(&ip.subnet_id).await?;
            let Some(subnet) = found.filter(|subnet| subnet.state == RowState::Live) else {
                continue;
            };
            let Ok(cidr) = subnet.cidr.parse() else {
                continue;
            };
            let rows = self
                .store
                .realizations_of(RealizationKind::Subnet, &subnet.id)
                .await?;
            let pods: BTreeSet<String> = rows
                .into_iter()
                .filter(|row| row.state == RealizationState::Present)
                .map(|row| row.pod_id)
                .collect();
            let hosts = match pods.len() {
                0 | 1 => Vec::new(),
                _ => self.hosts(&subnet).await?,
            };
            all.push(InterfaceFacts {
                port_id: view.port.id.clone(),
                subnet_id: subnet.id.clone(),
                cidr,
                spans,
                pods,
                hosts,
            });
            subnets.insert(subnet.id.clone(), subnet);
        }
        Ok(all)
    }

    /// The addresses of servers on a subnet, with their pods, in order.
    async fn hosts(
        &self,
        subnet: &Subnet,
    ) -> Result<Vec<(std::net::IpAddr, String)>, NetworkError> {
        let used = self.store.addresses_used(&subnet.id).await?;
        let of_ports: Vec<_> = used
            .into_iter()
            .filter(|address| address.purpose == AddressPurpose::Port)
            .filter_map(|address| Some((address.port_id?, address.ip_address.parse().ok()?)))
            .collect();
        let ids: Vec<String> = of_ports.iter().map(|(port, _)| port.clone()).collect();
        let pods = self.pods_of_ports(&ids).await?;
        Ok(of_ports
            .into_iter()
            .filter_map(|(port, address)| Some((address, pods.get(&port)?.clone())))
            .collect())
    }

    /// The pods that have these ports.
    async fn pods_of_ports(&self, ids: &[String]) -> Result<HashMap<String, String>, NetworkError> {
        let rows = self
            .store
            .realizations_of_all(RealizationKind::Port, ids)
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| row.state == RealizationState::Present)
            .map(|row| (row.top_id, row.pod_id))
            .collect())
    }

    async fn targets_of(
        &self,
        floating: &BTreeMap<String, FloatingIp>,
    ) -> Result<HashMap<String, PortView>, NetworkError> {
        let ids: Vec<String> = floating
            .values()
            .filter_map(|floating| floating.port_id.clone())
            .collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let filter = PortFilter {
            ids,
            ..PortFilter::default()
        };
        let views = self.store.ports(&filter).await?;
        Ok(views
            .into_iter()
            .map(|view| (view.port.id.clone(), view))
            .collect())
    }

    async fn floating_facts(
        &self,
        floating: &BTreeMap<String, FloatingIp>,
        targets: &HashMap<String, PortView>,
    ) -> Result<Vec<FloatingFacts>, NetworkError> {
        let ids: Vec<String> = targets.keys().cloned().collect();
        let pods = self.pods_of_ports(&ids).await?;
        Ok(floating
            .values()
            .filter_map(|floating| {
                let port_id = floating.port_id.clone()?;
                let fixed = floating.fixed_ip_address.as_ref()?;
                let view = targets.get(&port_id)?;
                let ip = view.fixed_ips.iter().find(|ip| ip.ip_address == *fixed)?;
                Some(FloatingFacts {
                    id: floating.id.clone(),
                    subnet_id: ip.subnet_id.clone(),
                    pod: pods.get(&port_id).cloned(),
                    port_id,
                })
            })
            .collect())
    }

    /// The pods by which an external network is left, best first: those that its hints
    /// name, as zones or as pods; without hints those that have it, or the first pod.
    async fn exits(&self, network_id: &str, pods: &[PodView]) -> Result<Vec<String>, NetworkError> {
        let Some(view) = self.store.network_by_id(network_id).await? else {
            return Ok(Vec::new());
        };
        let hinted = hinted(&view.network, pods);
        if !hinted.is_empty() {
            return Ok(hinted);
        }
        let mut there = self.pods_of(RealizationKind::Network, network_id).await?;
        there.sort_by_key(|id| pods.iter().position(|view| view.pod.id == *id));
        there.truncate(1);
        if there.is_empty() {
            there.extend(pods.first().map(|view| view.pod.id.clone()));
        }
        Ok(there)
    }
}

/// The pods that a network's hints name.
fn hinted(network: &NetworkRow, pods: &[PodView]) -> Vec<String> {
    let hints: Vec<String> =
        serde_json::from_str(&network.availability_zone_hints).unwrap_or_default();
    pods.iter()
        .filter(|view| {
            hints.contains(&view.pod.region_name)
                || view.zones.iter().any(|zone| hints.contains(&zone.top_az))
        })
        .map(|view| view.pod.id.clone())
        .collect()
}
