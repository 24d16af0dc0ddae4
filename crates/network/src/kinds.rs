//! Job kinds: what has to happen in the pods after a request was answered.
//!
//! Each is a reconcile: it reads what the top says now and brings the pods there, so
//! it may be cut off anywhere and run any number of times.

use async_trait::async_trait;
use serde_json::{Value, json};
use tricircle_db::models::{
    NetWrite, NewJob, ROUTER_SYNC, Realization, RealizationKind, RowState, SECURITY_GROUP_MEMBERS,
};
use tricircle_failpoint::hit;
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

/// Ends an unfinished realization: completes it, or removes it when the thing is gone at
/// the top. The resource is the id of the realization.
pub const REALIZATION_SETTLE: &str = "realization_settle";

/// The wish that an unfinished realization be ended.
pub fn settle_wish(row: &Realization) -> NewJob {
    NewJob {
        pod_id: row.pod_id.clone(),
        project_id: row.project_id.clone(),
        payload: json!({"kind": row.kind.as_str(), "top_id": row.top_id}),
        ..NewJob::new(REALIZATION_SETTLE, &row.id)
    }
}

/// Brings the part of a router that is in one pod in order. The database wants
/// [`ROUTER_SYNC`], which wants this for each pod.
pub const ROUTER_SETUP: &str = "router_setup";

/// Payload of the jobs of routers: look at each part, though it is recorded as in order.
pub fn look_again() -> Value {
    json!({ LOOK_AGAIN: true })
}

const LOOK_AGAIN: &str = "look_again";

/// Whether a job's payload says so.
fn looks_again(run: &JobRun) -> Result<bool, JobError> {
    Ok(run.payload::<Value>()?[LOOK_AGAIN] == true)
}

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
            .with(kind(REALIZATION_SETTLE, Work::Settle))
            .with(kind(
                SECURITY_GROUP_SYNC,
                Work::Push(RealizationKind::SecurityGroup),
            ))
            .with(kind(SECURITY_GROUP_MEMBERS, Work::SyncMembers))
            .with(kind(PORT_SYNC, Work::Push(RealizationKind::Port)))
            .with(kind(ROUTER_SYNC, Work::SyncRouter))
            .with(kind(ROUTER_SETUP, Work::SetUpRouter))
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
    Settle,
    SyncMembers,
    SyncRouter,
    SetUpRouter,
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
            Work::Settle => {
                let said: Value = run.payload()?;
                let text = |key: &str| said[key].as_str().unwrap_or_default();
                let kind = text("kind").parse().map_err(JobError::permanent)?;
                self.network
                    .settle(id, kind, text("top_id"), run.pod_id(), request)
                    .await
            }
            Work::SyncMembers => self.network.sync_members(id, run.pod_id(), request).await,
            Work::SyncRouter => {
                let again = looks_again(run)?;
                self.network.sync_router(id, again, request).await
            }
            Work::SetUpRouter => {
                let again = looks_again(run)?;
                self.network
                    .setup_router(id, run.pod_id(), again, request)
                    .await
            }
            Work::Push(kind) => self.network.push(kind, id, request).await,
        };
        ended.map_err(|error| {
            let snapshot = self.network.pods.snapshot();
            let away = error
                .down_pod()
                .and_then(|region| snapshot.by_region(region));
            let away = away.map_or(run.pod_id(), |pod| pod.id());
            verdict(error, away)
        })
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
        hit("network_remove.clean");
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
        hit("subnet_remove.clean");
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
        hit("port_remove.clean");
        Ok(self.store.port_purge(id).await?)
    }

    async fn finish_group(&self, id: &str, request: &str) -> Result<(), NetworkError> {
        let Some(view) = self.store.security_group_by_id(id).await? else {
            return Ok(());
        };
        if view.group.state != RowState::Deleting {
            return Ok(());
        }
        // What it was told of members, and the rules that name it, go before it.
        self.unrealize(RealizationKind::AddressGroup, id, request)
            .await?;
        self.unrealize(RealizationKind::SecurityGroup, id, request)
            .await?;
        hit("security_group_remove.clean");
        Ok(self.store.security_group_purge(id).await?)
    }
}

/// What an error means for a job. These are deletes and repairs: nothing but a broken
/// row ends them. A job of many pods waits for the one that is `away`, empty where that is
/// not known.
fn verdict(error: NetworkError, away: &str) -> JobError {
    match &error {
        NetworkError::Internal(_) => JobError::permanent(error),
        _ if error.is_pod_down() && !away.is_empty() => JobError::pod_down(away.to_owned(), error),
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
        // Nobody knows for which pod to wait: it is tried again.
        assert!(matches!(verdict(away(), ""), JobError::Transient { .. }));
        let broken = NetworkError::Internal("x".to_owned());
        assert!(matches!(verdict(broken, ""), JobError::Permanent(_)));
    }
}
