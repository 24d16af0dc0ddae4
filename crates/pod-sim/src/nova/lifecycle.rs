//! What Nova does on its own time: build, delete, settle.

use serde_json::json;

use super::server::{self, WantedNic, WantedVolume};
use super::{Answer, Context, Nic, Server, VolumeLink};
use crate::cinder::Volume;
use crate::ids;
use crate::neutron::{ports::Plug, text};
use crate::request::Reply;
use crate::state::{Event, PodState};

/// Builds a server: its ports first, then its volumes. What fails puts it in ERROR.
pub(crate) fn build(pod: &mut PodState, id: &str) {
    let Some(mut server) = pod.nova.servers.remove(id) else {
        return;
    };
    if server.state == "building" {
        let outcome = match pod.nova.fail_next_build.take() {
            Some(message) => Err(message),
            None => plug_all(pod, &mut server).and_then(|()| attach_all(pod, &mut server)),
        };
        finish(pod, &mut server, outcome);
    }
    pod.nova.servers.insert(id.to_owned(), server);
}

fn finish(pod: &mut PodState, server: &mut Server, outcome: Result<(), String>) {
    let now = ids::now();
    server.task = None;
    server.updated = now;
    if let Some(action) = server.actions.last_mut() {
        action.updated = now;
    }
    match outcome {
        Ok(()) => {
            server.state = "active".into();
            server.launched = Some(now);
        }
        Err(message) => {
            server.state = "error".into();
            server.fault = Some((message, now));
            // Nova lets go of the network of a failed build.
            release_ports(pod, server);
        }
    }
}

fn exhausted(server: &Server) -> String {
    format!(
        "Exceeded maximum number of retries. Exhausted all hosts available for retrying build \
         failures for instance {}.",
        server.id
    )
}

fn plug_all(pod: &mut PodState, server: &mut Server) -> Result<(), String> {
    let host = pod.compute_host();
    for wanted in server.wanted_nics.clone() {
        let (port_id, own, tag) = match wanted {
            WantedNic::Port { id, tag } => (id, false, tag),
            WantedNic::Network { id, address, tag } => {
                let port = make_port(pod, server, &id, address.as_deref())
                    .ok_or_else(|| exhausted(server))?;
                (port, true, tag)
            }
        };
        let plug = Plug {
            id: &server.id,
            zone: &server.zone,
            host: &host,
            hostname: &server.hostname,
        };
        if !pod.neutron.plug(&port_id, &plug) {
            return Err(exhausted(server));
        }
        server.nics.push(Nic { port_id, own, tag });
    }
    Ok(())
}

/// A port that Nova makes for a server.
pub(super) fn make_port(
    pod: &mut PodState,
    server: &Server,
    network: &str,
    address: Option<&str>,
) -> Option<String> {
    let groups: Vec<String> = pod
        .neutron
        .security_groups
        .iter()
        .filter(|(id, group)| {
            text(group, "project_id") == server.project_id
                && server
                    .security_groups
                    .iter()
                    .any(|name| name == *id || name == text(group, "name"))
        })
        .map(|(id, _)| id.clone())
        .collect();
    let mut wanted = json!({"network_id": network});
    let object = wanted.as_object_mut()?;
    if let Some(address) = address {
        object.insert("fixed_ips".into(), json!([{"ip_address": address}]));
    }
    if !groups.is_empty() {
        object.insert("security_groups".into(), json!(groups));
    }
    let port = pod.neutron.build_port(object, &server.project_id).ok()?;
    let id = text(&port, "id").to_owned();
    pod.neutron.ports.insert(id.clone(), port);
    Some(id)
}

fn attach_all(pod: &mut PodState, server: &mut Server) -> Result<(), String> {
    for wanted in server.wanted_volumes.clone() {
        let volume_id = match wanted.source.as_str() {
            "volume" => wanted.source_id.clone(),
            _ => make_volume(pod, server, &wanted),
        };
        let link = VolumeLink {
            volume_id: volume_id.clone(),
            device: next_device(server),
            tag: None,
            delete_on_termination: wanted.delete_on_termination,
            attachment_id: ids::uuid(),
            bdm_id: ids::uuid(),
        };
        let volume = pod
            .cinder
            .volumes
            .get_mut(&volume_id)
            .ok_or_else(|| exhausted(server))?;
        volume.attach(&link, &server.id);
        server.volumes.push(link);
    }
    Ok(())
}

fn make_volume(pod: &mut PodState, server: &Server, wanted: &WantedVolume) -> String {
    let mut volume = Volume::new(&server.project_id, &server.user_id, wanted.size);
    volume.name = None;
    volume.status = "available".into();
    if let Some(kind) = &wanted.volume_type {
        volume.volume_type = kind.clone();
    }
    if wanted.source == "image" {
        volume.image_id = Some(wanted.source_id.clone());
        volume.bootable = true;
    }
    let id = volume.id.clone();
    pod.cinder.volumes.insert(id.clone(), volume);
    id
}

/// The next free device name of a server.
pub(super) fn next_device(server: &Server) -> String {
    let first = if server.image.is_empty() { b'a' } else { b'b' };
    (first..=b'z')
        .map(|letter| format!("/dev/sd{}", char::from(letter)))
        .find(|device| server.volumes.iter().all(|link| link.device != *device))
        .unwrap_or_default()
}

fn release_ports(pod: &mut PodState, server: &mut Server) {
    for nic in server.nics.drain(..) {
        if nic.own {
            pod.neutron.forget_port(&nic.port_id);
        } else {
            pod.neutron.unplug(&nic.port_id);
        }
    }
}

/// DELETE /servers/{id}.
pub(super) fn delete(pod: &mut PodState, cx: &Context<'_>, id: &str) -> Answer {
    let server = server::find_mut(pod, cx, id, "os_compute_api:servers:delete")?;
    server::check_unlocked(cx, server)?;
    server.task = Some("deleting".into());
    server.updated = ids::now();
    server.record(cx, "delete");
    pod.promise_soon(Event::DeleteServer(id.to_owned()));
    Ok(Reply::empty(204).header("Content-Type", "application/json"))
}

/// Ends a delete.
pub(crate) fn finish_delete(pod: &mut PodState, id: &str) {
    let Some(mut server) = pod.nova.servers.remove(id) else {
        return;
    };
    if server.is_deleted() {
        pod.nova.servers.insert(id.to_owned(), server);
        return;
    }
    release_ports(pod, &mut server);
    // A server deleted while it was built may hold volumes it never got.
    for wanted in server
        .wanted_volumes
        .iter()
        .filter(|w| w.source == "volume")
    {
        if let Some(volume) = pod.cinder.volumes.get_mut(&wanted.source_id)
            && volume.status == "reserved"
        {
            volume.status = "available".into();
        }
    }
    for link in server.volumes.drain(..) {
        if let Some(volume) = pod.cinder.volumes.get_mut(&link.volume_id) {
            volume.detach(&server.id);
            if link.delete_on_termination {
                pod.cinder.volumes.remove(&link.volume_id);
            }
        }
    }
    let now = ids::now();
    server.state = "deleted".into();
    server.task = None;
    server.updated = now;
    server.terminated = Some(now);
    pod.nova.servers.insert(id.to_owned(), server);
}

/// Ends an action that leads to `state`.
pub(crate) fn settle(pod: &mut PodState, id: &str, state: &'static str) {
    if let Some(server) = pod.nova.servers.get_mut(id)
        && !server.is_deleted()
        && server.task.as_deref() != Some("deleting")
    {
        server.state = state.into();
        server.task = None;
        server.updated = ids::now();
    }
}
