//! Networking API v2.0 with the ML2 plug-in's behaviour, without agents.
//!
//! Resources are kept as the JSON objects that an administrator sees; views
//! for others leave fields out. That makes filters, `fields`, sorting and
//! paging one piece of code for all of them (`collection`).

mod address_groups;
mod attributes;
mod collection;
mod extensions;
mod floatingips;
mod gateways;
mod interfaces;
pub(crate) mod ipam;
mod networks;
pub(crate) mod ports;
mod quotas;
mod routers;
mod routes;
pub(crate) mod security_groups;
mod subnets;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::ids;
use crate::keystone::Caller;
use crate::request::{Reply, Request};

/// A resource as an administrator sees it.
pub(crate) type Object = Map<String, Value>;
/// Resources by id.
pub(crate) type Table = BTreeMap<String, Object>;

/// Everything that a pod's Neutron knows.
#[derive(Debug)]
pub(crate) struct NeutronState {
    pub(crate) networks: Table,
    pub(crate) subnets: Table,
    pub(crate) ports: Table,
    pub(crate) security_groups: Table,
    pub(crate) security_group_rules: Table,
    pub(crate) routers: Table,
    pub(crate) floatingips: Table,
    pub(crate) address_groups: Table,
    pub(crate) quotas: BTreeMap<String, Object>,
    /// Physical network to the VLAN ids that may be chosen without naming one.
    pub(crate) vlan_ranges: Vec<(String, Option<(u16, u16)>)>,
    /// The largest MTU of a network on a physical network.
    pub(crate) physical_mtu: u64,
    pub(crate) dns_domain: String,
    /// Extensions that this pod does not have.
    pub(crate) lacking: BTreeSet<String>,
}

impl Default for NeutronState {
    fn default() -> Self {
        NeutronState {
            networks: Table::new(),
            subnets: Table::new(),
            ports: Table::new(),
            security_groups: Table::new(),
            security_group_rules: Table::new(),
            routers: Table::new(),
            floatingips: Table::new(),
            address_groups: Table::new(),
            quotas: BTreeMap::new(),
            vlan_ranges: vec![
                ("physnet1".into(), Some((1000, 2999))),
                ("extern".into(), None),
            ],
            physical_mtu: 1500,
            dns_domain: "pod.example.".into(),
            lacking: BTreeSet::new(),
        }
    }
}

impl NeutronState {
    /// Whether the pod was told to be without an extension.
    fn lacks(&self, extension: &str) -> bool {
        self.lacking.contains(extension)
    }
}

/// What a handler gets beside the state.
pub(crate) struct Context<'a> {
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller,
}

type Answer = Result<Reply, Reply>;

/// An error in Neutron's body.
pub(crate) fn fault(code: u16, kind: &str, message: &str) -> Reply {
    Reply::json(
        code,
        json!({"NeutronError": {"type": kind, "message": message, "detail": ""}}),
    )
}

pub(super) fn bad_request(message: &str) -> Reply {
    fault(400, "HTTPBadRequest", message)
}

pub(super) fn invalid_input(message: &str) -> Reply {
    fault(
        400,
        "InvalidInput",
        &format!("Invalid input for operation: {message}."),
    )
}

pub(super) fn forbidden(rule: &str) -> Reply {
    fault(
        403,
        "PolicyNotAuthorized",
        &format!("{rule} is disallowed by policy"),
    )
}

/// Neutron's answer to what it did not expect.
pub(super) fn crash() -> Reply {
    fault(
        500,
        "HTTPInternalServerError",
        "Request Failed: internal server error while processing your request.",
    )
}

fn not_found() -> Reply {
    fault(404, "HTTPNotFound", "The resource could not be found.")
}

