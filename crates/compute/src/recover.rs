//! The job that ends an unfinished create.

use async_trait::async_trait;
use serde_json::Value;
use tricircle_db::models::{Routing, RoutingState};
use tricircle_jobs::{JobError, JobKind, JobRun};
use tricircle_pods::{PodError, PodSession, Service};

use crate::fault::{network_job_error, pod_job_error};
use crate::{Compute, INTENT_HINT, SERVER_RECOVER};

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
        let Some(intent) = store.routing_by_id(run.resource_id()).await? else {
            return Err(JobError::gone("the intent is gone"));
        };
        match intent.state {
            // From here on the request that began it cannot complete it any more.
            RoutingState::Creating => {
                let from = [RoutingState::Creating];
                store
                    .routing_move(&intent.id, &from, RoutingState::Recovering)
                    .await?;
            }
            RoutingState::Recovering => {}
            _ => return Ok(()),
        }
        let admin = pods
            .admin(&intent.pod_id, run.request_id())
            .map_err(|error| pod_job_error(&intent.pod_id, error))?;
        let found = find_by_mark(&admin, &intent)
            .await
            .map_err(|error| pod_job_error(&intent.pod_id, error))?;
        run.check()?;
        let from = [RoutingState::Recovering];
        match found {
            Some(server_id) => {
                let zone = intent.availability_zone.clone().unwrap_or_default();
                let owner = format!("compute:{zone}");
                store
                    .intent_complete(&intent.id, &from, &server_id, &owner, "")
                    .await?;
                tracing::info!(
                    server.id = server_id,
                    "adopted the server of an unfinished create"
                );
            }
            None => {
                network
                    .release(&intent.id, &intent.pod_id)
                    .await
                    .map_err(|error| network_job_error(&intent.pod_id, error))?;
                store
                    .routing_move(&intent.id, &from, RoutingState::Failed)
                    .await?;
                tracing::info!(intent.id = intent.id, "undid an unfinished create");
            }
        }
        Ok(())
    }
}

/// The server in the pod that carries the intent's mark.
///
/// The mark is a scheduler hint, which lists show from 2.100 on. Only servers that
/// changed since the intent are read.
async fn find_by_mark(admin: &PodSession, intent: &Routing) -> Result<Option<String>, PodError> {
    let session = admin.clone().at_compute_version("2.100");
    let mut marker: Option<String> = None;
    loop {
        let path = changed_since(intent, marker.as_deref());
        let body = session.get_json(Service::Compute, &path).await?;
        let Some(servers) = body.get("servers").and_then(Value::as_array) else {
            return Err(PodError::Malformed {
                pod: admin.pod().region().to_owned(),
                why: "no servers in a list".to_owned(),
            });
        };
        let marked = servers.iter().find(|server| {
            server
                .pointer(&format!("/scheduler_hints/{INTENT_HINT}"))
                .is_some_and(|hint| is_mark(hint, &intent.id))
                && server.get("status").and_then(Value::as_str) != Some("DELETED")
        });
        let id = |server: &Value| server.get("id").and_then(Value::as_str).map(str::to_owned);
        if let Some(server) = marked {
            return Ok(id(server));
        }
        marker = servers.last().and_then(id);
        if body.get("servers_links").is_none() || marker.is_none() {
            return Ok(None);
        }
    }
}

/// A page of the project's servers that changed since the intent, deleted ones too.
fn changed_since(intent: &Routing, marker: Option<&str>) -> String {
    // The pod's clock may be behind ours.
    let since = intent.created_at - std::time::Duration::from_secs(600);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("all_tenants", "1");
    query.append_pair("project_id", &intent.project_id);
    query.append_pair(
        "changes-since",
        &since.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    );
    if let Some(marker) = marker {
        query.append_pair("marker", marker);
    }
    format!("/servers/detail?{}", query.finish())
}

/// Nova keeps each hint as a list in newer releases and as a text in older ones.
fn is_mark(hint: &Value, intent_id: &str) -> bool {
    match hint {
        Value::String(text) => text == intent_id,
        Value::Array(list) => list.iter().any(|item| is_mark(item, intent_id)),
        _ => false,
    }
}
