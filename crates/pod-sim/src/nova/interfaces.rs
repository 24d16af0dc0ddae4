//! /servers/{id}/os-interface.

use serde_json::{Value, json};

use super::server::{check_state, check_unlocked, find};
use super::{Answer, Context, Nic, bad_request, fault, invalid, lifecycle, member};
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
            if let Some(server) = pod.nova.servers.get_mut(id) {
                server.record_begun(cx, "detach_interface");
            }
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
    check_shape(&given, cx.minor)?;
    let server = find(pod, cx, id)?.clone();
    super::require_member(cx, "os_compute_api:os-attach-interfaces:create")?;
    let string = |key: &str| given.get(key).and_then(Value::as_str);
    let tag = string("tag").map(str::to_owned);
    if string("net_id").is_some() && string("port_id").is_some() {
        return Err(bad_request("Must not input both network_id and port_id"));
    }
    if given.contains_key("fixed_ips") && string("net_id").is_none() {
        return Err(bad_request("Must input network_id when request IP address"));
    }
    check_unlocked(cx, &server)?;
    check_state(
        &server,
        "attach_interface",
        &["active", "paused", "stopped"],
    )?;
    let (port_id, own) = match (string("port_id"), string("net_id")) {
        (Some(port), _) => {
            let found = pod.neutron.ports.get(port).ok_or_else(|| no_port(port))?;
            if !text(found, "device_id").is_empty() {
                return Err(fault(409, &format!("Port {port} is still in use.")));
            }
            (port.to_owned(), false)
        }
        (None, Some(network)) => {
            if !pod.neutron.networks.contains_key(network) {
                return Err(fault(
                    404,
                    &format!("Network {network} could not be found."),
                ));
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
            return Err(bad_request(&format!(
                "No specific network was requested and none are available for project '{}'.",
                server.project_id
            )));
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
        server.record_done(cx, "attach_interface");
        server.nics.push(nic);
    }
    Ok(Reply::ok(json!({ "interfaceAttachment": view })))
}

/// What the schema says of an attachment.
fn check_shape(given: &serde_json::Map<String, Value>, minor: u32) -> Result<(), Reply> {
    for key in ["net_id", "port_id"] {
        if let Some(text) = given.get(key).and_then(Value::as_str)
            && uuid::Uuid::parse_str(text).is_err()
        {
            return Err(invalid(key, text, &format!("'{text}' is not a 'uuid'")));
        }
    }
    if minor < 49 && given.contains_key("tag") {
        return Err(bad_request(
            "Additional properties are not allowed ('tag' was unexpected)",
        ));
    }
    Ok(())
}

/// Ends a detach.
pub(crate) fn finish_detach(pod: &mut PodState, server: &str, port: &str) {
    let Some(server) = pod.nova.servers.get_mut(server) else {
        return;
    };
    let found = server.nics.iter().position(|nic| nic.port_id == port);
    server.end_action("detach_interface", found.is_some());
    let Some(at) = found else {
        return;
    };
    if server.nics.remove(at).own {
        pod.neutron.forget_port(port);
    } else {
        pod.neutron.unplug(port);
    }
}
