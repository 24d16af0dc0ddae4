//! Ports of a new server: rows at the top, then ports in the pod.

use tricircle_db::models::{Port, PortFilter, PortView};

use super::{PlannedNic, ServerNetworks};
use crate::ipam::FixedIpWish;
use crate::write::PortDraft;
use crate::{Network, NetworkError};

/// A port of the top that a server is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopPort {
    /// Its id.
    pub id: String,
    /// Its network.
    pub network_id: String,
    /// The device's tag.
    pub tag: Option<String>,
    /// Made for the server, and deleted with it.
    pub created_by_gateway: bool,
    /// The request it is for.
    pub request_id: String,
}

/// The same port in the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealizedPort {
    /// Id at the top.
    pub top_id: String,
    /// Id in the pod: what its Nova is given.
    pub bottom_id: String,
    /// The device's tag.
    pub tag: Option<String>,
}

impl Network {
    /// Makes the ports of a plan and takes the user's own, in one transaction, for the
    /// server that `intent_id` stands for until it has an id. Nothing is left when this
    /// fails.
    pub async fn allocate(
        &self,
        plan: &ServerNetworks,
        intent_id: &str,
        availability_zone: &str,
    ) -> Result<Vec<TopPort>, NetworkError> {
        let owner = device_owner(availability_zone);
        let mut drafts = Vec::new();
        let mut claimed = Vec::new();
        let mut ports = Vec::with_capacity(plan.nics.len());
        for nic in &plan.nics {
            let id = match &nic.port {
                Some(view) => {
                    claimed.push(view.port.id.clone());
                    view.port.id.clone()
                }
                None => {
                    let draft = new_port(plan, nic, intent_id, &owner);
                    let id = draft.port.id.clone();
                    drafts.push(draft);
                    id
                }
            };
            ports.push(TopPort {
                id,
                network_id: nic.network.id.clone(),
                tag: nic.tag.clone(),
                created_by_gateway: nic.port.is_none(),
                request_id: plan.who.request_id.clone(),
            });
        }
        if !ports.is_empty() {
            self.allocate_ports(&drafts, &claimed, intent_id, &owner)
                .await?;
        }
        Ok(ports)
    }

    /// Makes ports, and all that they need, exist in a pod; in the order of `ports`.
    pub async fn realize_ports(
        &self,
        pod_id: &str,
        ports: &[TopPort],
    ) -> Result<Vec<RealizedPort>, NetworkError> {
        let Some(first) = ports.first() else {
            return Ok(Vec::new());
        };
        let session = self.admin(pod_id, &first.request_id)?;
        let filter = PortFilter {
            ids: ports.iter().map(|port| port.id.clone()).collect(),
            ..PortFilter::default()
        };
        let rows = self.store.ports(&filter).await?;
        let views = ports
            .iter()
            .map(|port| {
                rows.iter()
                    .find(|view| view.port.id == port.id)
                    .cloned()
                    .ok_or_else(|| NetworkError::PortNotFound(port.id.clone()))
            })
            .collect::<Result<Vec<PortView>, _>>()?;
        let ids = self.ports_in(&session, &views).await?;
        Ok(ports
            .iter()
            .zip(ids)
            .map(|(port, bottom_id)| RealizedPort {
                top_id: port.id.clone(),
                bottom_id,
                tag: port.tag.clone(),
            })
            .collect())
    }

    /// The ports of an intent are the server's from now on. `owner`: `compute:<zone>`.
    pub async fn bind_ports(
        &self,
        intent_id: &str,
        server_id: &str,
        owner: &str,
    ) -> Result<(), NetworkError> {
        self.store
            .ports_move_device(intent_id, server_id, owner)
            .await?;
        Ok(())
    }
}

/// The port that is made for a NIC which names none.
pub(super) fn new_port(
    plan: &ServerNetworks,
    nic: &PlannedNic,
    device_id: &str,
    owner: &str,
) -> PortDraft {
    let guarded = nic.network.port_security_enabled;
    PortDraft {
        port: Port {
            network_id: nic.network.id.clone(),
            project_id: plan.who.project_id.clone(),
            device_id: device_id.to_owned(),
            device_owner: owner.to_owned(),
            port_security_enabled: guarded,
            created_by_gateway: true,
            ..Port::default()
        },
        fixed_ips: nic.fixed_ip.map(|address| {
            vec![FixedIpWish {
                subnet_id: None,
                ip_address: Some(address),
            }]
        }),
        security_groups: match guarded {
            true => plan.security_groups.clone(),
            false => Vec::new(),
        },
    }
}

/// What Nova writes into `device_owner`.
pub fn device_owner(availability_zone: &str) -> String {
    format!("compute:{availability_zone}")
}
