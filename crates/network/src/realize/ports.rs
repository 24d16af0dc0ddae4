//! Ports in pods, and what they need there first.

use std::collections::HashMap;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tricircle_db::models::{PortView, RealizationKind, Subnet, SubnetFilter};
use tricircle_pods::{PodSession, Service};

use super::body;
use super::ensure::{Wanted, digest};
use crate::{Network, NetworkError};

/// What only the pod knows of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortInPod {
    /// The pod.
    pub pod_id: String,
    /// The port's id there.
    pub bottom_id: String,
    /// The port as the pod shows it to an administrator.
    pub body: Value,
}

impl PortInPod {
    /// `ACTIVE`, `DOWN`, ...
    pub fn status(&self) -> Option<&str> {
        self.body["status"].as_str()
    }
}

/// The ids in a pod of what a port refers to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// The network.
    pub network: String,
    /// Its subnets, by id at the top.
    pub subnets: HashMap<String, String>,
}

impl Network {
    /// Makes ports, with networks, subnets and groups, exist in a pod; ids there in the
    /// order of `ports`.
    pub(crate) async fn ports_in(
        &self,
        session: &PodSession,
        ports: &[PortView],
    ) -> Result<Vec<String>, NetworkError> {
        match self.try_ports_in(session, ports).await {
            // Something below was removed behind our back: look again what is there.
            Err(NetworkError::Pod(error)) if error.is_not_found() => {
                self.forget_missing(session, ports).await?;
                self.try_ports_in(session, ports).await
            }
            other => other,
        }
    }

    async fn try_ports_in(
        &self,
        session: &PodSession,
        ports: &[PortView],
    ) -> Result<Vec<String>, NetworkError> {
        let mut networks: HashMap<String, Surroundings> = HashMap::new();
        for view in ports {
            let id = &view.port.network_id;
            if !networks.contains_key(id) {
                let found = self.surroundings(session, id).await?;
                networks.insert(id.clone(), found);
            }
        }
        let mut wanted: Vec<String> = ports
            .iter()
            .flat_map(|view| view.security_groups.clone())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let groups = self.groups_in(session, &wanted).await?;
        // All are awaited, also after one failed: who takes them back must know that none
        // is still being made.
        let made = join_all(ports.iter().map(|view| {
            let around = networks.get(&view.port.network_id);
            let groups = &groups;
            async move {
                let around = around
                    .ok_or_else(|| NetworkError::NetworkNotFound(view.port.network_id.clone()))?;
                self.port_in(session, view, around, groups).await
            }
        }));
        let made = made.await.into_iter().collect();
        // Routers follow what came.
        self.jobs.wake_all();
        made
    }

    /// The network of ports and all its subnets in the pod: a subnet is wanted there
    /// even when none of these ports is on it, as in one cloud.
    pub(crate) async fn surroundings(
        &self,
        session: &PodSession,
        network_id: &str,
    ) -> Result<Surroundings, NetworkError> {
        let view = self
            .store
            .network_by_id(network_id)
            .await?
            .ok_or_else(|| NetworkError::NetworkNotFound(network_id.to_owned()))?;
        let network = self.network_in(session, &view.network).await?;
        let filter = SubnetFilter {
            network_ids: vec![network_id.to_owned()],
            ..SubnetFilter::default()
        };
        let rows: Vec<Subnet> = self.store.subnets(&filter).await?;
        let mut subnets = HashMap::new();
        for subnet in &rows {
            let id = self
                .subnet_in(session, subnet, &view.network, &network)
                .await?;
            subnets.insert(subnet.id.clone(), id);
        }
        Ok(Surroundings { network, subnets })
    }

