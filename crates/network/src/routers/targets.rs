//! Floating IPs in the pods where their routers leave.
//!
//! The server of a floating IP may be in another pod. Its subnet is made here too then, and
//! a port with its address stands for it: nothing is plugged into that port, and what the
//! router sends to the address reaches the server over the network that both pods share.

use serde_json::{Value, json};
use tricircle_db::models::{FloatingIp, Realization, RealizationKind, RealizationState};
use tricircle_failpoint::hit;
use tricircle_pods::{PodSession, Service};

use super::facts::Known;
use super::plan::{Floating, Part};
use super::realize::fixed_ips;
use crate::realize::{Makers, Wanted, body};
use crate::{Network, NetworkError};

impl Network {
    /// Removes floating IPs, and what stands for their servers, that a part no longer has.
    pub(super) async fn drop_floating(
        &self,
        session: &PodSession,
        known: &Known,
        part: &Part,
    ) -> Result<(), NetworkError> {
        let request_id = session.request_id();
        let rows = self
            .rows_of_router(session, known, RealizationKind::FloatingIp)
            .await?;
        for row in rows {
            if part.floating.iter().any(|one| one.id == row.top_id) {
                continue;
            }
            self.take_from_pod(&row, request_id, Makers::Perhaps)
                .await?;
            hit("floatingip.removed");
            self.store
                .floating_ip_set_status(&row.top_id, "DOWN")
                .await?;
            self.store.floating_ip_purge(&row.top_id).await?;
        }
        let rows = self
            .rows_of_router(session, known, RealizationKind::FloatingTarget)
            .await?;
        for row in rows {
            let needed = |one: &Floating| one.elsewhere && one.port_id == row.top_id;
            if !part.floating.iter().any(needed) {
                self.take_from_pod(&row, request_id, Makers::Perhaps)
                    .await?;
                hit("floatingip.target_removed");
            }
        }
        Ok(())
    }

    /// Makes the floating IPs of a part, and leads them where they are to lead.
    pub(super) async fn bring_floating(
        &self,
        session: &PodSession,
        known: &Known,
        part: &Part,
    ) -> Result<(), NetworkError> {
        for one in &part.floating {
            let Some(floating) = known.floating.get(&one.id) else {
                continue;
            };
            self.require_nowhere_else(session, floating).await?;
            let target = match one.elsewhere {
                true => {
                    self.target_in(session, known, floating, &one.port_id)
                        .await?
                }
                false => self.port_there(session, &one.port_id).await?,
            };
            self.floating_in(session, known, floating, &target).await?;
            self.store
                .floating_ip_set_status(&floating.id, "ACTIVE")
                .await?;
        }
        Ok(())
    }

    /// Two pods must not answer for one address: the one that had it lets it go first.
    async fn require_nowhere_else(
        &self,
        session: &PodSession,
        floating: &FloatingIp,
    ) -> Result<(), NetworkError> {
        let pods = self
            .pods_of(RealizationKind::FloatingIp, &floating.id)
            .await?;
        match pods.iter().find(|pod| *pod != session.pod().id()) {
            None => Ok(()),
            Some(pod) => Err(NetworkError::PodConflict(format!(
                "floating IP {} is still in pod {}",
                floating.id,
                self.region(pod)
            ))),
        }
    }

    /// The pod's id of a server's port that is in it.
    async fn port_there(&self, session: &PodSession, id: &str) -> Result<String, NetworkError> {
        let row = self
            .present(RealizationKind::Port, id, session.pod().id())
            .await?;
        row.and_then(|row| row.bottom_id)
            .ok_or_else(|| NetworkError::PortNotFound(id.to_owned()))
    }

