//! Servers in a pod with the mark of their intent, where the pod shows it.
//!
//! The mark is a scheduler hint. Nova keeps hints that it does not know, and shows them
//! from 2.100 on; an older pod answers 406 to that version, and is asked without it.

use serde_json::Value;
use tricircle_pods::{PodError, PodSession, Service};

use crate::MARK;

/// The first microversion at which a server shows its hints.
const WITH_HINTS: &str = "2.100";

/// A server as a list shows it to an administrator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodServer {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Owner.
    pub project_id: String,
    /// Who made it.
    pub user_id: String,
    /// When, by the pod's clock; RFC 3339.
    pub created: String,
    /// `ACTIVE`, ...
    pub status: String,
    /// The intent it was made for.
    pub intent: Option<String>,
}

/// Servers, and whether their marks could be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodServers {
    /// The servers, deleted ones left out.
    pub servers: Vec<PodServer>,
    /// False: the pod is older than 2.100 and `intent` says nothing.
    pub marks_shown: bool,
}

/// All servers of a project, or of all, that a pod has.
///
/// Not narrowed by time: the pod's clock may be wrong.
pub async fn list(admin: &PodSession, project_id: Option<&str>) -> Result<PodServers, PodError> {
    let newest = admin.clone().at_compute_version(WITH_HINTS);
    match pages(&newest, project_id).await {
        Ok(servers) => Ok(PodServers {
            servers,
            marks_shown: true,
        }),
        Err(error) if error.code() == Some(406) => Ok(PodServers {
            servers: pages(admin, project_id).await?,
            marks_shown: false,
        }),
        Err(error) => Err(error),
    }
}

async fn pages(session: &PodSession, project_id: Option<&str>) -> Result<Vec<PodServer>, PodError> {
    let mut all: Vec<PodServer> = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let path = page_path(project_id, marker.as_deref());
        let body = session.get_json(Service::Compute, &path).await?;
        let Some(page) = body.get("servers").and_then(Value::as_array) else {
            return Err(PodError::Malformed {
                pod: session.pod().region().to_owned(),
                why: "no servers in a list".to_owned(),
            });
        };
        let last = page.last().map(|server| text(server, "id"));
        all.extend(
            page.iter()
                .map(read)
                .filter(|server| server.status != "DELETED"),
        );
        // A page that ends where the one before did would be read for ever.
        if body.get("servers_links").is_none() || last.is_none() || last == marker {
            return Ok(all);
        }
        marker = last;
    }
}

fn page_path(project_id: Option<&str>, marker: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("all_tenants", "1");
    if let Some(project_id) = project_id {
        query.append_pair("project_id", project_id);
    }
    if let Some(marker) = marker {
        query.append_pair("marker", marker);
    }
    format!("/servers/detail?{}", query.finish())
}

fn read(server: &Value) -> PodServer {
    PodServer {
        id: text(server, "id"),
        name: text(server, "name"),
        project_id: text(server, "tenant_id"),
        user_id: text(server, "user_id"),
        created: text(server, "created"),
        status: text(server, "status"),
        intent: server
            .pointer(&format!("/scheduler_hints/{MARK}"))
            .and_then(mark),
    }
}

fn text(object: &Value, key: &str) -> String {
    let value = object.get(key).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

/// Nova keeps each hint as a list in newer releases and as a text in older ones.
fn mark(hint: &Value) -> Option<String> {
    match hint {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.iter().find_map(mark),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_mark_is_read_in_both_spellings_and_may_be_missing() {
        let of = |hints: Value| read(&json!({"id": "s", "scheduler_hints": hints})).intent;
        assert_eq!(of(json!({MARK: "i"})).as_deref(), Some("i"));
        assert_eq!(of(json!({MARK: ["i"]})).as_deref(), Some("i"));
        assert_eq!(of(json!({"group": "g"})), None);
        assert_eq!(of(json!(null)), None);
        assert_eq!(of(json!({MARK: 5})), None);
    }
}
