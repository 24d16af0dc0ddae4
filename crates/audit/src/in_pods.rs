//! What the pods have: all pods, and all services of each, at once.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;
use tricircle_intent::{MARK, servers};
use tricircle_pods::{PodEntry, PodError, PodSession, Pods, Service};

use crate::{Object, ObjectKind, PodSeen};

/// What the realization of a thing of the top has in front of its id.
const DESCRIBED: &str = "tricircle:";

/// Asks every pod that is registered.
pub(crate) async fn all(pods: &Pods, request_id: &str) -> Vec<PodSeen> {
    let snapshot = pods.snapshot();
    join_all(
        snapshot
            .all
            .iter()
            .map(|entry| one(pods, entry, request_id)),
    )
    .await
}

async fn one(pods: &Pods, entry: &Arc<PodEntry>, request_id: &str) -> PodSeen {
    let parts = match pods.admin(entry.id(), request_id) {
        Ok(admin) => {
            let admin = &admin;
            join_all(ObjectKind::ALL.map(|kind| async move {
                let part = read(admin, kind).await;
                (kind, part.map_err(|error| with_causes(&error)))
            }))
            .await
        }
        Err(error) => {
            let why = with_causes(&error);
            let part = |kind| (kind, Err(why.clone()));
            ObjectKind::ALL.map(part).into()
        }
    };
    PodSeen {
        id: entry.id().to_owned(),
        region: entry.region().to_owned(),
        parts,
    }
}

/// The error with its causes.
fn with_causes(error: &PodError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

async fn read(admin: &PodSession, kind: ObjectKind) -> Result<Vec<Object>, PodError> {
    match kind {
        ObjectKind::Server => {
            let found = servers::list(admin, None).await?;
            let objects = found.servers.into_iter().map(|server| Object {
                id: server.id,
                name: server.name,
                project_id: server.project_id,
                user_id: server.user_id,
                mark: server.intent,
                device_id: String::new(),
            });
            Ok(objects.collect())
        }
        ObjectKind::Volume => {
            let path = "/volumes/detail?all_tenants=1";
            let volumes = pages(admin, Service::Volume, path, "volumes").await?;
            let pointer = format!("/metadata/{MARK}");
            let objects = volumes.iter().map(|volume| Object {
                id: text(volume, "/id"),
                name: text(volume, "/name"),
                project_id: text(volume, "/os-vol-tenant-attr:tenant_id"),
                user_id: text(volume, "/user_id"),
                mark: Some(text(volume, &pointer)).filter(|mark| !mark.is_empty()),
                device_id: String::new(),
            });
            Ok(objects.collect())
        }
        _ => match kind.in_neutron() {
            Some((collection, infix)) => match network(admin, collection, infix).await {
                // A pod need not have the extension.
                Err(error) if kind == ObjectKind::AddressGroup && error.is_not_found() => {
                    Ok(Vec::new())
                }
                found => found,
            },
            None => Ok(Vec::new()),
        },
    }
}

/// A collection of the pod's Neutron. Of ports there are several kinds, told apart by their
/// marks: each shows those of the others as nobody's.
async fn network(
    admin: &PodSession,
    collection: &str,
    infix: &str,
) -> Result<Vec<Object>, PodError> {
    let device = if collection == "ports" {
        "&fields=device_id"
    } else {
        ""
    };
    let path =
        format!("/{collection}?fields=id&fields=name&fields=project_id&fields=description{device}");
    let key = collection.replace('-', "_");
    let found = pages(admin, Service::Network, &path, &key).await?;
    let objects = found.iter().map(|one| Object {
        id: text(one, "/id"),
        name: text(one, "/name"),
        project_id: text(one, "/project_id"),
        user_id: String::new(),
        mark: text(one, "/description")
            .strip_prefix(DESCRIBED)
            .and_then(|mark| mark.strip_prefix(infix))
            .filter(|id| !id.contains(':'))
            .map(str::to_owned),
        device_id: text(one, "/device_id"),
    });
    Ok(objects.collect())
}

/// A whole collection, page after page where the service insists on pages.
async fn pages(
    admin: &PodSession,
    service: Service,
    path: &str,
    key: &str,
) -> Result<Vec<Value>, PodError> {
    let mut all: Vec<Value> = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let page = match &marker {
            Some(marker) => format!("{path}&marker={marker}"),
            None => path.to_owned(),
        };
        let mut body = admin.get_json(service, &page).await?;
        let Some(Value::Array(items)) = body.get_mut(key).map(Value::take) else {
            return Err(PodError::Malformed {
                pod: admin.pod().region().to_owned(),
                why: format!("no {key} in a list"),
            });
        };
        let more = body
            .get(format!("{key}_links"))
            .and_then(Value::as_array)
            .is_some_and(|links| links.iter().any(|link| link["rel"] == "next"));
        let last = items.last().map(|item| text(item, "/id"));
        all.extend(items);
        if !more || last.is_none() || last == marker {
            return Ok(all);
        }
        marker = last;
    }
}

fn text(object: &Value, pointer: &str) -> String {
    let value = object.pointer(pointer).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}
