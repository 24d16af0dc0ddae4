//! The rules in force, and the question they answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use crate::check::Rules;
use crate::credentials::{Credentials, Scope, Target};
use crate::defaults::{self, RuleDefault};
use crate::file::{FileError, PolicyFile};
use crate::parser::{RuleSyntaxError, parse};

/// The longest chain of rules that refer to each other.
const LONGEST_CHAIN: usize = 32;

/// Why rules can not be put in force.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The policy file can not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The default of a rule can not be read: a mistake in the program.
    #[error("default of rule {rule}: {error}")]
    Default {
        /// The rule.
        rule: String,
        /// What is wrong.
        error: RuleSyntaxError,
    },
    /// A rule refers to one that does not exist.
    #[error("rule {rule} refers to rule {missing}, which does not exist")]
    Missing {
        /// The rule.
        rule: String,
        /// What it refers to.
        missing: String,
    },
    /// A rule refers to itself, directly or through others.
    #[error("rule {0} refers to itself")]
    Circle(String),
    /// A rule refers to a rule that refers to a rule, and so on for too long.
    #[error("rule {0} is reached through too many others")]
    TooDeep(String),
}

/// The answer when a caller may not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The rule says no. The text is what OpenStack services answer.
    #[error("Policy doesn't allow {0} to be performed.")]
    Rule(String),
    /// The token is good for something else than the rule is about.
    #[error("{0} requires a token of another scope.")]
    Scope(String),
}

/// The rules in force. Cheap to ask; [`Enforcer::replace`] puts others in force.
#[derive(Debug)]
pub struct Enforcer {
    in_force: RwLock<Arc<InForce>>,
}

#[derive(Debug)]
struct InForce {
    rules: Rules,
    scopes: BTreeMap<String, &'static [Scope]>,
    unused: Vec<String>,
}

impl Enforcer {
    /// The defaults of all services.
    pub fn with_defaults() -> Result<Self, PolicyError> {
        Self::new(&defaults::all(), &PolicyFile::default())
    }

    /// The defaults of all services with a policy file over them.
    pub fn load(path: &Path) -> Result<Self, PolicyError> {
        Self::new(&defaults::all(), &PolicyFile::read(path)?)
    }

    /// The same, with the defaults alone when there is no such file: what an
    /// operator who is content with them has.
    pub fn load_if_exists(path: &Path) -> Result<Self, PolicyError> {
        if path.exists() {
            Self::load(path)
        } else {
            Self::with_defaults()
        }
    }

    /// Defaults, and what a policy file says instead.
    pub fn new(defaults: &[RuleDefault], file: &PolicyFile) -> Result<Self, PolicyError> {
        let mut rules = Rules::new();
        let mut scopes = BTreeMap::new();
        for default in defaults {
            let check = parse(default.check).map_err(|error| PolicyError::Default {
                rule: default.name.to_owned(),
                error,
            })?;
            rules.insert(default.name.to_owned(), check);
            scopes.insert(default.name.to_owned(), default.scopes);
        }
        for (name, check) in &file.rules {
            rules.insert(name.clone(), check.clone());
        }
        check_references(&rules)?;
        let referred: BTreeSet<&str> = rules.values().flat_map(|rule| rule.references()).collect();
        let unused = file
            .rules
            .iter()
            .map(|(name, _)| name)
            .filter(|name| !scopes.contains_key(*name) && !referred.contains(name.as_str()))
            .cloned()
            .collect();
        let in_force = InForce {
            rules,
            scopes,
            unused,
        };
        Ok(Self {
            in_force: RwLock::new(Arc::new(in_force)),
        })
    }

    /// Puts the rules of another one in force, for everybody who asks from now on.
    pub fn replace(&self, other: &Self) {
        let rules = other.in_force();
        *self
            .in_force
            .write()
            .unwrap_or_else(PoisonError::into_inner) = rules;
    }

