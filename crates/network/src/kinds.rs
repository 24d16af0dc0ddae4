//! Job kinds: what has to happen in the pods after a request was answered.
//!
//! Each is a reconcile: it reads what the top says now and brings the pods there, so
//! it may be cut off anywhere and run any number of times.

use async_trait::async_trait;
use tricircle_db::models::{NetWrite, RealizationKind, RowState};
use tricircle_jobs::{JobError, JobKind, JobRun, Kinds};

use crate::error::unexpected;
use crate::{Network, NetworkError};

/// Removes a deleted network with its subnets from every pod.
pub const NETWORK_REMOVE: &str = "network_remove";
/// Removes a deleted subnet from every pod.
pub const SUBNET_REMOVE: &str = "subnet_remove";
/// Removes a deleted port from its pod.
pub const PORT_REMOVE: &str = "port_remove";
/// Removes a deleted security group from every pod.
pub const SECURITY_GROUP_REMOVE: &str = "security_group_remove";
/// Brings a group's rules to the pods that have it.
pub const SECURITY_GROUP_SYNC: &str = "security_group_sync";
/// Brings what users changed of a port, network or subnet to the pods that have it.
pub const PORT_SYNC: &str = "port_sync";
/// The same for a network.
pub const NETWORK_SYNC: &str = "network_sync";
/// The same for a subnet.
pub const SUBNET_SYNC: &str = "subnet_sync";

impl Network {
    /// Every kind of this crate, for a worker.
    pub fn job_kinds(&self) -> Kinds {
        let kind = |name, work| Reconcile {
            network: self.clone(),
            name,
            work,
        };
        Kinds::new()
            .with(kind(NETWORK_REMOVE, Work::RemoveNetwork))
            .with(kind(SUBNET_REMOVE, Work::RemoveSubnet))
            .with(kind(PORT_REMOVE, Work::RemovePort))
            .with(kind(SECURITY_GROUP_REMOVE, Work::RemoveGroup))
            .with(kind(
                SECURITY_GROUP_SYNC,
                Work::Push(RealizationKind::SecurityGroup),
            ))
            .with(kind(PORT_SYNC, Work::Push(RealizationKind::Port)))
            .with(kind(NETWORK_SYNC, Work::Push(RealizationKind::Network)))
            .with(kind(SUBNET_SYNC, Work::Push(RealizationKind::Subnet)))
    }
}

#[derive(Clone, Copy)]
enum Work {
    RemoveNetwork,
    RemoveSubnet,
    RemovePort,
    RemoveGroup,
    Push(RealizationKind),
}

/// One kind of this crate.
struct Reconcile {
    network: Network,
    name: &'static str,
    work: Work,
}

#[async_trait]
impl JobKind for Reconcile {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let (id, request) = (run.resource_id(), run.request_id());
        let ended = match self.work {
            Work::RemoveNetwork => self.network.finish_network(id, request).await,
            Work::RemoveSubnet => self.network.finish_subnet(id, request).await,
            Work::RemovePort => self.network.finish_port(id, request).await,
            Work::RemoveGroup => self.network.finish_group(id, request).await,
            Work::Push(kind) => self.network.push(kind, id, request).await,
        };
        ended.map_err(|error| verdict(error, run.pod_id()))
    }
}

impl Network {
    async fn finish_network(&self, id: &str, request: &str) -> Result<(), NetworkError> {
        let Some(view) = self.store.network_by_id(id).await? else {
            return Ok(());
        };
        if view.network.state != RowState::Deleting {
            return Ok(());
        }
        let mut ended = Ok(());
        for pod in self.pods_of(RealizationKind::Network, id).await? {
            ended = ended.and(self.unrealize_network(id, &pod, request).await);
        }
        ended?;
        match self.store.network_purge(id).await? {
            NetWrite::Done => Ok(()),
            // Its last ports are still on their way out of the pods.
            NetWrite::InUse(ports) => {
                Err(NetworkError::NetworkInUse(id.to_owned(), ports.join(", ")))
            }
            other => Err(unexpected("network_purge", &other)),
        }
    }

    async fn finish_subnet(&self, id: &str, request: &str) -> Result<(), NetworkError> {
        let Some(subnet) = self.store.subnet_by_id(id).await? else {
            return Ok(());
        };
        if subnet.state != RowState::Deleting {
            return Ok(());
        }
        self.unrealize(RealizationKind::Subnet, id, request).await?;
        match self.store.subnet_purge(id).await? {
            NetWrite::Done => Ok(()),
            NetWrite::InUse(_) => Err(NetworkError::SubnetInUse(id.to_owned())),
            other => Err(unexpected("subnet_purge", &other)),
        }
    }

    async fn finish_port(&self, id: &str, request: &str) -> Result<(), NetworkError> {
        let Some(view) = self.store.port_by_id(id).await? else {
            return Ok(());
        };
        if view.port.state != RowState::Deleting {
            return Ok(());
        }
        self.unrealize(RealizationKind::Port, id, request).await?;
        Ok(self.store.port_purge(id).await?)
    }

    async fn finish_group(&self, id: &str, request: &str) -> Result<(), NetworkError> {
        let Some(view) = self.store.security_group_by_id(id).await? else {
            return Ok(());
        };
        if view.group.state != RowState::Deleting {
            return Ok(());
        }
        self.unrealize(RealizationKind::SecurityGroup, id, request)
            .await?;
        Ok(self.store.security_group_purge(id).await?)
    }
}

/// What an error means for a job. These are deletes and repairs: nothing but a broken
/// row ends them.
fn verdict(error: NetworkError, pod_id: &str) -> JobError {
    match &error {
        NetworkError::Internal(_) => JobError::permanent(error),
        _ if error.is_pod_down() && !pod_id.is_empty() => {
            JobError::pod_down(pod_id.to_owned(), error)
        }
        _ => JobError::transient(error),
    }
}

#[cfg(test)]
mod tests {
    use tricircle_pods::PodError;

    use super::*;

    #[test]
    fn only_a_broken_row_ends_a_removal() {
        let in_use = NetworkError::SubnetInUse("s".to_owned());
        assert!(matches!(verdict(in_use, ""), JobError::Transient { .. }));
        let away = || {
            NetworkError::Pod(PodError::NoAnswer {
                pod: "Pod1".to_owned(),
            })
        };
        assert!(matches!(verdict(away(), "p"), JobError::PodDown { .. }));
        // A job of many pods is tried again as a whole.
        assert!(matches!(verdict(away(), ""), JobError::Transient { .. }));
        let broken = NetworkError::Internal("x".to_owned());
        assert!(matches!(verdict(broken, ""), JobError::Permanent(_)));
    }
}
