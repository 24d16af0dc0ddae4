//! The one way by which a thing comes to be in a pod.

use serde_json::{Value, json};
use tricircle_db::DbError;
use tricircle_db::models::{NewJob, Realization, RealizationKind, RealizationState, RowState};
use tricircle_pods::{PodError, PodSession, Service};

use tricircle_failpoint::hit;

use super::body::mark_of;
use super::remove::Makers;
use crate::kinds::{REALIZATION_SETTLE, settle_wish};
use crate::routers::RouterError;
use crate::{Network, NetworkError};

/// A thing of the top, as a pod is to have it.
pub(crate) struct Wanted<'a> {
    /// What it is.
    pub kind: RealizationKind,
    /// Id at the top.
    pub top_id: &'a str,
    /// Revision of the row that the body was made from.
    pub revision: i64,
    /// The create's body, without its wrapper.
    pub body: Value,
    /// What to remember beside the id.
    pub data: Value,
    /// The pod itself refuses a second one (same segment, prefix or MAC address).
    pub unique_in_pod: bool,
}

/// Collection and member name of a kind in the Networking API.
pub(crate) fn names(kind: RealizationKind) -> (&'static str, &'static str) {
    match kind {
        RealizationKind::Subnet => ("subnets", "subnet"),
        RealizationKind::Port => ("ports", "port"),
        RealizationKind::SecurityGroup => ("security-groups", "security_group"),
        RealizationKind::Router => ("routers", "router"),
        RealizationKind::RouterInterface
        | RealizationKind::BridgePort
        | RealizationKind::FloatingTarget => ("ports", "port"),
        RealizationKind::FloatingIp => ("floatingips", "floatingip"),
        RealizationKind::AddressGroup => ("address-groups", "address_group"),
        _ => ("networks", "network"),
    }
}

/// How a revision is kept as the digest of what was sent.
pub(crate) fn digest(revision: i64) -> String {
    format!("r{revision}")
}

impl Network {
    /// The row of a thing in a pod, as an intent when there was none; true when this
    /// call wrote it.
    ///
    /// An intent has a job that ends it, from before it is written until it is completed.
    /// Ports need none of their own: that of the server which they are for sees to them; nor
    /// do parts of routers, which their router's job ends, and lists of members, which
    /// those make whose job it is.
    pub(crate) async fn claim(
        &self,
        kind: RealizationKind,
        top_id: &str,
        pod_id: &str,
        project_id: &str,
    ) -> Result<(Realization, bool), NetworkError> {
        self.claim_with(kind, top_id, pod_id, project_id, &json!({}))
            .await
    }

    /// The same, with what an intent has to remember from the start.
    pub(crate) async fn claim_with(
        &self,
        kind: RealizationKind,
        top_id: &str,
        pod_id: &str,
        project_id: &str,
        data: &Value,
    ) -> Result<(Realization, bool), NetworkError> {
        let intent = Realization {
            data: data.to_string(),
            ..Realization::intent(kind, top_id, pod_id, project_id)
        };
        let has_job = has_own_job(kind);
        if has_job {
            let later = NewJob {
                run_after: self.config.jobs.create_grace,
                ..settle_wish(&intent)
            };
            self.store.job_enqueue(&later).await?;
            hit("realize.wanted");
        }
        let row = match self.store.realization_claim(&intent).await {
            // The other one's insert came between our look and ours.
            Err(DbError::Duplicate(_)) => self
                .store
                .realization_find(kind, top_id, pod_id)
                .await?
                .ok_or(DbError::Stale("a realization"))?,
            other => other?,
        };
        let fresh = row.id == intent.id;
        hit("realize.intended");
        if has_job && !fresh {
            self.store
                .job_cancel(REALIZATION_SETTLE, &intent.id)
                .await?;
        }
        if row.state == RealizationState::Deleting {
            return Err(NetworkError::PodConflict(format!(
                "{kind} {top_id} is being removed from pod {}",
                self.region(pod_id)
            )));
        }
        Ok((row, fresh))
    }

    /// What a pod has, if it is recorded: the path of almost every call, without one
    /// to the pod.
    pub(crate) async fn present(
        &self,
        kind: RealizationKind,
        top_id: &str,
        pod_id: &str,
    ) -> Result<Option<Realization>, NetworkError> {
        let row = self.store.realization_find(kind, top_id, pod_id).await?;
        Ok(row.filter(|row| row.state == RealizationState::Present && row.bottom_id.is_some()))
    }

