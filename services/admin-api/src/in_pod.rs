//! Whether a pod has what a routing says, and whose it is there.

use serde_json::Value;
use tricircle_api::{Fault, chain};
use tricircle_db::models::{RealizationKind, RoutingKind};
use tricircle_pods::{PodError, Service};

use crate::routing_body::Kind;
use crate::state::State;

/// A thing as its pod shows it to an administrator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InPod {
    pub(crate) project_id: String,
    pub(crate) user_id: String,
    pub(crate) name: String,
    pub(crate) size_gb: i32,
}

/// Asks the pod; `None` when it has no such thing.
pub(crate) async fn look(
    state: &State,
    kind: Kind,
    pod_id: &str,
    id: &str,
    request_id: &str,
) -> Result<Option<InPod>, Fault> {
    let (service, collection, member) = place(kind);
    let session = state.pods.admin(pod_id, request_id).map_err(away)?;
    match session
        .get_json(service, &format!("/{collection}/{id}"))
        .await
    {
        Ok(body) => Ok(body.get(member).map(read)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(away(error)),
    }
}

fn place(kind: Kind) -> (Service, &'static str, &'static str) {
    match kind {
        Kind::Routing(RoutingKind::Server) => (Service::Compute, "servers", "server"),
        Kind::Routing(RoutingKind::Volume) => (Service::Volume, "volumes", "volume"),
        Kind::Routing(RoutingKind::Snapshot) => (Service::Volume, "snapshots", "snapshot"),
        Kind::Routing(RoutingKind::Backup) => (Service::Volume, "backups", "backup"),
        Kind::Realization(RealizationKind::Subnet) => (Service::Network, "subnets", "subnet"),
        Kind::Realization(RealizationKind::Port) => (Service::Network, "ports", "port"),
        Kind::Realization(RealizationKind::SecurityGroup) => {
            (Service::Network, "security-groups", "security_group")
        }
        Kind::Realization(_) => (Service::Network, "networks", "network"),
    }
}

fn read(shown: &Value) -> InPod {
    let text = |keys: &[&str]| {
        let mut found = keys.iter().filter_map(|key| shown.get(*key)?.as_str());
        found.next().unwrap_or_default().to_owned()
    };
    let size = shown.get("size").and_then(Value::as_i64);
    InPod {
        project_id: text(&[
            "tenant_id",
            "project_id",
            "os-vol-tenant-attr:tenant_id",
            "os-extended-snapshot-attributes:project_id",
            "os-backup-project-attr:project_id",
        ]),
        user_id: text(&["user_id"]),
        name: text(&["name"]).chars().take(255).collect(),
        size_gb: size.and_then(|size| i32::try_from(size).ok()).unwrap_or(0),
    }
}

fn away(error: PodError) -> Fault {
    let pod = error.region().unwrap_or("of the routing").to_owned();
    Fault::pod_unavailable(&pod, chain(&error))
}
