//! Users, projects, roles and who has which.

use serde_json::{Value, json};

use super::tokens::Caller;
use super::{KeystoneState, bad_request, filter_by, linked, listing, member, not_found};
use crate::ids;
use crate::request::{Reply, Request};

/// A user of the default domain.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) enabled: bool,
    pub(crate) default_project_id: Option<String>,
}

/// A project of the default domain.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
}

impl KeystoneState {
    pub(crate) fn user_named(&self, name: &str) -> Option<&User> {
        self.users.values().find(|user| user.name == name)
    }

    pub(crate) fn project_named(&self, name: &str) -> Option<&Project> {
        self.projects.values().find(|project| project.name == name)
    }

    pub(crate) fn role_id(&self, name: &str) -> Option<&str> {
        self.roles
            .iter()
            .find(|(_, role)| role.as_str() == name)
            .map(|(id, _)| id.as_str())
    }

    /// Makes sure that there is a project of this name; returns its id.
    pub(crate) fn ensure_project(&mut self, name: &str) -> String {
        if let Some(project) = self.project_named(name) {
            return project.id.clone();
        }
        let project = Project {
            id: ids::hex_id(),
            name: name.to_owned(),
            description: String::new(),
        };
        let id = project.id.clone();
        self.projects.insert(id.clone(), project);
        id
    }

    /// Makes sure that there is a user of this name; returns its id.
    pub(crate) fn ensure_user(&mut self, name: &str, password: &str) -> String {
        if let Some(user) = self.user_named(name) {
            return user.id.clone();
        }
        let user = User {
            id: ids::hex_id(),
            name: name.to_owned(),
            password: password.to_owned(),
            enabled: true,
            default_project_id: None,
        };
        let id = user.id.clone();
        self.users.insert(id.clone(), user);
        id
    }

    /// Gives a user a role in a project; makes what is missing.
    pub(crate) fn assign(&mut self, user: &str, password: &str, project: &str, role: &str) {
        let user_id = self.ensure_user(user, password);
        let project_id = self.ensure_project(project);
        let role_id = match self.role_id(role) {
            Some(id) => id.to_owned(),
            None => {
                let id = ids::hex_id();
                self.roles.insert(id.clone(), role.to_owned());
                id
            }
        };
        let assignment = (user_id, project_id, role_id);
        if !self.assignments.contains(&assignment) {
            self.assignments.push(assignment);
        }
    }

    /// The names of a user's roles in a project, implied ones included, in the
    /// order in which they are listed in tokens.
    pub(crate) fn roles_of(&self, user_id: &str, project_id: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let direct = self
            .assignments
            .iter()
            .filter(|(user, project, _)| user == user_id && project == project_id)
            .filter_map(|(_, _, role)| self.roles.get(role));
        for name in direct {
            for role in with_implied(name) {
                if !names.contains(&role) {
                    names.push(role);
                }
            }
        }
        names
    }
}

fn with_implied(role: &str) -> Vec<String> {
    let chain: &[&str] = match role {
        "admin" => &["admin", "manager", "member", "reader"],
        "manager" => &["manager", "member", "reader"],
        "member" => &["member", "reader"],
        other => return vec![other.to_owned()],
    };
    chain.iter().map(|r| (*r).to_owned()).collect()
}

fn show_user(user: &User) -> Value {
    json!({
        "id": user.id, "name": user.name, "domain_id": "default", "enabled": user.enabled,
        "default_project_id": user.default_project_id,
        "password_expires_at": null, "options": {},
    })
}

fn show_project(project: &Project) -> Value {
    json!({
        "id": project.id, "name": project.name, "domain_id": "default",
        "description": project.description, "enabled": true, "parent_id": "default",
        "is_domain": false, "tags": [], "options": {},
    })
}

fn show_role(id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "domain_id": null, "description": null,
        "options": {"immutable": true},
    })
}

/// GET /v3/auth/projects.
pub(super) fn own_projects(state: &KeystoneState, request: &Request, caller: &Caller) -> Reply {
    let projects = state
        .projects
        .values()
        .filter(|project| !state.roles_of(&caller.user_id, &project.id).is_empty())
        .map(|project| linked(&state.url, "projects", &project.id, &show_project(project)))
        .collect();
    listing(request, "projects", projects)
}

