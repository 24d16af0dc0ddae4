//! The job that ends an unfinished create.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tricircle_db::models::{PortFilter, RealizationKind, Routing, RoutingKind, RoutingState};
use tricircle_failpoint::hit;
use tricircle_intent::servers::{self, PodServer};
use tricircle_intent::{pod_job_error, take_over};
use tricircle_jobs::{JobError, JobKind, JobRun};
use tricircle_pods::{PodError, PodSession, Service};

use crate::fault::network_job_error;
use crate::{Compute, SERVER_RECOVER};

/// Finds the server that an unfinished create may have left in the pod: adopts it, or
/// removes what was made for it.
#[derive(Debug, Clone)]
pub struct ServerRecover(pub Compute);

#[async_trait]
impl JobKind for ServerRecover {
    fn name(&self) -> &'static str {
        SERVER_RECOVER
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let Compute {
            store,
            pods,
            network,
            ..
        } = &self.0;
        let Some(intent) = take_over(store, run.resource_id()).await? else {
            return Ok(());
        };
        hit("server_recover.taken_over");
        let pod_id = &intent.pod_id;
        let admin = pods
            .admin(pod_id, run.request_id())
            .map_err(|error| pod_job_error(pod_id, error))?;
        let found = self.find(&admin, &intent).await?;
        run.check()?;
        let from = [RoutingState::Recovering];
        match found {
            Some(server_id) => {
                let zone = intent.availability_zone.clone().unwrap_or_default();
                let owner = format!("compute:{zone}");
                store
                    .intent_complete(&intent.id, &from, &server_id, &owner, "")
                    .await?;
                hit("server_recover.adopted");
                tracing::info!(
                    server.id = server_id,
                    "adopted the server of an unfinished create"
                );
            }
            None => {
                // Whoever made ports for it gave up before this job was due.
                network
                    .release_abandoned(&intent.id, pod_id)
                    .await
                    .map_err(|error| network_job_error(pod_id, error))?;
                hit("server_recover.released");
                store
                    .routing_move(&intent.id, &from, RoutingState::Failed)
                    .await?;
                tracing::info!(intent.id = intent.id, "undid an unfinished create");
            }
        }
        Ok(())
    }
}

impl ServerRecover {
    /// The server in the pod that was made for the intent: by its mark or, in a pod that
    /// does not show marks, by what else is known of it.
    async fn find(&self, admin: &PodSession, intent: &Routing) -> Result<Option<String>, JobError> {
        let in_pod = |error| pod_job_error(&intent.pod_id, error);
        let listed = servers::list(admin, Some(&intent.project_id))
            .await
            .map_err(in_pod)?;
        if listed.marks_shown {
            return Ok(by_mark(&listed.servers, &intent.id));
        }
        let by_ports = self.devices_of_ports(admin, intent).await?;
        let mut free = Vec::new();
        for server in listed.servers {
            let known = self
                .0
                .store
                .routing_by_top(RoutingKind::Server, &server.id)
                .await?;
            // One that was found in a list has a routing, but was made by nobody here.
            if known.is_none_or(|row| row.user_id.is_empty()) {
                free.push(server);
            }
        }
        Ok(without_mark(&free, &by_ports, intent))
    }

    /// What the pod says uses the ports that were made for the intent there.
    async fn devices_of_ports(
        &self,
        admin: &PodSession,
        intent: &Routing,
    ) -> Result<BTreeSet<String>, JobError> {
        let filter = PortFilter {
            device_ids: vec![intent.id.clone()],
            deleting_too: true,
            ..PortFilter::default()
        };
        let mut devices = BTreeSet::new();
        for view in self.0.store.ports(&filter).await? {
            let row = self
                .0
                .store
                .realization_find(RealizationKind::Port, &view.port.id, &intent.pod_id)
                .await?;
            let Some(bottom_id) = row.and_then(|row| row.bottom_id) else {
                continue;
            };
            let path = format!("/ports/{bottom_id}?fields=device_id");
            match admin.get_json(Service::Network, &path).await {
                Ok(body) => {
                    let device = body.pointer("/port/device_id").and_then(Value::as_str);
                    devices.extend(device.filter(|id| !id.is_empty()).map(str::to_owned));
                }
                Err(error) if PodError::is_not_found(&error) => {}
                Err(error) => return Err(pod_job_error(&intent.pod_id, error)),
            }
        }
        Ok(devices)
    }
}

