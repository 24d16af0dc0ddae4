//! A validated token: who it speaks for, where, and as what.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::AccessRule;

/// A project by id and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRef {
    /// The project's id.
    pub id: String,
    /// The project's name.
    pub name: String,
    /// The id of the domain the project belongs to.
    pub domain_id: String,
}

/// What Keystone says about a token. It does not hold the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The user's id.
    pub user_id: String,
    /// The user's name.
    pub user_name: String,
    /// The id of the user's domain.
    pub user_domain_id: String,
    /// The project the token is scoped to, if it is.
    pub project: Option<ProjectRef>,
    /// The domain the token is scoped to, if it is.
    pub domain_id: Option<String>,
    /// Whether the token is scoped to the whole system.
    pub system: bool,
    /// Role names, implied roles included.
    pub roles: Vec<String>,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
    /// Whether the project is the cloud's admin project; true where the cloud
    /// has not named one.
    pub is_admin_project: bool,
    /// The access rules of the application credential behind the token; `None`
    /// means unrestricted, an empty list that nothing is permitted.
    pub access_rules: Option<Vec<AccessRule>>,
    /// Audit ids: the token's own first, then its parent's. Safe to log.
    pub audit_ids: Vec<String>,
}

impl Token {
    /// Whether the token has the role, in any mixture of case, as oslo.policy
    /// compares roles.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r.eq_ignore_ascii_case(role))
    }

    /// Whether the token's access rules, if it has any, permit the request.
    pub fn allows(&self, service_type: &str, method: &str, path: &str) -> bool {
        self.access_rules.as_ref().is_none_or(|rules| {
            rules
                .iter()
                .any(|rule| rule.allows(service_type, method, path))
        })
    }

    /// Whether the token has ended at the given moment.
    pub fn expired_at(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }
}

/// The answer of `GET` and `POST /v3/auth/tokens`.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenDocument {
    token: TokenBody,
}

#[derive(Debug, Deserialize)]
struct TokenBody {
    user: UserBody,
    project: Option<ProjectBody>,
    domain: Option<DomainBody>,
    system: Option<SystemBody>,
    #[serde(default)]
    roles: Vec<RoleBody>,
    expires_at: DateTime<Utc>,
    is_admin_project: Option<bool>,
    application_credential: Option<CredentialBody>,
    #[serde(default)]
    audit_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct UserBody {
    id: String,
    #[serde(default)]
    name: String,
    domain: Option<DomainBody>,
}

#[derive(Debug, Deserialize)]
struct ProjectBody {
    id: String,
    #[serde(default)]
    name: String,
    domain: Option<DomainBody>,
}

#[derive(Debug, Deserialize)]
struct DomainBody {
    id: String,
}

#[derive(Debug, Deserialize)]
struct SystemBody {
    #[serde(default)]
    all: bool,
}

#[derive(Debug, Deserialize)]
struct RoleBody {
    name: String,
}

#[derive(Debug, Deserialize)]
struct CredentialBody {
    access_rules: Option<Vec<AccessRule>>,
}

impl From<TokenDocument> for Token {
    fn from(document: TokenDocument) -> Self {
        let body = document.token;
        let id_of = |domain: Option<DomainBody>| domain.map(|d| d.id);
        Self {
            user_id: body.user.id,
            user_name: body.user.name,
            user_domain_id: id_of(body.user.domain).unwrap_or_default(),
            project: body.project.map(|project| ProjectRef {
                id: project.id,
                name: project.name,
                domain_id: id_of(project.domain).unwrap_or_default(),
            }),
            domain_id: id_of(body.domain),
            system: body.system.is_some_and(|system| system.all),
            roles: body.roles.into_iter().map(|role| role.name).collect(),
            expires_at: body.expires_at,
            is_admin_project: body.is_admin_project.unwrap_or(true),
            access_rules: body
                .application_credential
                .and_then(|credential| credential.access_rules),
            audit_ids: body.audit_ids,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: serde_json::Value) -> Token {
        serde_json::from_value::<TokenDocument>(serde_json::json!({ "token": body }))
            .unwrap()
            .into()
    }

    fn body() -> serde_json::Value {
        serde_json::json!({
            "methods": ["password"],
            "user": {"id": "u1", "name": "ann", "domain": {"id": "default", "name": "Default"}},
            "audit_ids": ["a1", "a0"],
            "expires_at": "2026-11-23T02:22:35.000000Z",
            "issued_at": "2026-11-22T02:22:35.000000Z",
            "project": {"id": "p1", "name": "demo", "domain": {"id": "d2", "name": "Two"}},
            "roles": [{"id": "r1", "name": "reader"}, {"id": "r2", "name": "Member"}],
        })
    }

    #[test]
    fn a_project_token_carries_user_project_and_roles() {
        let token = parse(body());
        assert_eq!(token.user_id, "u1");
        assert_eq!(token.user_domain_id, "default");
        let project = token.project.clone().unwrap();
        assert_eq!(
            (project.id.as_str(), project.domain_id.as_str()),
            ("p1", "d2")
        );
        assert!(token.has_role("reader") && token.has_role("member"));
        assert!(!token.has_role("admin"));
        assert!(token.is_admin_project && !token.system);
        assert_eq!(token.audit_ids, ["a1", "a0"]);
        assert!(token.allows("compute", "DELETE", "/anything"));
        assert!(!token.expired_at("2026-11-23T02:22:34Z".parse().unwrap()));
        assert!(token.expired_at("2026-11-23T02:22:35Z".parse().unwrap()));
    }

    #[test]
    fn system_and_unscoped_tokens_have_no_project() {
        let mut system = body();
        system["project"].take();
        system["system"] = serde_json::json!({"all": true});
        let token = parse(system);
        assert!(token.system && token.project.is_none());

        let unscoped = parse(serde_json::json!({
            "user": {"id": "u1"}, "expires_at": "2026-11-23T02:22:35Z",
        }));
        assert!(unscoped.roles.is_empty() && unscoped.project.is_none() && !unscoped.system);
    }

    #[test]
    fn an_empty_list_of_access_rules_permits_nothing_and_none_everything() {
        let mut restricted = body();
        restricted["application_credential"] = serde_json::json!({"id": "c", "access_rules": []});
        assert!(!parse(restricted).allows("compute", "GET", "/"));

        let mut free = body();
        free["application_credential"] = serde_json::json!({"id": "c", "restricted": true});
        assert!(parse(free).allows("compute", "GET", "/"));
    }
}
