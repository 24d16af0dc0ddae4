//! [`Auditor`]: who looks. The rows are read here, the pods in `in_pods`.

use std::time::Duration;

use tricircle_db::models::{
    FloatingIpFilter, JobFilter, JobState, NetworkFilter, PortFilter, ROUTER_INTERFACE,
    RealizationKind, RouterFilter, RoutingFilter, RowState, SecurityGroupFilter, SubnetFilter,
};
use tricircle_db::{DbError, Store};
use tricircle_jobs::JobSender;
use tricircle_pods::{PodError, Pods};

use crate::{Rows, Seen, Thing, in_pods};

/// What keeps an audit from being made, or a repair from being done.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The database.
    #[error("the top's rows could not be read or written")]
    Database(#[from] DbError),
    /// A pod, in a repair.
    #[error("the pod refused or did not answer")]
    Pod(#[from] PodError),
    /// What was found is no longer so.
    #[error("it has changed since it was looked at")]
    Changed,
    /// A human has to decide.
    #[error("this is not for a program to decide")]
    ByHand,
}

/// Looks at the top and its pods, and mends. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Auditor {
    pub(crate) store: Store,
    pub(crate) pods: Pods,
    pub(crate) jobs: JobSender,
    pub(crate) request_id: String,
}

impl Auditor {
    /// An auditor; the pods' logs find its calls by the id of [`Auditor::request_id`].
    /// The pods must have been read ([`Pods::refresh`]).
    pub fn new(store: Store, pods: Pods, jobs: JobSender) -> Self {
        Self {
            store,
            pods,
            jobs,
            request_id: format!("req-{}", uuid::Uuid::new_v4()),
        }
    }

    /// The request id of its calls to pods.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Reads everything and changes nothing. `grace`: how long something may be under way
    /// without a job.
    pub async fn look(&self, grace: Duration) -> Result<Seen, AuditError> {
        let began = tricircle_db::now();
        let before = self.rows().await?;
        let pods = in_pods::all(&self.pods, &self.request_id).await;
        let after = self.rows().await?;
        Ok(Seen {
            began,
            grace,
            before,
            pods,
            after,
        })
    }

    async fn rows(&self) -> Result<Rows, AuditError> {
        let store = &self.store;
        let live_jobs = JobFilter {
            states: vec![
                JobState::Ready,
                JobState::Running,
                JobState::Waiting,
                JobState::Stuck,
            ],
            ..JobFilter::default()
        };
        // A row is written before the job that clears it away is over: jobs come first, so
        // that a job which ends in between leaves no row that looks forgotten.
        let jobs = store.jobs(&live_jobs).await?;
        let mut rows = Rows {
            routings: store.routings(&RoutingFilter::default()).await?,
            realizations: store.realizations(None, None).await?,
            jobs,
            ..Rows::default()
        };
        self.things(&mut rows).await?;
        Ok(rows)
    }

    async fn things(&self, rows: &mut Rows) -> Result<(), DbError> {
        let store = &self.store;
        let networks = NetworkFilter {
            deleting_too: true,
            ..NetworkFilter::default()
        };
        for view in store.networks(&networks).await? {
            let row = view.network;
            let kind = RealizationKind::Network;
            rows.things.push(thing(
                kind,
                row.id,
                row.project_id,
                row.state,
                row.updated_at,
            ));
        }
        let subnets = SubnetFilter {
            deleting_too: true,
            ..SubnetFilter::default()
        };
        for row in store.subnets(&subnets).await? {
            rows.addresses.extend(store.addresses_used(&row.id).await?);
            let kind = RealizationKind::Subnet;
            rows.things.push(Thing {
                network_id: Some(row.network_id),
                ..thing(kind, row.id, row.project_id, row.state, row.updated_at)
            });
        }
        let groups = SecurityGroupFilter {
            deleting_too: true,
            ..SecurityGroupFilter::default()
        };
        for view in store.security_groups(&groups).await? {
            let row = view.group;
            let kind = RealizationKind::SecurityGroup;
            rows.things.push(thing(
                kind,
                row.id,
                row.project_id,
                row.state,
                row.updated_at,
            ));
        }
        self.routers(rows).await?;
        // After the addresses: the port of an address is there when its address is.
        let ports = PortFilter {
            deleting_too: true,
            ..PortFilter::default()
        };
        for view in store.ports(&ports).await? {
            let row = view.port;
            if row.device_owner == ROUTER_INTERFACE {
                rows.things.push(thing(
                    RealizationKind::RouterInterface,
                    row.id.clone(),
                    row.project_id.clone(),
                    row.state,
                    row.updated_at,
                ));
            }
            let kind = RealizationKind::Port;
            rows.things.push(Thing {
                network_id: Some(row.network_id),
                device_id: row.device_id,
                device_owner: row.device_owner,
                created_by_gateway: row.created_by_gateway,
                ..thing(kind, row.id, row.project_id, row.state, row.updated_at)
            });
        }
        Ok(())
    }

    async fn routers(&self, rows: &mut Rows) -> Result<(), DbError> {
        let routers = RouterFilter {
            deleting_too: true,
            ..RouterFilter::default()
        };
        for row in self.store.routers(&routers).await? {
            for kind in [RealizationKind::Router, RealizationKind::BridgePort] {
                rows.things.push(thing(
                    kind,
                    row.id.clone(),
                    row.project_id.clone(),
                    row.state,
                    row.updated_at,
                ));
            }
        }
        let floating = FloatingIpFilter {
            deleting_too: true,
            ..FloatingIpFilter::default()
        };
        for row in self.store.floating_ips(&floating).await? {
            let (kind, state, at) = (RealizationKind::FloatingIp, row.state, row.updated_at);
            if let Some(port) = row.port_id {
                let project = row.project_id.clone();
                let kind = RealizationKind::FloatingTarget;
                rows.things.push(thing(kind, port, project, state, at));
            }
            // One that is being deleted leads nowhere: its pod's row knows the router.
            let router = rows
                .realizations
                .iter()
                .find(|held| held.kind == kind && held.top_id == row.id)
                .and_then(|held| serde_json::from_str::<serde_json::Value>(&held.data).ok())
                .and_then(|data| data["router"].as_str().map(str::to_owned));
            rows.things.push(Thing {
                device_id: row.router_id.or(router).unwrap_or_default(),
                ..thing(kind, row.id, row.project_id, state, at)
            });
        }
        Ok(())
    }
}

fn thing(
    kind: RealizationKind,
    id: String,
    project_id: String,
    state: RowState,
    updated_at: tricircle_db::Timestamp,
) -> Thing {
    Thing {
        kind,
        id,
        project_id,
        state,
        updated_at,
        network_id: None,
        device_id: String::new(),
        device_owner: String::new(),
        created_by_gateway: false,
    }
}
