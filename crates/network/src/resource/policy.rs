//! Which policy rules a write needs, and the text of its refusal.
//!
//! Neutron joins the rule of the action with one rule for each attribute that
//! was sent and is marked as enforced, and names the whole chain in its 403.

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

impl Resource {
    /// The name of the rule of an action: `create_network`.
    pub fn rule(&self, action: Action) -> String {
        format!("{}_{}", action.verb(), self.name)
    }

    /// The name of the rule of one attribute: `create_network:shared`.
    pub fn attribute_rule(&self, action: Action, attribute: &str) -> String {
        format!("{}_{}:{attribute}", action.verb(), self.name)
    }

    /// Every rule that has to hold for writing this body, in Neutron's order.
    pub fn rules(&self, action: Action, body: &Body) -> Vec<String> {
        let enforced = self
            .attributes
            .iter()
            .filter(|attribute| attribute.enforced && body.given.contains(attribute.name))
            .map(|attribute| self.attribute_rule(action, attribute.name));
        std::iter::once(self.rule(action)).chain(enforced).collect()
    }

    /// The 403 for a chain of rules of which at least one does not hold.
    pub fn denied(rules: &[String]) -> ResourceError {
        let chain = rules
            .iter()
            .map(|rule| format!("rule:{rule}"))
            .reduce(|chain, rule| format!("({chain} and {rule})"))
            .unwrap_or_default();
        ResourceError::new(
            403,
            "PolicyNotAuthorized",
            format!("{chain} is disallowed by policy"),
        )
    }
}
