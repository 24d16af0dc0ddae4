//! POST /servers/{id}/action.

use serde_json::{Value, json};

use super::server::{check_state, check_unlocked, find, find_mut};
use super::{Answer, Context, bad_request, fault, invalid, python, require_admin};
use crate::ids;
use crate::neutron::text;
use crate::request::Reply;
use crate::state::{Event, PodState};

/// An action that only moves a server from one state to another.
struct Move {
    action: &'static str,
    /// As in messages and policy rules.
    name: &'static str,
    from: &'static [&'static str],
    task: &'static str,
    to: &'static str,
}

const MOVES: &[Move] = &[
    Move {
        action: "os-stop",
        name: "stop",
        from: &["active", "error", "rescued"],
        task: "powering-off",
        to: "stopped",
    },
    Move {
        action: "os-start",
        name: "start",
        from: &["stopped"],
        task: "powering-on",
        to: "active",
    },
    Move {
        action: "pause",
        name: "pause",
        from: &["active"],
        task: "pausing",
        to: "paused",
    },
    Move {
        action: "unpause",
        name: "unpause",
        from: &["paused"],
        task: "unpausing",
        to: "active",
    },
    Move {
        action: "suspend",
        name: "suspend",
        from: &["active"],
        task: "suspending",
        to: "suspended",
    },
    Move {
        action: "resume",
        name: "resume",
        from: &["suspended"],
        task: "resuming",
        to: "active",
    },
    Move {
        action: "shelve",
        name: "shelve",
        from: &["active", "stopped", "paused", "suspended"],
        task: "shelving",
        to: "shelved_offloaded",
    },
    Move {
        action: "unshelve",
        name: "unshelve",
        from: &["shelved", "shelved_offloaded"],
        task: "unshelving",
        to: "active",
    },
    Move {
        action: "rescue",
        name: "rescue",
        from: &["active", "stopped", "error"],
        task: "rescuing",
        to: "rescued",
    },
    Move {
        action: "unrescue",
        name: "unrescue",
        from: &["rescued"],
        task: "unrescuing",
        to: "active",
    },
    Move {
        action: "rebuild",
        name: "rebuild",
        from: &["active", "stopped", "error"],
        task: "rebuilding",
        to: "active",
    },
    Move {
        action: "resize",
        name: "resize",
        from: &["active", "stopped"],
        task: "resize_prep",
        to: "resized",
    },
    Move {
        action: "confirmResize",
        name: "confirmResize",
        from: &["resized"],
        task: "resize_confirming",
        to: "active",
    },
    Move {
        action: "revertResize",
        name: "revertResize",
        from: &["resized"],
        task: "resize_reverting",
        to: "active",
    },
];

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
    if let Some(step) = MOVES.iter().find(|step| step.action == action) {
        return go(pod, cx, id, step, &argument);
    }
    match action.as_str() {
        "reboot" => reboot(pod, cx, id, &argument),
        "lock" | "unlock" => {
            let server = find_mut(pod, cx, id, "os_compute_api:os-lock-server:lock")?;
            server.locked = action == "lock";
            server.locked_reason = argument
                .get("locked_reason")
                .and_then(Value::as_str)
                .map(str::to_owned)
                .filter(|_| action == "lock");
            server.record(cx, &action);
            Ok(Reply::empty(202))
        }
        "os-resetState" => {
            require_admin(cx, "os_compute_api:os-admin-actions:reset_state")?;
            let state = argument.get("state").and_then(Value::as_str);
            let state = state.unwrap_or_default().to_owned();
            let server = find_mut(pod, cx, id, "os_compute_api:os-admin-actions")?;
            if !matches!(state.as_str(), "active" | "error") {
                return Err(invalid("state", &state, "not one of ['active', 'error']"));
            }
            server.state = state;
            server.task = None;
            Ok(Reply::empty(202))
        }
        "os-getConsoleOutput" => {
            let server = find(pod, cx, id)?;
            let lines: Vec<String> = (1..=30)
                .map(|n| format!("instance-{:08x} console line {n}", server.number))
                .collect();
            let length = argument
                .get("length")
                .and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()))
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(lines.len())
                .min(lines.len());
            let output = lines[lines.len() - length..].join("\n");
            Ok(Reply::ok(json!({ "output": output })))
        }
        "addSecurityGroup" | "removeSecurityGroup" => groups(pod, cx, id, &action, &argument),
        "changePassword" => {
            let server = find_mut(pod, cx, id, "os_compute_api:os-admin-password")?;
            server.record(cx, "changePassword");
            Ok(Reply::empty(202))
        }
        "createImage" => {
            let server = find(pod, cx, id)?;
            check_state(
                server,
                "createImage",
                &["active", "stopped", "paused", "suspended"],
            )?;
            Ok(Reply::json(202, json!({"image_id": ids::uuid()})))
        }
        "forceDelete" => super::lifecycle::delete(pod, cx, id).map(|_| Reply::empty(202)),
        other => Err(bad_request(&format!("There is no such action: {other}"))),
    }
}

