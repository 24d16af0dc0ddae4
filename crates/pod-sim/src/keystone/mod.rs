//! Identity API v3: tokens, catalog, and as much of users, projects and roles
//! as setting up a cloud takes.

mod catalog;
mod credentials;
mod identity;
mod tokens;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::request::{Reply, Request};
pub(crate) use identity::{Project, User};
pub use tokens::Wide;
pub(crate) use tokens::{Caller, Token};

/// Everything that the simulated Keystone knows.
#[derive(Debug, Default)]
pub(crate) struct KeystoneState {
    /// `http://host:port/v3`.
    pub(crate) url: String,
    pub(crate) regions: BTreeMap<String, Value>,
    pub(crate) services: BTreeMap<String, Value>,
    pub(crate) endpoints: BTreeMap<String, Value>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) projects: BTreeMap<String, Project>,
    /// Role id to name.
    pub(crate) roles: BTreeMap<String, String>,
    /// (user, project, role) ids.
    pub(crate) assignments: Vec<(String, String, String)>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) credentials: BTreeMap<String, credentials::AppCredential>,
    /// How long new tokens are good, in seconds.
    pub(crate) token_lifetime: i64,
}

/// An error in Keystone's body.
pub(super) fn fault(code: u16, title: &str, message: &str) -> Reply {
    Reply::json(
        code,
        json!({"error": {"code": code, "message": message, "title": title}}),
    )
}

pub(super) fn bad_request(message: &str) -> Reply {
    fault(400, "Bad Request", message)
}

pub(super) fn not_found(kind: &str, id: &str) -> Reply {
    fault(404, "Not Found", &format!("Could not find {kind}: {id}."))
}

fn forbidden(action: &str) -> Reply {
    fault(
        403,
        "Forbidden",
        &format!("You are not authorized to perform the requested action: {action}."),
    )
}

/// `{"<plural>": [...], "links": {...}}`.
pub(super) fn listing(request: &Request, plural: &str, items: Vec<Value>) -> Reply {
    let query = if request.raw_query.is_empty() {
        String::new()
    } else {
        format!("?{}", request.raw_query)
    };
    Reply::ok(json!({
        plural: items,
        "links": {
            "next": null,
            "self": format!("{}{}{query}", request.base, request.path),
            "previous": null,
        },
    }))
}

/// `value` with `links.self` added.
pub(super) fn linked(url: &str, plural: &str, id: &str, value: &Value) -> Value {
    let mut object = value.as_object().cloned().unwrap_or_else(Map::new);
    object.insert(
        "links".into(),
        json!({"self": format!("{url}/{plural}/{id}")}),
    );
    Value::Object(object)
}

/// Keeps the items whose string fields equal the query's values.
pub(super) fn filter_by(request: &Request, items: Vec<Value>, keys: &[&str]) -> Vec<Value> {
    items
        .into_iter()
        .filter(|item| {
            keys.iter().all(|key| {
                request
                    .query
                    .get(key)
                    .is_none_or(|wanted| item.get(*key).and_then(Value::as_str) == Some(wanted))
            })
        })
        .collect()
}

/// The object under `key` in the body.
pub(super) fn member(request: &Request, key: &str) -> Result<Map<String, Value>, Reply> {
    let body = request.json().ok_or_else(|| {
        bad_request(
            "Expecting to find valid JSON in request body. The server could not comply with \
             the request since it is either malformed or otherwise incorrect. The client is \
             assumed to be in error.",
        )
    })?;
    body.get(key)
        .and_then(Value::as_object)
        .cloned()
        .ok_or_else(|| bad_request(&format!("'{key}' is a required property")))
}

/// Answers one call. The second part names the caller for the journal.
pub(crate) fn answer(state: &mut KeystoneState, request: &Request) -> (Reply, Option<Caller>) {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), path.as_slice()) {
        ("GET", []) => return (versions(request, 300), None),
        ("GET", ["v3"]) => return (version(request), None),
        ("POST", ["v3", "auth", "tokens"]) => {
            let reply = tokens::issue(state, request).unwrap_or_else(|reply| reply);
            return (reply.header("Vary", "X-Auth-Token"), None);
        }
        _ => {}
    }
    let Some(caller) = request
        .header("x-auth-token")
        .and_then(|token| state.caller(token, None))
    else {
        let reply = Reply::unauthorized(&state.url).header("Vary", "X-Auth-Token");
        return (reply, None);
    };
    let tail = path.strip_prefix(&["v3"]).unwrap_or(&path);
    let reply = route(state, request, &caller, tail).unwrap_or_else(|reply| reply);
    (reply.header("Vary", "X-Auth-Token"), Some(caller))
}

fn route(
    state: &mut KeystoneState,
    request: &Request,
    caller: &Caller,
    path: &[&str],
) -> Result<Reply, Reply> {
    let method = request.method.as_str();
    match (method, path) {
        ("GET" | "HEAD", ["auth", "tokens"]) => return tokens::validate(state, request, caller),
        ("DELETE", ["auth", "tokens"]) => return tokens::revoke(state, request),
        ("GET", ["auth", "catalog"]) => {
            let catalog = catalog::catalog(state, &caller.project_id, &caller.user_id);
            return Ok(Reply::ok(json!({ "catalog": catalog })));
        }
        ("GET", ["auth", "projects"]) => {
            return Ok(identity::own_projects(state, request, caller));
        }
        (_, ["users", user, "application_credentials", rest @ ..]) => {
            return credentials::route(state, request, caller, user, rest);
        }
        ("GET", ["users", id]) if *id == caller.user_id => {
            return identity::route(state, request, path);
        }
        ("GET", ["regions", ..]) => return catalog::route(state, request, path),
        _ => {}
    }
    let family = path.first().copied().unwrap_or_default();
    if !caller.is_admin() {
        return Err(forbidden(&format!("identity:{}", action(method, path))));
    }
    match family {
        "regions" | "services" | "endpoints" => catalog::route(state, request, path),
        "users" | "projects" | "roles" | "domains" | "role_assignments" => {
            identity::route(state, request, path)
        }
        _ => Err(Reply::not_found_page()),
    }
}

/// The policy action of a call: `list_endpoints`, `create_region`.
fn action(method: &str, path: &[&str]) -> String {
    let family = path.first().copied().unwrap_or_default();
    let singular = family.strip_suffix('s').unwrap_or(family);
    match (method, path.len()) {
        ("GET", 1) => format!("list_{family}"),
        ("GET" | "HEAD", _) => format!("get_{singular}"),
        ("POST", _) => format!("create_{singular}"),
        ("DELETE", _) => format!("delete_{singular}"),
        _ => format!("update_{singular}"),
    }
}

fn version_entry(request: &Request) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{}/v3/", request.base)}],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json",
        }],
    })
}

fn versions(request: &Request, code: u16) -> Reply {
    Reply::json(
        code,
        json!({"versions": {"values": [version_entry(request)]}}),
    )
    .header("Location", &format!("{}/v3/", request.base))
    .header("Vary", "X-Auth-Token")
}

fn version(request: &Request) -> Reply {
    Reply::ok(json!({"version": version_entry(request)})).header("Vary", "X-Auth-Token")
}
