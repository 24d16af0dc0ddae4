//! Ending what was begun: a realization whose maker died between its intent and its record.
//!
//! What the top still has is made to its end, because somebody needed it in that pod and
//! the next one will; what the top no longer has is removed. The job that asks for it ends
//! by itself: nothing here calls it off.

use tricircle_db::models::{Realization, RealizationKind, RealizationState, Subnet};
use tricircle_pods::PodSession;

use super::remove::Makers;
use crate::{Network, NetworkError};

impl Network {
    /// Brings the realization with the id `row_id` to an end; nothing when it is complete
    /// or gone.
    pub(crate) async fn settle(
        &self,
        row_id: &str,
        kind: RealizationKind,
        top_id: &str,
        pod_id: &str,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let found = self.store.realization_find(kind, top_id, pod_id).await?;
        let Some(row) = found.filter(|row| row.id == row_id) else {
            return Ok(());
        };
        let wanted = self.still_wanted(kind, top_id).await?;
        match (row.state, wanted) {
            (RealizationState::Present, true) => Ok(()),
            (RealizationState::Creating, true) => {
                let session = self.admin(pod_id, request_id)?;
                self.complete(&session, &row).await
            }
            _ => self.take_from_pod(&row, request_id, Makers::Perhaps).await,
        }
    }

    /// Makes what an intent says. A refusal by the pod ends it too: it forgets the intent.
    async fn complete(&self, session: &PodSession, row: &Realization) -> Result<(), NetworkError> {
        let made = match row.kind {
            RealizationKind::Network => self.network_again(session, &row.top_id).await.map(drop),
            RealizationKind::Subnet => match self.store.subnet_by_id(&row.top_id).await? {
                Some(subnet) => self.subnet_again(session, &subnet).await,
                None => Ok(()),
            },
            RealizationKind::AddressGroup => {
                let request = session.request_id();
                self.sync_members(&row.top_id, &row.pod_id, request).await
            }
            RealizationKind::SecurityGroup => {
                let group = [row.top_id.clone()];
                self.groups_in(session, &group).await.map(drop)
            }
            RealizationKind::Port => match self.store.port_by_id(&row.top_id).await? {
                // A port that nobody uses is in no pod.
                Some(view) if view.port.device_id.is_empty() => {
                    self.take_from_pod(row, session.request_id(), Makers::Perhaps)
                        .await
                }
                Some(view) => self.ports_in(session, &[view]).await.map(drop),
                None => Ok(()),
            },
            _ => Ok(()),
        };
        let (kind, top_id, pod_id) = (row.kind, &row.top_id, &row.pod_id);
        match made {
            Err(error) => match self.store.realization_find(kind, top_id, pod_id).await? {
                Some(_) => Err(error),
                None => Ok(()),
            },
            made => made,
        }
    }

    async fn network_again(&self, session: &PodSession, id: &str) -> Result<String, NetworkError> {
        match self.store.network_by_id(id).await? {
            Some(view) => self.network_in(session, &view.network).await,
            None => Err(NetworkError::NetworkNotFound(id.to_owned())),
        }
    }

    async fn subnet_again(
        &self,
        session: &PodSession,
        subnet: &Subnet,
    ) -> Result<(), NetworkError> {
        let found = self.store.network_by_id(&subnet.network_id).await?;
        let view = found.ok_or_else(|| NetworkError::NetworkNotFound(subnet.network_id.clone()))?;
        let bottom = self.network_in(session, &view.network).await?;
        self.subnet_in(session, subnet, &view.network, &bottom)
            .await
            .map(drop)
    }
}
