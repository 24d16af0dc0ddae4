//! Mending what was found, as far as that is safe.
//!
//! Between the look and the repair things may have changed, and what is removed is removed
//! for good: so that is looked at once more. Everything else is a wish for a job, which
//! looks for itself, or a row that only says what a pod has.

use tricircle_db::models::{Realization, RowState};
use tricircle_db::{DbError, Store};
use tricircle_network::kinds::settle_wish;
use tricircle_pods::Service;

use crate::{AuditError, Auditor, Finding, ObjectKind, Remedy};

impl Auditor {
    /// Does what a finding's remedy says. [`AuditError::ByHand`] when that is nothing.
    pub async fn repair(&self, finding: &Finding) -> Result<(), AuditError> {
        let store = &self.store;
        match &finding.remedy {
            Remedy::ByHand => return Err(AuditError::ByHand),
            Remedy::Want(job) => {
                let mut job = job.clone();
                job.request_id.clone_from(&self.request_id);
                self.jobs.enqueue(&job).await?;
            }
            Remedy::Retry(job_id) => {
                if !store.job_retry(job_id).await? {
                    return Err(AuditError::Changed);
                }
                self.jobs.wake_all();
            }
            Remedy::Adopt(routing) => {
                let mut routing = routing.clone();
                routing.id = uuid::Uuid::new_v4().to_string();
                routing.request_id.clone_from(&self.request_id);
                store.routing_found(&routing).await?;
            }
            Remedy::Claim {
                kind,
                top_id,
                pod_id,
                project_id,
            } => {
                let intent = Realization::intent(*kind, top_id, pod_id, project_id);
                // The job first: a row without it would be what this repairs.
                self.jobs.enqueue(&settle_wish(&intent)).await?;
                store.realization_claim(&intent).await?;
            }
            Remedy::Remove {
                pod_id,
                kind,
                top_id,
                bottom_id,
            } => self.remove(pod_id, *kind, top_id, bottom_id).await?,
            Remedy::Forget(row_id) => {
                if !store.realization_delete(row_id).await? {
                    return Err(AuditError::Changed);
                }
            }
            Remedy::FreeAddresses { subnet_id, pod_id } => {
                store.addresses_release(subnet_id, pod_id).await?;
            }
        }
        tracing::info!(
            req.id = self.request_id,
            remedy = %finding.remedy,
            "repaired: {finding}"
        );
        Ok(())
    }

    async fn remove(
        &self,
        pod_id: &str,
        kind: ObjectKind,
        top_id: &str,
        bottom_id: &str,
    ) -> Result<(), AuditError> {
        // What users made is never removed here.
        let Some((collection, _)) = kind.in_neutron() else {
            return Err(AuditError::ByHand);
        };
        if !is_nobodys(&self.store, kind, top_id, pod_id, bottom_id).await? {
            return Err(AuditError::Changed);
        }
        let admin = self.pods.admin(pod_id, &self.request_id)?;
        let path = format!("/{collection}/{bottom_id}");
        if collection == "ports" {
            // Neutron refuses to remove what is in use, except ports.
            let shown = admin.get_json(Service::Network, &path).await?;
            let device = shown.pointer("/port/device_id").and_then(|id| id.as_str());
            if device.is_some_and(|id| !id.is_empty()) {
                return Err(AuditError::ByHand);
            }
        }
        match admin.delete(Service::Network, &path).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Whether the rows still say that an object in a pod belongs to nothing.
async fn is_nobodys(
    store: &Store,
    kind: ObjectKind,
    top_id: &str,
    pod_id: &str,
    bottom_id: &str,
) -> Result<bool, DbError> {
    let Some(realization) = kind.realization() else {
        return Ok(false);
    };
    if let Some(row) = store.realization_find(realization, top_id, pod_id).await? {
        // The other one of two.
        return Ok(row.bottom_id.is_some_and(|id| id != bottom_id));
    }
    if kind.is_of_router() {
        // The router's job makes another one, and never looks for this.
        return Ok(true);
    }
    let state = match kind {
        ObjectKind::Port => store.port_by_id(top_id).await?.map(|view| view.port.state),
        ObjectKind::Subnet => store.subnet_by_id(top_id).await?.map(|row| row.state),
        ObjectKind::Network => {
            let found = store.network_by_id(top_id).await?;
            found.map(|view| view.network.state)
        }
        _ => {
            let found = store.security_group_by_id(top_id).await?;
            found.map(|view| view.group.state)
        }
    };
    Ok(state != Some(RowState::Live))
}
