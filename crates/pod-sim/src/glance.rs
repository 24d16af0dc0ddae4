//! Image API v2: the shared Glance with its image list.

use serde_json::{Map, Value, json};

use crate::ids;
use crate::keystone::Caller;
use crate::request::{Reply, Request};

/// Everything that the shared Glance knows.
#[derive(Debug, Default)]
pub(crate) struct GlanceState {
    /// Images as they are shown, in the order of their making.
    pub(crate) images: Vec<Value>,
}

impl GlanceState {
    /// Adds a public, active image; returns its id.
    pub(crate) fn add_public(&mut self, name: &str, owner: &str) -> String {
        let id = ids::uuid();
        let mut image = image(&id, owner);
        for (key, value) in [
            ("name", json!(name)),
            ("visibility", json!("public")),
            ("disk_format", json!("raw")),
            ("container_format", json!("bare")),
        ] {
            image.insert(key.into(), value);
        }
        activate(&mut image, 1024);
        self.images.push(Value::Object(image));
        id
    }
}

fn image(id: &str, owner: &str) -> Map<String, Value> {
    let now = ids::seconds(ids::now());
    let value = json!({
        "name": null, "disk_format": null, "container_format": null,
        "visibility": "shared", "size": null, "virtual_size": null, "status": "queued",
        "checksum": null, "protected": false, "min_ram": 0, "min_disk": 0, "owner": owner,
        "os_hidden": false, "os_hash_algo": null, "os_hash_value": null, "id": id,
        "created_at": now, "updated_at": now, "tags": [],
        "self": format!("/v2/images/{id}"), "file": format!("/v2/images/{id}/file"),
        "schema": "/v2/schemas/image",
    });
    value.as_object().cloned().unwrap_or_default()
}

fn activate(image: &mut Map<String, Value>, size: usize) {
    image.insert("status".into(), json!("active"));
    image.insert("size".into(), json!(size));
    image.insert("virtual_size".into(), json!(size));
    image.insert("checksum".into(), json!(ids::hex_id()));
    image.insert("os_hash_algo".into(), json!("sha512"));
    image.insert("os_hash_value".into(), json!(ids::hex_id().repeat(4)));
    image.insert("stores".into(), json!("file"));
}

fn missing(id: &str) -> Reply {
    Reply::html(404, "Not Found", &format!("No image found with ID {id}"))
}

/// Answers a call without a token, if it is one that needs none.
pub(crate) fn public(request: &Request) -> Option<Reply> {
    let segments = request.segments();
    let code = match segments.as_slice() {
        [] => 300,
        [only] if only == "versions" => 200,
        _ => return None,
    };
    let versions: Vec<Value> = [
        ("v2.17", "CURRENT"),
        ("v2.16", "SUPPORTED"),
        ("v2.0", "SUPPORTED"),
    ]
    .iter()
    .map(|(id, status)| {
        json!({
            "id": id, "status": status,
            "links": [{"rel": "self", "href": format!("{}/v2/", request.base)}],
        })
    })
    .collect();
    Some(Reply::json(code, json!({ "versions": versions })))
}

/// Answers a call whose token was good.
pub(crate) fn answer(state: &mut GlanceState, request: &Request, caller: &Caller) -> Reply {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let seen = |image: &&Value| {
        caller.is_admin()
            || image["visibility"] == "public"
            || image["owner"] == caller.project_id.as_str()
    };
    match (request.method.as_str(), path.as_slice()) {
        ("GET", ["v2", "images"]) => {
            let query = &request.query;
            let found: Vec<&Value> = state
                .images
                .iter()
                .filter(seen)
                .filter(|image| {
                    ["name", "status", "visibility", "owner", "id"]
                        .iter()
                        .all(|key| {
                            query.get(key).is_none_or(|wanted| {
                                image[*key] == wanted.trim_start_matches("in:")
                            })
                        })
                })
                .collect();
            Reply::ok(json!({
                "images": found, "first": "/v2/images", "schema": "/v2/schemas/images",
            }))
        }
        ("GET", ["v2", "images", id]) => state
            .images
            .iter()
            .filter(seen)
            .find(|image| image["id"] == *id)
            .map_or_else(|| missing(id), |image| Reply::ok(image.clone())),
        ("POST", ["v2", "images"]) => {
            let given = request
                .json()
                .and_then(|body| body.as_object().cloned())
                .unwrap_or_default();
            let mut made = image(&ids::uuid(), &caller.project_id);
            made.extend(given);
            let location = format!(
                "{}/v2/images/{}",
                request.base,
                made["id"].as_str().unwrap_or_default()
            );
            let view = Value::Object(made);
            state.images.push(view.clone());
            Reply::json(201, view).header("Location", &location)
        }
        ("PUT", ["v2", "images", id, "file"]) => {
            let found = state.images.iter_mut().find(|image| image["id"] == *id);
            match found.and_then(Value::as_object_mut) {
                Some(image) => {
                    activate(image, request.body.len());
                    Reply::empty(204)
                }
                None => missing(id),
            }
        }
        ("DELETE", ["v2", "images", id]) => {
            let before = state.images.len();
            state.images.retain(|image| image["id"] != *id);
            if state.images.len() == before {
                return missing(id);
            }
            Reply::empty(204)
        }
        ("GET", ["v2", "schemas", "image"]) => {
            Reply::ok(json!({"name": "image", "properties": {}}))
        }
        _ => Reply::not_found_page(),
    }
}
