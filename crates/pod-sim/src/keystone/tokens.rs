//! Tokens: issue, validate, revoke, and who the bearer is.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

use super::{KeystoneState, bad_request, catalog, fault};
use crate::ids;
use crate::request::{Reply, Request};

/// The token methods that the simulator knows.
const METHODS: [&str; 3] = ["password", "token", "application_credential"];

/// What a token without project is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wide {
    /// The whole cloud.
    System,
    /// The domain `Default`.
    Domain,
}

/// One issued token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) methods: Vec<String>,
    pub(crate) user_id: String,
    pub(crate) project_id: Option<String>,
    pub(crate) wide: Option<Wide>,
    pub(crate) roles: Vec<String>,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) audit_ids: Vec<String>,
    pub(crate) credential_id: Option<String>,
}

/// Who calls a service, taken from the token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub(crate) user_id: String,
    pub(crate) user_name: String,
    pub(crate) project_id: String,
    pub(crate) roles: Vec<String>,
    /// Roles of the service token, if a valid one came along.
    pub(crate) service_roles: Vec<String>,
}

impl Caller {
    pub(crate) fn is_admin(&self) -> bool {
        self.has_role("admin")
    }

    /// May change things of its own project.
    pub(crate) fn is_member(&self) -> bool {
        self.has_role("member") || self.is_admin()
    }

    /// A service in its own name, or a user through a service.
    pub(crate) fn is_service(&self) -> bool {
        self.has_role("service") || self.service_roles.iter().any(|role| role == "service")
    }

    fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role == name)
    }
}

impl KeystoneState {
    /// The bearer of `token`. An expired token is good with a valid service
    /// token beside it, as keystonemiddleware has it.
    pub(crate) fn caller(&self, token: &str, service_token: Option<&str>) -> Option<Caller> {
        let service_roles = service_token
            .and_then(|t| self.live(t))
            .map(|t| t.roles.clone())
            .unwrap_or_default();
        let token = if service_roles.iter().any(|role| role == "service") {
            self.tokens.get(token)
        } else {
            self.live(token)
        }?;
        let user = self.users.get(&token.user_id)?;
        Some(Caller {
            user_id: token.user_id.clone(),
            user_name: user.name.clone(),
            project_id: token.project_id.clone().unwrap_or_default(),
            roles: token.roles.clone(),
            service_roles,
        })
    }

    fn live(&self, token: &str) -> Option<&Token> {
        self.tokens
            .get(token)
            .filter(|token| token.expires_at > Utc::now())
    }

    /// Issues a token for `user` in `project` without asking for a password.
    pub(crate) fn grant(&mut self, user: &str, project: Option<&str>) -> Option<String> {
        let user_id = self.user_named(user)?.id.clone();
        let project_id = match project {
            Some(name) => Some(self.project_named(name)?.id.clone()),
            None => None,
        };
        let roles = match &project_id {
            Some(id) => self.roles_of(&user_id, id),
            None => Vec::new(),
        };
        let token = self.make(vec!["password".into()], user_id, project_id, roles);
        Some(self.keep(token))
    }

    /// Issues a token for a user with these roles in the whole cloud or a domain.
    pub(crate) fn grant_wide(&mut self, user: &str, wide: Wide, roles: &[&str]) -> Option<String> {
        let user_id = self.user_named(user)?.id.clone();
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let mut token = self.make(vec!["password".into()], user_id, None, roles);
        token.wide = Some(wide);
        Some(self.keep(token))
    }

    fn make(
        &self,
        methods: Vec<String>,
        user_id: String,
        project_id: Option<String>,
        roles: Vec<String>,
    ) -> Token {
        let issued_at = ids::now();
        Token {
            methods,
            user_id,
            project_id,
            wide: None,
            roles,
            issued_at,
            expires_at: issued_at + Duration::seconds(self.token_lifetime),
            audit_ids: vec![ids::secret(22)],
            credential_id: None,
        }
    }

    fn keep(&mut self, token: Token) -> String {
        // As long as a Fernet token with a project scope.
        let id = format!("gAAAAAB{}", ids::secret(176));
        self.tokens.insert(id.clone(), token);
        id
    }
}

fn denied(state: &KeystoneState) -> Reply {
    fault(
        401,
        "Unauthorized",
        "The request you have made requires authentication.",
    )
    .header(
        "WWW-Authenticate",
        &format!("Keystone uri=\"{}\"", state.url),
    )
}

