//! A server as each microversion shows it. The order of keys is Nova's.

use serde_json::{Map, Value, json};

use super::{Context, Server, links};
use crate::ids;
use crate::state::PodState;

/// One server alone.
pub(super) fn show(pod: &PodState, cx: &Context<'_>, server: &Server) -> Value {
    full(pod, cx, server, true)
}

/// One server of a detailed list.
pub(super) fn detail(pod: &PodState, cx: &Context<'_>, server: &Server) -> Value {
    full(pod, cx, server, false)
}

/// One server of a plain list.
pub(super) fn brief(cx: &Context<'_>, server: &Server) -> Value {
    json!({
        "id": server.id, "name": server.name,
        "links": links(cx.request, "servers", &server.id),
    })
}

/// The answer to an update, which shows less before 2.75.
pub(super) fn updated(pod: &PodState, cx: &Context<'_>, server: &Server) -> Value {
    let mut view = full(pod, cx, server, true);
    if cx.minor < 75
        && let Some(object) = view.as_object_mut()
    {
        object.retain(|key, _| {
            let plain = !key.contains(':') || key == "OS-DCF:diskConfig";
            plain
                && !matches!(
                    key.as_str(),
                    "config_drive" | "key_name" | "security_groups"
                )
        });
        if let Some(networks) = object.get_mut("addresses").and_then(Value::as_object_mut) {
            for address in networks
                .values_mut()
                .filter_map(Value::as_array_mut)
                .flatten()
            {
                if let Some(address) = address.as_object_mut() {
                    address.retain(|key, _| !key.contains(':'));
                }
            }
        }
    }
    view
}

fn full(pod: &PodState, cx: &Context<'_>, server: &Server, alone: bool) -> Value {
    let minor = cx.minor;
    let admin = cx.caller.is_admin();
    let built = server.launched.is_some();
    let host = pod.compute_host();
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("accessIPv4", json!(server.access_v4));
    put("accessIPv6", json!(server.access_v6));
    put("addresses", Value::Object(addresses(pod, server, true)));
    put("created", json!(ids::seconds(server.created)));
    put("flavor", flavor(cx, server));
    put("hostId", json!(host_id(server, &host)));
    put("id", json!(server.id));
    put("image", image(cx, server));
    put("links", links(cx.request, "servers", &server.id));
    put("metadata", json!(server.metadata));
    put("name", json!(server.name));
    put("status", json!(server.status()));
    put("tenant_id", json!(server.project_id));
    put("user_id", json!(server.user_id));
    put("updated", json!(ids::seconds(server.updated)));
    put("OS-DCF:diskConfig", json!(server.disk_config));
    if let (Some((message, at)), "ERROR" | "DELETED") = (&server.fault, server.status()) {
        let mut fault = json!({"code": 500, "created": ids::seconds(*at), "message": message});
        if let (true, Some(object)) = (admin, fault.as_object_mut()) {
            object.insert("details".into(), json!(message));
        }
        put("fault", fault);
    }
    if matches!(
        server.status(),
        "ACTIVE" | "BUILD" | "REBUILD" | "RESIZE" | "VERIFY_RESIZE" | "MIGRATING"
    ) {
        put("progress", json!(0));
    }
    let zone = if built { server.zone.as_str() } else { "" };
    put("OS-EXT-AZ:availability_zone", json!(zone));
    put(
        "config_drive",
        json!(if server.config_drive { "True" } else { "" }),
    );
    put("key_name", json!(server.key_name));
    put(
        "OS-SRV-USG:launched_at",
        json!(server.launched.map(ids::naive)),
    );
    put(
        "OS-SRV-USG:terminated_at",
        json!(server.terminated.map(ids::naive)),
    );
    let groups = security_groups(pod, server);
    if !groups.is_empty() {
        put("security_groups", Value::Array(groups));
    }
    if admin {
        for (key, value) in admin_part(server, built.then_some(host.as_str()), minor) {
            put(key, value);
        }
    }
    put("OS-EXT-STS:task_state", json!(server.task));
    put("OS-EXT-STS:vm_state", json!(server.state));
    put("OS-EXT-STS:power_state", json!(server.power_state()));
    put(
        "os-extended-volumes:volumes_attached",
        volumes(server, minor),
    );
    for (key, value) in newer_part(server, minor, admin, alone, built) {
        put(key, value);
    }
    Value::Object(view)
}

fn host_id(server: &Server, host: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    if server.launched.is_none() {
        return String::new();
    }
    let mut hasher = DefaultHasher::new();
    (&server.project_id, host).hash(&mut hasher);
    format!("{:056x}", hasher.finish())
}

fn flavor(cx: &Context<'_>, server: &Server) -> Value {
    let f = &server.flavor;
    if cx.minor < 47 {
        return json!({
            "id": f.id,
            "links": [{
                "rel": "bookmark", "href": format!("{}/flavors/{}", cx.request.base, f.id),
            }],
        });
    }
    json!({
        "vcpus": f.vcpus, "ram": f.ram, "disk": f.disk, "ephemeral": f.ephemeral,
        "swap": f.swap, "original_name": f.name, "extra_specs": f.extra_specs,
    })
}

fn image(cx: &Context<'_>, server: &Server) -> Value {
    if server.image.is_empty() {
        return json!("");
    }
    let mut body = json!({
        "id": server.image,
        "links": [{
            "rel": "bookmark",
            "href": format!("{}/images/{}", cx.request.base, server.image),
        }],
    });
    if let (true, Some(object)) = (cx.minor >= 98, body.as_object_mut()) {
        object.insert("properties".into(), json!({}));
    }
    body
}

