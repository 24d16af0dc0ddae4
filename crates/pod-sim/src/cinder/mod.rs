//! Block Storage API v3, microversions 3.0 to 3.71.

mod actions;
mod attachments;
mod snapshots;
mod types;
mod volume;
mod volumes;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::ids;
use crate::keystone::Caller;
use crate::request::{Body, Reply, Request};
use crate::state::PodState;
pub(crate) use volume::Volume;

/// The highest minor version.
const MAX_MINOR: u32 = 71;

/// Everything that a pod's Cinder knows.
#[derive(Debug)]
pub(crate) struct CinderState {
    pub(crate) volumes: BTreeMap<String, Volume>,
    pub(crate) snapshots: BTreeMap<String, snapshots::Snapshot>,
    pub(crate) types: BTreeMap<String, types::VolumeType>,
    pub(crate) zones: Vec<String>,
}

impl Default for CinderState {
    fn default() -> Self {
        let default = types::VolumeType::new("__DEFAULT__", "Default Volume Type");
        CinderState {
            volumes: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            types: BTreeMap::from([(default.id.clone(), default)]),
            zones: vec!["nova".into()],
        }
    }
}

impl CinderState {
    pub(crate) fn finish_create(&mut self, id: &str) {
        if let Some(volume) = self.volumes.get_mut(id)
            && volume.status == "creating"
        {
            volume.status = "available".into();
            volume.updated = Some(ids::now());
        }
    }

    pub(crate) fn finish_delete(&mut self, id: &str) {
        if self.volumes.get(id).is_some_and(|v| v.status == "deleting") {
            self.volumes.remove(id);
        }
    }

    pub(crate) fn finish_snapshot(&mut self, id: &str) {
        if let Some(snapshot) = self.snapshots.get_mut(id) {
            snapshot.status = "available".into();
        }
    }

    pub(crate) fn finish_snapshot_delete(&mut self, id: &str) {
        self.snapshots.remove(id);
    }
}

/// What a handler gets beside the state.
pub(crate) struct Context<'a> {
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller,
    pub(crate) images: &'a [Value],
    pub(crate) minor: u32,
}

pub(super) type Answer = Result<Reply, Reply>;

/// An error in Cinder's body.
pub(super) fn fault(code: u16, message: &str) -> Reply {
    let name = match code {
        400 => "badRequest",
        403 => "forbidden",
        404 => "itemNotFound",
        405 => "badMethod",
        409 => "conflictingRequest",
        413 => "overLimit",
        415 => "badMediaType",
        501 => "notImplemented",
        503 => "serviceUnavailable",
        _ => "computeFault",
    };
    Reply::json(code, json!({name: {"code": code, "message": message}}))
}

pub(super) fn bad_request(message: &str) -> Reply {
    fault(400, message)
}

pub(super) fn require_admin(cx: &Context<'_>, rule: &str) -> Result<(), Reply> {
    if cx.caller.is_admin() {
        return Ok(());
    }
    Err(fault(
        403,
        &format!("Policy doesn't allow {rule} to be performed."),
    ))
}

pub(super) fn require_member(cx: &Context<'_>, rule: &str) -> Result<(), Reply> {
    if cx.caller.is_member() {
        return Ok(());
    }
    Err(fault(
        403,
        &format!("Policy doesn't allow {rule} to be performed."),
    ))
}

/// A 202 or 200 without a body; WebOb calls that HTML.
pub(super) fn done(code: u16) -> Reply {
    Reply {
        status: code,
        body: Body::Html(String::new()),
        headers: Vec::new(),
    }
}

/// The object under `key` of the body.
pub(super) fn member(request: &Request, key: &str) -> Result<Map<String, Value>, Reply> {
    let body = request
        .json()
        .ok_or_else(|| bad_request("Malformed request body"))?;
    body.get(key)
        .and_then(Value::as_object)
        .cloned()
        .ok_or_else(|| bad_request(&format!("'{key}' is a required property")))
}

