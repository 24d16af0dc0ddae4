//! What networks a new server is to have, before anything is made.

use std::net::IpAddr;

use ipnet::IpNet;
use tricircle_db::models::{
    Network as NetworkRow, NetworkFilter, NetworkView, PortFilter, PortView, RowState,
    SecurityGroup, SecurityGroupFilter,
};

use super::resolve::{check_port, group_named, may_use, only_network, with_subnet};
use super::{Actor, RequestedNetworks, RequestedNic};
use crate::{Network, NetworkError};

/// One NIC to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedNic {
    /// The network.
    pub network: NetworkRow,
    /// A port of the user's; none: one will be made.
    pub port: Option<PortView>,
    /// This address, on a port that will be made.
    pub fixed_ip: Option<IpAddr>,
    /// The device's tag.
    pub tag: Option<String>,
}

/// The networking of a server to be. Nothing exists for it yet, so one plan serves
/// every server of a multi-create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerNetworks {
    /// On whose behalf.
    pub who: Actor,
    /// In the order asked for.
    pub nics: Vec<PlannedNic>,
    /// Ids of the groups of ports that will be made.
    pub security_groups: Vec<String>,
}

impl ServerNetworks {
    /// Whether the server gets no NIC at all.
    pub fn is_none(&self) -> bool {
        self.nics.is_empty()
    }
}

impl Network {
    /// What a create's `networks` and `security_groups` mean; `groups` are names or
    /// ids, and none means the project's default group.
    pub async fn plan(
        &self,
        who: &Actor,
        requested: &RequestedNetworks,
        groups: &[String],
    ) -> Result<ServerNetworks, NetworkError> {
        let nics = match requested {
            RequestedNetworks::None => Vec::new(),
            RequestedNetworks::List(list) => self.plan_list(who, list).await?,
            RequestedNetworks::Absent | RequestedNetworks::Auto => {
                let filter = NetworkFilter {
                    project_ids: vec![who.project_id.clone()],
                    or_visible_to_all: true,
                    ..NetworkFilter::default()
                };
                let all = self.store.networks(&filter).await?;
                let auto = *requested == RequestedNetworks::Auto;
                let only = only_network(who, all, auto)?;
                only.map(|view| PlannedNic {
                    network: view.network,
                    port: None,
                    fixed_ip: None,
                    tag: None,
                })
                .into_iter()
                .collect()
            }
        };
        Ok(ServerNetworks {
            security_groups: self.plan_groups(who, groups).await?,
            who: who.clone(),
            nics,
        })
    }

    async fn plan_list(
        &self,
        who: &Actor,
        list: &[RequestedNic],
    ) -> Result<Vec<PlannedNic>, NetworkError> {
        let mut nics: Vec<PlannedNic> = Vec::with_capacity(list.len());
        for nic in list {
            let planned = match (&nic.port, &nic.uuid) {
                (Some(port), _) => {
                    let twice = nics
                        .iter()
                        .any(|n| n.port.as_ref().is_some_and(|p| &p.port.id == port));
                    if twice {
                        return Err(NetworkError::Conflict(format!(
                            "Port {port} is still in use."
                        )));
                    }
                    self.plan_port(who, port, nic).await?
                }
                (None, Some(network)) => self.plan_network(who, network, nic).await?,
                (None, None) => {
                    return Err(NetworkError::BadRequest(
                        "Bad network format: missing 'uuid'".to_owned(),
                    ));
                }
            };
            nics.push(planned);
        }
        Ok(nics)
    }

    async fn plan_port(
        &self,
        who: &Actor,
        id: &str,
        nic: &RequestedNic,
    ) -> Result<PlannedNic, NetworkError> {
        let found = self.store.port_by_id(id).await?;
        let found = found.filter(|view| view.port.state == RowState::Live);
        check_port(who, id, found.as_ref())?;
        let gone = || NetworkError::BadRequest(format!("Port id {id} could not be found."));
        let port = found.ok_or_else(gone)?;
        let network = self.store.network_by_id(&port.port.network_id).await?;
        Ok(PlannedNic {
            network: network.ok_or_else(gone)?.network,
            port: Some(port),
            fixed_ip: None,
            tag: nic.tag.clone(),
        })
    }

    async fn plan_network(
        &self,
        who: &Actor,
        id: &str,
        nic: &RequestedNic,
    ) -> Result<PlannedNic, NetworkError> {
        let view = self.usable_network(who, id).await?;
        let fixed_ip = match &nic.fixed_ip {
            Some(text) => Some(parse_address(text)?),
            None => None,
        };
        if let Some(address) = fixed_ip {
            self.check_fixed_ip(&view, address).await?;
        }
        Ok(PlannedNic {
            network: view.network,
            port: None,
            fixed_ip,
            tag: nic.tag.clone(),
        })
    }

