//! /snapshots.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::volumes::find as find_volume;
use super::{Answer, Context, bad_request, done, fault, member, require_member};
use crate::ids;
use crate::request::Reply;
use crate::state::{Event, PodState};

/// One snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) volume_id: String,
    pub(crate) project_id: String,
    pub(crate) size: u64,
    pub(crate) status: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) created: DateTime<Utc>,
}

impl Snapshot {
    fn show(&self, detail: bool) -> Value {
        let mut view = json!({
            "id": self.id, "created_at": ids::naive(self.created), "updated_at": null,
            "name": self.name, "description": self.description, "volume_id": self.volume_id,
            "status": self.status, "size": self.size, "metadata": self.metadata,
        });
        if let (true, Some(object)) = (detail, view.as_object_mut()) {
            let progress = if self.status == "available" {
                "100%"
            } else {
                "0%"
            };
            object.insert(
                "os-extended-snapshot-attributes:project_id".into(),
                json!(self.project_id),
            );
            object.insert(
                "os-extended-snapshot-attributes:progress".into(),
                json!(progress),
            );
        }
        view
    }
}

fn missing(id: &str) -> Reply {
    fault(404, &format!("Snapshot {id} could not be found."))
}

fn find<'a>(pod: &'a PodState, cx: &Context<'_>, id: &str) -> Result<&'a Snapshot, Reply> {
    pod.cinder
        .snapshots
        .get(id)
        .filter(|s| cx.caller.is_admin() || s.project_id == cx.caller.project_id)
        .ok_or_else(|| missing(id))
}

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => Ok(list(pod, cx, false)),
        ("GET", ["detail"]) => Ok(list(pod, cx, true)),
        ("GET", [id]) => Ok(Reply::ok(
            json!({"snapshot": find(pod, cx, id)?.show(true)}),
        )),
        ("POST", []) => create(pod, cx),
        ("PUT", [id]) => {
            find(pod, cx, id)?;
            let given = member(cx.request, "snapshot")?;
            let snapshot = pod
                .cinder
                .snapshots
                .get_mut(*id)
                .ok_or_else(|| missing(id))?;
            if let Some(name) = given.get("name").and_then(Value::as_str) {
                snapshot.name = Some(name.to_owned());
            }
            Ok(Reply::ok(json!({"snapshot": snapshot.show(false)})))
        }
        ("DELETE", [id]) => {
            find(pod, cx, id)?;
            require_member(cx, "volume:delete_snapshot")?;
            if let Some(snapshot) = pod.cinder.snapshots.get_mut(*id) {
                snapshot.status = "deleting".into();
            }
            pod.promise_soon(Event::DeleteSnapshot((*id).to_owned()));
            Ok(done(202))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn list(pod: &PodState, cx: &Context<'_>, detail: bool) -> Reply {
    let query = &cx.request.query;
    let all = cx.caller.is_admin() && query.truthy("all_tenants");
    let shown: Vec<Value> = pod
        .cinder
        .snapshots
        .values()
        .filter(|s| all || s.project_id == cx.caller.project_id)
        .filter(|s| query.get("volume_id").is_none_or(|id| id == s.volume_id))
        .map(|s| s.show(detail))
        .collect();
    Reply::ok(json!({ "snapshots": shown }))
}

fn create(pod: &mut PodState, cx: &Context<'_>) -> Answer {
    let given = member(cx.request, "snapshot")?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
    let volume_id = text("volume_id").unwrap_or_default();
    let volume = find_volume(pod, cx, &volume_id)?;
    require_member(cx, "volume:create_snapshot")?;
    let force = given.get("force").is_some_and(|f| *f != Value::Bool(false));
    if volume.status != "available" && !(volume.status == "in-use" && (force || cx.minor >= 66)) {
        return Err(bad_request(&format!(
            "Invalid volume: Volume {volume_id} status must be available, but current status \
             is: {}.",
            volume.status
        )));
    }
    let snapshot = Snapshot {
        id: ids::uuid(),
        name: text("name"),
        description: text("description"),
        volume_id: volume_id.clone(),
        project_id: volume.project_id.clone(),
        size: volume.size,
        status: "creating".into(),
        metadata: given
            .get("metadata")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        created: ids::now(),
    };
    let view = snapshot.show(false);
    let id = snapshot.id.clone();
    pod.cinder.snapshots.insert(id.clone(), snapshot);
    pod.promise_soon(Event::CreateSnapshot(id));
    Ok(Reply::json(202, json!({ "snapshot": view })))
}
