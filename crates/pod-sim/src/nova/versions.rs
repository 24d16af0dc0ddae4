//! Version documents and the microversion of a request.

use serde_json::{Value, json};

use super::{bad_request, fault};
use crate::request::{Reply, Request};

/// The highest minor version.
pub(crate) const MAX_MINOR: u32 = 104;

const VARY: [&str; 2] = ["OpenStack-API-Version", "X-OpenStack-Nova-API-Version"];

/// The version that the request asks for: as shown in headers, and its minor.
pub(super) fn negotiate(request: &Request) -> Result<(String, u32), Reply> {
    let asked = request
        .header("openstack-api-version")
        .and_then(|value| {
            value
                .split(',')
                .find_map(|part| part.trim().strip_prefix("compute "))
        })
        .or_else(|| request.header("x-openstack-nova-api-version"))
        .map(str::trim);
    let Some(asked) = asked else {
        return Ok(("2.1".into(), 1));
    };
    if asked == "latest" {
        return Ok((format!("2.{MAX_MINOR}"), MAX_MINOR));
    }
    let parsed = asked
        .split_once('.')
        .filter(|(_, minor)| *minor == "0" || !minor.starts_with('0'))
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parsed {
        Some((2, minor)) if (1..=MAX_MINOR).contains(&minor) => Ok((asked.to_owned(), minor)),
        Some(_) => Err(stamp(
            fault(
                406,
                &format!(
                    "Version {asked} is not supported by the API. Minimum is 2.1 and maximum \
                     is 2.{MAX_MINOR}."
                ),
            ),
            asked,
        )),
        None => Err(bad_request(&format!(
            "API Version String {asked} is of invalid format. Must be of format \
             MajorNum.MinorNum."
        ))),
    }
}

/// Adds the version headers.
pub(super) fn stamp(reply: Reply, version: &str) -> Reply {
    let mut reply = reply
        .header("OpenStack-API-Version", &format!("compute {version}"))
        .header("X-OpenStack-Nova-API-Version", version);
    for name in VARY {
        reply = reply.header("Vary", name);
    }
    reply
}

fn v21(request: &Request, full: bool) -> Value {
    let mut links = vec![json!({"rel": "self", "href": format!("{}/v2.1/", request.base)})];
    if full {
        links.push(json!({
            "rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/",
        }));
    }
    let mut body = json!({
        "id": "v2.1", "status": "CURRENT", "version": format!("2.{MAX_MINOR}"),
        "min_version": "2.1", "updated": "2013-07-23T11:33:21Z", "links": links,
    });
    if let (true, Some(object)) = (full, body.as_object_mut()) {
        object.insert("media-types".into(), media("2.1"));
    }
    body
}

fn v20(request: &Request, full: bool) -> Value {
    let mut links = vec![json!({"rel": "self", "href": format!("{}/v2/", request.base)})];
    if full {
        links.push(json!({
            "rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/",
        }));
    }
    let mut body = json!({
        "id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "",
        "updated": "2025-07-04T12:00:00Z", "links": links,
    });
    if let (true, Some(object)) = (full, body.as_object_mut()) {
        object.insert("media-types".into(), media("2"));
    }
    body
}

fn media(version: &str) -> Value {
    json!([{
        "base": "application/json",
        "type": format!("application/vnd.openstack.compute+json;version={version}"),
    }])
}

pub(super) fn current(request: &Request) -> Reply {
    Reply::ok(json!({"version": v21(request, true)}))
}

/// The answer to a path without a version.
pub(super) fn choices(request: &Request) -> Reply {
    let path = request.path.trim_start_matches('/');
    let choice = |id: &str, status: &str, prefix: &str, version: &str| {
        json!({
            "id": id, "status": status,
            "links": [{"rel": "self", "href": format!("{}/{prefix}/{path}", request.base)}],
            "media-types": media(version),
        })
    };
    Reply::json(
        300,
        json!({"choices": [
            choice("v2.0", "DEPRECATED", "v2", "2"),
            choice("v2.1", "CURRENT", "v2.1", "2.1"),
        ]}),
    )
}

/// Answers a call without a token, if it is one that needs none.
pub(crate) fn public(request: &Request) -> Option<Reply> {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match path.as_slice() {
        [] => Some(Reply::ok(json!({
            "versions": [v20(request, false), v21(request, false)],
        }))),
        ["v2.1"] => Some(match negotiate(request) {
            Ok((version, _)) => stamp(current(request), &version),
            Err(reply) => reply,
        }),
        ["v2"] => Some(Reply::ok(json!({"version": v20(request, true)}))),
        [first, ..] if !matches!(*first, "v2" | "v2.1") => Some(choices(request)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Query, Service};

    fn ask(name: &str, value: &str) -> Result<(String, u32), u16> {
        let request = Request {
            service: Service::Nova,
            method: "GET".into(),
            path: "/v2.1/servers".into(),
            raw_query: String::new(),
            query: Query::default(),
            headers: [(name.to_owned(), value.to_owned())].into(),
            body: bytes::Bytes::new(),
            base: String::new(),
            request_id: String::new(),
            global_request_id: None,
        };
        negotiate(&request).map_err(|reply| reply.status)
    }

    #[test]
    fn versions_are_negotiated_as_nova_does() {
        let new = |v: &str| ask("openstack-api-version", v);
        assert_eq!(new("compute 2.47"), Ok(("2.47".into(), 47)));
        assert_eq!(new("volume 3.1, compute 2.3"), Ok(("2.3".into(), 3)));
        assert_eq!(new("volume 3.1"), Ok(("2.1".into(), 1)));
        assert_eq!(new("compute latest"), Ok(("2.104".into(), 104)));
        assert_eq!(new("compute 2.200"), Err(406));
        assert_eq!(new("compute 3.1"), Err(406));
        assert_eq!(new("compute abc"), Err(400));
        assert_eq!(new("compute 2.01"), Err(400));
        let old = ask("x-openstack-nova-api-version", "2.10");
        assert_eq!(old, Ok(("2.10".into(), 10)));
    }
}