/// The 404 of a resource; Neutron words it differently from family to family.
pub(super) fn missing(plural: &str, id: &str) -> Reply {
    let (kind, message) = match plural {
        "networks" => (
            "NetworkNotFound",
            format!("Network {id} could not be found."),
        ),
        "subnets" => ("SubnetNotFound", format!("Subnet {id} could not be found.")),
        "ports" => ("PortNotFound", format!("Port {id} could not be found.")),
        "security-groups" => (
            "SecurityGroupNotFound",
            format!("Security group {id} does not exist"),
        ),
        "security-group-rules" => (
            "SecurityGroupRuleNotFound",
            format!("Security group rule {id} does not exist"),
        ),
        "routers" => ("RouterNotFound", format!("Router {id} could not be found")),
        "address-groups" => (
            "AddressGroupNotFound",
            format!("Address group {id} could not be found."),
        ),
        _ => (
            "FloatingIPNotFound",
            format!("Floating IP {id} could not be found"),
        ),
    };
    fault(404, kind, &message)
}

pub(crate) fn text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether `object` belongs to the caller's project or the caller may see all.
pub(super) fn owns(caller: &Caller, object: &Object) -> bool {
    caller.is_admin() || text(object, "project_id") == caller.project_id
}

/// Adds the attributes that every resource has.
pub(super) fn stamp(object: &mut Object, revision: u64) {
    let now = ids::seconds(ids::now());
    object.entry("description").or_insert_with(|| json!(""));
    object.insert("tags".into(), json!([]));
    object.insert("created_at".into(), json!(now));
    object.insert("updated_at".into(), json!(now));
    object.insert("revision_number".into(), json!(revision));
}

/// Counts a change.
pub(crate) fn touch(object: &mut Object) {
    let revision = object
        .get("revision_number")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    object.insert("revision_number".into(), json!(revision + 1));
    object.insert("updated_at".into(), json!(ids::seconds(ids::now())));
}

/// Refuses a change that names another revision.
pub(super) fn check_revision(request: &Request, object: &Object) -> Result<(), Reply> {
    let Some(wanted) = request
        .header("if-match")
        .and_then(|value| value.strip_prefix("revision_number="))
    else {
        return Ok(());
    };
    let current = object
        .get("revision_number")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    if wanted == current.to_string() {
        return Ok(());
    }
    Err(fault(
        412,
        "RevisionNumberConstraintFailed",
        &format!("Constrained to {wanted}, but current revision is {current}"),
    ))
}

/// The objects of a create body: one, or several under the plural.
pub(super) fn created_objects(
    request: &Request,
    singular: &str,
    plural: &str,
) -> Result<(Vec<Object>, bool), Reply> {
    let nothing = || bad_request(&format!("Unable to find '{singular}' in request body"));
    let body = if request.body.is_empty() {
        return Err(nothing());
    } else {
        request
            .json()
            .ok_or_else(|| bad_request("Body contains invalid data"))?
    };
    if let Some(many) = body.get(plural).and_then(Value::as_array) {
        let objects = many.iter().filter_map(|v| v.as_object().cloned()).collect();
        return Ok((objects, true));
    }
    match body.get(singular) {
        Some(Value::Object(one)) => Ok((vec![one.clone()], false)),
        Some(_) => Err(bad_request(&format!(
            "Object '{singular}' contains invalid data"
        ))),
        None => Err(nothing()),
    }
}

/// The object of a create of a family without bulk creates.
pub(super) fn created_alone((mut all, bulk): (Vec<Object>, bool)) -> Result<Object, Reply> {
    match (all.pop(), bulk) {
        (Some(one), false) => Ok(one),
        _ => Err(bad_request("Bulk operation not supported")),
    }
}

/// The object of an update body.
pub(super) fn updated_object(request: &Request, singular: &str) -> Result<Object, Reply> {
    created_objects(request, singular, "")
        .and_then(|(mut objects, _)| objects.pop().ok_or_else(|| bad_request("Empty body")))
}

/// `{"network": {...}}` or `{"networks": [...]}` with 201.
pub(super) fn created(singular: &str, plural: &str, bulk: bool, mut views: Vec<Value>) -> Reply {
    if bulk {
        return Reply::json(201, json!({ plural: views }));
    }
    Reply::json(201, json!({ singular: views.pop() }))
}