fn by_mark(servers: &[PodServer], intent_id: &str) -> Option<String> {
    let marked = servers
        .iter()
        .find(|server| server.intent.as_deref() == Some(intent_id));
    marked.map(|server| server.id.clone())
}

/// The server of an intent among those that no intent has: the one that has its ports.
/// Nova gives a server its ports only once it is built; until then, or without ports, it
/// is the one of the same name and user that was made closest to the intent. The pod's
/// clock decides between several and excludes none.
fn without_mark(
    free: &[PodServer],
    by_ports: &BTreeSet<String>,
    intent: &Routing,
) -> Option<String> {
    let with_port = free.iter().find(|server| by_ports.contains(&server.id));
    let distance = |server: &PodServer| {
        let created = DateTime::parse_from_rfc3339(&server.created);
        created.map_or(i64::MAX, |created| {
            let apart = created.with_timezone(&Utc).naive_utc() - intent.created_at;
            apart.num_seconds().abs()
        })
    };
    let alike = || {
        free.iter()
            .filter(|server| {
                server.name == intent.name
                    && server.user_id == intent.user_id
                    && server.project_id == intent.project_id
            })
            .min_by_key(|server| (distance(server), server.id.clone()))
    };
    with_port.or_else(alike).map(|server| server.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(id: &str, name: &str, created: &str) -> PodServer {
        PodServer {
            id: id.to_owned(),
            name: name.to_owned(),
            project_id: "p".to_owned(),
            user_id: "u".to_owned(),
            created: created.to_owned(),
            status: "BUILD".to_owned(),
            intent: None,
        }
    }

    fn intent() -> Routing {
        let created = DateTime::parse_from_rfc3339("2026-11-22T10:00:00Z").unwrap();
        let created = created.naive_utc();
        Routing {
            id: "intent".to_owned(),
            kind: RoutingKind::Server,
            top_id: None,
            pod_id: "pod".to_owned(),
            bottom_id: None,
            project_id: "p".to_owned(),
            user_id: "u".to_owned(),
            name: "vm".to_owned(),
            state: RoutingState::Recovering,
            availability_zone: None,
            flavor_id: None,
            image_id: None,
            vcpus: 1,
            ram_mb: 1,
            size_gb: 0,
            reservation_id: None,
            request_id: String::new(),
            created_at: created,
            updated_at: created,
            deleted_at: None,
        }
    }

    #[test]
    fn a_pod_without_marks_is_asked_for_ports_and_then_for_likeness() {
        let found = |servers: &[PodServer], ports: &[&str]| {
            let ports = ports.iter().map(|id| (*id).to_owned()).collect();
            without_mark(servers, &ports, &intent())
        };
        let near = server("near", "vm", "2026-11-22T10:00:20Z");
        let far = server("far", "vm", "2026-11-22T08:00:00Z");
        let other = server("other", "db", "2026-11-22T10:00:01Z");
        let all = [far.clone(), other.clone(), near];
        assert_eq!(found(&all, &["far"]).as_deref(), Some("far"));
        assert_eq!(found(&all, &[]).as_deref(), Some("near"));
        // A pod whose clock is hours off has one all the same.
        assert_eq!(
            found(&[far.clone(), other.clone()], &[]).as_deref(),
            Some("far")
        );
        assert_eq!(found(&[other], &["elsewhere"]), None);
        let mut of_another = far;
        of_another.user_id = "somebody".to_owned();
        assert_eq!(found(&[of_another], &[]), None);
    }
}
