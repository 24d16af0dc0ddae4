//! Bringing changes of what pods have already to them.

use serde_json::{Value, json};
use tricircle_db::models::{NewJob, ROUTER_SYNC, Realization, RealizationKind};
use tricircle_failpoint::hit;
use tricircle_pods::{PodSession, Service};

use super::body;
use super::ensure::{digest, names};
use crate::kinds::{NETWORK_SYNC, PORT_SYNC, SECURITY_GROUP_SYNC, SUBNET_SYNC};
use crate::{Network, NetworkError};

impl Network {
    /// The job that belongs into the transaction of a change: it sees to it that all
    /// pods get it, whatever becomes of the process that pushes it at once.
    pub fn sync_job(&self, kind: RealizationKind, top_id: &str, request_id: &str) -> NewJob {
        NewJob {
            // By then the pods have it, as a rule, and the job finds nothing to do.
            run_after: self.config.jobs.retry_base.saturating_mul(5),
            request_id: request_id.to_owned(),
            ..NewJob::new(sync_kind(kind), top_id)
        }
    }

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
        hit("sync.sent");
        self.pushed(session, row, &digest).await
    }

    /// Records that a pod was sent this revision. When somebody else sent one at the same
    /// time (a worker that had been stopped and came back, say), nobody knows which of
    /// the two the pod took last, and the present one is sent again by a job.
    pub(crate) async fn pushed(
        &self,
        session: &PodSession,
        row: &Realization,
        digest: &str,
    ) -> Result<(), NetworkError> {
        let sync = self.sync_job(row.kind, &row.top_id, session.request_id());
        let pushed = self
            .store
            .realization_pushed(&row.id, &row.digest, digest, &sync)
            .await?;
        hit("sync.recorded");
        if !pushed {
            tracing::info!(
                top.id = row.top_id,
                "two changes of a {} met; it is sent again",
                row.kind
            );
        }
        Ok(())
    }
}

/// The job that brings changes of a kind to the pods.
fn sync_kind(kind: RealizationKind) -> &'static str {
    match kind {
        RealizationKind::Subnet => SUBNET_SYNC,
        RealizationKind::Port => PORT_SYNC,
        RealizationKind::SecurityGroup => SECURITY_GROUP_SYNC,
        RealizationKind::Router => ROUTER_SYNC,
        _ => NETWORK_SYNC,
    }
}
