//! /volumes.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{Answer, Context, Volume, bad_request, done, fault, host, member, require_member};
use crate::ids;
use crate::request::Reply;
use crate::state::{Event, PodState};

const NOT_DELETABLE: &str = "Invalid volume: Volume status must be available or error or \
    error_restoring or error_extending or error_managing and must not be migrating, attached, \
    belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots \
    after volume transfer.";

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => list(pod, cx, false),
        ("GET", ["detail"]) => list(pod, cx, true),
        ("GET", ["summary"]) if cx.minor >= 12 => {
            let mine = || visible(pod, cx);
            Ok(Reply::ok(json!({"volume-summary": {
                "total_size": mine().map(|v| v.size).sum::<u64>(),
                "total_count": mine().count(),
            }})))
        }
        ("POST", []) => create(pod, cx),
        ("GET", [id]) => {
            let volume = find(pod, cx, id)?;
            Ok(Reply::ok(json!({"volume": volume.detail(cx, &host(pod))})))
        }
        ("PUT", [id]) => {
            let given = member(cx.request, "volume")?;
            find(pod, cx, id)?;
            require_member(cx, "volume:update")?;
            let volume = find_mut(pod, id)?;
            let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
            for key in ["name", "display_name"] {
                if given.contains_key(key) {
                    volume.name = text(key);
                }
            }
            for key in ["description", "display_description"] {
                if given.contains_key(key) {
                    volume.description = text(key);
                }
            }
            if let Some(metadata) = given.get("metadata").and_then(Value::as_object) {
                volume.metadata = metadata.clone();
            }
            volume.updated = Some(ids::now());
            Ok(Reply::ok(json!({"volume": volume.summary(cx)})))
        }
        ("DELETE", [id]) => delete(pod, cx, id),
        (_, [id, "metadata", rest @ ..]) => metadata(pod, cx, id, rest),
        ("GET", [id, "encryption"]) => {
            find(pod, cx, id)?;
            Ok(Reply::ok(json!({"encryption_key_id": null})))
        }
        _ => Err(Reply::not_found_page()),
    }
}

pub(super) fn no_volume(id: &str) -> Reply {
    fault(404, &format!("Volume {id} could not be found."))
}

pub(super) fn find<'a>(pod: &'a PodState, cx: &Context<'_>, id: &str) -> Result<&'a Volume, Reply> {
    pod.cinder
        .volumes
        .get(id)
        .filter(|v| cx.caller.is_admin() || v.project_id == cx.caller.project_id)
        .ok_or_else(|| no_volume(id))
}

pub(super) fn find_mut<'a>(pod: &'a mut PodState, id: &str) -> Result<&'a mut Volume, Reply> {
    pod.cinder.volumes.get_mut(id).ok_or_else(|| no_volume(id))
}

/// The volumes that a list is made of. Others' `all_tenants` is ignored.
fn visible<'a>(pod: &'a PodState, cx: &'a Context<'_>) -> impl Iterator<Item = &'a Volume> {
    let all = cx.caller.is_admin() && cx.request.query.truthy("all_tenants");
    let project = cx.request.query.get("project_id");
    pod.cinder.volumes.values().filter(move |v| {
        if all {
            project.is_none_or(|p| v.project_id == p)
        } else {
            v.project_id == cx.caller.project_id
        }
    })
}

const FILTERS: &[&str] = &[
    "name",
    "status",
    "metadata",
    "bootable",
    "migration_status",
    "availability_zone",
    "group_id",
    "size",
    "created_at",
    "updated_at",
    "consumes_quota",
];
const CONTROLS: &[&str] = &[
    "limit",
    "marker",
    "offset",
    "sort",
    "sort_key",
    "sort_dir",
    "all_tenants",
    "project_id",
    "with_count",
    "name~",
];

fn list(pod: &PodState, cx: &Context<'_>, detail: bool) -> Answer {
    let query = &cx.request.query;
    if cx.minor >= 31 {
        let unknown: Vec<&str> = query
            .pairs()
            .map(|(key, _)| key)
            .filter(|key| !FILTERS.contains(key) && !CONTROLS.contains(key))
            .collect();
        if !unknown.is_empty() {
            return Err(bad_request(&format!(
                "Invalid filters {} are found in query options.",
                unknown.join(",")
            )));
        }
    }
    let mut found: Vec<&Volume> = visible(pod, cx).filter(|v| matches(cx, v)).collect();
    sort(cx, &mut found)?;
    let count = found.len();
    let number = |key: &str| match query.get(key) {
        None => Ok(None),
        Some(text) => text
            .parse::<usize>()
            .map(Some)
            .map_err(|_| bad_request(&format!("{key} param must be positive"))),
    };
    let limit = number("limit")?;
    if let Some(marker) = query.get("marker") {
        let at = found
            .iter()
            .position(|v| v.id == marker)
            .ok_or_else(|| no_volume(marker))?;
        found.drain(..=at);
    }
    let offset = number("offset")?.unwrap_or(0).min(found.len());
    found.drain(..offset);
    let more = limit.is_some_and(|limit| limit > 0 && found.len() >= limit);
    found.truncate(limit.unwrap_or(1000));
    let host = host(pod);
    let shown: Vec<Value> = found
        .iter()
        .map(|v| {
            if detail {
                v.detail(cx, &host)
            } else {
                v.brief(cx.request)
            }
        })
        .collect();
    let mut body = json!({ "volumes": shown });
    if let Some(object) = body.as_object_mut() {
        if let (true, Some(last)) = (more, found.last()) {
            let href = format!(
                "{}{}?{}",
                cx.request.base,
                cx.request.path,
                query.with("marker", &last.id)
            );
            object.insert(
                "volumes_links".into(),
                json!([{"rel": "next", "href": href}]),
            );
        }
        if cx.minor >= 45 && query.truthy("with_count") {
            object.insert("count".into(), json!(count));
        }
    }
    Ok(Reply::ok(body))
}

