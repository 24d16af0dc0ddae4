//! /servers/{id}/os-volume_attachments: Nova and Cinder together.

use serde_json::{Value, json};

use super::server::{check_state, check_unlocked, find, find_mut};
use super::{Answer, Context, VolumeLink, bad_request, fault, invalid, lifecycle, member, python};
use crate::ids;
use crate::request::Reply;
use crate::state::{Event, PodState};

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => {
            let server = find(pod, cx, id)?;
            let all: Vec<Value> = server
                .volumes
                .iter()
                .map(|link| show(cx, id, link))
                .collect();
            Ok(Reply::ok(json!({ "volumeAttachments": all })))
        }
        ("GET", [volume]) => {
            let server = find(pod, cx, id)?;
            let link = server
                .volumes
                .iter()
                .find(|link| link.volume_id == *volume)
                .ok_or_else(|| not_attached(id, volume))?;
            Ok(Reply::ok(json!({"volumeAttachment": show(cx, id, link)})))
        }
        ("POST", []) => attach(pod, cx, id),
        ("DELETE", [volume]) => detach(pod, cx, id, volume),
        _ => Err(Reply::not_found_page()),
    }
}

fn not_attached(server: &str, volume: &str) -> Reply {
    fault(
        404,
        &format!("Instance {server} is not attached to volume {volume}"),
    )
}

fn no_volume(id: &str) -> Reply {
    fault(404, &format!("Volume {id} could not be found."))
}

fn show(cx: &Context<'_>, server: &str, link: &VolumeLink) -> Value {
    let mut body = json!({});
    if let Some(object) = body.as_object_mut() {
        if cx.minor < 89 {
            object.insert("id".into(), json!(link.volume_id));
        }
        object.insert("volumeId".into(), json!(link.volume_id));
        object.insert("serverId".into(), json!(server));
        object.insert("device".into(), json!(link.device));
        if cx.minor >= 70 {
            object.insert("tag".into(), json!(link.tag));
        }
        if cx.minor >= 79 {
            object.insert(
                "delete_on_termination".into(),
                json!(link.delete_on_termination),
            );
        }
        if cx.minor >= 89 {
            object.insert("attachment_id".into(), json!(link.attachment_id));
            object.insert("bdm_uuid".into(), json!(link.bdm_id));
        }
    }
    body
}

fn attach(pod: &mut PodState, cx: &Context<'_>, id: &str) -> Answer {
    let given = member(cx.request, "volumeAttachment")?;
    let volume_id = given
        .get("volumeId")
        .and_then(Value::as_str)
        .ok_or_else(|| {
            invalid(
                "volumeAttachment",
                &python(&Value::Object(given.clone())),
                "'volumeId' is a required property",
            )
        })?
        .to_owned();
    let server = find_mut(pod, cx, id, "os_compute_api:os-volumes-attachments:create")?;
    check_unlocked(cx, server)?;
    check_state(
        server,
        "attach_volume",
        &[
            "active",
            "paused",
            "stopped",
            "resized",
            "shelved",
            "shelved_offloaded",
        ],
    )?;
    let device = given
        .get("device")
        .and_then(Value::as_str)
        .map_or_else(|| lifecycle::next_device(server), str::to_owned);
    let link = VolumeLink {
        volume_id: volume_id.clone(),
        device,
        tag: given.get("tag").and_then(Value::as_str).map(str::to_owned),
        delete_on_termination: given.get("delete_on_termination") == Some(&Value::Bool(true)),
        attachment_id: ids::uuid(),
        bdm_id: ids::uuid(),
    };
    let volume = pod
        .cinder
        .volumes
        .get_mut(&volume_id)
        .filter(|v| cx.caller.is_admin() || v.project_id == cx.caller.project_id)
        .ok_or_else(|| no_volume(&volume_id))?;
    if let Some(holder) = volume.attachments.first() {
        return Err(bad_request(&format!(
            "Invalid volume: volume {volume_id} is already attached to instances: {}",
            holder.server_id
        )));
    }
    if volume.status != "available" {
        return Err(bad_request(&format!(
            "Invalid volume: status must be available or downloading to reserve, but the \
             current status is {}.",
            volume.status
        )));
    }
    volume.reserve(&link, id);
    let body = json!({
        "id": volume_id, "serverId": id, "volumeId": volume_id, "device": link.device,
    });
    if let Some(server) = pod.nova.servers.get_mut(id) {
        server.record(cx, "attach_volume");
        server.volumes.push(link);
    }
    pod.promise_soon(Event::AttachVolume {
        server: id.to_owned(),
        volume: volume_id,
    });
    if cx.minor >= 101 {
        return Ok(Reply::empty(202));
    }
    Ok(Reply::ok(json!({ "volumeAttachment": body })))
}

/// Ends an attach.
pub(crate) fn finish_attach(pod: &mut PodState, server: &str, volume: &str) {
    let link = pod
        .nova
        .servers
        .get(server)
        .and_then(|s| s.volumes.iter().find(|link| link.volume_id == volume))
        .cloned();
    if let (Some(link), Some(volume)) = (link, pod.cinder.volumes.get_mut(volume)) {
        volume.attach(&link, server);
    }
}

fn detach(pod: &mut PodState, cx: &Context<'_>, id: &str, volume_id: &str) -> Answer {
    let server = find(pod, cx, id)?;
    super::require_member(cx, "os_compute_api:os-volumes-attachments:delete")?;
    check_unlocked(cx, server)?;
    let attached = server.volumes.iter().any(|l| l.volume_id == volume_id);
    if !pod.cinder.volumes.contains_key(volume_id) {
        return Err(no_volume(volume_id));
    }
    if !attached {
        return Err(not_attached(id, volume_id));
    }
    check_state(
        server,
        "detach_volume",
        &[
            "active",
            "paused",
            "suspended",
            "stopped",
            "resized",
            "shelved",
        ],
    )?;
    if let Some(volume) = pod.cinder.volumes.get_mut(volume_id) {
        volume.status = "detaching".into();
    }
    if let Some(server) = pod.nova.servers.get_mut(id) {
        server.record(cx, "detach_volume");
    }
    pod.promise_soon(Event::DetachVolume {
        server: id.to_owned(),
        volume: volume_id.to_owned(),
    });
    Ok(Reply::empty(202))
}

/// Ends a detach.
pub(crate) fn finish_detach(pod: &mut PodState, server: &str, volume: &str) {
    if let Some(server) = pod.nova.servers.get_mut(server) {
        server.volumes.retain(|link| link.volume_id != volume);
    }
    if let Some(volume) = pod.cinder.volumes.get_mut(volume) {
        volume.detach(server);
    }
}