fn all(state: &KeystoneState, plural: &str) -> Vec<Value> {
    let link = |id: &str, value: Value| linked(&state.url, plural, id, &value);
    match plural {
        "users" => state
            .users
            .values()
            .map(|user| link(&user.id, show_user(user)))
            .collect(),
        "projects" => state
            .projects
            .values()
            .map(|project| link(&project.id, show_project(project)))
            .collect(),
        "roles" => state
            .roles
            .iter()
            .map(|(id, name)| link(id, show_role(id, name)))
            .collect(),
        "domains" => vec![link(
            "default",
            json!({
                "id": "default", "name": "Default", "description": "The default domain",
                "enabled": true, "tags": [], "options": {},
            }),
        )],
        _ => state
            .assignments
            .iter()
            .map(|(user, project, role)| {
                json!({
                    "links": {"assignment": format!(
                        "{}/projects/{project}/users/{user}/roles/{role}", state.url
                    )},
                    "scope": {"project": {"id": project}},
                    "user": {"id": user},
                    "role": {"id": role},
                })
            })
            .collect(),
    }
}

/// Users, projects, roles, domains, assignments; the caller is an admin.
pub(super) fn route(
    state: &mut KeystoneState,
    request: &Request,
    path: &[&str],
) -> Result<Reply, Reply> {
    match (request.method.as_str(), path) {
        ("GET", [plural]) => {
            let items = filter_by(request, all(state, plural), &["name", "domain_id"]);
            Ok(listing(request, plural, items))
        }
        ("GET", [plural, id]) => {
            let singular = plural.strip_suffix('s').unwrap_or(plural);
            let item = all(state, plural)
                .into_iter()
                .find(|item| item["id"] == *id)
                .ok_or_else(|| not_found(singular, id))?;
            Ok(Reply::ok(json!({ singular: item })))
        }
        ("POST", [plural]) => create(state, request, plural),
        ("DELETE", ["users", id]) => {
            state
                .users
                .remove(*id)
                .ok_or_else(|| not_found("user", id))?;
            state.assignments.retain(|(user, _, _)| user != id);
            Ok(Reply::empty(204))
        }
        ("DELETE", ["projects", id]) => {
            state
                .projects
                .remove(*id)
                .ok_or_else(|| not_found("project", id))?;
            state.assignments.retain(|(_, project, _)| project != id);
            Ok(Reply::empty(204))
        }
        ("PUT", ["projects", project, "users", user, "roles", role]) => {
            let assignment = (
                (*user).to_owned(),
                (*project).to_owned(),
                (*role).to_owned(),
            );
            if !state.roles.contains_key(*role) {
                return Err(not_found("role", role));
            }
            if !state.assignments.contains(&assignment) {
                state.assignments.push(assignment);
            }
            Ok(Reply::empty(204))
        }
        ("DELETE", ["projects", project, "users", user, "roles", role]) => {
            state.assignments.retain(|(u, p, r)| {
                !(u.as_str() == *user && p.as_str() == *project && r.as_str() == *role)
            });
            Ok(Reply::empty(204))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn create(state: &mut KeystoneState, request: &Request, plural: &str) -> Result<Reply, Reply> {
    let singular = plural.strip_suffix('s').unwrap_or(plural);
    let given = member(request, singular)?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").ok_or_else(|| bad_request("'name' is a required property"))?;
    let taken = all(state, plural).iter().any(|item| item["name"] == name);
    if taken {
        return Err(super::fault(
            409,
            "Conflict",
            &format!(
                "Conflict occurred attempting to store {singular} - Duplicate entry found with \
                 name {name} at domain ID default."
            ),
        ));
    }
    let id = ids::hex_id();
    let shown = match plural {
        "users" => {
            let user = User {
                id: id.clone(),
                name,
                password: text("password").unwrap_or_default(),
                enabled: given.get("enabled") != Some(&Value::Bool(false)),
                default_project_id: text("default_project_id"),
            };
            let shown = show_user(&user);
            state.users.insert(id.clone(), user);
            shown
        }
        "projects" => {
            let project = Project {
                id: id.clone(),
                name,
                description: text("description").unwrap_or_default(),
            };
            let shown = show_project(&project);
            state.projects.insert(id.clone(), project);
            shown
        }
        "roles" => {
            let shown = show_role(&id, &name);
            state.roles.insert(id.clone(), name);
            shown
        }
        _ => return Err(Reply::not_found_page()),
    };
    let shown = linked(&state.url, plural, &id, &shown);
    Ok(Reply::json(201, json!({ singular: shown })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_implies_the_lower_roles() {
        let mut state = KeystoneState::default();
        state.assign("admin", "x", "p", "admin");
        state.assign("reader", "x", "p", "reader");
        let admin = state.user_named("admin").unwrap().id.clone();
        let reader = state.user_named("reader").unwrap().id.clone();
        let project = state.project_named("p").unwrap().id.clone();
        assert_eq!(
            state.roles_of(&admin, &project),
            ["admin", "manager", "member", "reader"]
        );
        assert_eq!(state.roles_of(&reader, &project), ["reader"]);
        assert!(state.roles_of(&reader, "other").is_empty());
    }
}