    fn in_force(&self) -> Arc<InForce> {
        let held = self.in_force.read();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Rules of the policy file that no service asks for, to be logged: a
    /// misspelt name would otherwise leave the default in force unnoticed.
    pub fn unused(&self) -> Vec<String> {
        self.in_force().unused.clone()
    }

    /// Whether there is a rule of this name.
    pub fn has_rule(&self, rule: &str) -> bool {
        self.in_force().rules.contains_key(rule)
    }

    /// Whether a caller may do what a rule is about. A rule that does not exist
    /// allows nobody.
    pub fn enforce(&self, rule: &str, caller: &Credentials, target: &Target) -> Result<(), Denied> {
        let now = self.in_force();
        let scopes = now.scopes.get(rule).copied().unwrap_or_default();
        if !scopes.is_empty() && !scopes.contains(&caller.scope()) {
            return Err(Denied::Scope(rule.to_owned()));
        }
        let allowed = now
            .rules
            .get(rule)
            .is_some_and(|check| check.allows(&now.rules, &now.known_admin(caller), target));
        if allowed {
            Ok(())
        } else {
            Err(Denied::Rule(rule.to_owned()))
        }
    }

    /// The same as a yes or no.
    pub fn allows(&self, rule: &str, caller: &Credentials, target: &Target) -> bool {
        self.enforce(rule, caller, target).is_ok()
    }

    /// Enforces a rule and, for each attribute the request sets, the rule of
    /// that attribute (`create_network:shared`) where there is one: Neutron's
    /// way to keep single attributes for administrators.
    pub fn enforce_attributes<'a>(
        &self,
        rule: &str,
        attributes: impl IntoIterator<Item = &'a str>,
        caller: &Credentials,
        target: &Target,
    ) -> Result<(), Denied> {
        self.enforce(rule, caller, target)?;
        attributes
            .into_iter()
            .map(|attribute| format!("{rule}:{attribute}"))
            .filter(|rule| self.has_rule(rule))
            .try_for_each(|rule| self.enforce(&rule, caller, target))
    }

    /// Whether an attribute of a resource is shown to a caller: yes, unless a
    /// rule such as `get_port:binding:host_id` says no.
    pub fn shows(
        &self,
        rule: &str,
        attribute: &str,
        caller: &Credentials,
        target: &Target,
    ) -> bool {
        let rule = format!("{rule}:{attribute}");
        !self.has_rule(&rule) || self.allows(&rule, caller, target)
    }

    /// Whether a caller is an administrator by the rule `context_is_admin`.
    pub fn is_admin(&self, caller: &Credentials) -> bool {
        self.in_force().is_admin(caller)
    }
}

impl InForce {
    fn is_admin(&self, caller: &Credentials) -> bool {
        caller.is_admin
            || self
                .rules
                .get("context_is_admin")
                .is_some_and(|rule| rule.allows(&self.rules, caller, &Target::new()))
    }

    /// `is_admin:True` in a rule means what `context_is_admin` says.
    fn known_admin(&self, caller: &Credentials) -> Credentials {
        Credentials {
            is_admin: self.is_admin(caller),
            ..caller.clone()
        }
    }
}

/// Every reference must lead somewhere, and none back to its start.
fn check_references(rules: &Rules) -> Result<(), PolicyError> {
    let mut sound: BTreeSet<&str> = BTreeSet::new();
    for name in rules.keys() {
        // Depth first with an own stack: a chain may be as long as the file.
        let mut path: Vec<(&str, Vec<&str>)> = vec![(name, references(rules, name))];
        while let Some((rule, pending)) = path.last_mut() {
            let rule = *rule;
            let Some(next) = pending.pop() else {
                sound.insert(rule);
                path.pop();
                continue;
            };
            if sound.contains(next) {
                continue;
            }
            if !rules.contains_key(next) {
                return Err(PolicyError::Missing {
                    rule: rule.to_owned(),
                    missing: next.to_owned(),
                });
            }
            if path.iter().any(|(earlier, _)| *earlier == next) {
                return Err(PolicyError::Circle(next.to_owned()));
            }
            if path.len() >= LONGEST_CHAIN {
                return Err(PolicyError::TooDeep(next.to_owned()));
            }
            path.push((next, references(rules, next)));
        }
    }
    Ok(())
}

fn references<'r>(rules: &'r Rules, name: &str) -> Vec<&'r str> {
    rules
        .get(name)
        .map(|rule| rule.references())
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "enforcer_tests.rs"]
mod tests;
