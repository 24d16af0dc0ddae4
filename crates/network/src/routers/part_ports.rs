//! The ports of a part: given to the pod's router, and taken from it.

use serde_json::json;
use tricircle_db::models::RealizationKind;
use tricircle_failpoint::hit;
use tricircle_pods::{PodSession, Service};

use super::facts::Known;
use super::realize::{PartPort, fixed_ips};
use crate::realize::{Makers, Wanted, body};
use crate::{Network, NetworkError};

impl Network {
    /// Makes the ports of a part, and gives them to the router.
    pub(super) async fn attach_ports(
        &self,
        session: &PodSession,
        known: &Known,
        bottom: &str,
        ports: &[PartPort],
    ) -> Result<(), NetworkError> {
        let path = format!("/ports?device_id={bottom}&fields=id");
        let answer = session.get_json(Service::Network, &path).await?;
        let attached: Vec<&str> = answer["ports"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|port| port["id"].as_str())
            .collect();
        for port in ports {
            let id = self.part_port_in(session, known, port).await?;
            if attached.contains(&id.as_str()) {
                continue;
            }
            let path = format!("/routers/{bottom}/add_router_interface");
            let added = session
                .put_json(Service::Network, &path, &json!({"port_id": id}))
                .await;
            match added {
                Err(error) if error.is_not_found() => {
                    // It went behind our back: the next run makes it again.
                    self.forget_if_missing(session, port.kind, &port.top_id)
                        .await?;
                    return Err(error.into());
                }
                other => drop(other?),
            }
            hit("router_part.attached");
        }
        Ok(())
    }

    async fn part_port_in(
        &self,
        session: &PodSession,
        known: &Known,
        port: &PartPort,
    ) -> Result<String, NetworkError> {
        let pod_id = session.pod().id();
        if let Some(row) = self.present(port.kind, &port.top_id, pod_id).await?
            && let Some(id) = row.bottom_id
        {
            return Ok(id);
        }
        let data = json!({"router": known.router.id});
        let (row, fresh) = self
            .claim_with(
                port.kind,
                &port.top_id,
                pod_id,
                &known.router.project_id,
                &data,
            )
            .await?;
        let wanted = Wanted {
            kind: port.kind,
            top_id: &port.top_id,
            revision: 0,
            body: json!({
                "network_id": port.network,
                "description": body::mark_of(port.kind, &port.top_id),
                "project_id": known.router.project_id,
                "fixed_ips": fixed_ips(&port.fixed_ips),
                "port_security_enabled": false,
                "security_groups": [],
            }),
            data,
            unique_in_pod: true,
        };
        self.ensure(session, row, fresh, wanted).await
    }

    /// Takes ports from the pod's router that the part no longer has.
    pub(super) async fn drop_ports(
        &self,
        session: &PodSession,
        known: &Known,
        bottom: &str,
        keep: &[(RealizationKind, &str)],
    ) -> Result<(), NetworkError> {
        for kind in [
            RealizationKind::RouterInterface,
            RealizationKind::BridgePort,
        ] {
            for row in self.rows_of_router(session, known, kind).await? {
                if keep.contains(&(kind, row.top_id.as_str())) {
                    continue;
                }
                for id in self.what_is_there(session, &row).await? {
                    self.detach(session, bottom, &id).await?;
                }
                self.take_from_pod(&row, session.request_id(), Makers::Perhaps)
                    .await?;
                self.store
                    .router_address_release(&row.top_id, session.pod().id())
                    .await?;
                hit("router_part.port_released");
                if kind == RealizationKind::BridgePort {
                    self.retire_bridge(&known.router.project_id).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes a port from the pod's router, which deletes it there.
    async fn detach(
        &self,
        session: &PodSession,
        bottom: &str,
        port: &str,
    ) -> Result<(), NetworkError> {
        if bottom.is_empty() {
            return Ok(());
        }
        let path = format!("/routers/{bottom}/remove_router_interface");
        let gone = session
            .put_json(Service::Network, &path, &json!({"port_id": port}))
            .await;
        match gone {
            // The router or the interface is not there.
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => {
                hit("router_part.detached");
                Ok(())
            }
        }
    }
}