    async fn port_in(
        &self,
        session: &PodSession,
        view: &PortView,
        around: &Surroundings,
        groups: &HashMap<String, String>,
    ) -> Result<String, NetworkError> {
        let pod_id = session.pod().id();
        let port = &view.port;
        let kind = RealizationKind::Port;
        let _held = self.locks.lock(format!("port/{}/{pod_id}", port.id)).await;
        let (row, fresh) = self.claim(kind, &port.id, pod_id, &port.project_id).await?;
        self.drop_target(session, &port.id).await?;
        let bottom_groups = in_pod(view, groups);
        let body = body::port(view, &around.network, &around.subnets, &bottom_groups)
            .ok_or_else(|| NetworkError::Internal(format!("port {} has a lost subnet", port.id)))?;
        let wanted = Wanted {
            kind,
            top_id: &port.id,
            revision: port.revision_number,
            body,
            data: json!({}),
            unique_in_pod: true,
        };
        self.ensure(session, row, fresh, wanted).await
    }

    /// Forgets the realizations of networks, subnets and groups that a pod no longer
    /// has, so that they are made again.
    async fn forget_missing(
        &self,
        session: &PodSession,
        ports: &[PortView],
    ) -> Result<(), NetworkError> {
        let mut things: Vec<(RealizationKind, String)> = Vec::new();
        for view in ports {
            things.push((RealizationKind::Network, view.port.network_id.clone()));
            let filter = SubnetFilter {
                network_ids: vec![view.port.network_id.clone()],
                ..SubnetFilter::default()
            };
            let subnets = self.store.subnets(&filter).await?;
            things.extend(subnets.into_iter().map(|s| (RealizationKind::Subnet, s.id)));
            let groups = view.security_groups.iter();
            things.extend(groups.map(|g| (RealizationKind::SecurityGroup, g.clone())));
        }
        things.sort_unstable();
        things.dedup();
        for (kind, top_id) in things {
            self.forget_if_missing(session, kind, &top_id).await?;
        }
        Ok(())
    }

    /// Asks the pod about a port of the top that it has; `None` when it has none.
    pub async fn port_in_pod(
        &self,
        port_id: &str,
        request_id: &str,
    ) -> Result<Option<PortInPod>, NetworkError> {
        let rows = self
            .store
            .realizations_of(RealizationKind::Port, port_id)
            .await?;
        let Some((pod_id, bottom_id)) = rows
            .into_iter()
            .find_map(|row| row.bottom_id.map(|bottom| (row.pod_id, bottom)))
        else {
            return Ok(None);
        };
        let session = self.admin(&pod_id, request_id)?;
        let path = format!("/ports/{bottom_id}");
        match session.get_json(Service::Network, &path).await {
            Ok(mut answer) => {
                let found = PortInPod {
                    pod_id,
                    bottom_id,
                    body: answer["port"].take(),
                };
                if let Some(status) = found.status() {
                    self.store.port_set_status(port_id, status).await?;
                }
                Ok(Some(found))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends what users changed of a port to the pod that has it.
    pub(crate) async fn sync_port_in(
        &self,
        session: &PodSession,
        top_id: &str,
    ) -> Result<(), NetworkError> {
        let pod_id = session.pod().id();
        let Some(view) = self.store.port_by_id(top_id).await? else {
            return Ok(());
        };
        let Some(row) = self.present(RealizationKind::Port, top_id, pod_id).await? else {
            return Ok(());
        };
        let revision = digest(view.port.revision_number);
        let Some(bottom_id) = row.bottom_id.as_ref().filter(|_| row.digest != revision) else {
            return Ok(());
        };
        let groups = self.groups_in(session, &view.security_groups).await?;
        let around = self.surroundings(session, &view.port.network_id).await?;
        let Some(body) = body::port_change(&view, &around.subnets, &in_pod(&view, &groups)) else {
            return Ok(());
        };
        let path = format!("/ports/{bottom_id}");
        session
            .put_json(Service::Network, &path, &json!({ "port": body }))
            .await?;
        tricircle_failpoint::hit("sync.sent");
        self.pushed(session, &row, &revision).await
    }
}

/// The pod's ids of a port's groups.
fn in_pod(view: &PortView, groups: &HashMap<String, String>) -> Vec<String> {
    view.security_groups
        .iter()
        .filter_map(|group| groups.get(group).cloned())
        .collect()
}
