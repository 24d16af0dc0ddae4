//! A server, and how it is found.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Context, Flavor, fault};
use crate::request::Reply;
use crate::state::PodState;

/// A network interface of a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Nic {
    pub(crate) port_id: String,
    /// Nova made the port and deletes it with the server.
    pub(crate) own: bool,
    pub(crate) tag: Option<String>,
}

/// A network interface that was asked for and is not there yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WantedNic {
    Port {
        id: String,
        tag: Option<String>,
    },
    Network {
        id: String,
        address: Option<String>,
        tag: Option<String>,
    },
}

/// A volume of a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VolumeLink {
    pub(crate) volume_id: String,
    pub(crate) device: String,
    pub(crate) tag: Option<String>,
    pub(crate) delete_on_termination: bool,
    pub(crate) attachment_id: String,
    pub(crate) bdm_id: String,
}

/// A volume that a server is to get when it is built.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WantedVolume {
    /// `volume`, `image`, `snapshot` or `blank`.
    pub(crate) source: String,
    pub(crate) source_id: String,
    pub(crate) size: u64,
    pub(crate) boot: bool,
    pub(crate) delete_on_termination: bool,
    pub(crate) volume_type: Option<String>,
}

/// An entry of `os-instance-actions`.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) name: String,
    pub(crate) request_id: String,
    pub(crate) user_id: String,
    pub(crate) project_id: String,
    pub(crate) start: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    /// What the compute host did of it; none: it has not begun, or none of it is the
    /// host's.
    pub(crate) event: Option<ActionEvent>,
}

/// The event of an action: `compute_<action>`.
#[derive(Clone, Debug)]
pub(crate) struct ActionEvent {
    pub(crate) start: DateTime<Utc>,
    /// When it ended, and whether well.
    pub(crate) end: Option<(DateTime<Utc>, bool)>,
}

/// A server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) hostname: String,
    pub(crate) description: Option<String>,
    pub(crate) project_id: String,
    pub(crate) user_id: String,
    pub(crate) flavor: Flavor,
    /// Empty for a server that boots from a volume.
    pub(crate) image: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) tags: Vec<String>,
    pub(crate) key_name: Option<String>,
    pub(crate) user_data: Option<String>,
    pub(crate) config_drive: bool,
    pub(crate) disk_config: String,
    pub(crate) access_v4: String,
    pub(crate) access_v6: String,
    pub(crate) scheduler_hints: Map<String, Value>,
    pub(crate) wanted_zone: Option<String>,
    pub(crate) zone: String,
    pub(crate) reservation_id: String,
    pub(crate) launch_index: u64,
    pub(crate) number: u64,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) launched: Option<DateTime<Utc>>,
    pub(crate) terminated: Option<DateTime<Utc>>,
    /// Nova's `vm_state`: building, active, stopped, error, deleted, ...
    pub(crate) state: String,
    pub(crate) task: Option<String>,
    pub(crate) fault: Option<(String, DateTime<Utc>)>,
    pub(crate) locked: bool,
    pub(crate) locked_reason: Option<String>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) wanted_nics: Vec<WantedNic>,
    pub(crate) nics: Vec<Nic>,
    pub(crate) wanted_volumes: Vec<WantedVolume>,
    pub(crate) volumes: Vec<VolumeLink>,
    pub(crate) actions: Vec<Action>,
}

impl Server {
    pub(crate) fn is_deleted(&self) -> bool {
        self.state == "deleted"
    }