fn go(
    pod: &mut PodState,
    cx: &Context<'_>,
    id: &str,
    step: &'static Move,
    argument: &Value,
) -> Answer {
    let flavor =
        match step.action {
            "resize" => {
                let wanted = argument
                    .get("flavorRef")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let flavor =
                    pod.nova.flavors.get(wanted).cloned().ok_or_else(|| {
                        bad_request(&format!("Flavor {wanted} could not be found."))
                    })?;
                Some(flavor)
            }
            _ => None,
        };
    let rule = format!("os_compute_api:servers:{}", step.name);
    let server = find_mut(pod, cx, id, &rule)?;
    check_unlocked(cx, server)?;
    check_state(server, step.name, step.from)?;
    server.task = Some(step.task.into());
    server.updated = ids::now();
    server.record(cx, step.name);
    if let Some(flavor) = flavor {
        server.flavor = flavor;
    }
    pod.promise_soon(Event::SettleServer(id.to_owned(), step.to));
    if step.action == "rebuild" {
        let server = find(pod, cx, id)?;
        let mut view = super::view::show(pod, cx, server);
        if let Some(object) = view.as_object_mut() {
            object.insert("adminPass".into(), json!(ids::secret(12)));
        }
        return Ok(Reply::json(202, json!({ "server": view })));
    }
    Ok(Reply::empty(202))
}

fn reboot(pod: &mut PodState, cx: &Context<'_>, id: &str, argument: &Value) -> Answer {
    let kind = match argument.get("type").and_then(Value::as_str) {
        Some(kind) => kind.to_uppercase(),
        None => {
            return Err(invalid(
                "reboot",
                &python(argument),
                "'type' is a required property",
            ));
        }
    };
    let server = find_mut(pod, cx, id, "os_compute_api:servers:reboot")?;
    check_unlocked(cx, server)?;
    let (states, task): (&[&str], &str) = match kind.as_str() {
        "SOFT" => (&["active"], "rebooting"),
        "HARD" => (
            &["active", "stopped", "paused", "suspended", "error"],
            "rebooting_hard",
        ),
        other => {
            return Err(invalid(
                "type",
                other,
                &format!(
                    "'{other}' is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']"
                ),
            ));
        }
    };
    check_state(server, "reboot", states)?;
    server.task = Some(task.into());
    server.record(cx, "reboot");
    pod.promise_soon(Event::SettleServer(id.to_owned(), "active"));
    Ok(Reply::empty(202))
}

fn groups(
    pod: &mut PodState,
    cx: &Context<'_>,
    id: &str,
    action: &str,
    argument: &Value,
) -> Answer {
    let name = argument
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let server = find(pod, cx, id)?;
    super::require_member(cx, "os_compute_api:os-security-groups:add")?;
    let group = pod
        .neutron
        .security_groups
        .iter()
        .find(|(key, group)| {
            text(group, "project_id") == server.project_id
                && (*key == name || text(group, "name") == name)
        })
        .map(|(key, _)| key.clone())
        .ok_or_else(|| {
            fault(
                404,
                &format!(
                    "Security group {name} is not found for project {}",
                    cx.caller.project_id
                ),
            )
        })?;
    let nics = server.nics.clone();
    for nic in &nics {
        let Some(list) = pod
            .neutron
            .ports
            .get_mut(&nic.port_id)
            .and_then(|port| port.get_mut("security_groups"))
            .and_then(Value::as_array_mut)
        else {
            continue;
        };
        if action == "removeSecurityGroup" {
            list.retain(|have| *have != group);
        } else if list.iter().any(|have| *have == group) {
            return Err(bad_request(&format!(
                "Invalid input for security_groups. Reason: Duplicate items in the list: \
                 '{group}'."
            )));
        } else {
            list.push(json!(group));
        }
    }
    Ok(Reply::empty(202))
}
