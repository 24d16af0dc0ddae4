//! A rule as a tree, and its evaluation.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use crate::credentials::{Credentials, Target};

/// The rules a rule can refer to.
pub(crate) type Rules = BTreeMap<String, Check>;

/// One node of a rule.
#[derive(Debug, Clone)]
pub enum Check {
    /// `@`, or an empty rule.
    Always,
    /// `!`
    Never,
    /// `not x`
    Not(Box<Check>),
    /// `x and y`
    All(Vec<Check>),
    /// `x or y`
    Any(Vec<Check>),
    /// `rule:name`
    Rule(String),
    /// `role:name`; compared without case, as Keystone does.
    Role(Template),
    /// `field:resource:name=value`, Neutron's comparison with an attribute of
    /// the target; `~` before the value makes it a regular expression that
    /// must match the start.
    Field {
        /// The plural of the resource the attribute belongs to.
        resource: String,
        /// The attribute.
        name: String,
        /// What it must be.
        value: FieldValue,
    },
    /// `attribute:%(other)s`: an attribute of the credentials, or a literal,
    /// against the target.
    Compare {
        /// The left side.
        left: Left,
        /// The right side.
        right: Template,
    },
}

/// What a field is compared with.
#[derive(Debug, Clone)]
pub enum FieldValue {
    /// This text; `True` and `False` stand for booleans.
    Text(String),
    /// This pattern, anchored at the start.
    Pattern(Regex),
}

/// The left side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// An attribute of the credentials.
    Attribute(String),
    /// A literal: quoted text, a number, True, False or None.
    Literal(String),
}

/// Text with `%(name)s` for attributes of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub(crate) Vec<Part>);

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Attribute(String),
}

impl Template {
    /// The text for a target; `None` when the target lacks an attribute.
    fn fill(&self, target: &Target) -> Option<String> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.clone()),
                Part::Attribute(name) => target.text(name),
            })
            .collect()
    }
}

impl Check {
    /// Whether the rule allows. `rules` have no circles: the enforcer refuses
    /// those when it is made.
    pub(crate) fn allows(&self, rules: &Rules, caller: &Credentials, target: &Target) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Not(inner) => !inner.allows(rules, caller, target),
            Self::All(checks) => checks.iter().all(|c| c.allows(rules, caller, target)),
            Self::Any(checks) => checks.iter().any(|c| c.allows(rules, caller, target)),
            Self::Rule(name) => rules
                .get(name)
                .is_some_and(|rule| rule.allows(rules, caller, target)),
            Self::Role(template) => template.fill(target).is_some_and(|wanted| {
                let wanted = wanted.to_lowercase();
                caller
                    .roles
                    .iter()
                    .any(|role| role.to_lowercase() == wanted)
            }),
            Self::Field {
                resource,
                name,
                value,
            } => field(target, resource, name).is_some_and(|found| value.matches(found)),
            Self::Compare { left, right } => right.fill(target).is_some_and(|wanted| match left {
                Left::Literal(text) => *text == wanted,
                Left::Attribute(name) => caller.attribute(name).contains(&wanted),
            }),
        }
    }

    /// The rules this one refers to.
    pub(crate) fn references(&self) -> Vec<&str> {
        match self {
            Self::Rule(name) => vec![name],
            Self::Not(inner) => inner.references(),
            Self::All(checks) | Self::Any(checks) => {
                checks.iter().flat_map(Self::references).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The attribute of the target itself, or else of its parent, which callers
/// give with the parent's singular as prefix: `networks:shared` of a port is
/// its `network:shared`.
fn field<'t>(target: &'t Target, resource: &str, name: &str) -> Option<&'t Value> {
    target.get(name).or_else(|| {
        let singular = resource.strip_suffix('s').unwrap_or(resource);
        target.get(&format!("{singular}:{name}"))
    })
}

impl FieldValue {
    fn matches(&self, found: &Value) -> bool {
        match (self, found) {
            (Self::Text(wanted), Value::Bool(found)) => {
                wanted.eq_ignore_ascii_case(if *found { "true" } else { "false" })
            }
            (Self::Text(wanted), Value::String(found)) => wanted == found,
            (Self::Text(wanted), Value::Number(found)) => *wanted == found.to_string(),
            (Self::Pattern(pattern), Value::String(found)) => pattern.is_match(found),
            _ => false,
        }
    }
}