    /// Makes the thing exist in the session's pod and returns its id there.
    ///
    /// Two processes that do this at once end with one object: either the pod refuses
    /// the second, or the younger of two with our mark goes again.
    pub(crate) async fn ensure(
        &self,
        session: &PodSession,
        row: Realization,
        fresh: bool,
        wanted: Wanted<'_>,
    ) -> Result<String, NetworkError> {
        if let (RealizationState::Present, Some(id)) = (row.state, &row.bottom_id) {
            return Ok(id.clone());
        }
        if !self.still_wanted(wanted.kind, wanted.top_id).await? {
            // Deleted between our reading it and our row: its job may have looked for
            // rows already and found none, so this one is ours to take back.
            self.remove_from_pod(&row, session.request_id(), Makers::Perhaps)
                .await?;
            return Err(gone(wanted.kind, wanted.top_id));
        }
        // Nobody can have made it before a row existed.
        let found = match fresh {
            true => None,
            false => self.look_again(session, &row, &wanted).await?,
        };
        let made = match found {
            Some(id) => Ok(id),
            None => self.create(session, &wanted).await,
        };
        hit("realize.posted");
        let id = match made {
            Ok(id) => id,
            Err(NetworkError::Pod(error)) if error.is_refusal() => {
                // The pod said no: nothing of ours is there, so nothing needs a row.
                self.forget_intent(&row, fresh).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error),
        };
        let sync = self.sync_job(wanted.kind, wanted.top_id, session.request_id());
        let sent = digest(wanted.revision);
        let kept = self
            .store
            .realization_made(&row.id, &id, &sent, &wanted.data, &sync)
            .await?;
        if !kept {
            // Whoever removes it looked in the pod before it was there.
            let (collection, _) = names(wanted.kind);
            delete_quietly(session, &format!("/{collection}/{id}")).await?;
            return Err(gone(wanted.kind, wanted.top_id));
        }
        hit("realize.recorded");
        // The job of somebody else's intent may be the one that completes it just now.
        if fresh {
            self.forget_job(&row).await?;
        }
        tracing::info!(
            pod.name = session.pod().region(),
            top.id = wanted.top_id,
            bottom.id = id,
            "{} realized",
            wanted.kind
        );
        Ok(id)
    }

    /// What an earlier try left in the pod. That took a while, so the row is read again:
    /// whoever removes the thing waits only for creates that began before its mark.
    async fn look_again(
        &self,
        session: &PodSession,
        row: &Realization,
        wanted: &Wanted<'_>,
    ) -> Result<Option<String>, NetworkError> {
        let found = self
            .find_marked(session, wanted.kind, wanted.top_id)
            .await?;
        let now = self
            .store
            .realization_find(row.kind, &row.top_id, &row.pod_id)
            .await?;
        match now {
            Some(now) if now.id == row.id && now.state != RealizationState::Deleting => Ok(found),
            _ => Err(gone(wanted.kind, wanted.top_id)),
        }
    }

    /// Forgets an intent of something that surely is not in the pod.
    async fn forget_intent(&self, row: &Realization, fresh: bool) -> Result<(), NetworkError> {
        if row.kind == RealizationKind::Subnet {
            self.store
                .addresses_release(&row.top_id, &row.pod_id)
                .await?;
        }
        self.store.realization_delete(&row.id).await?;
        hit("realize.forgotten");
        match fresh {
            true => self.forget_job(row).await,
            false => Ok(()),
        }
    }

    /// The job of an intent that is an intent no more.
    pub(crate) async fn forget_job(&self, row: &Realization) -> Result<(), NetworkError> {
        if has_own_job(row.kind) {
            self.store.job_cancel(REALIZATION_SETTLE, &row.id).await?;
        }
        Ok(())
    }

    /// Whether users still see the thing at the top.
    pub(crate) async fn still_wanted(
        &self,
        kind: RealizationKind,
        top_id: &str,
    ) -> Result<bool, NetworkError> {
        let store = &self.store;
        let state = match kind {
            RealizationKind::Network => {
                let found = store.network_by_id(top_id).await?;
                found.map(|view| view.network.state)
            }
            RealizationKind::Subnet => store.subnet_by_id(top_id).await?.map(|row| row.state),
            RealizationKind::Port => store.port_by_id(top_id).await?.map(|view| view.port.state),
            RealizationKind::SecurityGroup | RealizationKind::AddressGroup => {
                let found = store.security_group_by_id(top_id).await?;
                found.map(|view| view.group.state)
            }
            RealizationKind::Router | RealizationKind::BridgePort => {
                store.router_by_id(top_id).await?.map(|row| row.state)
            }
            RealizationKind::RouterInterface | RealizationKind::FloatingTarget => {
                store.port_by_id(top_id).await?.map(|view| view.port.state)
            }
            RealizationKind::FloatingIp => {
                store.floating_ip_by_id(top_id).await?.map(|row| row.state)
            }
            _ => return Ok(true),
        };
        Ok(state == Some(RowState::Live))
    }