fn matches(cx: &Context<'_>, volume: &Volume) -> bool {
    let query = &cx.request.query;
    let equal = |key: &str, have: &str| query.get(key).is_none_or(|wanted| wanted == have);
    let metadata = query.get("metadata").is_none_or(|wanted| {
        // A Python dictionary in the query: {'a': 'b'}.
        let json = wanted.replace('\'', "\"");
        serde_json::from_str::<Map<String, Value>>(&json)
            .is_ok_and(|map| map.iter().all(|(k, v)| volume.metadata.get(k) == Some(v)))
    });
    equal("name", volume.name.as_deref().unwrap_or_default())
        && equal("status", &volume.status)
        && equal("availability_zone", &volume.zone)
        && equal("size", &volume.size.to_string())
        && query
            .get("bootable")
            .is_none_or(|b| crate::request::truthy(b) == volume.bootable)
        && metadata
}

fn sort(cx: &Context<'_>, found: &mut [&Volume]) -> Result<(), Reply> {
    const KEYS: &[&str] = &[
        "id",
        "status",
        "size",
        "availability_zone",
        "created_at",
        "name",
        "bootable",
        "display_name",
        "updated_at",
        "host",
        "project_id",
    ];
    let query = &cx.request.query;
    let given = query.get("sort").map(str::to_owned).or_else(|| {
        query
            .get("sort_key")
            .map(|key| format!("{key}:{}", query.get("sort_dir").unwrap_or("desc")))
    });
    let mut keys: Vec<(String, bool)> = Vec::new();
    for part in given.iter().flat_map(|text| text.split(',')) {
        let (key, direction) = part.split_once(':').unwrap_or((part, "desc"));
        if !KEYS.contains(&key) {
            return Err(bad_request("Invalid input received: Invalid sort key"));
        }
        keys.push((key.to_owned(), direction == "asc"));
    }
    let ascending = keys.first().is_some_and(|(_, ascending)| *ascending);
    for key in ["created_at", "id"] {
        keys.push((key.to_owned(), ascending));
    }
    found.sort_by(|a, b| {
        keys.iter()
            .map(|(key, ascending)| {
                let order = match key.as_str() {
                    "id" => a.id.cmp(&b.id),
                    "status" => a.status.cmp(&b.status),
                    "size" => a.size.cmp(&b.size),
                    "availability_zone" => a.zone.cmp(&b.zone),
                    "created_at" => a.created.cmp(&b.created),
                    "updated_at" => a.updated.cmp(&b.updated),
                    "name" | "display_name" => a.name.cmp(&b.name),
                    "bootable" => a.bootable.cmp(&b.bootable),
                    _ => Ordering::Equal,
                };
                if *ascending { order } else { order.reverse() }
            })
            .fold(Ordering::Equal, Ordering::then)
    });
    Ok(())
}

