//! Making things be gone from pods.

use tricircle_db::models::{Realization, RealizationKind, RealizationState, SubnetFilter};
use tricircle_failpoint::hit;
use tricircle_pods::{PodSession, Service};

use super::body::{mark_of, parsed};
use super::ensure::{delete_quietly, id_of, names};
use super::groups::ADOPTED;
use crate::{Network, NetworkError};

/// Whether somebody may be making a thing in a pod while it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Makers {
    /// All who began have ended: their deadline is over.
    Ended,
    /// One may have asked the pod already and not have recorded the answer.
    Perhaps,
}

impl Network {
    /// Removes a thing from every pod that has or may have it. Every pod is tried, so
    /// that one that is down keeps no other from being cleaned; the first error is the
    /// answer.
    pub async fn unrealize(
        &self,
        kind: RealizationKind,
        top_id: &str,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let rows = self.store.realizations_of(kind, top_id).await?;
        self.remove_all(&rows, request_id, Makers::Perhaps).await
    }

    /// The same for these rows and no others, knowing who may still be making them.
    pub(crate) async fn remove_all(
        &self,
        rows: &[Realization],
        request_id: &str,
        makers: Makers,
    ) -> Result<(), NetworkError> {
        let mut ended = Ok(());
        for row in rows {
            let one = self.remove_from_pod(row, request_id, makers).await;
            if let Err(error) = &one {
                tracing::warn!(pod.id = row.pod_id, top.id = row.top_id, %error, "{} is still in a pod", row.kind);
            }
            ended = ended.and(one);
        }
        ended
    }

    /// Removes a network from one pod: its subnets there, then itself.
    pub async fn unrealize_network(
        &self,
        network_id: &str,
        pod_id: &str,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let filter = SubnetFilter {
            network_ids: vec![network_id.to_owned()],
            deleting_too: true,
            ..SubnetFilter::default()
        };
        let mut things: Vec<(RealizationKind, String)> = Vec::new();
        for subnet in self.store.subnets(&filter).await? {
            things.push((RealizationKind::Subnet, subnet.id));
        }
        things.push((RealizationKind::Network, network_id.to_owned()));
        for (kind, top_id) in things {
            if let Some(row) = self.store.realization_find(kind, &top_id, pod_id).await? {
                self.remove_from_pod(&row, request_id, Makers::Perhaps)
                    .await?;
            }
        }
        Ok(())
    }

    /// The pods that have or may have a thing.
    pub(crate) async fn pods_of(
        &self,
        kind: RealizationKind,
        top_id: &str,
    ) -> Result<Vec<String>, NetworkError> {
        let rows = self.store.realizations_of(kind, top_id).await?;
        Ok(rows.into_iter().map(|row| row.pod_id).collect())
    }

    /// Removes a thing from one pod, its row, and the job of an unfinished one.
    pub(crate) async fn remove_from_pod(
        &self,
        row: &Realization,
        request_id: &str,
        makers: Makers,
    ) -> Result<(), NetworkError> {
        self.take_from_pod(row, request_id, makers).await?;
        match row.state {
            RealizationState::Present => Ok(()),
            _ => self.forget_job(row).await,
        }
    }

    /// Removes a thing from one pod, then its row.
    ///
    /// The row of an intent stays, marked, until everybody who may have asked the pod
    /// before the mark has had an answer: what they make is found by the next try, which
    /// finds nothing to find it by when the row is gone. Until then this is a
    /// [`NetworkError::PodConflict`], to be tried again.
    pub(crate) async fn take_from_pod(
        &self,
        row: &Realization,
        request_id: &str,
        makers: Makers,
    ) -> Result<(), NetworkError> {
        let session = self.admin(&row.pod_id, request_id)?;
        let mut marked_at = row.updated_at;
        if row.state != RealizationState::Deleting {
            // Nobody begins to realize it while it goes.
            self.store
                .realization_remember(&row.id, RealizationState::Deleting, &parsed(&row.data))
                .await?;
            marked_at = tricircle_db::now();
            hit("unrealize.marked");
        }
        let (collection, _) = names(row.kind);
        for id in self.what_is_there(&session, row).await? {
            if row.kind == RealizationKind::AddressGroup {
                self.unname(&session, &id).await?;
            }
            delete_quietly(&session, &format!("/{collection}/{id}")).await?;
            hit("unrealize.removed");
        }
        if row.bottom_id.is_none() && makers == Makers::Perhaps && self.is_recent(marked_at) {
            return Err(NetworkError::PodConflict(format!(
                "{} {} may still be being made in pod {}",
                row.kind,
                row.top_id,
                session.pod().region()
            )));
        }
        if row.kind == RealizationKind::Subnet {
            self.store
                .addresses_release(&row.top_id, &row.pod_id)
                .await?;
        }
        self.store.realization_delete(&row.id).await?;
        hit("unrealize.forgotten");
        tracing::info!(
            pod.name = session.pod().region(),
            top.id = row.top_id,
            "{} removed from a pod",
            row.kind
        );
        Ok(())
    }

    /// Whether a create that began before this moment may not have ended yet: one call,
    /// and as half as much again for what is around it.
    fn is_recent(&self, moment: tricircle_db::Timestamp) -> bool {
        let longest = self.config.client.request_timeout.mul_f64(1.5);
        let age = (tricircle_db::now() - moment).to_std();
        age.unwrap_or_default() < longest
    }

    /// The pod's ids of a thing. An intent without id may have become an object all the
    /// same, so the pod is asked for the mark.
    pub(crate) async fn what_is_there(
        &self,
        session: &PodSession,
        row: &Realization,
    ) -> Result<Vec<String>, NetworkError> {
        if parsed(&row.data)[ADOPTED] == true {
            return Ok(Vec::new());
        }
        if let Some(id) = &row.bottom_id {
            return Ok(vec![id.clone()]);
        }
        let (collection, _) = names(row.kind);
        let path = format!(
            "/{collection}?description={}&fields=id",
            mark_of(row.kind, &row.top_id)
        );
        let answer = session.get_json(Service::Network, &path).await?;
        let key = collection.replace('-', "_");
        answer[key.as_str()]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| id_of(session, one))
            .collect()
    }

    /// Drops the row of a thing that the pod no longer has.
    pub(crate) async fn forget_if_missing(
        &self,
        session: &PodSession,
        kind: RealizationKind,
        top_id: &str,
    ) -> Result<(), NetworkError> {
        let Some(row) = self.present(kind, top_id, session.pod().id()).await? else {
            return Ok(());
        };
        let Some(bottom_id) = &row.bottom_id else {
            return Ok(());
        };
        let (collection, _) = names(kind);
        let path = format!("/{collection}/{bottom_id}?fields=id");
        match session.get_json(Service::Network, &path).await {
            Err(error) if error.is_not_found() => {
                tracing::warn!(
                    pod.name = session.pod().region(),
                    top.id = top_id,
                    bottom.id = bottom_id,
                    "{kind} is missing in its pod"
                );
                self.store.realization_delete(&row.id).await?;
                Ok(())
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}
