//! Quotas of projects, of users in them, and of classes: kept and counted at the top.
//!
//! What Nova answers and refuses at each microversion is here; what a limit is and
//! whether a wish fits, in the `quota` crate and the queries.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion, schema};
use tricircle_db::models::{ComputeQuotas, RoutingUsage};
use tricircle_gateway::Call;
use tricircle_quota::{COMPUTE, Limits};

use super::{projects, read};
use crate::state::State;

/// Neutron's resources, which the Compute API forgot with 2.36 (of classes, with 2.50).
const NETWORKING: [&str; 4] = [
    "fixed_ips",
    "floating_ips",
    "security_group_rules",
    "security_groups",
];
/// Resources of file injection, which ended with 2.57.
const FILES: [&str; 3] = [
    "injected_file_content_bytes",
    "injected_file_path_bytes",
    "injected_files",
];
/// Resources that classes have from 2.50 on only.
const GROUPS: [&str; 2] = ["server_group_members", "server_groups"];

/// The resources that a version knows; `networking_until` is the version that no
/// longer knows Neutron's.
fn resources(
    version: Microversion,
    networking_until: u16,
) -> impl Iterator<Item = &'static str> + Clone {
    let networking = version < Microversion::new(2, networking_until);
    let files = version < Microversion::new(2, 57);
    COMPUTE
        .into_iter()
        .filter(move |name| networking || !NETWORKING.contains(name))
        .filter(move |name| files || !FILES.contains(name))
}

/// The limits of a project and of a user in it, and how much of them is used.
pub(crate) struct Quotas {
    configured: Limits,
    set: ComputeQuotas,
    of_user: bool,
    used: BTreeMap<&'static str, i64>,
}

impl Quotas {
    /// Looks up limits and usage.
    pub(crate) async fn of(
        state: &State,
        project_id: &str,
        user_id: Option<&str>,
    ) -> Result<Self, Fault> {
        let store = &state.compute.store;
        let set = store
            .compute_quotas(project_id, user_id.unwrap_or_default())
            .await?;
        let used = store.server_usage(project_id, user_id).await?;
        let groups = store.server_group_count(project_id, user_id).await?;
        Ok(Self {
            configured: Limits::configured(&state.compute.config.quota),
            set,
            of_user: user_id.is_some(),
            used: counted(used, groups),
        })
    }

    /// The limit of a resource.
    pub(crate) fn limit(&self, resource: &str) -> i64 {
        let configured = self.configured.get(resource);
        if self.of_user {
            self.set.of_user(resource, configured)
        } else {
            self.set.of_project(resource, configured)
        }
    }

    /// How much of a resource there is. What belongs to users and not to projects, and
    /// what is only limited, counts nothing here, as in Nova.
    pub(crate) fn used(&self, resource: &str) -> i64 {
        self.used.get(resource).copied().unwrap_or(0)
    }
}

fn counted(used: RoutingUsage, groups: i64) -> BTreeMap<&'static str, i64> {
    BTreeMap::from([
        ("cores", used.vcpus),
        ("instances", used.count),
        ("ram", used.ram_mb),
        ("server_groups", groups),
    ])
}

fn strict(call: &Call, minor: u16) -> bool {
    call.context.version() >= Microversion::new(2, minor)
}

/// The user that the query names, if any.
fn user_asked_for(call: &Call) -> Result<Option<String>, Fault> {
    let pairs = call.query_pairs();
    schema::query(
        &json!({
            "type": "object",
            "properties": {"user_id": {"type": "array", "items": {"type": "string"}}},
            "additionalProperties": !strict(call, 75),
        }),
        &pairs,
    )?;
    let user = pairs.into_iter().find(|(key, _)| key == "user_id");
    Ok(user.map(|(_, id)| id).filter(|id| !id.is_empty()))
}

/// The project in the path, if the rule lets the caller ask about it and it exists.
async fn project_in_path(call: &Call, rule: &str) -> Result<String, Fault> {
    let project = call.param("project").to_owned();
    call.require_on(rule, &project, &call.context.user_id)?;
    projects::require_known(call, &project).await?;
    Ok(project)
}

