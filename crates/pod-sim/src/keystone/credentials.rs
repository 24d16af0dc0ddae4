//! Application credentials with access rules.

use serde_json::{Value, json};

use super::tokens::Caller;
use super::{KeystoneState, bad_request, fault, listing, member, not_found};
use crate::ids;
use crate::request::{Reply, Request};

/// One application credential.
#[derive(Clone, Debug)]
pub(crate) struct AppCredential {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Value,
    pub(crate) user_id: String,
    pub(crate) project_id: String,
    pub(crate) roles: Vec<String>,
    /// `None`: everything is allowed.
    pub(crate) access_rules: Option<Vec<Value>>,
    pub(crate) unrestricted: bool,
    pub(crate) secret: String,
}

impl AppCredential {
    /// The part of a token's body that tells of the credential.
    pub(super) fn in_token(&self) -> Value {
        let mut body = json!({
            "id": self.id, "name": self.name, "restricted": !self.unrestricted,
        });
        if let (Some(rules), Some(object)) = (&self.access_rules, body.as_object_mut()) {
            object.insert("access_rules".into(), json!(rules));
        }
        body
    }

    fn show(&self, state: &KeystoneState) -> Value {
        let roles: Vec<Value> = self
            .roles
            .iter()
            .map(|name| {
                json!({
                    "id": state.role_id(name), "name": name, "domain_id": null,
                    "description": null, "options": {"immutable": true},
                })
            })
            .collect();
        let mut body = json!({
            "id": self.id, "name": self.name, "description": self.description,
            "user_id": self.user_id, "project_id": self.project_id, "system": null,
            "expires_at": null, "unrestricted": self.unrestricted, "roles": roles,
            "links": {"self": format!("{}/application_credentials/{}", state.url, self.id)},
        });
        if let (Some(rules), Some(object)) = (&self.access_rules, body.as_object_mut()) {
            object.insert("access_rules".into(), json!(rules));
        }
        body
    }
}

/// /v3/users/{user}/application_credentials.
pub(super) fn route(
    state: &mut KeystoneState,
    request: &Request,
    caller: &Caller,
    user: &str,
    rest: &[&str],
) -> Result<Reply, Reply> {
    if caller.user_id != user && !caller.is_admin() {
        return Err(fault(
            403,
            "Forbidden",
            "You are not authorized to perform the requested action: \
             identity:get_application_credential.",
        ));
    }
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let items = state
                .credentials
                .values()
                .filter(|c| c.user_id == user)
                .map(|c| c.show(state))
                .collect();
            Ok(listing(request, "application_credentials", items))
        }
        ("POST", []) => create(state, request, caller),
        ("GET", [id]) => {
            let credential = owned(state, user, id)?;
            let shown = credential.show(state);
            Ok(Reply::ok(json!({ "application_credential": shown })))
        }
        ("DELETE", [id]) => {
            owned(state, user, id)?;
            state.credentials.remove(*id);
            state
                .tokens
                .retain(|_, token| token.credential_id.as_deref() != Some(id));
            Ok(Reply::empty(204))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn owned<'a>(state: &'a KeystoneState, user: &str, id: &str) -> Result<&'a AppCredential, Reply> {
    state
        .credentials
        .get(id)
        .filter(|c| c.user_id == user)
        .ok_or_else(|| not_found("application credential", id))
}

fn create(state: &mut KeystoneState, request: &Request, caller: &Caller) -> Result<Reply, Reply> {
    let given = member(request, "application_credential")?;
    let name = given
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| bad_request("'name' is a required property"))?;
    let access_rules = given
        .get("access_rules")
        .and_then(Value::as_array)
        .map(|rules| rules.iter().map(with_id).collect::<Vec<Value>>());
    let credential = AppCredential {
        id: ids::hex_id(),
        name: name.to_owned(),
        description: given.get("description").cloned().unwrap_or(Value::Null),
        user_id: caller.user_id.clone(),
        project_id: caller.project_id.clone(),
        roles: wanted_roles(state, caller, given.get("roles")),
        access_rules,
        unrestricted: given.get("unrestricted") == Some(&Value::Bool(true)),
        secret: given
            .get("secret")
            .and_then(Value::as_str)
            .map_or_else(|| ids::secret(86), str::to_owned),
    };
    let mut shown = credential.show(state);
    if let Some(object) = shown.as_object_mut() {
        object.insert("secret".into(), json!(credential.secret));
    }
    state.credentials.insert(credential.id.clone(), credential);
    Ok(Reply::json(201, json!({ "application_credential": shown })))
}

fn with_id(rule: &Value) -> Value {
    let mut rule = rule.clone();
    if let Some(object) = rule.as_object_mut() {
        object
            .entry("id")
            .or_insert_with(|| Value::String(ids::hex_id()));
    }
    rule
}

/// The roles asked for, as far as the caller has them; all if none are named.
fn wanted_roles(state: &KeystoneState, caller: &Caller, asked: Option<&Value>) -> Vec<String> {
    let Some(asked) = asked.and_then(Value::as_array) else {
        return caller.roles.clone();
    };
    asked
        .iter()
        .filter_map(|role| {
            let by_id = role.get("id").and_then(Value::as_str);
            let by_name = role.get("name").and_then(Value::as_str);
            by_id
                .and_then(|id| state.roles.get(id).map(String::as_str))
                .or(by_name)
                .map(str::to_owned)
        })
        .filter(|name| caller.roles.contains(name))
        .collect()
}