/// The project of a new object: the caller's, or another by an admin's word.
pub(super) fn project_of(caller: &Caller, given: &Object) -> Result<String, Reply> {
    let named = given
        .get("project_id")
        .or_else(|| given.get("tenant_id"))
        .and_then(Value::as_str);
    match named {
        Some(project) if project != caller.project_id && !caller.is_admin() => Err(bad_request(
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in \
             request requires admin privileges",
        )),
        Some(project) => Ok(project.to_owned()),
        None => Ok(caller.project_id.clone()),
    }
}

/// Answers a call without a token, if it is one that needs none.
pub(crate) fn public(request: &Request) -> Option<Reply> {
    (request.method == "GET" && request.segments().is_empty()).then(|| {
        Reply::ok(json!({"versions": [{
            "id": "v2.0", "status": "CURRENT",
            "links": [{"rel": "self", "href": format!("{}/v2.0/", request.base)}],
        }]}))
    })
}

/// Answers a call.
pub(crate) fn answer(state: &mut NeutronState, cx: &Context<'_>) -> Reply {
    let segments = cx.request.segments();
    let path: Vec<&str> = segments
        .iter()
        .map(|s| s.strip_suffix(".json").unwrap_or(s))
        .collect();
    match path.strip_prefix(&["v2.0"]) {
        Some(tail) => route(state, cx, tail).unwrap_or_else(|reply| reply),
        None => not_found(),
    }
}

fn route(state: &mut NeutronState, cx: &Context<'_>, path: &[&str]) -> Answer {
    // An administrator who asks for the groups of a project makes its default one.
    let asked_for = match (cx.request.method.as_str(), path) {
        ("GET", ["security-groups"]) => cx.request.query.all("project_id").next(),
        _ => None,
    };
    let project = asked_for.unwrap_or(&cx.caller.project_id).to_owned();
    security_groups::ensure_default(state, &project);
    match (cx.request.method.as_str(), path) {
        ("GET", []) => Ok(index(cx.request)),
        (
            _,
            [
                "networks" | "subnets" | "ports" | "security-groups" | "routers" | "floatingips",
                _,
                "tags",
                ..,
            ],
        ) => tags::route(state, cx, path),
        (_, ["networks", rest @ ..]) => networks::route(state, cx, rest),
        (_, ["subnets", rest @ ..]) => subnets::route(state, cx, rest),
        (_, ["ports", rest @ ..]) => ports::route(state, cx, rest),
        (_, ["security-groups", rest @ ..]) => security_groups::route(state, cx, rest),
        (_, ["security-group-rules", rest @ ..]) => security_groups::rule_route(state, cx, rest),
        (_, ["routers", rest @ ..]) => routers::route(state, cx, rest),
        (_, ["floatingips", rest @ ..]) => floatingips::route(state, cx, rest),
        (_, ["address-groups", rest @ ..]) => address_groups::route(state, cx, rest),
        (_, ["quotas", rest @ ..]) => quotas::route(state, cx, rest),
        ("GET", ["extensions", rest @ ..]) => extensions::route(state, rest),
        ("GET", [family]) => empty_family(family).ok_or_else(not_found),
        ("GET", ["qos", "policies"]) => Ok(Reply::ok(json!({"policies": []}))),
        _ => Err(not_found()),
    }
}

/// Families that a pod has but nobody fills here.
fn empty_family(family: &str) -> Option<Reply> {
    let key = match family {
        "agents" | "availability_zones" | "subnetpools" | "trunks" | "flavors" => family,
        "address-scopes" => "address_scopes",
        "rbac-policies" => "rbac_policies",
        "network-ip-availabilities" => "network_ip_availabilities",
        "service-providers" => "service_providers",
        _ => return None,
    };
    Some(Reply::ok(json!({ key: [] })))
}

fn index(request: &Request) -> Reply {
    let resources: Vec<Value> = ["network", "subnet", "subnetpool", "port"]
        .iter()
        .map(|name| {
            json!({
                "name": name, "collection": format!("{name}s"),
                "links": [{
                    "rel": "self",
                    "href": format!("{}/v2.0/{name}s", request.base),
                }],
            })
        })
        .collect();
    Reply::ok(json!({ "resources": resources }))
}
