//! Bringing changes of what pods have already to them.

use serde_json::{Value, json};
use tricircle_db::models::{Realization, RealizationKind};
use tricircle_pods::{PodSession, Service};

use super::body;
use super::ensure::{digest, names};
use crate::{Network, NetworkError};

impl Network {
    /// Brings the top's present state of a thing to every pod that has it. Every pod is
    /// tried; the first error is the answer.
    pub async fn push(
        &self,
        kind: RealizationKind,
        top_id: &str,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let mut ended = Ok(());
        for row in self.store.realizations_of(kind, top_id).await? {
            if row.bottom_id.is_none() {
                continue;
            }
            let one = match self.admin(&row.pod_id, request_id) {
                Ok(session) => self.push_to(&session, &row).await,
                Err(error) => Err(error),
            };
            if let Err(error) = one {
                tracing::warn!(pod.id = row.pod_id, top.id = top_id, %error, "{kind} was not brought to a pod");
                ended = ended.and(Err(error));
            }
        }
        ended
    }

    async fn push_to(&self, session: &PodSession, row: &Realization) -> Result<(), NetworkError> {
        match row.kind {
            RealizationKind::SecurityGroup => self.sync_group_in(session, &row.top_id).await,
            RealizationKind::Port => self.sync_port_in(session, &row.top_id).await,
            RealizationKind::Network => {
                let Some(view) = self.store.network_by_id(&row.top_id).await? else {
                    return Ok(());
                };
                let change = body::network_change(&view.network);
                self.put(session, row, view.network.revision_number, change)
                    .await
            }
            RealizationKind::Subnet => {
                let Some(subnet) = self.store.subnet_by_id(&row.top_id).await? else {
                    return Ok(());
                };
                let change = body::subnet_change(&subnet);
                self.put(session, row, subnet.revision_number, change).await
            }
            _ => Ok(()),
        }
    }

    async fn put(
        &self,
        session: &PodSession,
        row: &Realization,
        revision: i64,
        change: Value,
    ) -> Result<(), NetworkError> {
        let digest = digest(revision);
        let Some(bottom_id) = row.bottom_id.as_ref().filter(|_| row.digest != digest) else {
            return Ok(());
        };
        let (collection, member) = names(row.kind);
        let path = format!("/{collection}/{bottom_id}");
        session
            .put_json(Service::Network, &path, &json!({ member: change }))
            .await?;
        self.store
            .realization_present(&row.id, bottom_id, &digest, &body::parsed(&row.data))
            .await?;
        Ok(())
    }
}
