//! What operators write into routings by hand. Pure.

use serde_json::{Map, Value};
use tricircle_api::Fault;
use tricircle_db::models::{RealizationKind, RoutingKind};

/// The longest id.
const LONGEST_ID: usize = 64;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pod owns it.
    Routing(RoutingKind),
    /// The top owns it.
    Realization(RealizationKind),
}

impl Kind {
    /// The word in bodies.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Routing(kind) => kind.as_str(),
            Self::Realization(kind) => kind.as_str(),
        }
    }

    /// Rows of other kinds are more than a pair of ids, and are Tricircle's alone.
    fn parse(word: &str) -> Result<Self, Fault> {
        use RealizationKind::{Network, Port, SecurityGroup, Subnet};
        if let Ok(kind) = word.parse() {
            return Ok(Self::Routing(kind));
        }
        match word.parse() {
            Ok(kind @ (Network | Subnet | Port | SecurityGroup)) => Ok(Self::Realization(kind)),
            _ => Err(Fault::bad_request(format!(
                "A routing of resource_type {word:?} can not be made by hand."
            ))),
        }
    }
}

/// A row to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewRouting {
    pub(crate) kind: Kind,
    pub(crate) top_id: String,
    pub(crate) bottom_id: String,
    /// Id or region of the pod.
    pub(crate) pod: String,
    /// The owner that the operator expects.
    pub(crate) project_id: Option<String>,
}

impl NewRouting {
    pub(crate) fn parse(body: &Map<String, Value>) -> Result<Self, Fault> {
        known(
            body,
            &[
                "resource_type",
                "top_id",
                "bottom_id",
                "pod_id",
                "region_name",
                "project_id",
            ],
        )?;
        let missing = |name: &str| Fault::bad_request(format!("{name} is missing."));
        let kind = id(body, "resource_type")?.ok_or_else(|| missing("resource_type"))?;
        let kind = Kind::parse(&kind)?;
        let top_id = id(body, "top_id")?.ok_or_else(|| missing("top_id"))?;
        let bottom_id = match (kind, id(body, "bottom_id")?) {
            (Kind::Routing(_), Some(other)) if other != top_id => {
                return Err(Fault::bad_request(format!(
                    "A {} has one id at the top and in its pod.",
                    kind.as_str()
                )));
            }
            (Kind::Routing(_), _) => top_id.clone(),
            (Kind::Realization(_), found) => found.ok_or_else(|| missing("bottom_id"))?,
        };
        Ok(Self {
            kind,
            top_id,
            bottom_id,
            pod: pod(body)?.ok_or_else(|| missing("pod_id"))?,
            project_id: id(body, "project_id")?,
        })
    }
}

/// What is to be otherwise in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoutingUpdate {
    /// Id or region of the pod; for what pods own.
    pub(crate) pod: Option<String>,
    /// The id there; for what the top owns.
    pub(crate) bottom_id: Option<String>,
}

impl RoutingUpdate {
    pub(crate) fn parse(body: &Map<String, Value>) -> Result<Self, Fault> {
        known(body, &["pod_id", "region_name", "bottom_id"])?;
        Ok(Self {
            pod: pod(body)?,
            bottom_id: id(body, "bottom_id")?,
        })
    }
}

/// `force`, the one parameter of a delete.
pub(crate) fn force(query: &[(String, String)]) -> Result<bool, Fault> {
    let mut force = false;
    for (name, value) in query {
        force = match (name.as_str(), value.to_ascii_lowercase().as_str()) {
            ("force", "true" | "1") => true,
            ("force", "false" | "0") => false,
            _ => {
                return Err(Fault::bad_request(
                    "A delete takes force=true and nothing else.",
                ));
            }
        };
    }
    Ok(force)
}

fn known(body: &Map<String, Value>, names: &[&str]) -> Result<(), Fault> {
    match body.keys().find(|key| !names.contains(&key.as_str())) {
        Some(key) => Err(Fault::bad_request(format!(
            "{key:?} of a routing can not be written; there are {}.",
            names.join(", ")
        ))),
        None => Ok(()),
    }
}

/// A pod is named by its id or its region.
fn pod(body: &Map<String, Value>) -> Result<Option<String>, Fault> {
    match (id(body, "pod_id")?, text(body, "region_name", 255)?) {
        (Some(_), Some(_)) => Err(Fault::bad_request(
            "The pod is given by pod_id or by region_name, not by both.",
        )),
        (pod_id, region) => Ok(pod_id.or(region)),
    }
}

fn id(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Fault> {
    let found = text(body, name, LONGEST_ID)?;
    // It becomes part of a path in a pod.
    let plain = |id: &str| {
        id.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    match found {
        Some(id) if !plain(&id) => Err(Fault::bad_request(format!("{name} is no id."))),
        other => Ok(other),
    }
}

fn text(body: &Map<String, Value>, name: &str, longest: usize) -> Result<Option<String>, Fault> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.chars().count() <= longest => {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(Fault::bad_request(format!(
            "{name} must be a text of at most {longest} characters."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn new(body: Value) -> Result<NewRouting, u16> {
        NewRouting::parse(body.as_object().unwrap()).map_err(|f| f.status().as_u16())
    }

    #[test]
    fn a_server_has_one_id_and_a_network_two() {
        let server = new(json!({"resource_type": "server", "top_id": "s", "pod_id": "p"}));
        assert_eq!(server.unwrap().bottom_id, "s");
        let network = new(json!({
            "resource_type": "network", "top_id": "n", "bottom_id": "b", "region_name": "Pod1",
        }));
        let network = network.unwrap();
        assert_eq!(network.kind, Kind::Realization(RealizationKind::Network));
        assert_eq!(
            (network.bottom_id.as_str(), network.pod.as_str()),
            ("b", "Pod1")
        );
    }

    #[test]
    fn what_makes_no_sense_is_a_400() {
        for body in [
            json!({}),
            json!({"resource_type": "server", "top_id": "s"}),
            json!({"resource_type": "server", "pod_id": "p"}),
            json!({"resource_type": "server", "top_id": "s", "bottom_id": "t", "pod_id": "p"}),
            json!({"resource_type": "network", "top_id": "n", "pod_id": "p"}),
            json!({"resource_type": "flavor", "top_id": "1", "bottom_id": "1", "pod_id": "p"}),
            json!({"resource_type": "cloud", "top_id": "1", "pod_id": "p"}),
            json!({"resource_type": "server", "top_id": "s/../t", "pod_id": "p"}),
            json!({"resource_type": "server", "top_id": 5, "pod_id": "p"}),
            json!({"resource_type": "server", "top_id": "s", "pod_id": "p", "region_name": "r"}),
            json!({"resource_type": "server", "top_id": "s", "pod_id": "p", "state": "active"}),
        ] {
            assert_eq!(new(body.clone()), Err(400), "{body}");
        }
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert!(force(&pair("force", "true")).unwrap());
        assert!(!force(&[]).unwrap());
        assert!(force(&pair("force", "maybe")).is_err());
        assert!(force(&pair("cascade", "true")).is_err());
    }
}
