//! Which attributes a resource has, who may set them when, and their defaults.
//!
//! The checks and their order are those of Neutron's API layer, which come
//! before any plug-in code: required, unknown, type, policy.

use serde_json::{Value, json};

use super::{Object, bad_request, forbidden};
use crate::ids;
use crate::keystone::Caller;

/// The type of an attribute's value, as far as it is checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Flag,
    Number,
    Uuid,
    UuidList,
    Mac,
    Address,
    Anything,
}

/// Who may set an attribute, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Set {
    Never,
    OnCreate,
    OnUpdate,
    Always,
    ByAdmin,
    ByAdminOnCreate,
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) set: Set,
    pub(super) required: bool,
}

pub(super) const fn attribute(name: &'static str, kind: Kind, set: Set) -> Attribute {
    Attribute {
        name,
        kind,
        set,
        required: false,
    }
}

pub(super) const fn required(name: &'static str, kind: Kind) -> Attribute {
    Attribute {
        name,
        kind,
        set: Set::OnCreate,
        required: true,
    }
}

/// Attributes that every resource has.
const EVERYWHERE: &[Attribute] = &[
    attribute("id", Kind::Uuid, Set::Never),
    attribute("project_id", Kind::Text, Set::OnCreate),
    attribute("tenant_id", Kind::Text, Set::OnCreate),
    attribute("description", Kind::Text, Set::Always),
    attribute("tags", Kind::Anything, Set::OnCreate),
    attribute("created_at", Kind::Text, Set::Never),
    attribute("updated_at", Kind::Text, Set::Never),
    attribute("revision_number", Kind::Number, Set::Never),
];

pub(super) fn find(own: &[Attribute], name: &str) -> Option<Attribute> {
    own.iter()
        .chain(EVERYWHERE)
        .find(|a| a.name == name)
        .copied()
}

/// Checks the object of a create.
pub(super) fn check_create(
    own: &[Attribute],
    resource: &str,
    given: &Object,
    caller: &Caller,
) -> Result<(), super::Reply> {
    for attribute in own.iter().filter(|a| a.required) {
        if !given.contains_key(attribute.name) {
            return Err(bad_request(&format!(
                "Failed to parse request. Required attribute '{}' not specified",
                attribute.name
            )));
        }
    }
    check_known(own, given)?;
    for (name, value) in given {
        let Some(attribute) = find(own, name) else {
            continue;
        };
        if matches!(attribute.set, Set::Never | Set::OnUpdate) {
            return Err(bad_request(&format!(
                "Attribute '{name}' not allowed in POST"
            )));
        }
        check_kind(attribute, value)?;
    }
    check_policy(own, &format!("create_{resource}"), given, caller)
}

/// Checks the object of an update.
pub(super) fn check_update(
    own: &[Attribute],
    resource: &str,
    given: &Object,
    caller: &Caller,
) -> Result<(), super::Reply> {
    check_known(own, given)?;
    for (name, value) in given {
        let Some(attribute) = find(own, name) else {
            continue;
        };
        if matches!(
            attribute.set,
            Set::Never | Set::OnCreate | Set::ByAdminOnCreate
        ) {
            return Err(bad_request(&format!(
                "Cannot update read-only attribute {name}"
            )));
        }
        check_kind(attribute, value)?;
    }
    check_policy(own, &format!("update_{resource}"), given, caller)
}

fn check_known(own: &[Attribute], given: &Object) -> Result<(), super::Reply> {
    let unknown: Vec<String> = given
        .keys()
        .filter(|name| find(own, name).is_none())
        .map(|name| format!("'{name}'"))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(bad_request(&format!(
        "Unrecognized attribute(s) {}",
        unknown.join(", ")
    )))
}

fn check_policy(
    own: &[Attribute],
    rule: &str,
    given: &Object,
    caller: &Caller,
) -> Result<(), super::Reply> {
    if !caller.is_member() && !caller.is_service() {
        return Err(forbidden(&format!("rule:{rule}")));
    }
    if caller.is_admin() || caller.is_service() {
        return Ok(());
    }
    let guarded = given.iter().find(|(name, value)| {
        find(own, name).is_some_and(|a| matches!(a.set, Set::ByAdmin | Set::ByAdminOnCreate))
            && !matches!(value, Value::Null | Value::Bool(false))
    });
    match guarded {
        Some((name, _)) => Err(forbidden(&format!("(rule:{rule} and rule:{rule}:{name})"))),
        None => Ok(()),
    }
}

fn check_kind(attribute: Attribute, value: &Value) -> Result<(), super::Reply> {
    let shown = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let refuse = |reason: String| {
        Err(bad_request(&format!(
            "Invalid input for {}. Reason: {reason}",
            attribute.name
        )))
    };
    match (attribute.kind, value) {
        (Kind::Text, Value::String(text)) if text.chars().count() > 255 => {
            refuse(format!("'{text}' exceeds maximum length of 255."))
        }
        (Kind::Text, Value::String(_) | Value::Null) => Ok(()),
        (Kind::Text, _) => refuse(format!("'{shown}' is not a valid string.")),
        (Kind::Flag, Value::Bool(_)) => Ok(()),
        (Kind::Flag, _)
            if matches!(shown.to_lowercase().as_str(), "true" | "false" | "0" | "1") =>
        {
            Ok(())
        }
        (Kind::Flag, _) => refuse(format!("'{shown}' cannot be converted to boolean.")),
        (Kind::Number, Value::Number(_) | Value::Null) => Ok(()),
        (Kind::Number, _) if shown.parse::<i64>().is_ok() => Ok(()),
        (Kind::Number, _) => refuse(format!("'{shown}' is not an integer.")),
        (Kind::Uuid, Value::String(text)) if ids::is_uuid(text) => Ok(()),
        (Kind::Uuid, Value::Null) => Ok(()),
        (Kind::Uuid, _) => refuse(format!("'{shown}' is not a valid UUID.")),
        (Kind::UuidList, Value::Array(items)) => {
            let bad = items
                .iter()
                .find(|item| !item.as_str().is_some_and(ids::is_uuid));
            match bad {
                Some(item) => refuse(format!(
                    "'{}' is not a valid UUID.",
                    item.as_str().unwrap_or_default()
                )),
                None => Ok(()),
            }
        }
        (Kind::Mac, Value::String(text)) if is_mac(text) => Ok(()),
        (Kind::Mac, Value::Null) => Ok(()),
        (Kind::Mac, _) => refuse(format!("'{shown}' is not a valid MAC address.")),
        (Kind::Address, Value::Null) => Ok(()),
        (Kind::Address, _) if shown.parse::<std::net::IpAddr>().is_ok() => Ok(()),
        (Kind::Address, _) => refuse(format!("'{shown}' is not a valid IP address.")),
        _ => Ok(()),
    }
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 6
        && parts
            .iter()
            .all(|part| part.len() == 2 && part.chars().all(|c| c.is_ascii_hexdigit()))
}

/// The boolean that Neutron makes of a value.
pub(super) fn flag(given: &Object, name: &str, default: bool) -> Value {
    match given.get(name) {
        Some(Value::Bool(value)) => json!(value),
        Some(Value::String(text)) => json!(crate::request::truthy(text)),
        Some(Value::Number(number)) => json!(number.as_i64() != Some(0)),
        _ => json!(default),
    }
}
