//! POST /volumes/{id}/action.

use serde_json::{Value, json};

use super::volume::Attachment;
use super::volumes::{find, find_mut};
use super::{Answer, Context, bad_request, done, require_admin, require_member};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

pub(super) fn act(pod: &mut PodState, cx: &Context<'_>, id: &str) -> Answer {
    let body = cx
        .request
        .json()
        .ok_or_else(|| bad_request("Malformed request body"))?;
    let (action, argument) = body
        .as_object()
        .and_then(|object| object.iter().next())
        .map(|(action, argument)| (action.clone(), argument.clone()))
        .ok_or_else(|| bad_request("There is no such action: None"))?;
    find(pod, cx, id)?;
    match action.as_str() {
        "os-reset_status" => {
            require_admin(cx, "volume_extension:volume_admin_actions:reset_status")?;
            let volume = find_mut(pod, id)?;
            if let Some(status) = argument.get("status").and_then(Value::as_str) {
                volume.status = status.to_lowercase();
            }
            Ok(done(202))
        }
        "os-force_delete" => {
            require_admin(cx, "volume_extension:volume_admin_actions:force_delete")?;
            pod.cinder.volumes.remove(id);
            Ok(done(202))
        }
        _ => {
            require_member(cx, &format!("volume:{action}"))?;
            change(pod, cx, id, &action, &argument)
        }
    }
}

fn change(
    pod: &mut PodState,
    cx: &Context<'_>,
    id: &str,
    action: &str,
    argument: &Value,
) -> Answer {
    let volume = find_mut(pod, id)?;
    let invalid = |status: &str| {
        Err(bad_request(&format!(
            "Invalid volume: Volume {id} status must be available, but current status is: \
             {status}."
        )))
    };
    let text = |key: &str| argument.get(key).and_then(Value::as_str);
    match action {
        "os-extend" => {
            let wanted = argument
                .get("new_size")
                .and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()))
                .unwrap_or(0);
            if volume.status != "available" && !(volume.status == "in-use" && cx.minor >= 42) {
                return invalid(&volume.status);
            }
            if wanted <= volume.size {
                return Err(bad_request(&format!(
                    "Invalid input received: New size for extend must be greater than current \
                     size. (current: {}, extended: {wanted}).",
                    volume.size
                )));
            }
            volume.size = wanted;
            Ok(done(202))
        }
        "os-set_bootable" => {
            volume.bootable = argument.get("bootable") == Some(&Value::Bool(true));
            Ok(done(200))
        }
        "os-update_readonly_flag" => {
            let readonly = argument.get("readonly") == Some(&Value::Bool(true));
            let shown = if readonly { "True" } else { "False" };
            volume.metadata.insert("readonly".into(), json!(shown));
            Ok(done(202))
        }
        "os-reserve" if volume.status == "available" => {
            volume.status = "attaching".into();
            Ok(done(202))
        }
        "os-reserve" => invalid(&volume.status),
        "os-unreserve" => {
            if volume.status == "attaching" {
                volume.settle();
            }
            Ok(done(202))
        }
        "os-begin_detaching" if volume.status == "in-use" => {
            volume.status = "detaching".into();
            Ok(done(202))
        }
        "os-begin_detaching" => invalid(&volume.status),
        "os-roll_detaching" => {
            volume.settle();
            Ok(done(202))
        }
        "os-attach" => {
            volume.attachments.push(Attachment {
                id: ids::uuid(),
                server_id: text("instance_uuid").unwrap_or_default().to_owned(),
                device: text("mountpoint").unwrap_or_default().to_owned(),
                attached: ids::now(),
                status: "attached".into(),
            });
            volume.settle();
            Ok(done(202))
        }
        "os-detach" => {
            match text("attachment_id") {
                Some(attachment) => volume.attachments.retain(|a| a.id != attachment),
                None => volume.attachments.clear(),
            }
            volume.settle();
            Ok(done(202))
        }
        "os-initialize_connection" => Ok(Reply::ok(json!({"connection_info": {
            "driver_volume_type": "local", "data": {"device_path": "/dev/null"},
        }}))),
        "os-terminate_connection" => Ok(done(202)),
        "os-set_image_metadata" | "os-unset_image_metadata" | "os-show_image_metadata" => {
            Ok(Reply::ok(json!({"metadata": {}})))
        }
        "os-retype" => {
            volume.volume_type = text("new_type").unwrap_or_default().to_owned();
            Ok(done(202))
        }
        other => Err(bad_request(&format!(
            "There is no such action: {other}. Verify the request body and Content-Type \
             header and try again."
        ))),
    }
}