/// Addresses by the name of their network.
pub(super) fn addresses(pod: &PodState, server: &Server, extended: bool) -> Map<String, Value> {
    let mut networks: Map<String, Value> = Map::new();
    let mut floating: Vec<(String, Value)> = Vec::new();
    if server.launched.is_none() || server.is_deleted() {
        return networks;
    }
    for port in server
        .nics
        .iter()
        .filter_map(|nic| pod.neutron.ports.get(&nic.port_id))
    {
        let network = port
            .get("network_id")
            .and_then(Value::as_str)
            .and_then(|id| pod.neutron.networks.get(id));
        let name = network
            .and_then(|n| n.get("name")?.as_str())
            .unwrap_or_default();
        let id = port.get("id").and_then(Value::as_str).unwrap_or_default();
        let mac = port.get("mac_address").cloned().unwrap_or_default();
        let show = |ip: &str, kind: &str| {
            let version = if ip.contains(':') { 6 } else { 4 };
            let mut address = json!({"version": version, "addr": ip});
            if let (true, Some(object)) = (extended, address.as_object_mut()) {
                object.insert("OS-EXT-IPS:type".into(), json!(kind));
                object.insert("OS-EXT-IPS-MAC:mac_addr".into(), mac.clone());
            }
            address
        };
        let list = networks.entry(name).or_insert_with(|| json!([]));
        for ip in port
            .get("fixed_ips")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|ip| ip.get("ip_address")?.as_str())
        {
            if let Some(list) = list.as_array_mut() {
                list.push(show(ip, "fixed"));
            }
            let outside = pod.neutron.floating_of(id, ip);
            floating.extend(outside.map(|out| (name.to_owned(), show(out, "floating"))));
        }
    }
    // Nova tells the floating ones of a network after all its fixed ones.
    for (name, address) in floating {
        if let Some(list) = networks.get_mut(&name).and_then(Value::as_array_mut) {
            list.push(address);
        }
    }
    networks
}

/// `[{"name": ...}]` of the groups on the server's ports.
fn security_groups(pod: &PodState, server: &Server) -> Vec<Value> {
    if server.launched.is_none() || server.is_deleted() {
        return Vec::new();
    }
    let mut names: Vec<Value> = server
        .nics
        .iter()
        .filter_map(|nic| pod.neutron.ports.get(&nic.port_id))
        .filter_map(|port| port.get("security_groups").and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .filter_map(|id| pod.neutron.security_groups.get(id))
        .filter_map(|group| group.get("name").cloned())
        .map(|name| json!({ "name": name }))
        .collect();
    names.dedup();
    names
}

fn admin_part(server: &Server, host: Option<&str>, minor: u32) -> Vec<(&'static str, Value)> {
    let mut part = vec![
        ("OS-EXT-SRV-ATTR:host", json!(host)),
        (
            "OS-EXT-SRV-ATTR:instance_name",
            json!(format!("instance-{:08x}", server.number)),
        ),
        ("OS-EXT-SRV-ATTR:hypervisor_hostname", json!(host)),
    ];
    if minor >= 3 {
        part.extend([
            ("OS-EXT-SRV-ATTR:hostname", json!(server.hostname)),
            ("OS-EXT-SRV-ATTR:kernel_id", json!("")),
            ("OS-EXT-SRV-ATTR:launch_index", json!(server.launch_index)),
            ("OS-EXT-SRV-ATTR:ramdisk_id", json!("")),
            (
                "OS-EXT-SRV-ATTR:reservation_id",
                json!(server.reservation_id),
            ),
            ("OS-EXT-SRV-ATTR:root_device_name", json!("/dev/sda")),
            ("OS-EXT-SRV-ATTR:user_data", json!(server.user_data)),
        ]);
    }
    part
}

fn volumes(server: &Server, minor: u32) -> Value {
    let list: Vec<Value> = server
        .volumes
        .iter()
        .map(|link| {
            if minor >= 3 {
                json!({
                    "id": link.volume_id, "delete_on_termination": link.delete_on_termination,
                })
            } else {
                json!({"id": link.volume_id})
            }
        })
        .collect();
    Value::Array(list)
}

/// What later microversions added at the end.
fn newer_part(
    server: &Server,
    minor: u32,
    admin: bool,
    alone: bool,
    built: bool,
) -> Vec<(&'static str, Value)> {
    let mut part = Vec::new();
    let mut from = |version: u32, key: &'static str, value: Value| {
        if minor >= version {
            part.push((key, value));
        }
    };
    from(9, "locked", json!(server.locked));
    if admin {
        from(16, "host_status", json!(if built { "UP" } else { "" }));
    }
    from(19, "description", json!(server.description));
    from(26, "tags", json!(server.tags));
    from(63, "trusted_image_certificates", Value::Null);
    if alone {
        from(71, "server_groups", json!([]));
    }
    from(73, "locked_reason", json!(server.locked_reason));
    if !admin {
        from(90, "OS-EXT-SRV-ATTR:hostname", json!(server.hostname));
    }
    from(96, "pinned_availability_zone", json!(server.wanted_zone));
    from(100, "scheduler_hints", hints(server));
    part
}

/// Scheduler hints as the request spec keeps them: each value a list.
fn hints(server: &Server) -> Value {
    let all: Map<String, Value> = server
        .scheduler_hints
        .iter()
        .map(|(key, value)| {
            let list = match value {
                Value::Array(_) => value.clone(),
                other => json!([other]),
            };
            (key.clone(), list)
        })
        .collect();
    Value::Object(all)
}