/// Answers a call without a token, if it is one that needs none.
pub(crate) fn public(request: &Request) -> Option<Reply> {
    request.segments().is_empty().then(|| {
        let body = json!({"versions": [{
            "id": "v3.0", "status": "CURRENT", "version": format!("3.{MAX_MINOR}"),
            "min_version": "3.0", "updated": "2023-08-31T00:00:00Z",
            "links": [
                {
                    "rel": "describedby", "type": "text/html",
                    "href": "https://docs.openstack.org/",
                },
                {"rel": "self", "href": format!("{}/v3/", request.base)},
            ],
            "media-types": [{
                "base": "application/json",
                "type": "application/vnd.openstack.volume+json;version=3",
            }],
        }]});
        stamp(Reply::json(300, body), "3.0")
    })
}

fn stamp(reply: Reply, version: &str) -> Reply {
    reply
        .header("OpenStack-API-Version", &format!("volume {version}"))
        .header("Vary", "OpenStack-API-Version")
}

fn negotiate(request: &Request) -> Result<(String, u32), Reply> {
    let asked = request.header("openstack-api-version").and_then(|value| {
        value
            .split(',')
            .find_map(|part| part.trim().strip_prefix("volume "))
    });
    let Some(asked) = asked.map(str::trim) else {
        return Ok(("3.0".into(), 0));
    };
    if asked == "latest" {
        return Ok((format!("3.{MAX_MINOR}"), MAX_MINOR));
    }
    let parsed = asked
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parsed {
        Some((3, minor)) if minor <= MAX_MINOR => Ok((asked.to_owned(), minor)),
        Some(_) => Err(stamp(
            fault(
                406,
                &format!(
                    "Version {asked} is not supported by the API. Minimum is 3.0 and maximum \
                     is 3.{MAX_MINOR}."
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

/// Answers a call whose token was good.
pub(crate) fn answer(
    pod: &mut PodState,
    request: &Request,
    caller: &Caller,
    images: &[Value],
) -> Reply {
    let (version, minor) = match negotiate(request) {
        Ok(version) => version,
        Err(reply) => return reply,
    };
    if request.body.len() > 114_688 {
        return Reply::html(413, "Request Entity Too Large", "Request is too large.");
    }
    let cx = Context {
        request,
        caller,
        images,
        minor,
    };
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some(path) = path.strip_prefix(&["v3"]) else {
        return Reply::not_found_page();
    };
    let reply = match path.split_first() {
        Some((first, rest)) if *first == caller.project_id => {
            route(pod, &cx, rest).unwrap_or_else(|reply| reply)
        }
        Some((first, _)) if ids::is_uuid(first) => bad_request("Malformed request url"),
        _ => route(pod, &cx, path).unwrap_or_else(|reply| reply),
    };
    if reply.status == 404 && matches!(reply.body, Body::Html(_)) {
        return reply;
    }
    stamp(reply, &version)
}

fn route(pod: &mut PodState, cx: &Context<'_>, path: &[&str]) -> Answer {
    match (cx.request.method.as_str(), path) {
        (_, ["volumes", id, "action"]) => actions::act(pod, cx, id),
        (_, ["volumes", rest @ ..]) => volumes::route(pod, cx, rest),
        (_, ["snapshots", rest @ ..]) => snapshots::route(pod, cx, rest),
        (_, ["types", rest @ ..]) => types::route(pod, cx, rest),
        (_, ["attachments", rest @ ..]) if cx.minor >= 27 => attachments::route(pod, cx, rest),
        ("GET", _) => read_only(pod, cx, path),
        _ => Err(Reply::not_found_page()),
    }
}

/// Zones, limits, quotas, services, and what is always empty.
fn read_only(pod: &PodState, cx: &Context<'_>, path: &[&str]) -> Answer {
    let used = || {
        pod.cinder
            .volumes
            .values()
            .filter(|v| v.project_id == cx.caller.project_id)
            .fold((0, 0), |(n, gb), v| (n + 1, gb + v.size))
    };
    match path {
        ["os-availability-zone"] => {
            let zones: Vec<Value> = pod
                .cinder
                .zones
                .iter()
                .map(|zone| json!({"zoneName": zone, "zoneState": {"available": true}}))
                .collect();
            Ok(Reply::ok(json!({ "availabilityZoneInfo": zones })))
        }
        ["limits"] => {
            let (volumes, gigabytes) = used();
            Ok(Reply::ok(json!({"limits": {"rate": [], "absolute": {
                "maxTotalVolumes": 10, "maxTotalSnapshots": 10,
                "maxTotalVolumeGigabytes": 1000, "maxTotalBackups": 10,
                "maxTotalBackupGigabytes": 1000, "totalVolumesUsed": volumes,
                "totalGigabytesUsed": gigabytes,
                "totalSnapshotsUsed": pod.cinder.snapshots.len(),
                "totalBackupsUsed": 0, "totalBackupGigabytesUsed": 0,
            }}})))
        }
        ["os-quota-sets", project] => Ok(Reply::ok(json!({"quota_set": {
            "volumes": 10, "per_volume_gigabytes": -1, "snapshots": 10, "gigabytes": 1000,
            "backups": 10, "backup_gigabytes": 1000, "volumes___DEFAULT__": -1,
            "gigabytes___DEFAULT__": -1, "snapshots___DEFAULT__": -1, "groups": 10,
            "id": project,
        }}))),
        ["os-services"] => {
            require_admin(cx, "volume_extension:services:index")?;
            Ok(Reply::ok(services(pod)))
        }
        ["scheduler-stats", "get_pools"] => {
            require_admin(cx, "scheduler_extension:scheduler_stats:get_pools")?;
            Ok(Reply::ok(pools(pod, cx)))
        }
        ["extensions"] => Ok(Reply::ok(json!({"extensions": []}))),
        ["backups"] | ["backups", "detail"] => Ok(Reply::ok(json!({"backups": []}))),
        ["groups"] => Ok(Reply::ok(json!({"groups": []}))),
        ["messages"] => Ok(Reply::ok(json!({"messages": []}))),
        ["consistencygroups"] => Ok(Reply::ok(json!({"consistencygroups": []}))),
        ["os-volume-transfer" | "volume-transfers"] => Ok(Reply::ok(json!({"transfers": []}))),
        ["qos-specs"] => {
            require_admin(cx, "volume_extension:qos_specs_manage:get_all")?;
            Ok(Reply::ok(json!({"qos_specs": []})))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn host(pod: &PodState) -> String {
    format!("{}-cinder", pod.name.to_lowercase())
}

fn services(pod: &PodState) -> Value {
    let now = ids::naive(ids::now());
    let host = host(pod);
    let zone = pod.cinder.zones.first().map_or("nova", String::as_str);
    let all: Vec<Value> = [
        ("cinder-volume", format!("{host}@podsim")),
        ("cinder-scheduler", host),
    ]
    .iter()
    .map(|(binary, host)| {
        json!({
            "binary": binary, "host": host, "zone": zone, "status": "enabled", "state": "up",
            "updated_at": now, "cluster": null, "disabled_reason": null,
        })
    })
    .collect();
    json!({ "services": all })
}

fn pools(pod: &PodState, cx: &Context<'_>) -> Value {
    let mut pool = json!({"name": format!("{}@podsim#podsim", host(pod))});
    if let (true, Some(object)) = (cx.request.query.truthy("detail"), pool.as_object_mut()) {
        let allocated: u64 = pod.cinder.volumes.values().map(|v| v.size).sum();
        object.insert(
            "capabilities".into(),
            json!({
                "pool_name": "podsim", "total_capacity_gb": 100_000,
                "free_capacity_gb": 100_000_u64.saturating_sub(allocated),
                "allocated_capacity_gb": allocated, "volume_backend_name": "podsim",
                "storage_protocol": "local", "multiattach": true,
            }),
        );
    }
    json!({"pools": [pool]})
}
