//! What of a row is shown: visible attributes, in the table's order.

use serde_json::{Map, Value};

use super::table::{Resource, Visible};
use super::{Action, ResourceError};

/// A resource with all its attributes, before anything is left out.
pub type Row = Map<String, Value>;

/// What one caller sees of a kind of resource: decided once, used for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    names: Vec<&'static str>,
}

impl Projection {
    /// All that `allowed` (asked for `get_<resource>:<attribute>`) lets through.
    pub fn new(resource: &'static Resource, allowed: impl Fn(&str) -> bool) -> Self {
        let names = resource
            .attributes
            .iter()
            .filter(|attribute| match attribute.visible {
                Visible::Everyone => true,
                Visible::ByRule => allowed(&resource.attribute_rule(Action::Get, attribute.name)),
                Visible::Nobody => false,
            })
            .map(|attribute| attribute.name)
            .collect();
        Self { names }
    }

    /// Only the fields that a query names; all when it names none.
    pub fn only(mut self, fields: &[String]) -> Self {
        if !fields.is_empty() {
            self.names
                .retain(|name| fields.iter().any(|field| field == name));
        }
        self
    }

    /// The row as it is answered. Attributes that it lacks are left out.
    pub fn render(&self, row: &Row) -> Value {
        let shown = self
            .names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), row.get(*name)?.clone())))
            .collect();
        Value::Object(shown)
    }
}

impl Resource {
    /// The answer that holds one resource.
    pub fn one(&self, shown: Value) -> Value {
        Value::Object(std::iter::once((self.name.to_owned(), shown)).collect())
    }

    /// The answer that holds several.
    pub fn many(&self, shown: Vec<Value>) -> Map<String, Value> {
        std::iter::once((self.collection.to_owned(), Value::Array(shown))).collect()
    }

    /// A row's id.
    pub fn id_of(row: &Row) -> &str {
        row.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Refuses a method that this kind of resource does not have.
    pub fn no_such_method() -> ResourceError {
        ResourceError::new(
            405,
            "HTTPMethodNotAllowed",
            "The server could not comply with the request since it is either malformed or \
             otherwise incorrect.",
        )
    }
}
