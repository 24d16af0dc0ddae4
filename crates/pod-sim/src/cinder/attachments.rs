//! /attachments: the API that Nova uses since 3.27.

use serde_json::{Value, json};

use super::volume::{Attachment, Volume};
use super::volumes::{find, find_mut};
use super::{Answer, Context, bad_request, fault, member, require_member};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => Ok(list(pod, cx, false)),
        ("GET", ["detail"]) => Ok(list(pod, cx, true)),
        ("GET", [id]) => {
            let (volume, attachment) = locate(pod, cx, id)?;
            Ok(Reply::ok(json!({"attachment": detail(volume, attachment)})))
        }
        ("POST", []) => create(pod, cx),
        ("PUT", [id]) => {
            locate(pod, cx, id)?;
            require_member(cx, "volume:attachment_update")?;
            set(pod, id, "attaching");
            let (volume, attachment) = locate(pod, cx, id)?;
            Ok(Reply::ok(json!({"attachment": detail(volume, attachment)})))
        }
        ("POST", [id, "action"]) => {
            locate(pod, cx, id)?;
            require_member(cx, "volume:attachment_complete")?;
            set(pod, id, "attached");
            Ok(Reply::empty(204))
        }
        ("DELETE", [id]) => {
            let volume = locate(pod, cx, id)?.0.id.clone();
            require_member(cx, "volume:attachment_delete")?;
            let volume = find_mut(pod, &volume)?;
            volume.attachments.retain(|a| a.id != *id);
            volume.settle();
            Ok(Reply::ok(json!({"attachments": []})))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn list(pod: &PodState, cx: &Context<'_>, with_detail: bool) -> Reply {
    let query = &cx.request.query;
    let all = cx.caller.is_admin() && query.truthy("all_tenants");
    let mut shown: Vec<Value> = Vec::new();
    for volume in pod.cinder.volumes.values() {
        let mine = all || volume.project_id == cx.caller.project_id;
        if !mine || query.get("volume_id").is_some_and(|id| id != volume.id) {
            continue;
        }
        for attachment in &volume.attachments {
            if query
                .get("instance_id")
                .is_some_and(|id| id != attachment.server_id)
            {
                continue;
            }
            shown.push(if with_detail {
                detail(volume, attachment)
            } else {
                brief(volume, attachment)
            });
        }
    }
    Reply::ok(json!({ "attachments": shown }))
}

fn brief(volume: &Volume, attachment: &Attachment) -> Value {
    json!({
        "id": attachment.id, "status": attachment.status, "instance": attachment.server_id,
        "volume_id": volume.id,
    })
}

fn detail(volume: &Volume, attachment: &Attachment) -> Value {
    let attached = attachment.status == "attached";
    json!({
        "id": attachment.id, "status": attachment.status, "instance": attachment.server_id,
        "volume_id": volume.id,
        "attached_at": if attached { ids::naive(attachment.attached) } else { String::new() },
        "detached_at": "", "attach_mode": "rw",
        "connection_info": {
            "device_path": format!("/dev/disk/volume-{}", volume.id), "access_mode": "rw",
            "driver_volume_type": "local", "attachment_id": attachment.id,
        },
    })
}

fn locate<'a>(
    pod: &'a PodState,
    cx: &Context<'_>,
    id: &str,
) -> Result<(&'a Volume, &'a Attachment), Reply> {
    pod.cinder
        .volumes
        .values()
        .filter(|v| cx.caller.is_admin() || v.project_id == cx.caller.project_id)
        .find_map(|v| v.attachments.iter().find(|a| a.id == id).map(|a| (v, a)))
        .ok_or_else(|| {
            fault(
                404,
                &format!("Volume attachment could not be found with filter: attachment_id = {id}."),
            )
        })
}

fn set(pod: &mut PodState, id: &str, status: &str) {
    for volume in pod.cinder.volumes.values_mut() {
        for attachment in &mut volume.attachments {
            if attachment.id == id {
                attachment.status = status.to_owned();
                volume.status = match status {
                    "attached" => "in-use".into(),
                    other => other.to_owned(),
                };
            }
        }
    }
}

fn create(pod: &mut PodState, cx: &Context<'_>) -> Answer {
    let given = member(cx.request, "attachment")?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
    let volume_id = text("volume_uuid").ok_or_else(|| {
        bad_request(
            "Invalid input for field/attribute attachment. 'volume_uuid' is a required property",
        )
    })?;
    find(pod, cx, &volume_id)?;
    require_member(cx, "volume:attachment_create")?;
    let volume = find_mut(pod, &volume_id)?;
    let usable = volume.status == "available" || (volume.multiattach && volume.status == "in-use");
    if !usable {
        return Err(bad_request(&format!(
            "Invalid volume: Volume {volume_id} status must be available or downloading to \
             reserve, but the current status is {}.",
            volume.status
        )));
    }
    let attachment = Attachment {
        id: ids::uuid(),
        server_id: text("instance_uuid").unwrap_or_default(),
        device: String::new(),
        attached: ids::now(),
        status: "reserved".into(),
    };
    volume.status = "reserved".into();
    let view = detail(volume, &attachment);
    volume.attachments.push(attachment);
    Ok(Reply::ok(json!({ "attachment": view })))
}