    async fn usable_network(&self, who: &Actor, id: &str) -> Result<NetworkView, NetworkError> {
        let found = self.store.network_by_id(id).await?;
        let live = found.filter(|view| view.network.state == RowState::Live);
        let external = |view: &NetworkView| view.network.router_external;
        match live {
            Some(view) if may_use(who, &view.network) => with_subnet(view),
            Some(view) if external(&view) => Err(NetworkError::Forbidden(format!(
                "It is not allowed to create an interface on external network {id}"
            ))),
            _ => Err(NetworkError::BadRequest(format!(
                "Network {id} could not be found."
            ))),
        }
    }

    async fn check_fixed_ip(
        &self,
        view: &NetworkView,
        address: IpAddr,
    ) -> Result<(), NetworkError> {
        for subnet in &view.subnets {
            let used = self.store.addresses_used(subnet).await?;
            let text = address.to_string();
            if let Some(taken) = used.into_iter().find(|used| used.ip_address == text) {
                let user = match &taken.port_id {
                    Some(port) => self.store.port_by_id(port).await?,
                    None => None,
                };
                let device = user.map(|view| view.port.device_id).unwrap_or_default();
                return Err(NetworkError::BadRequest(format!(
                    "Fixed IP address {address} is already in use on instance {device}."
                )));
            }
            if let Some(subnet) = self.store.subnet_by_id(subnet).await?
                && subnet
                    .cidr
                    .parse()
                    .is_ok_and(|net: IpNet| net.contains(&address))
            {
                return Ok(());
            }
        }
        Err(NetworkError::BadRequest(format!(
            "Fixed IP {address} is not a valid ip address for network {}.",
            view.network.id
        )))
    }

    pub(super) async fn plan_groups(
        &self,
        who: &Actor,
        groups: &[String],
    ) -> Result<Vec<String>, NetworkError> {
        let default = self.store.default_security_group(&who.project_id).await?;
        if groups.is_empty() {
            return Ok(vec![default.group.id]);
        }
        let filter = SecurityGroupFilter {
            project_ids: vec![who.project_id.clone()],
            ..SecurityGroupFilter::default()
        };
        let all: Vec<SecurityGroup> = self
            .store
            .security_groups(&filter)
            .await?
            .into_iter()
            .map(|view| view.group)
            .collect();
        let mut ids = Vec::new();
        for name in groups {
            let id = group_named(name, &all)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Whether a plan can be carried out in a pod: a `local` network lives in one pod,
    /// and a network may be hinted to zones. `zone`: the server's zone
    /// at the top, empty when it has none.
    pub fn check_pod(
        &self,
        plan: &ServerNetworks,
        pod_id: &str,
        zone: &str,
    ) -> Result<(), NetworkError> {
        for nic in &plan.nics {
            let network = &nic.network;
            if let Some(pinned) = &network.pinned_pod_id
                && pinned != pod_id
            {
                return Err(self.lives_elsewhere(network, pinned, pod_id));
            }
            let hints: Vec<String> =
                serde_json::from_str(&network.availability_zone_hints).unwrap_or_default();
            if !zone.is_empty() && !hints.is_empty() && !self.is_hinted(&hints, pod_id, zone) {
                return Err(NetworkError::BadRequest(format!(
                    "Network {} is kept to the availability zones {}: it cannot be used in {zone}.",
                    network.id,
                    hints.join(", ")
                )));
            }
        }
        Ok(())
    }

    /// Whether hints name the zone, or the pod itself, as those of external networks may.
    fn is_hinted(&self, hints: &[String], pod_id: &str, zone: &str) -> bool {
        hints.iter().any(|hint| hint == zone) || hints.contains(&self.region(pod_id))
    }

    /// The pods that a plan can be carried out in, where its networks leave no choice:
    /// `None` means any. For the scheduler.
    pub fn pinned_pod<'a>(&self, plan: &'a ServerNetworks) -> Option<&'a str> {
        plan.nics
            .iter()
            .find_map(|nic| nic.network.pinned_pod_id.as_deref())
    }

    /// The ports of a server, or of the intent of one.
    pub async fn server_ports(&self, device_id: &str) -> Result<Vec<PortView>, NetworkError> {
        let filter = PortFilter {
            device_ids: vec![device_id.to_owned()],
            ..PortFilter::default()
        };
        Ok(self.store.ports(&filter).await?)
    }
}

pub(super) fn parse_address(text: &str) -> Result<IpAddr, NetworkError> {
    text.parse()
        .map_err(|_| NetworkError::BadRequest(format!("Invalid fixed IP address ({text})")))
}
