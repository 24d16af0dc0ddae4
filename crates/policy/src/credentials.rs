//! The two things a rule compares: who asks, and what it is about.

use serde_json::{Map, Value};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One project; what nearly every call needs.
    Project,
    /// A domain.
    Domain,
    /// The whole deployment.
    System,
}

/// Who asks, as Keystone said when it validated the token. Roles include the
/// implied ones, since Keystone's answer does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Credentials {
    /// The user's id.
    pub user_id: Option<String>,
    /// The domain of the user.
    pub user_domain_id: Option<String>,
    /// The project of the token.
    pub project_id: Option<String>,
    /// The domain of the project.
    pub project_domain_id: Option<String>,
    /// The domain, of a token that is good for a domain.
    pub domain_id: Option<String>,
    /// `all`, of a token that is good for the system.
    pub system_scope: Option<String>,
    /// The names of the roles.
    pub roles: Vec<String>,
    /// The roles of the service token that came along.
    pub service_roles: Vec<String>,
    /// Set for what the service itself does on nobody's behalf.
    pub is_admin: bool,
    /// Whether the project is the cloud's administrative one; Keystone says so
    /// of every project where no such project is configured.
    pub is_admin_project: bool,
}

impl Credentials {
    /// What the token is good for. One without any scope counts as a project's
    /// and fails where the project matters.
    pub fn scope(&self) -> Scope {
        if self.system_scope.is_some() {
            Scope::System
        } else if self.domain_id.is_some() {
            Scope::Domain
        } else {
            Scope::Project
        }
    }

    /// The values of an attribute under the name rules use for it. Empty for
    /// what does not exist or has no value.
    pub(crate) fn attribute(&self, name: &str) -> Vec<String> {
        let one = |value: &Option<String>| value.iter().cloned().collect();
        let flag = |value: bool| vec![python_bool(value).to_owned()];
        match name {
            "user_id" | "user" => one(&self.user_id),
            "user_domain_id" => one(&self.user_domain_id),
            "project_id" | "tenant_id" | "tenant" => one(&self.project_id),
            "project_domain_id" => one(&self.project_domain_id),
            "domain_id" => one(&self.domain_id),
            "system_scope" => one(&self.system_scope),
            "roles" => self.roles.clone(),
            "service_roles" => self.service_roles.clone(),
            "is_admin" => flag(self.is_admin),
            "is_admin_project" => flag(self.is_admin_project),
            _ => Vec::new(),
        }
    }
}

/// What a call is about: attributes of the resource under their API names, and
/// those of its parent with a prefix, such as `network:project_id`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target(Map<String, Value>);

impl Target {
    /// A target without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// What belongs to a project; also under the older name `tenant_id`.
    pub fn of_project(project_id: &str) -> Self {
        Self::new()
            .with("project_id", project_id)
            .with("tenant_id", project_id)
    }

    /// The caller's own: for lists and creates.
    pub fn of_caller(credentials: &Credentials) -> Self {
        let mut target = Self::new();
        if let Some(project_id) = &credentials.project_id {
            target = Self::of_project(project_id);
        }
        match &credentials.user_id {
            Some(user_id) => target.with("user_id", user_id.as_str()),
            None => target,
        }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// An attribute as Python would print it, since rules are compared as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Bool(flag) => Some(python_bool(*flag).to_owned()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// The attributes of a resource as the API shows them.
impl From<Map<String, Value>> for Target {
    fn from(attributes: Map<String, Value>) -> Self {
        Self(attributes)
    }
}

pub(crate) fn python_bool(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