fn answer(id: Option<&str>, values: impl Iterator<Item = (&'static str, Value)>) -> HttpResponse {
    let mut set = Map::new();
    if let Some(id) = id {
        set.insert("id".to_owned(), json!(id));
    }
    set.extend(values.map(|(name, value)| (name.to_owned(), value)));
    HttpResponse::Ok().json(json!({ "quota_set": set }))
}

/// `GET /os-quota-sets/{project}`.
pub(crate) async fn show(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let user = user_asked_for(&call)?;
    let project = project_in_path(&call, "os_compute_api:os-quota-sets:show").await?;
    let quotas = Quotas::of(&state, &project, user.as_deref()).await?;
    let names = resources(call.context.version(), 36);
    Ok(answer(
        Some(&project),
        names.map(|name| (name, json!(quotas.limit(name)))),
    ))
}

/// `GET /os-quota-sets/{project}/detail`.
pub(crate) async fn detail(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let user = user_asked_for(&call)?;
    let project = project_in_path(&call, "os_compute_api:os-quota-sets:detail").await?;
    let quotas = Quotas::of(&state, &project, user.as_deref()).await?;
    let names = resources(call.context.version(), 36);
    let detailed = names.map(|name| {
        let (limit, used) = (quotas.limit(name), quotas.used(name));
        (name, json!({"in_use": used, "limit": limit, "reserved": 0}))
    });
    Ok(answer(Some(&project), detailed))
}

/// `GET /os-quota-sets/{project}/defaults`.
pub(crate) async fn defaults(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let project = project_in_path(&call, "os_compute_api:os-quota-sets:defaults").await?;
    let quotas = Quotas {
        configured: Limits::configured(&state.compute.config.quota),
        set: ComputeQuotas {
            default: state.compute.store.compute_quota_class("default").await?,
            ..ComputeQuotas::default()
        },
        of_user: false,
        used: BTreeMap::new(),
    };
    let names = resources(call.context.version(), 36);
    Ok(answer(
        Some(&project),
        names.map(|name| (name, json!(quotas.limit(name)))),
    ))
}

/// What a limit looks like in a body.
fn limit_schema() -> Value {
    json!({
        "type": ["integer", "string"], "pattern": "^-?[0-9]+$", "minimum": -1,
        "maximum": 0x7FFF_FFFF_i64,
    })
}

fn set_schema(key: &str, names: impl Iterator<Item = &'static str>, forced: bool) -> Value {
    let mut properties: Map<String, Value> = names
        .map(|name| (name.to_owned(), limit_schema()))
        .collect();
    if forced {
        properties.insert("force".to_owned(), super::boolean());
    }
    json!({
        "type": "object",
        "properties": {key: {
            "type": "object", "properties": properties, "additionalProperties": false,
        }},
        "required": [key],
        "additionalProperties": false,
    })
}

/// The limits in a body that keeps to its schema.
fn limits_in(set: Option<&Value>) -> Vec<(String, i64)> {
    set.and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| {
            let limit = match value {
                Value::String(text) => text.parse().ok(),
                number => number.as_i64().or(number.as_f64().map(|n| n as i64)),
            };
            Some((name.clone(), limit?)).filter(|(name, _)| name != "force")
        })
        .collect()
}

/// The least and the most that a limit may be set to.
#[derive(Debug, PartialEq, Eq)]
struct Settable {
    least: i64,
    most: i64,
}

/// `-1` is more than any number.
fn size(limit: i64) -> i64 {
    if limit == -1 { i64::MAX } else { limit }
}

/// Nova's rules: a project's limit covers what is used and what its users were given; a
/// user's covers what he uses, and fits into what the project has left.
fn settable(project_limit: i64, of_users: i64, used: i64, own: Option<i64>) -> Settable {
    let unlimited = |limit: i64| limit <= -1;
    let left = project_limit - of_users;
    match own {
        Some(own) => Settable {
            least: used,
            most: if unlimited(left) || unlimited(own) {
                -1
            } else {
                left + own
            },
        },
        None => Settable {
            least: used.max(if unlimited(project_limit) || unlimited(left) {
                -1
            } else {
                of_users
            }),
            most: -1,
        },
    }
}

fn check_settable(name: &str, limit: i64, range: &Settable) -> Result<(), Fault> {
    if size(limit) < size(range.least) {
        return Err(Fault::bad_request(format!(
            "Quota limit {limit} for {name} must be greater than or equal to already used and \
             reserved {}.",
            range.least
        )));
    }
    if size(limit) > size(range.most) {
        return Err(Fault::bad_request(format!(
            "Quota limit {limit} for {name} must be less than or equal to {}.",
            range.most
        )));
    }
    Ok(())
}