    async fn create(
        &self,
        session: &PodSession,
        wanted: &Wanted<'_>,
    ) -> Result<String, NetworkError> {
        let (collection, member) = names(wanted.kind);
        let path = format!("/{collection}");
        let made = session
            .post_json(Service::Network, &path, &json!({ member: wanted.body }))
            .await;
        match made {
            Ok(answer) if wanted.unique_in_pod => id_of(session, &answer[member]),
            // The oldest of ours stays; ours may not be it.
            Ok(answer) => {
                let own = id_of(session, &answer[member])?;
                let kept = self
                    .find_marked(session, wanted.kind, wanted.top_id)
                    .await?;
                Ok(kept.unwrap_or(own))
            }
            // Perhaps it took effect, perhaps another process was faster.
            Err(error) if error.outcome_unknown() || error.is_conflict() || is_overlap(&error) => {
                match self.find_marked(session, wanted.kind, wanted.top_id).await {
                    Ok(Some(id)) => Ok(id),
                    _ => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The object with our mark. Of several the oldest stays and the others go: every
    /// process decides alike.
    pub(crate) async fn find_marked(
        &self,
        session: &PodSession,
        kind: RealizationKind,
        top_id: &str,
    ) -> Result<Option<String>, NetworkError> {
        let (collection, _) = names(kind);
        let path = format!(
            "/{collection}?description={}&fields=id&fields=created_at",
            mark_of(kind, top_id)
        );
        let answer = session.get_json(Service::Network, &path).await?;
        let key = collection.replace('-', "_");
        let mut found: Vec<(String, String)> = answer[key.as_str()]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| {
                let created = one["created_at"].as_str().unwrap_or_default().to_owned();
                Ok((created, id_of(session, one)?))
            })
            .collect::<Result<_, NetworkError>>()?;
        found.sort_unstable();
        let mut ids = found.into_iter().map(|(_, id)| id);
        let kept = ids.next();
        for twin in ids {
            tracing::warn!(
                pod.name = session.pod().region(),
                top.id = top_id,
                bottom.id = twin,
                "a second {kind} of ours is removed"
            );
            delete_quietly(session, &format!("/{collection}/{twin}")).await?;
        }
        Ok(kept)
    }
}

/// Whether an unfinished realization is ended by a job of its own.
fn has_own_job(kind: RealizationKind) -> bool {
    matches!(
        kind,
        RealizationKind::Network | RealizationKind::Subnet | RealizationKind::SecurityGroup
    )
}

/// The thing was deleted at the top while it was being made.
fn gone(kind: RealizationKind, top_id: &str) -> NetworkError {
    let id = top_id.to_owned();
    match kind {
        RealizationKind::Port => NetworkError::PortNotFound(id),
        RealizationKind::Subnet => NetworkError::SubnetNotFound(id),
        RealizationKind::SecurityGroup | RealizationKind::AddressGroup => {
            NetworkError::SecurityGroupNotFound(id)
        }
        RealizationKind::Router | RealizationKind::BridgePort => {
            RouterError::RouterNotFound(id).into()
        }
        RealizationKind::FloatingIp => RouterError::FloatingIpNotFound(id).into(),
        RealizationKind::RouterInterface | RealizationKind::FloatingTarget => {
            NetworkError::PortNotFound(id)
        }
        _ => NetworkError::NetworkNotFound(id),
    }
}

/// Deletes; what is gone already is fine.
pub(crate) async fn delete_quietly(session: &PodSession, path: &str) -> Result<(), NetworkError> {
    match session.delete(Service::Network, path).await {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}

/// Neutron's 400 for a subnet that a racing process has just made.
fn is_overlap(error: &PodError) -> bool {
    matches!(error, PodError::Status { code: 400, message, .. } if message.contains("overlaps"))
}

pub(crate) fn id_of(session: &PodSession, object: &Value) -> Result<String, NetworkError> {
    let id = object["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| {
        NetworkError::Pod(PodError::Malformed {
            pod: session.pod().region().to_owned(),
            why: "an object has no id".to_owned(),
        })
    })
}
