//! Bodies of POST and PUT: found, checked against the table, completed.
//!
//! The order of the checks is Neutron's, since it decides which of several
//! faults a request is told about.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::table::{Attribute, Preset, Resource};
use super::{Problem, ResourceError};

/// One checked resource of a body. Attributes that are absent were neither sent
/// nor have a preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// Attribute values by name, in canonical form.
    pub values: Map<String, Value>,
    /// What the user sent and what is not the same as not sending it: what the
    /// policy has to allow.
    pub given: BTreeSet<String>,
}

impl Body {
    /// The value of an attribute; `null` where it is absent.
    pub fn get(&self, name: &str) -> &Value {
        self.values.get(name).unwrap_or(&Value::Null)
    }

    /// The attribute's text, if it has one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).as_str()
    }

    /// The attribute's boolean, if it has one.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).as_bool()
    }

    /// Whether the attribute is there at all, be it as `null`.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The project that owns the resource.
    pub fn project_id(&self) -> &str {
        self.text("project_id").unwrap_or_default()
    }
}

/// What a POST asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    /// One resource, answered as one.
    One(Body),
    /// Several, made together or not at all, answered as a list.
    Many(Vec<Body>),
}

impl Created {
    /// All of them.
    pub fn bodies(&self) -> &[Body] {
        match self {
            Self::One(body) => std::slice::from_ref(body),
            Self::Many(bodies) => bodies,
        }
    }
}

/// Who sends the body, as far as ownership is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// Project of the token.
    pub project_id: &'a str,
    /// Whether the sender may act for other projects.
    pub any_project: bool,
}

impl Resource {
    /// Reads the body of a POST, single or bulk.
    pub fn parse_create(
        &self,
        raw: &[u8],
        project_id: &str,
        any_project: bool,
    ) -> Result<Created, ResourceError> {
        let sender = Sender {
            project_id,
            any_project,
        };
        let mut body = self.envelope(raw)?;
        let Some(many) = body.remove(self.collection) else {
            return Ok(Created::One(self.create_one(body.get(self.name), sender)?));
        };
        let items = match many {
            Value::Array(items) if !items.is_empty() => items,
            Value::String(_) => return Err(self.not_a_map()),
            Value::Number(_) | Value::Bool(true) => return Err(invalid_data()),
            Value::Object(map) if !map.is_empty() => return Err(self.not_a_map()),
            _ => return Err(ResourceError::bad_request("Resources required")),
        };
        items
            .iter()
            .map(|item| match item {
                Value::Object(map) => self.create_one(map.get(self.name).or(Some(item)), sender),
                Value::String(_) | Value::Array(_) => Err(self.not_a_map()),
                _ => Err(invalid_data()),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Created::Many)
    }

    /// Reads the body of a PUT: only what changes.
    pub fn parse_update(
        &self,
        raw: &[u8],
        project_id: &str,
        any_project: bool,
    ) -> Result<Body, ResourceError> {
        let sender = Sender {
            project_id,
            any_project,
        };
        let body = self.envelope(raw)?;
        if body.contains_key(self.collection) {
            return Err(ResourceError::bad_request("Bulk operation not supported"));
        }
        let mut values = self.opened(body.get(self.name))?;
        self.same_project(&mut values, sender)?;
        self.refuse_unknown(&values)?;
        for attribute in self.attributes {
            if values.contains_key(attribute.name) && !attribute.put {
                return Err(ResourceError::bad_request(format!(
                    "Cannot update read-only attribute {}",
                    attribute.name
                )));
            }
        }
        let given = values.keys().cloned().collect();
        self.read(&mut values)?;
        Ok(Body { values, given })
    }

    fn envelope(&self, raw: &[u8]) -> Result<Map<String, Value>, ResourceError> {
        if raw.is_empty() {
            return Err(self.not_in_body());
        }
        match serde_json::from_slice(raw) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(invalid_data()),
        }
    }

    fn not_in_body(&self) -> ResourceError {
        ResourceError::bad_request(format!("Unable to find '{}' in request body", self.name))
    }

    fn not_a_map(&self) -> ResourceError {
        ResourceError::bad_request(format!("Object '{}' contains invalid data", self.name))
    }

