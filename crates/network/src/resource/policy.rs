//! Which policy rules a write needs, and the text of its refusal.
//!
//! Neutron joins the rule of the action with one rule for each attribute that
//! was sent and is marked as enforced (and one for each key of the objects in
//! it), and names the whole chain in its 403.

use std::fmt;

use serde_json::Value;

use super::{Body, Resource, ResourceError};

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// POST.
    Create,
    /// GET of one or many.
    Get,
    /// PUT.
    Update,
    /// DELETE.
    Delete,
}

impl Action {
    fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The rules that all have to hold. Display is Neutron's way to write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    action: String,
    /// Rule of an attribute, and those of the keys below it.
    attributes: Vec<(String, Vec<String>)>,
}

impl Chain {
    /// The rule of an action alone.
    pub fn of(rule: impl Into<String>) -> Self {
        Self {
            action: rule.into(),
            attributes: Vec::new(),
        }
    }

    /// The names of all rules.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        let attributes = self
            .attributes
            .iter()
            .flat_map(|(rule, below)| std::iter::once(rule).chain(below));
        std::iter::once(&self.action)
            .chain(attributes)
            .map(String::as_str)
    }

    /// The 403 when one of them does not hold.
    pub fn denied(&self) -> ResourceError {
        ResourceError::new(
            403,
            "PolicyNotAuthorized",
            format!("{self} is disallowed by policy"),
        )
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("rule:{}", self.action);
        for (rule, below) in &self.attributes {
            let mut part = format!("rule:{rule}");
            if !below.is_empty() {
                let below: Vec<String> = below.iter().map(|rule| format!("rule:{rule}")).collect();
                part = format!("({part} and ({}))", below.join(" and "));
            }
            text = format!("({text} and {part})");
        }
        f.write_str(&text)
    }
}

impl Resource {
    /// The name of the rule of an action: `create_network`.
    pub fn rule(&self, action: Action) -> String {
        format!("{}_{}", action.verb(), self.name)
    }

    /// The name of the rule of one attribute: `create_network:shared`.
    pub fn attribute_rule(&self, action: Action, attribute: &str) -> String {
        format!("{}_{}:{attribute}", action.verb(), self.name)
    }

    /// Every rule that has to hold for writing this body.
    pub fn rules(&self, action: Action, body: &Body) -> Chain {
        let attributes = self
            .attributes
            .iter()
            .filter(|attribute| attribute.enforced && body.given.contains(attribute.name))
            .map(|attribute| {
                let rule = self.attribute_rule(action, attribute.name);
                let value = body.get(attribute.name);
                let of_object = attribute.keys.iter().copied();
                let of_object = of_object.filter(|key| value.get(key).is_some());
                let below = keys_below(value)
                    .map(String::as_str)
                    .chain(of_object)
                    .map(|key| format!("{rule}:{key}"))
                    .collect();
                (rule, below)
            })
            .collect();
        Chain {
            action: self.rule(action),
            attributes,
        }
    }
}

fn keys_below(value: &Value) -> impl Iterator<Item = &String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|map| map.keys())
}
