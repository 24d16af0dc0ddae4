//! What each keyword of a schema asks of a value.

use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};

use regex::Regex;
use serde_json::{Map, Value};

use super::formats::{self, Format};
use super::{Error, Step};
use crate::json::python_repr;

/// Everything that is wrong with a value.
pub(super) fn errors(schema: &Value, value: &Value) -> Vec<Error> {
    let mut found = Vec::new();
    let Some(schema) = schema.as_object() else {
        return found;
    };
    for (keyword, wanted) in schema {
        apply(keyword, wanted, schema, value, &mut found);
    }
    found
}

/// The errors of a part of the value.
fn part(step: Step, schema: &Value, value: &Value, found: &mut Vec<Error>) {
    found.extend(errors(schema, value).into_iter().map(|mut error| {
        error.path.insert(0, step.clone());
        error
    }));
}

fn apply(
    keyword: &str,
    wanted: &Value,
    schema: &Map<String, Value>,
    value: &Value,
    found: &mut Vec<Error>,
) {
    let shown = || python_repr(value);
    let wrong = |message: String| Error {
        path: Vec::new(),
        instance: value.clone(),
        message,
        whole: false,
    };
    let size = wanted.as_u64().and_then(|size| usize::try_from(size).ok());
    match (keyword, value) {
        ("type", _) if !is_of(wanted, value) => {
            let names: Vec<String> = words(wanted).map(python_repr).collect();
            let message = format!("{} is not of type {}", shown(), names.join(", "));
            found.push(wrong(message));
        }
        ("enum", _) if !words(wanted).any(|one| one == value) => {
            let message = format!("{} is not one of {}", shown(), python_repr(wanted));
            found.push(wrong(message));
        }
        ("pattern", Value::String(text)) => {
            let pattern = wanted.as_str().unwrap_or_default();
            if !matches(pattern, text) {
                let message = format!("{} does not match {}", shown(), python_repr(wanted));
                found.push(wrong(message));
            }
        }
        ("format", _) => match formats::check(wanted.as_str().unwrap_or_default(), value) {
            Format::Kept => {}
            Format::Broken => {
                let message = format!("{} is not a {}", shown(), python_repr(wanted));
                found.push(wrong(message));
            }
            Format::BadName(reason) => found.push(Error {
                whole: true,
                ..wrong(format!(
                    "An invalid 'name' value was provided. The name must be: {reason}"
                ))
            }),
        },
        ("minLength", Value::String(text)) => {
            let least = size.unwrap_or(0);
            if text.chars().count() < least {
                let how = if least == 1 {
                    "should be non-empty"
                } else {
                    "is too short"
                };
                found.push(wrong(format!("{} {how}", shown())));
            }
        }
        ("maxLength", Value::String(text)) => {
            let most = size.unwrap_or(usize::MAX);
            if text.chars().count() > most {
                let how = if most == 0 {
                    "is expected to be empty"
                } else {
                    "is too long"
                };
                found.push(wrong(format!("{} {how}", shown())));
            }
        }
        ("minimum", _) => {
            if let (Some(number), Some(least)) = (number(value), wanted.as_f64())
                && number < least
            {
                let message = format!("{number} is less than the minimum of {wanted}");
                found.push(wrong(message));
            }
        }
        ("maximum", _) => {
            if let (Some(number), Some(most)) = (number(value), wanted.as_f64())
                && number > most
            {
                let message = format!("{number} is greater than the maximum of {wanted}");
                found.push(wrong(message));
            }
        }
        ("minItems", Value::Array(items)) => {
            let least = size.unwrap_or(0);
            if items.len() < least {
                let how = if least == 1 {
                    "should be non-empty"
                } else {
                    "is too short"
                };
                found.push(wrong(format!("{} {how}", shown())));
            }
        }
        ("maxItems", Value::Array(items)) => {
            let most = size.unwrap_or(usize::MAX);
            if items.len() > most {
                let how = if most == 0 {
                    "is expected to be empty"
                } else {
                    "is too long"
                };
                found.push(wrong(format!("{} {how}", shown())));
            }
        }
        ("uniqueItems", Value::Array(items)) => {
            let again = |(index, item)| items.iter().skip(index + 1).any(|other| other == item);
            if wanted == &Value::Bool(true) && items.iter().enumerate().any(again) {
                found.push(wrong(format!("{} has non-unique elements", shown())));
            }
        }
        ("prefixItems", Value::Array(items)) => {
            for (index, (item, schema)) in items.iter().zip(words(wanted)).enumerate() {
                part(Step::Item(index), schema, item, found);
            }
        }
        ("items", Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                part(Step::Item(index), wanted, item, found);
            }
        }
        ("minProperties", Value::Object(members)) => {
            let least = size.unwrap_or(0);
            if members.len() < least {
                let how = match least {
                    1 => "should be non-empty",
                    _ => "does not have enough properties",
                };
                found.push(wrong(format!("{} {how}", shown())));
            }
        }
        ("required", Value::Object(members)) => {
            for name in words(wanted).filter_map(Value::as_str) {
                if !members.contains_key(name) {
                    let name = python_repr(&Value::String(name.to_owned()));
                    found.push(wrong(format!("{name} is a required property")));
                }
            }
        }
        ("properties", Value::Object(members)) => {
            for (name, schema) in wanted.as_object().into_iter().flatten() {
                if let Some(member) = members.get(name) {
                    part(Step::Member(name.clone()), schema, member, found);
                }
            }
        }
        ("patternProperties", Value::Object(members)) => {
            for (pattern, schema) in wanted.as_object().into_iter().flatten() {
                for (name, member) in members {
                    if matches(pattern, name) {
                        part(Step::Member(name.clone()), schema, member, found);
                    }
                }
            }
        }
        ("additionalProperties", Value::Object(members)) => {
            let extras = extras(schema, members);
            if wanted.is_object() {
                for name in extras {
                    if let Some(member) = members.get(name) {
                        part(Step::Member(name.to_owned()), wanted, member, found);
                    }
                }
            } else if wanted == &Value::Bool(false) && !extras.is_empty() {
                found.push(wrong(too_many(schema, &extras)));
            }
        }
        ("allOf", _) => {
            for schema in words(wanted) {
                found.extend(errors(schema, value));
            }
        }
        ("anyOf" | "oneOf", _) => {
            let fitting = words(wanted)
                .filter(|schema| errors(schema, value).is_empty())
                .count();
            if fitting == 0 {
                let message = format!("{} is not valid under any of the given schemas", shown());
                found.push(wrong(message));
            } else if keyword == "oneOf" && fitting > 1 {
                let message = format!("{} is valid under each of several schemas", shown());
                found.push(wrong(message));
            }
        }
        _ => {}
    }
}