    /// The `status` that the API makes of the states.
    pub(crate) fn status(&self) -> &'static str {
        match (self.state.as_str(), self.task.as_deref()) {
            ("active", Some("rebooting" | "reboot_pending" | "reboot_started")) => "REBOOT",
            ("active", Some("rebooting_hard" | "reboot_pending_hard")) => "HARD_REBOOT",
            ("active", Some("rebuilding")) => "REBUILD",
            ("active", Some("resize_prep")) => "RESIZE",
            ("active", _) => "ACTIVE",
            ("building", _) => "BUILD",
            ("stopped", _) => "SHUTOFF",
            ("paused", _) => "PAUSED",
            ("suspended", _) => "SUSPENDED",
            ("rescued", _) => "RESCUE",
            ("resized", _) => "VERIFY_RESIZE",
            ("shelved", _) => "SHELVED",
            ("shelved_offloaded", _) => "SHELVED_OFFLOADED",
            ("deleted", _) => "DELETED",
            ("error", _) => "ERROR",
            _ => "UNKNOWN",
        }
    }

    pub(crate) fn power_state(&self) -> u8 {
        match self.state.as_str() {
            "active" => 1,
            "paused" => 3,
            "stopped" => 4,
            "suspended" => 7,
            _ => 0,
        }
    }

    /// Remembers an action of the caller.
    pub(super) fn record(&mut self, cx: &Context<'_>, name: &str) {
        self.remember(cx, name, None);
    }

    /// The same for one that the host has done already, well.
    pub(super) fn record_done(&mut self, cx: &Context<'_>, name: &str) {
        let now = crate::ids::now();
        let end = Some((now, true));
        self.remember(cx, name, Some(ActionEvent { start: now, end }));
    }

    /// The same for one that the host is at.
    pub(super) fn record_begun(&mut self, cx: &Context<'_>, name: &str) {
        let start = crate::ids::now();
        self.remember(cx, name, Some(ActionEvent { start, end: None }));
    }

    /// The host is done with the oldest action of this name that it is at.
    pub(super) fn end_action(&mut self, name: &str, well: bool) {
        let mut actions = self.actions.iter_mut().filter(|a| a.name == name);
        let begun = actions.find_map(|a| a.event.as_mut().filter(|e| e.end.is_none()));
        if let Some(event) = begun {
            event.end = Some((crate::ids::now(), well));
        }
    }

    fn remember(&mut self, cx: &Context<'_>, name: &str, event: Option<ActionEvent>) {
        let now = crate::ids::now();
        self.actions.push(Action {
            name: name.to_owned(),
            request_id: cx.request.request_id.clone(),
            user_id: cx.caller.user_id.clone(),
            project_id: cx.caller.project_id.clone(),
            start: now,
            updated: now,
            event,
        });
    }
}

fn unknown(id: &str) -> Reply {
    fault(404, &format!("Instance {id} could not be found."))
}

/// A server that the caller may see.
pub(super) fn find<'a>(pod: &'a PodState, cx: &Context<'_>, id: &str) -> Result<&'a Server, Reply> {
    pod.nova
        .servers
        .get(id)
        .filter(|server| !server.is_deleted())
        .filter(|server| cx.caller.is_admin() || server.project_id == cx.caller.project_id)
        .ok_or_else(|| unknown(id))
}

/// A server that the caller may change.
pub(super) fn find_mut<'a>(
    pod: &'a mut PodState,
    cx: &Context<'_>,
    id: &str,
    rule: &str,
) -> Result<&'a mut Server, Reply> {
    find(pod, cx, id)?;
    super::require_member(cx, rule)?;
    pod.nova.servers.get_mut(id).ok_or_else(|| unknown(id))
}

/// Refuses what a lock forbids to all but administrators.
pub(super) fn check_unlocked(cx: &Context<'_>, server: &Server) -> Result<(), Reply> {
    if server.locked && !cx.caller.is_admin() {
        return Err(fault(409, &format!("Instance {} is locked", server.id)));
    }
    Ok(())
}

/// Refuses an action in another state than it is for.
pub(super) fn check_state(server: &Server, action: &str, states: &[&str]) -> Result<(), Reply> {
    let wrong = |attribute: &str, value: &str| {
        fault(
            409,
            &format!(
                "Cannot '{action}' instance {} while it is in {attribute} {value}",
                server.id
            ),
        )
    };
    if !states.contains(&server.state.as_str()) {
        return Err(wrong("vm_state", &server.state));
    }
    match &server.task {
        Some(task) => Err(wrong("task_state", task)),
        None => Ok(()),
    }
}