    fn opened(&self, value: Option<&Value>) -> Result<Map<String, Value>, ResourceError> {
        match value {
            None | Some(Value::Null) => Err(self.not_in_body()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(_) => Err(self.not_a_map()),
        }
    }

    fn create_one(&self, value: Option<&Value>, sender: Sender<'_>) -> Result<Body, ResourceError> {
        let mut values = self.opened(value)?;
        self.same_project(&mut values, sender)?;
        if self.attribute("project_id").is_some() && !values.contains_key("project_id") {
            let own = Value::String(sender.project_id.to_owned());
            values.insert("tenant_id".to_owned(), own.clone());
            values.insert("project_id".to_owned(), own);
        }
        self.refuse_unknown(&values)?;
        let mut given = BTreeSet::new();
        for attribute in self.attributes {
            self.complete(attribute, &mut values, &mut given)?;
        }
        self.read(&mut values)?;
        // Sending the preset is the same as sending nothing.
        given.retain(|name| {
            let preset = self
                .attribute(name)
                .and_then(|attribute| attribute.preset.value());
            preset.is_none() || preset.as_ref() != values.get(name)
        });
        Ok(Body { values, given })
    }

    fn complete(
        &self,
        attribute: &Attribute,
        values: &mut Map<String, Value>,
        given: &mut BTreeSet<String>,
    ) -> Result<(), ResourceError> {
        let name = attribute.name;
        if values.contains_key(name) {
            if !attribute.post {
                return Err(ResourceError::bad_request(format!(
                    "Attribute '{name}' not allowed in POST"
                )));
            }
            given.insert(name.to_owned());
        } else if attribute.post {
            if attribute.preset == Preset::Required {
                return Err(ResourceError::bad_request(format!(
                    "Failed to parse request. Required attribute '{name}' not specified"
                )));
            }
            if let Some(value) = attribute.preset.value() {
                values.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }

    /// `tenant_id` and `project_id` are two names of one thing.
    fn same_project(
        &self,
        values: &mut Map<String, Value>,
        sender: Sender<'_>,
    ) -> Result<(), ResourceError> {
        for (from, to) in [("tenant_id", "project_id"), ("project_id", "tenant_id")] {
            if let (Some(value), None) = (values.get(from).cloned(), values.get(to)) {
                values.insert(to.to_owned(), value);
            }
        }
        if values.get("project_id") != values.get("tenant_id") {
            return Err(ResourceError::bad_request(
                "'project_id' and 'tenant_id' do not match",
            ));
        }
        let foreign = values
            .get("project_id")
            .is_some_and(|id| id.as_str() != Some(sender.project_id));
        if foreign && !sender.any_project {
            return Err(ResourceError::bad_request(
                "Specifying 'project_id' other than the authenticated project in request is not \
                 allowed for the current user.",
            ));
        }
        Ok(())
    }

    fn refuse_unknown(&self, values: &Map<String, Value>) -> Result<(), ResourceError> {
        let unknown: Vec<&str> = values
            .keys()
            .map(String::as_str)
            .filter(|name| self.attribute(name).is_none())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(ResourceError::bad_request(format!(
            "Unrecognized attribute(s) '{}'",
            unknown.join(", ")
        )))
    }

    /// Converts and checks every value that is there, in the table's order.
    fn read(&self, values: &mut Map<String, Value>) -> Result<(), ResourceError> {
        for attribute in self.attributes {
            let Some(value) = values.get_mut(attribute.name) else {
                continue;
            };
            if let Some(convert) = attribute.convert {
                *value = convert(value.take())?;
            }
            attribute
                .check
                .run(value)
                .map_err(|problem| match problem {
                    Problem::Error(error) => error,
                    Problem::Reason(reason) => ResourceError::bad_request(format!(
                        "Invalid input for {}. Reason: {reason}.",
                        attribute.name
                    )),
                })?;
        }
        Ok(())
    }

    /// One value of an attribute, converted as in a body: what a filter's text means.
    pub(crate) fn read_filter(
        &self,
        attribute: &Attribute,
        text: &str,
    ) -> Result<Value, ResourceError> {
        let value = Value::String(text.to_owned());
        match attribute.convert {
            Some(convert) => convert(value),
            None => Ok(value),
        }
    }
}

fn invalid_data() -> ResourceError {
    ResourceError::bad_request("Body contains invalid data")
}
