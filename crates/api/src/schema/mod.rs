//! Judging bodies and queries by JSON schemas, in the words of Nova.
//!
//! Nova describes what it takes by JSON schemas, and its refusals are those of Python's
//! `jsonschema`: clients show them, and tests compare them. What the top answers by
//! itself is judged here by the same rules, and of several faults the first counts, in
//! the order in which the schema is written. Only the keywords that Nova uses are known.

mod formats;
mod keywords;

use serde_json::{Map, Value};

use crate::Fault;
use crate::json::python_repr;
use keywords::errors;

/// One step to a value: a member's name or an item's index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Member(String),
    Item(usize),
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Member(name) => f.write_str(name),
            Self::Item(index) => write!(f, "{index}"),
        }
    }
}

/// What is wrong with a value.
#[derive(Debug, Clone)]
struct Error {
    /// From the value that was being judged to the one that is wrong.
    path: Vec<Step>,
    /// The wrong value.
    instance: Value,
    message: String,
    /// The message is the whole refusal.
    whole: bool,
}

/// Nova's 400 for a body that does not keep to a schema.
pub fn body(schema: &Value, body: &Map<String, Value>) -> Result<(), Fault> {
    let body = Value::Object(body.clone());
    let Some(error) = errors(schema, &body).into_iter().next() else {
        return Ok(());
    };
    Err(refusal(&error, error.path.last(), "field/attribute"))
}

/// Nova's 400 for a query that does not keep to a schema, in which each parameter is
/// an array of its values.
pub fn query(schema: &Value, pairs: &[(String, String)]) -> Result<(), Fault> {
    let mut object = Map::new();
    for (key, value) in pairs {
        let values = object
            .entry(key.clone())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(Value::String(value.clone()));
        }
    }
    let Some(error) = errors(schema, &Value::Object(object)).into_iter().next() else {
        return Ok(());
    };
    Err(refusal(&error, error.path.first(), "query parameters"))
}

fn refusal(error: &Error, step: Option<&Step>, what: &str) -> Fault {
    Fault::bad_request(match step {
        Some(step) if !error.whole => {
            let value = match &error.instance {
                Value::String(text) => text.clone(),
                other => python_repr(other),
            };
            format!(
                "Invalid input for {what} {step}. Value: {value}. {}",
                error.message
            )
        }
        _ => error.message.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(schema: Value, value: Value) -> String {
        match body(&schema, value.as_object().unwrap()) {
            Ok(()) => String::new(),
            Err(fault) => fault.message().to_owned(),
        }
    }

    #[test]
    fn refusals_are_pythons() {
        let count = json!({
            "type": ["integer", "string"], "pattern": "^-?[0-9]+$", "minimum": -1,
            "maximum": 2147483647_i64,
        });
        let schema = json!({
            "type": "object", "required": ["set"], "additionalProperties": false,
            "properties": {"set": {
                "type": "object", "additionalProperties": false,
                "properties": {"cores": count, "force": {"type": "boolean"}},
            }},
        });
        for (value, message) in [
            (json!({"set": {"cores": 5}}), ""),
            (json!({"set": {"cores": "-1"}}), ""),
            (json!({}), "'set' is a required property"),
            (
                json!({"set": {}, "x": 1, "a": 2}),
                "Additional properties are not allowed ('a', 'x' were unexpected)",
            ),
            (
                json!({"set": {"bogus": 1}}),
                "Invalid input for field/attribute set. Value: {'bogus': 1}. Additional \
                 properties are not allowed ('bogus' was unexpected)",
            ),
            (
                json!({"set": {"cores": "-2"}}),
                "Invalid input for field/attribute cores. Value: -2. -2 is less than the minimum \
                 of -1",
            ),
            (
                json!({"set": {"cores": "many"}}),
                "Invalid input for field/attribute cores. Value: many. 'many' does not match \
                 '^-?[0-9]+$'",
            ),
            (
                json!({"set": {"cores": null}}),
                "Invalid input for field/attribute cores. Value: None. None is not of type \
                 'integer', 'string'",
            ),
            (
                json!({"set": {"cores": true}}),
                "Invalid input for field/attribute cores. Value: True. True is not of type \
                 'integer', 'string'",
            ),
        ] {
            assert_eq!(said(schema.clone(), value.clone()), message, "{value}");
        }
    }

    #[test]
    fn of_alternatives_none_is_named() {
        let schema = json!({
            "type": "object", "additionalProperties": false,
            "properties": {"zone": {"oneOf": [
                {"type": "string", "minLength": 1, "maxLength": 3}, {"type": "null"},
            ]}},
        });
        for (value, message) in [
            (json!({"zone": null}), ""),
            (json!({"zone": "az"}), ""),
            (
                json!({"zone": "long"}),
                "Invalid input for field/attribute zone. Value: long. 'long' is not valid under \
                 any of the given schemas",
            ),
        ] {
            assert_eq!(said(schema.clone(), value.clone()), message, "{value}");
        }
    }

    #[test]
    fn names_and_formats_are_judged() {
        let schema = json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "name": {"type": "string", "format": "name", "minLength": 1, "maxLength": 255},
                "id": {"type": "string", "format": "uuid"},
                "ids": {"type": "array", "items": {"type": "string", "format": "uuid"},
                        "minItems": 1, "maxItems": 2, "uniqueItems": true},
                "meta": {"type": "object", "additionalProperties": false,
                         "patternProperties": {"^[a-z]{1,3}$": {"type": "string"}}},
            },
        });
        for (value, message) in [
            (json!({"name": "a b", "meta": {"abc": "x"}}), ""),
            (
                json!({"name": " a"}),
                "An invalid 'name' value was provided. The name must be: printable characters. \
                 Can not start or end with whitespace.",
            ),
            (
                json!({"id": "x"}),
                "Invalid input for field/attribute id. Value: x. 'x' is not a 'uuid'",
            ),
            (
                json!({"ids": []}),
                "Invalid input for field/attribute ids. Value: []. [] should be non-empty",
            ),
            (
                json!({"meta": {"TOO": "x"}}),
                "Invalid input for field/attribute meta. Value: {'TOO': 'x'}. 'TOO' does not \
                 match any of the regexes: '^[a-z]{1,3}$'",
            ),
        ] {
            assert_eq!(said(schema.clone(), value.clone()), message, "{value}");
        }
    }

    #[test]
    fn queries_name_the_parameter() {
        let schema = json!({
            "type": "object", "additionalProperties": false,
            "properties": {"limit": {
                "type": "array", "maxItems": 1,
                "items": {"type": "string", "pattern": "^[0-9]*$", "minLength": 1},
            }},
        });
        let ask = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            query(&schema, &pairs).map_err(|fault| fault.message().to_owned())
        };
        assert_eq!(ask(&[("limit", "5")]), Ok(()));
        assert_eq!(
            ask(&[("limit", "x")]).unwrap_err(),
            "Invalid input for query parameters limit. Value: x. 'x' does not match '^[0-9]*$'"
        );
        assert_eq!(
            ask(&[("other", "x")]).unwrap_err(),
            "Additional properties are not allowed ('other' was unexpected)"
        );
    }
}