/// The names that neither `properties` nor `patternProperties` knows, in order.
fn extras<'a>(schema: &Map<String, Value>, members: &'a Map<String, Value>) -> Vec<&'a str> {
    let known = schema.get("properties").and_then(Value::as_object);
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let mut extras: Vec<&str> = members
        .keys()
        .map(String::as_str)
        .filter(|name| !known.is_some_and(|known| known.contains_key(*name)))
        .filter(|name| !patterns.is_some_and(|p| p.keys().any(|pattern| matches(pattern, name))))
        .collect();
    extras.sort_unstable();
    extras
}

fn too_many(schema: &Map<String, Value>, extras: &[&str]) -> String {
    let quoted = |name: &str| python_repr(&Value::String(name.to_owned()));
    let names: Vec<String> = extras.iter().map(|name| quoted(name)).collect();
    let names = names.join(", ");
    match schema.get("patternProperties").and_then(Value::as_object) {
        Some(patterns) => {
            let verb = if extras.len() == 1 { "does" } else { "do" };
            let mut patterns: Vec<&str> = patterns.keys().map(String::as_str).collect();
            patterns.sort_unstable();
            let patterns: Vec<String> = patterns.into_iter().map(quoted).collect();
            format!(
                "{names} {verb} not match any of the regexes: {}",
                patterns.join(", ")
            )
        }
        None => {
            let verb = if extras.len() == 1 { "was" } else { "were" };
            format!("Additional properties are not allowed ({names} {verb} unexpected)")
        }
    }
}

/// One or several: schemas write a single type without an array.
fn words(wanted: &Value) -> impl Iterator<Item = &Value> {
    match wanted {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    }
    .iter()
}

fn is_of(types: &Value, value: &Value) -> bool {
    words(types).any(|name| match name.as_str().unwrap_or_default() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        // 1.0 is an integer, too.
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        _ => false,
    })
}

/// Nova compares texts that are numbers by their value.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().map(f64::trunc),
        Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a pattern is found in a text. Patterns are compiled once. One that cannot be
/// read is nothing that anything matches.
fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: OnceLock<RwLock<HashMap<String, Option<Regex>>>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(RwLock::default);
    let known = compiled.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = known.get(pattern) {
        return regex.as_ref().is_some_and(|regex| regex.is_match(text));
    }
    drop(known);
    let regex = Regex::new(pattern).ok();
    let found = regex.as_ref().is_some_and(|regex| regex.is_match(text));
    let mut known = compiled.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(pattern.to_owned(), regex);
    found
}