/// POST /v3/auth/tokens.
pub(super) fn issue(state: &mut KeystoneState, request: &Request) -> Result<Reply, Reply> {
    let auth = super::member(request, "auth")?;
    let identity = auth
        .get("identity")
        .and_then(Value::as_object)
        .ok_or_else(|| bad_request("'identity' is a required property"))?;
    let methods: Vec<String> = identity
        .get("methods")
        .and_then(Value::as_array)
        .ok_or_else(|| bad_request("'methods' is a required property"))?
        .iter()
        .filter_map(|m| m.as_str().map(str::to_owned))
        .collect();
    let scope = auth.get("scope").and_then(Value::as_object);
    let Some(method) = methods.first().map(String::as_str) else {
        return Err(denied(state));
    };
    if !METHODS.contains(&method) {
        return Err(denied(state));
    }
    let details = identity
        .get(method)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let token = match method {
        "password" => by_password(state, methods, &details, scope)?,
        "token" => by_token(state, &details, scope)?,
        _ => by_credential(state, methods, &details)?,
    };
    let body = render(state, &token, !request.query.has("nocatalog"));
    let id = state.keep(token);
    Ok(Reply::json(201, json!({ "token": body })).header("X-Subject-Token", &id))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

fn by_password(
    state: &KeystoneState,
    methods: Vec<String>,
    details: &Map<String, Value>,
    scope: Option<&Map<String, Value>>,
) -> Result<Token, Reply> {
    let none = Map::new();
    let given = details
        .get("user")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let user = match (text(given, "id"), text(given, "name")) {
        (Some(id), _) => state.users.get(id),
        (None, Some(name)) => state.user_named(name),
        (None, None) => None,
    };
    let user = user
        .filter(|user| user.enabled && text(given, "password") == Some(&user.password))
        .ok_or_else(|| denied(state))?;
    scoped(state, methods, user.id.clone(), scope)
}

fn by_token(
    state: &KeystoneState,
    details: &Map<String, Value>,
    scope: Option<&Map<String, Value>>,
) -> Result<Token, Reply> {
    let old = text(details, "id")
        .and_then(|id| state.live(id))
        .ok_or_else(|| denied(state))?;
    let mut methods = old.methods.clone();
    if !methods.iter().any(|m| m == "token") {
        methods.push("token".into());
    }
    let mut token = scoped(state, methods, old.user_id.clone(), scope)?;
    // A rescoped token lives no longer than the one it came from.
    token.expires_at = old.expires_at;
    token.audit_ids.extend(old.audit_ids.first().cloned());
    Ok(token)
}

fn by_credential(
    state: &KeystoneState,
    methods: Vec<String>,
    details: &Map<String, Value>,
) -> Result<Token, Reply> {
    let credential = match text(details, "id") {
        Some(id) => state.credentials.get(id),
        None => text(details, "name").and_then(|name| {
            let user = details.get("user").and_then(Value::as_object)?;
            let user_id = text(user, "id").map(str::to_owned).or_else(|| {
                text(user, "name")
                    .and_then(|n| state.user_named(n))
                    .map(|u| u.id.clone())
            })?;
            state
                .credentials
                .values()
                .find(|c| c.name == name && c.user_id == user_id)
        }),
    };
    let credential = credential
        .filter(|c| text(details, "secret") == Some(&c.secret))
        .ok_or_else(|| denied(state))?;
    let mut token = state.make(
        methods,
        credential.user_id.clone(),
        Some(credential.project_id.clone()),
        credential.roles.clone(),
    );
    token.credential_id = Some(credential.id.clone());
    Ok(token)
}

fn scoped(
    state: &KeystoneState,
    methods: Vec<String>,
    user_id: String,
    scope: Option<&Map<String, Value>>,
) -> Result<Token, Reply> {
    let project = match scope
        .and_then(|s| s.get("project"))
        .and_then(Value::as_object)
    {
        Some(wanted) => {
            let found = match (text(wanted, "id"), text(wanted, "name")) {
                (Some(id), _) => state.projects.get(id),
                (None, Some(name)) => state.project_named(name),
                (None, None) => None,
            };
            Some(found.ok_or_else(|| denied(state))?.id.clone())
        }
        None if scope.is_some() => return Err(denied(state)),
        None => state
            .users
            .get(&user_id)
            .and_then(|user| user.default_project_id.clone()),
    };
    let roles = match &project {
        Some(id) => {
            let roles = state.roles_of(&user_id, id);
            if roles.is_empty() {
                return Err(denied(state));
            }
            roles
        }
        None => Vec::new(),
    };
    Ok(state.make(methods, user_id, project, roles))
}

fn subject<'a>(
    state: &'a KeystoneState,
    request: &'a Request,
) -> Result<(&'a str, &'a Token), Reply> {
    let id = request
        .header("x-subject-token")
        .ok_or_else(|| fault(404, "Not Found", "No token in the request"))?;
    let token = state
        .tokens
        .get(id)
        .ok_or_else(|| fault(404, "Not Found", "Could not recognize Fernet token"))?;
    if token.expires_at <= Utc::now() && !request.query.truthy("allow_expired") {
        return Err(fault(404, "Not Found", "Failed to validate token"));
    }
    Ok((id, token))
}

