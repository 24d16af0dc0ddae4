//! Bringing a pod's flavors to the top.
//!
//! The top owns flavors: what users see is one list. A flavor that a pod brings
//! and the top does not know becomes the top's; one that both have under the
//! same id must be the same, else servers of that flavor would differ from pod
//! to pod, and the operator is told.

use serde_json::{Map, Value, json};
use tricircle_db::models::Flavor;
use uuid::Uuid;

/// What becomes of one flavor of the pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Import {
    /// The top gets it.
    Add(Box<Flavor>),
    /// The top has the same.
    Known(String),
    /// The top has another one under this id or name.
    Conflict {
        flavor_id: String,
        name: String,
        differs: Vec<&'static str>,
    },
}

/// Reads a flavor of Nova's answer (microversion 2.61); `None` for what is no
/// flavor.
pub(crate) fn read(flavor: &Value) -> Option<Flavor> {
    let number = |name: &str| {
        flavor
            .get(name)
            .and_then(Value::as_i64)
            .and_then(|n| i32::try_from(n).ok())
    };
    let now = tricircle_db::now();
    Some(Flavor {
        id: Uuid::new_v4().to_string(),
        flavor_id: flavor.get("id")?.as_str()?.to_owned(),
        name: flavor.get("name")?.as_str()?.to_owned(),
        memory_mb: number("ram")?,
        vcpus: number("vcpus")?,
        root_gb: number("disk")?,
        ephemeral_gb: number("OS-FLV-EXT-DATA:ephemeral").unwrap_or(0),
        // Before 2.75 no swap is an empty string.
        swap_mb: number("swap").unwrap_or(0),
        rxtx_factor: flavor
            .get("rxtx_factor")
            .and_then(Value::as_f64)
            .unwrap_or(1.0),
        is_public: flavor
            .get("os-flavor-access:is_public")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        disabled: flavor
            .get("OS-FLV-DISABLED:disabled")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        description: flavor
            .get("description")
            .and_then(Value::as_str)
            .map(str::to_owned),
        extra_specs: specs_of(flavor.get("extra_specs")).to_string(),
        created_at: now,
        updated_at: now,
    })
}

/// Extra specs in one order, so that equal ones are equal as text.
fn specs_of(specs: Option<&Value>) -> Value {
    let mut pairs: Vec<(&String, &Value)> = specs
        .and_then(Value::as_object)
        .map(|specs| specs.iter().collect())
        .unwrap_or_default();
    pairs.sort_by_key(|(name, _)| *name);
    let sorted: Map<String, Value> = pairs
        .into_iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(sorted)
}

/// Decides for each flavor of the pod.
pub(crate) fn plan(top: &[Flavor], pod: Vec<Flavor>) -> Vec<Import> {
    pod.into_iter()
        .map(|flavor| {
            if let Some(same_id) = top.iter().find(|t| t.flavor_id == flavor.flavor_id) {
                let differs = differences(same_id, &flavor);
                return if differs.is_empty() {
                    Import::Known(flavor.flavor_id)
                } else {
                    Import::Conflict {
                        flavor_id: flavor.flavor_id,
                        name: flavor.name,
                        differs,
                    }
                };
            }
            if top.iter().any(|t| t.name == flavor.name) {
                return Import::Conflict {
                    flavor_id: flavor.flavor_id,
                    name: flavor.name,
                    differs: vec!["id"],
                };
            }
            Import::Add(Box::new(flavor))
        })
        .collect()
}

fn differences(one: &Flavor, other: &Flavor) -> Vec<&'static str> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let specs = |flavor: &Flavor| specs_of(Some(&parse(&flavor.extra_specs)));
    [
        ("name", one.name != other.name),
        ("ram", one.memory_mb != other.memory_mb),
        ("vcpus", one.vcpus != other.vcpus),
        ("disk", one.root_gb != other.root_gb),
        ("ephemeral", one.ephemeral_gb != other.ephemeral_gb),
        ("swap", one.swap_mb != other.swap_mb),
        ("is_public", one.is_public != other.is_public),
        ("extra_specs", specs(one) != specs(other)),
    ]
    .into_iter()
    .filter_map(|(name, differ)| differ.then_some(name))
    .collect()
}

/// The plan as the registration's report shows it.
pub(crate) fn report(plan: &[Import]) -> Value {
    let mut imported = Vec::new();
    let mut known = Vec::new();
    let mut conflicts = Vec::new();
    for import in plan {
        match import {
            Import::Add(flavor) => {
                imported.push(json!({"id": flavor.flavor_id, "name": flavor.name}))
            }
            Import::Known(id) => known.push(json!(id)),
            Import::Conflict {
                flavor_id,
                name,
                differs,
            } => conflicts.push(json!({"id": flavor_id, "name": name, "differs": differs})),
        }
    }
    json!({"imported": imported, "known": known, "conflicts": conflicts})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flavor(id: &str, name: &str, ram: i64) -> Flavor {
        read(&json!({
            "id": id, "name": name, "ram": ram, "vcpus": 1, "disk": 1, "swap": "",
            "OS-FLV-EXT-DATA:ephemeral": 0, "rxtx_factor": 1.0,
            "os-flavor-access:is_public": true, "OS-FLV-DISABLED:disabled": false,
            "description": null, "extra_specs": {"b": "2", "a": "1"},
        }))
        .unwrap()
    }

    #[test]
    fn each_flavor_is_added_known_or_in_conflict() {
        let top = [flavor("1", "tiny", 64), flavor("2", "small", 128)];
        let plan = plan(
            &top,
            vec![
                flavor("1", "tiny", 64),
                flavor("2", "small", 256),
                flavor("3", "tiny", 64),
                flavor("4", "large", 512),
            ],
        );
        assert_eq!(plan.len(), 4);
        assert_eq!(
            report(&plan),
            json!({
                "imported": [{"id": "4", "name": "large"}],
                "known": ["1"],
                "conflicts": [
                    {"id": "2", "name": "small", "differs": ["ram"]},
                    {"id": "3", "name": "tiny", "differs": ["id"]},
                ],
            })
        );
    }

    #[test]
    fn extra_specs_compare_whatever_their_order() {
        let one = flavor("1", "tiny", 64);
        let mut other = flavor("1", "tiny", 64);
        other.extra_specs = r#"{"b": "2", "a": "1"}"#.to_owned();
        assert!(differences(&one, &other).is_empty());
        other.extra_specs = r#"{"a": "1"}"#.to_owned();
        assert_eq!(differences(&one, &other), ["extra_specs"]);
    }

    #[test]
    fn what_is_no_flavor_is_left_out() {
        assert_eq!(read(&json!({"id": "1", "name": "x"})), None);
        assert_eq!(read(&json!(null)), None);
    }
}
