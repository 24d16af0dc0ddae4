//! Compute API v2.1, microversions 2.1 to 2.104.

mod actions;
pub(crate) mod admin;
pub(crate) mod attachments;
mod create;
mod details;
mod flavors;
pub(crate) mod interfaces;
mod keypairs;
pub(crate) mod lifecycle;
mod list;
mod server;
mod versions;
mod view;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::ids;
use crate::keystone::Caller;
use crate::request::{Body, Reply, Request};
use crate::state::PodState;
pub(crate) use flavors::Flavor;
pub(crate) use keypairs::Keypair;
pub(crate) use server::{Nic, Server, VolumeLink};
pub(crate) use versions::public;

/// Everything that a pod's Nova knows beside its ports and volumes.
#[derive(Debug, Default)]
pub(crate) struct NovaState {
    pub(crate) servers: BTreeMap<String, Server>,
    pub(crate) flavors: BTreeMap<String, Flavor>,
    /// By user id and name.
    pub(crate) keypairs: BTreeMap<(String, String), Keypair>,
    /// The message of the fault that the next build ends with.
    pub(crate) fail_next_build: Option<String>,
    /// Availability zones of the compute hosts.
    pub(crate) zones: Vec<String>,
    pub(crate) sequence: u64,
}

/// What a handler gets beside the state.
pub(crate) struct Context<'a> {
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller,
    /// The images of the shared Glance.
    pub(crate) images: &'a [Value],
    /// The minor part of the effective microversion.
    pub(crate) minor: u32,
}

pub(super) type Answer = Result<Reply, Reply>;

/// An error in Nova's body.
pub(crate) fn fault(code: u16, message: &str) -> Reply {
    let name = match code {
        400 => "badRequest",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "itemNotFound",
        405 => "badMethod",
        409 => "conflictingRequest",
        413 | 429 => "overLimit",
        415 => "badMediaType",
        501 => "notImplemented",
        503 => "serviceUnavailable",
        _ => "computeFault",
    };
    Reply {
        status: code,
        body: Body::JsonUtf8(json!({name: {"code": code, "message": message}})),
        headers: Vec::new(),
    }
}

pub(super) fn bad_request(message: &str) -> Reply {
    fault(400, message)
}

/// The 400 of a JSON schema check.
pub(super) fn invalid(attribute: &str, value: &str, reason: &str) -> Reply {
    bad_request(&format!(
        "Invalid input for field/attribute {attribute}. Value: {value}. {reason}"
    ))
}

pub(super) fn forbidden(rule: &str) -> Reply {
    fault(
        403,
        &format!("Policy doesn't allow {rule} to be performed."),
    )
}

pub(super) fn require_admin(cx: &Context<'_>, rule: &str) -> Result<(), Reply> {
    if cx.caller.is_admin() {
        return Ok(());
    }
    Err(forbidden(rule))
}

pub(super) fn require_member(cx: &Context<'_>, rule: &str) -> Result<(), Reply> {
    if cx.caller.is_member() {
        return Ok(());
    }
    Err(forbidden(rule))
}

/// The object under `key` of the body.
pub(super) fn member(request: &Request, key: &str) -> Result<Map<String, Value>, Reply> {
    let body = request
        .json()
        .ok_or_else(|| bad_request("Malformed request body"))?;
    if !body.is_object() {
        let shown = python(&body);
        return Err(bad_request(&format!("{shown} is not of type 'object'")));
    }
    match body.get(key) {
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(other) => Err(invalid(
            key,
            &python(other),
            &format!("{} is not of type 'object'", python(other)),
        )),
        None => Err(bad_request(&format!("'{key}' is a required property"))),
    }
}

/// A JSON value as Python prints it, as in Nova's messages.
pub(super) fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => {
            let inner: Vec<String> = items.iter().map(python).collect();
            format!("[{}]", inner.join(", "))
        }
        Value::Object(object) => {
            let inner: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("'{key}': {}", python(value)))
                .collect();
            format!("{{{}}}", inner.join(", "))
        }
        Value::Number(number) => number.to_string(),
    }
}

/// The self and bookmark links of a resource.
pub(super) fn links(request: &Request, family: &str, id: &str) -> Value {
    json!([
        {"rel": "self", "href": format!("{}/v2.1/{family}/{id}", request.base)},
        {"rel": "bookmark", "href": format!("{}/{family}/{id}", request.base)},
    ])
}

/// Answers a call whose token was good.
pub(crate) fn answer(
    pod: &mut PodState,
    request: &Request,
    caller: &Caller,
    images: &[Value],
) -> Reply {
    let (shown, minor) = match versions::negotiate(request) {
        Ok(version) => version,
        Err(reply) => return reply,
    };
    if request.body.len() > 114_688 {
        return Reply::html(
            413,
            "Request Entity Too Large",
            "Request is too large. Larger than max_request_body_size (114688).",
        );
    }
    let cx = Context {
        request,
        caller,
        images,
        minor,
    };
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some(path) = path
        .strip_prefix(&["v2.1"])
        .or_else(|| path.strip_prefix(&["v2"]))
    else {
        return versions::choices(request);
    };
    let reply = match in_project(&cx, path) {
        Ok(path) => route(pod, &cx, path).unwrap_or_else(|reply| reply),
        Err(reply) => reply,
    };
    if reply.status == 404 && matches!(reply.body, Body::Html(_)) {
        return reply;
    }
    versions::stamp(reply, &shown)
}

/// The path behind an optional project id, which must be the token's.
fn in_project<'a, 'b>(cx: &Context<'_>, path: &'a [&'b str]) -> Result<&'a [&'b str], Reply> {
    match path.split_first() {
        Some((first, rest)) if *first == cx.caller.project_id => Ok(rest),
        Some((first, _)) if ids::is_uuid(first) => Err(bad_request(&format!(
            "Malformed request URL: URL's project_id '{first}' doesn't match Context's \
             project_id '{}'",
            cx.caller.project_id
        ))),
        _ => Ok(path),
    }
}

fn route(pod: &mut PodState, cx: &Context<'_>, path: &[&str]) -> Answer {
    match (cx.request.method.as_str(), path) {
        ("GET", []) => Ok(versions::current(cx.request)),
        (_, ["flavors", rest @ ..]) => flavors::route(pod, cx, rest),
        (_, ["os-keypairs", rest @ ..]) => keypairs::route(pod, cx, rest),
        ("GET", ["servers"]) => list::list(pod, cx, false),
        ("GET", ["servers", "detail"]) => list::list(pod, cx, true),
        ("POST", ["servers"] | ["os-volumes_boot"]) => create::create(pod, cx),
        ("GET", ["servers", id]) => {
            let server = server::find(pod, cx, id)?;
            Ok(Reply::ok(json!({"server": view::show(pod, cx, server)})))
        }
        ("PUT", ["servers", id]) => details::update(pod, cx, id),
        ("DELETE", ["servers", id]) => lifecycle::delete(pod, cx, id),
        ("POST", ["servers", id, "action"]) => actions::act(pod, cx, id),
        (_, ["servers", id, "os-volume_attachments", rest @ ..]) => {
            attachments::route(pod, cx, id, rest)
        }
        (_, ["servers", id, "os-interface", rest @ ..]) => interfaces::route(pod, cx, id, rest),
        (_, ["servers", id, rest @ ..]) => details::route(pod, cx, id, rest),
        _ => admin::route(pod, cx, path),
    }
}