/// GET and HEAD /v3/auth/tokens.
pub(super) fn validate(
    state: &KeystoneState,
    request: &Request,
    caller: &Caller,
) -> Result<Reply, Reply> {
    let (id, token) = subject(state, request)?;
    if !caller.is_admin() && !caller.is_service() && token.user_id != caller.user_id {
        return Err(fault(
            403,
            "Forbidden",
            "You are not authorized to perform the requested action: identity:validate_token.",
        ));
    }
    // A token with access rules is only shown to callers that announce that
    // they heed them.
    let ruled = token
        .credential_id
        .as_ref()
        .and_then(|id| state.credentials.get(id))
        .is_some_and(|c| c.access_rules.is_some());
    if ruled && request.header("openstack-identity-access-rules").is_none() {
        return Err(fault(404, "Not Found", "Failed to validate token"));
    }
    let body = render(state, token, !request.query.has("nocatalog"));
    Ok(Reply::ok(json!({ "token": body })).header("X-Subject-Token", id))
}

/// DELETE /v3/auth/tokens.
pub(super) fn revoke(state: &mut KeystoneState, request: &Request) -> Result<Reply, Reply> {
    let id = subject(state, request)?.0.to_owned();
    state.tokens.remove(&id);
    Ok(Reply::empty(204))
}

fn render(state: &KeystoneState, token: &Token, with_catalog: bool) -> Value {
    let domain = json!({"id": "default", "name": "Default"});
    let user_name = state.users.get(&token.user_id).map(|u| u.name.clone());
    let mut body = Map::new();
    body.insert("methods".into(), json!(token.methods));
    body.insert(
        "user".into(),
        json!({
            "domain": domain, "id": token.user_id, "name": user_name,
            "password_expires_at": null,
        }),
    );
    body.insert("audit_ids".into(), json!(token.audit_ids));
    body.insert("expires_at".into(), json!(ids::zulu(token.expires_at)));
    body.insert("issued_at".into(), json!(ids::zulu(token.issued_at)));
    if let Some(project) = token
        .project_id
        .as_ref()
        .and_then(|id| state.projects.get(id))
    {
        body.insert(
            "project".into(),
            json!({"domain": domain, "id": project.id, "name": project.name}),
        );
        body.insert("is_domain".into(), json!(false));
        body.insert("roles".into(), roles(state, token));
        if with_catalog {
            let catalog = catalog::catalog(state, &project.id, &token.user_id);
            body.insert("catalog".into(), Value::Array(catalog));
        }
    }
    if let Some(wide) = token.wide {
        match wide {
            Wide::System => body.insert("system".into(), json!({"all": true})),
            Wide::Domain => body.insert("domain".into(), domain),
        };
        body.insert("roles".into(), roles(state, token));
        if with_catalog {
            let catalog = catalog::catalog(state, "", &token.user_id);
            body.insert("catalog".into(), Value::Array(catalog));
        }
    }
    if let Some(credential) = token
        .credential_id
        .as_ref()
        .and_then(|id| state.credentials.get(id))
    {
        body.insert("application_credential".into(), credential.in_token());
    }
    Value::Object(body)
}

fn roles(state: &KeystoneState, token: &Token) -> Value {
    let roles = token.roles.iter();
    roles
        .map(|name| json!({"id": state.role_id(name), "name": name}))
        .collect()
}
