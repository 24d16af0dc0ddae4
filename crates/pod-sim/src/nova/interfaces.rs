//! /servers/{id}/os-interface.

use serde_json::{Value, json};

use super::server::{check_state, check_unlocked, find};
use super::{Answer, Context, Nic, bad_request, fault, lifecycle, member};
use crate::neutron::{ports::Plug, text};
use crate::request::Reply;
use crate::state::{Event, PodState};

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, id: &str, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => {
            let server = find(pod, cx, id)?;
            let all: Vec<Value> = server
                .nics
                .iter()
                .filter_map(|nic| show(pod, cx, nic))
                .collect();
            Ok(Reply::ok(json!({ "interfaceAttachments": all })))
        }
        ("GET", [port]) => {
            let server = find(pod, cx, id)?;
            let nic = server.nics.iter().find(|nic| nic.port_id == *port);
            nic.and_then(|nic| show(pod, cx, nic))
                .map(|view| Reply::ok(json!({ "interfaceAttachment": view })))
                .ok_or_else(|| no_port(port))
        }
        ("POST", []) => attach(pod, cx, id),
        ("DELETE", [port]) => {
            let server = find(pod, cx, id)?;
            super::require_member(cx, "os_compute_api:os-attach-interfaces:delete")?;
            check_unlocked(cx, server)?;
            check_state(server, "detach_interface", &["active", "paused", "stopped"])?;
            pod.promise_soon(Event::DetachPort {
                server: id.to_owned(),
                port: (*port).to_owned(),
            });
            Ok(Reply::empty(202))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn no_port(id: &str) -> Reply {
    fault(404, &format!("Port id {id} could not be found."))
}

fn show(pod: &PodState, cx: &Context<'_>, nic: &Nic) -> Option<Value> {
    let port = pod.neutron.ports.get(&nic.port_id)?;
    let mut view = json!({
        "net_id": text(port, "network_id"), "port_id": nic.port_id,
        "mac_addr": text(port, "mac_address"), "port_state": text(port, "status"),
        "fixed_ips": port.get("fixed_ips"),
    });
    if let (true, Some(object)) = (cx.minor >= 70, view.as_object_mut()) {
        object.insert("tag".into(), json!(nic.tag));
    }
    Some(view)
}

fn attach(pod: &mut PodState, cx: &Context<'_>, id: &str) -> Answer {
    let given = if cx.request.body.is_empty() {
        serde_json::Map::new()
    } else {
        member(cx.request, "interfaceAttachment")?
    };
    let server = find(pod, cx, id)?.clone();
    super::require_member(cx, "os_compute_api:os-attach-interfaces:create")?;
    check_unlocked(cx, &server)?;
    check_state(
        &server,
        "attach_interface",
        &["active", "paused", "stopped"],
    )?;
    let string = |key: &str| given.get(key).and_then(Value::as_str);
    let tag = string("tag").map(str::to_owned);
    let (port_id, own) = match (string("port_id"), string("net_id")) {
        (Some(_), Some(_)) => {
            return Err(bad_request("Must not input both network_id and port_id"));
        }
        (Some(port), None) => {
            let found = pod.neutron.ports.get(port).ok_or_else(|| no_port(port))?;
            if !text(found, "device_id").is_empty() {
                return Err(fault(409, &format!("Port {port} is still in use.")));
            }
            (port.to_owned(), false)
        }
        (None, Some(network)) => {
            if !pod.neutron.networks.contains_key(network) {
                return Err(bad_request(&format!(
                    "Network {network} could not be found."
                )));
            }
            let address = given
                .get("fixed_ips")
                .and_then(|ips| ips.get(0)?.get("ip_address")?.as_str());
            let port = lifecycle::make_port(pod, &server, network, address).ok_or_else(|| {
                bad_request(&format!(
                    "No fixed IP addresses available for network: {network}"
                ))
            })?;
            (port, true)
        }
        (None, None) => {
            return Err(bad_request("Failed to find a network to attach"));
        }
    };
    let host = pod.compute_host();
    pod.neutron.plug(
        &port_id,
        &Plug {
            id,
            zone: &server.zone,
            host: &host,
            hostname: &server.hostname,
        },
    );
    let nic = Nic { port_id, own, tag };
    let view = show(pod, cx, &nic);
    if let Some(server) = pod.nova.servers.get_mut(id) {
        server.record(cx, "attach_interface");
        server.nics.push(nic);
    }
    Ok(Reply::ok(json!({ "interfaceAttachment": view })))
}

/// Ends a detach.
pub(crate) fn finish_detach(pod: &mut PodState, server: &str, port: &str) {
    let Some(server) = pod.nova.servers.get_mut(server) else {
        return;
    };
    let Some(at) = server.nics.iter().position(|nic| nic.port_id == port) else {
        return;
    };
    if server.nics.remove(at).own {
        pod.neutron.forget_port(port);
    } else {
        pod.neutron.unplug(port);
    }
}