fn create(pod: &mut PodState, cx: &Context<'_>) -> Answer {
    let given = member(cx.request, "volume")?;
    require_member(cx, "volume:create")?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
    let size = wanted_size(given.get("size"))?;
    for key in ["snapshot_id", "source_volid"] {
        if let Some(id) = text(key)
            && !ids::is_uuid(&id)
        {
            return Err(bad_request(&format!(
                "Invalid input for field/attribute {key}. Value: {id}. '{id}' is not valid \
                 under any of the given schemas"
            )));
        }
    }
    let mut volume = Volume::new(&cx.caller.project_id, &cx.caller.user_id, size.unwrap_or(0));
    if let Some(id) = text("snapshot_id") {
        let snapshot = pod
            .cinder
            .snapshots
            .get(&id)
            .ok_or_else(|| fault(404, &format!("Snapshot {id} could not be found.")))?;
        volume.size = size.unwrap_or(snapshot.size);
        volume.snapshot_id = Some(id);
    }
    if let Some(id) = text("source_volid") {
        let source = find(pod, cx, &id)?;
        volume.size = size.unwrap_or(source.size);
        volume.bootable = source.bootable;
        volume.source_id = Some(id);
    }
    if let Some(id) = text("imageRef").or_else(|| text("image_id")) {
        let known = cx
            .images
            .iter()
            .any(|image| image.get("id").and_then(Value::as_str) == Some(&id));
        if !known {
            return Err(bad_request(
                "Invalid image identifier or unable to access requested image.",
            ));
        }
        volume.image_id = Some(id);
        volume.bootable = true;
    }
    if volume.size == 0 {
        return Err(bad_request(
            "The server could not comply with the request since it is either malformed or \
             otherwise incorrect.",
        ));
    }
    let wanted_type = text("volume_type").unwrap_or_else(|| "__DEFAULT__".into());
    let kind = pod
        .cinder
        .types
        .values()
        .find(|t| t.name == wanted_type || t.id == wanted_type)
        .ok_or_else(|| {
            fault(
                404,
                &format!("Volume type with name {wanted_type} could not be found."),
            )
        })?;
    volume.volume_type = kind.name.clone();
    volume.type_id = kind.id.clone();
    if let Some(zone) = text("availability_zone") {
        if !pod.cinder.zones.contains(&zone) {
            return Err(bad_request(&format!(
                "Availability zone '{zone}' is invalid."
            )));
        }
        volume.zone = zone;
    } else if let Some(zone) = pod.cinder.zones.first() {
        volume.zone = zone.clone();
    }
    volume.name = text("name").or_else(|| text("display_name"));
    volume.description = text("description").or_else(|| text("display_description"));
    volume.multiattach = given.get("multiattach") == Some(&Value::Bool(true));
    if let Some(metadata) = given.get("metadata").and_then(Value::as_object) {
        volume.metadata = metadata.clone();
    }
    let view = volume.summary(cx);
    let id = volume.id.clone();
    pod.cinder.volumes.insert(id.clone(), volume);
    pod.promise_soon(Event::CreateVolume(id));
    Ok(Reply::json(202, json!({ "volume": view })))
}

fn wanted_size(given: Option<&Value>) -> Result<Option<u64>, Reply> {
    let invalid = |shown: &str, reason: &str| {
        Err(bad_request(&format!(
            "Invalid input for field/attribute size. Value: {shown}. {reason}"
        )))
    };
    match given {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => match number.as_u64() {
            Some(0) => invalid("0", "0 is less than the minimum of 1"),
            Some(size) => Ok(Some(size)),
            None => invalid(
                &number.to_string(),
                &format!("{number} is less than the minimum of 1"),
            ),
        },
        Some(Value::String(text)) => match text.parse::<u64>() {
            Ok(size) if size > 0 => Ok(Some(size)),
            _ => invalid(text, &format!("'{text}' does not match '^[0-9]+$'")),
        },
        Some(other) => invalid(
            &other.to_string(),
            "is not valid under any of the given schemas",
        ),
    }
}

fn delete(pod: &mut PodState, cx: &Context<'_>, id: &str) -> Answer {
    let volume = find(pod, cx, id)?;
    require_member(cx, "volume:delete")?;
    let free =
        matches!(volume.status.as_str(), "available" | "error") && volume.attachments.is_empty();
    let snapshots = pod.cinder.snapshots.values().any(|s| s.volume_id == id);
    let cascade = cx.request.query.truthy("cascade");
    if !free || (snapshots && !cascade) {
        return Err(bad_request(NOT_DELETABLE));
    }
    pod.cinder.snapshots.retain(|_, s| s.volume_id != id);
    let volume = find_mut(pod, id)?;
    volume.status = "deleting".into();
    volume.updated = Some(ids::now());
    pod.promise_soon(Event::DeleteVolume(id.to_owned()));
    Ok(done(202))
}

fn metadata(pod: &mut PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    let missing = || fault(404, "Metadata item was not found");
    find(pod, cx, id)?;
    let method = cx.request.method.as_str();
    if method != "GET" {
        require_member(cx, "volume:update_volume_metadata")?;
    }
    let volume = find_mut(pod, id)?;
    match (method, rest) {
        ("GET", []) => Ok(Reply::ok(json!({"metadata": volume.metadata}))),
        ("GET", [key]) => {
            let value = volume.metadata.get(*key).ok_or_else(missing)?;
            Ok(Reply::ok(json!({"meta": {*key: value}})))
        }
        ("POST", []) => {
            volume.metadata.extend(member(cx.request, "metadata")?);
            Ok(Reply::ok(json!({"metadata": volume.metadata})))
        }
        ("PUT", []) => {
            volume.metadata = member(cx.request, "metadata")?;
            Ok(Reply::ok(json!({"metadata": volume.metadata})))
        }
        ("PUT", [_]) => {
            let meta = member(cx.request, "meta")?;
            volume.metadata.extend(meta.clone());
            Ok(Reply::ok(json!({ "meta": meta })))
        }
        ("DELETE", [key]) => {
            volume.metadata.shift_remove(*key).ok_or_else(missing)?;
            Ok(done(200))
        }
        _ => Err(Reply::not_found_page()),
    }
}