/// `PUT /os-quota-sets/{project}`.
pub(crate) async fn update(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    let names = resources(call.context.version(), 36);
    schema::body(&set_schema("quota_set", names.clone(), true), &body)?;
    let user = user_asked_for(&call)?;
    let project = project_in_path(&call, "os_compute_api:os-quota-sets:update").await?;
    let store = &state.compute.store;
    let set = body.get("quota_set");
    let wanted = limits_in(set);
    if !super::truthy(set.and_then(|set| set.get("force"))) {
        let of_project = Quotas::of(&state, &project, None).await?;
        let of_user = Quotas::of(&state, &project, user.as_deref()).await?;
        let of_users = store.compute_quotas_of_users(&project).await?;
        for (name, limit) in &wanted {
            let own = user
                .is_some()
                .then(|| of_user.set.user.get(name).copied().unwrap_or(0));
            let range = settable(
                of_project.limit(name),
                of_users.get(name).copied().unwrap_or(0),
                of_user.used(name),
                own,
            );
            check_settable(name, *limit, &range)?;
        }
    }
    store
        .compute_quotas_set(&project, user.as_deref().unwrap_or_default(), &wanted)
        .await?;
    let quotas = Quotas::of(&state, &project, user.as_deref()).await?;
    Ok(answer(
        None,
        names.map(|name| (name, json!(quotas.limit(name)))),
    ))
}

/// `DELETE /os-quota-sets/{project}`.
pub(crate) async fn delete(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let user = user_asked_for(&call)?;
    let project = call.param("project");
    call.require_on(
        "os_compute_api:os-quota-sets:delete",
        project,
        &call.context.user_id,
    )?;
    state
        .compute
        .store
        .compute_quotas_delete(project, user.as_deref())
        .await?;
    Ok(HttpResponse::Accepted().finish())
}

/// The resources that classes have.
fn of_classes(version: Microversion) -> impl Iterator<Item = &'static str> + Clone {
    let groups = version >= Microversion::new(2, 50);
    resources(version, 50).filter(move |name| groups || !GROUPS.contains(name))
}

async fn class_answer(
    state: &State,
    call: &Call,
    class: &str,
    id: Option<&str>,
) -> Result<HttpResponse, Fault> {
    let set = state.compute.store.compute_quota_class(class).await?;
    let configured = Limits::configured(&state.compute.config.quota);
    let mut shown = Map::new();
    if let Some(id) = id {
        shown.insert("id".to_owned(), json!(id));
    }
    for name in of_classes(call.context.version()) {
        let limit = set.get(name).copied();
        let limit = limit.unwrap_or_else(|| configured.get(name));
        shown.insert(name.to_owned(), json!(limit));
    }
    Ok(HttpResponse::Ok().json(json!({ "quota_class_set": shown })))
}

/// `GET /os-quota-class-sets/{class}`.
pub(crate) async fn class(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    schema::query(
        &json!({
            "type": "object", "properties": {}, "additionalProperties": !strict(&call, 102),
        }),
        &call.query_pairs(),
    )?;
    let class = call.param("class").to_owned();
    class_answer(&state, &call, &class, Some(&class)).await
}

/// `PUT /os-quota-class-sets/{class}`.
pub(crate) async fn set_class(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    let version = call.context.version();
    // The body may name the groups at every version.
    let names = resources(version, 50);
    schema::body(&set_schema("quota_class_set", names, false), &body)?;
    let class = call.param("class").to_owned();
    let length = class.chars().count();
    if length > 255 {
        return Err(Fault::bad_request(format!(
            "Invalid input received: quota_class_name has {length} characters, more than 255."
        )));
    }
    let wanted = limits_in(body.get("quota_class_set"));
    let store = &state.compute.store;
    store.compute_quota_class_set(&class, &wanted).await?;
    class_answer(&state, &call, &class, None).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_resources() {
        let names = |minor| resources(Microversion::new(2, minor), 36).count();
        assert_eq!((names(1), names(36), names(57)), (14, 10, 7));
        let classes = |minor| of_classes(Microversion::new(2, minor)).count();
        assert_eq!(
            (classes(1), classes(36), classes(50), classes(57)),
            (12, 12, 10, 7)
        );
    }

    #[test]
    fn limits_cover_what_is_used_and_given_away() {
        for (project, users, used, own, least, most) in [
            (10, 0, 3, None, 3, -1),
            (10, 5, 3, None, 5, -1),
            (-1, 5, 3, None, 3, -1),
            (10, 5, 3, Some(0), 3, 5),
            (10, 5, 3, Some(5), 3, 10),
            (-1, 5, 3, Some(5), 3, -1),
        ] {
            let range = settable(project, users, used, own);
            assert_eq!(
                range,
                Settable { least, most },
                "{project} {users} {used} {own:?}"
            );
        }
        let range = Settable { least: 3, most: 10 };
        for (limit, fits) in [(2, false), (3, true), (10, true), (11, false), (-1, false)] {
            assert_eq!(
                check_settable("cores", limit, &range).is_ok(),
                fits,
                "{limit}"
            );
        }
        let open = Settable { least: 3, most: -1 };
        assert!(check_settable("cores", -1, &open).is_ok());
        assert_eq!(
            check_settable("cores", 2, &open).unwrap_err().message(),
            "Quota limit 2 for cores must be greater than or equal to already used and reserved 3."
        );
    }
}