    /// What stands for a server of another pod.
    async fn target_in(
        &self,
        session: &PodSession,
        known: &Known,
        floating: &FloatingIp,
        port_id: &str,
    ) -> Result<String, NetworkError> {
        let kind = RealizationKind::FloatingTarget;
        let pod_id = session.pod().id();
        let gone = || NetworkError::PortNotFound(port_id.to_owned());
        let view = known.port(port_id).ok_or_else(gone)?;
        let fixed = view
            .fixed_ips
            .iter()
            .find(|ip| Some(&ip.ip_address) == floating.fixed_ip_address.as_ref())
            .ok_or_else(gone)?;
        if let Some(row) = self.present(kind, port_id, pod_id).await? {
            // The port may have another address by now.
            match (
                row.bottom_id.clone(),
                body::parsed(&row.data)["address"] == fixed.ip_address,
            ) {
                (Some(id), true) => return Ok(id),
                _ => {
                    self.take_from_pod(&row, session.request_id(), Makers::Perhaps)
                        .await?;
                }
            }
        }
        let around = self.surroundings(session, &view.port.network_id).await?;
        let subnet = around.subnets.get(&fixed.subnet_id).ok_or_else(gone)?;
        let project = &known.router.project_id;
        let data = json!({"router": known.router.id, "address": fixed.ip_address});
        let (row, fresh) = self
            .claim_with(kind, port_id, pod_id, project, &data)
            .await?;
        let wanted = Wanted {
            kind,
            top_id: port_id,
            revision: 0,
            body: json!({
                "network_id": around.network,
                "name": view.port.name,
                "description": body::mark_of(kind, port_id),
                "project_id": view.port.project_id,
                "fixed_ips": fixed_ips(&[(subnet.clone(), fixed.ip_address.clone())]),
                "port_security_enabled": false,
                "security_groups": [],
            }),
            data,
            unique_in_pod: true,
        };
        self.ensure(session, row, fresh, wanted).await
    }

    async fn floating_in(
        &self,
        session: &PodSession,
        known: &Known,
        floating: &FloatingIp,
        target: &str,
    ) -> Result<(), NetworkError> {
        let kind = RealizationKind::FloatingIp;
        let pod_id = session.pod().id();
        let leads = json!({
            "port_id": target,
            "fixed_ip_address": floating.fixed_ip_address,
        });
        let data = json!({"router": known.router.id, "leads": leads});
        if let Some(row) = self.present(kind, &floating.id, pod_id).await? {
            return self.lead(session, &row, &leads, &data).await;
        }
        let network = self
            .surroundings(session, &floating.floating_network_id)
            .await?
            .network;
        let project = &known.router.project_id;
        let made = json!({"router": known.router.id});
        let (row, fresh) = self
            .claim_with(kind, &floating.id, pod_id, project, &made)
            .await?;
        let wanted = Wanted {
            kind,
            top_id: &floating.id,
            revision: 0,
            body: json!({
                "floating_network_id": network,
                "floating_ip_address": floating.floating_ip_address,
                "description": body::mark(&floating.id),
                "project_id": floating.project_id,
                "port_id": target,
                "fixed_ip_address": floating.fixed_ip_address,
            }),
            data: made,
            unique_in_pod: true,
        };
        self.ensure(session, row, fresh, wanted).await?;
        // One that an earlier try made may lead elsewhere.
        match self.present(kind, &floating.id, pod_id).await? {
            Some(row) => self.lead(session, &row, &leads, &data).await,
            None => Ok(()),
        }
    }

    /// Leads a floating IP of the pod to this port.
    async fn lead(
        &self,
        session: &PodSession,
        row: &Realization,
        leads: &Value,
        data: &Value,
    ) -> Result<(), NetworkError> {
        let Some(id) = &row.bottom_id else {
            return Ok(());
        };
        let path = format!("/floatingips/{id}");
        let actual = match session.get_json(Service::Network, &path).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => {
                self.store.realization_delete(&row.id).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let actual = &actual["floatingip"];
        if actual["port_id"] != leads["port_id"]
            || actual["fixed_ip_address"] != leads["fixed_ip_address"]
        {
            let change = json!({ "floatingip": leads });
            session.put_json(Service::Network, &path, &change).await?;
            hit("floatingip.led");
        }
        if body::parsed(&row.data) != *data {
            self.store
                .realization_remember(&row.id, RealizationState::Present, data)
                .await?;
        }
        Ok(())
    }

    /// What stands for a port in a pod goes before the port itself comes there.
    pub(crate) async fn drop_target(
        &self,
        session: &PodSession,
        port_id: &str,
    ) -> Result<(), NetworkError> {
        let kind = RealizationKind::FloatingTarget;
        let found = self
            .store
            .realization_find(kind, port_id, session.pod().id())
            .await?;
        match found {
            Some(row) => {
                self.take_from_pod(&row, session.request_id(), Makers::Perhaps)
                    .await
            }
            None => Ok(()),
        }
    }
}
