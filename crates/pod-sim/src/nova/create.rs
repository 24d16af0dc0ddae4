//! POST /servers: the checks that Nova makes before its 202, in its order.

use serde_json::{Map, Value, json};

use super::server::{WantedNic, WantedVolume};
use super::{
    Answer, Context, Server, bad_request, fault, forbidden, invalid, links, member, python,
};
use crate::ids;
use crate::neutron::text;
use crate::request::Reply;
use crate::state::{Event, PodState};

/// Keys of a server's body, with the microversion that brought them.
const KEYS: &[(&str, u32)] = &[
    ("name", 1),
    ("flavorRef", 1),
    ("imageRef", 1),
    ("networks", 1),
    ("metadata", 1),
    ("adminPass", 1),
    ("accessIPv4", 1),
    ("accessIPv6", 1),
    ("personality", 1),
    ("key_name", 1),
    ("availability_zone", 1),
    ("security_groups", 1),
    ("user_data", 1),
    ("config_drive", 1),
    ("block_device_mapping", 1),
    ("block_device_mapping_v2", 1),
    ("min_count", 1),
    ("max_count", 1),
    ("return_reservation_id", 1),
    ("OS-DCF:diskConfig", 1),
    ("os:scheduler_hints", 1),
    ("OS-SCH-HNT:scheduler_hints", 1),
    ("description", 19),
    ("tags", 52),
    ("trusted_image_certificates", 63),
    ("host", 74),
    ("hypervisor_hostname", 74),
    ("hostname", 90),
];

pub(super) fn create(pod: &mut PodState, cx: &Context<'_>) -> Answer {
    let given = member(cx.request, "server")?;
    check_schema(cx, &given)?;
    if !cx.caller.is_member() {
        return Err(forbidden("os_compute_api:servers:create"));
    }
    let string = |key: &str| given.get(key).and_then(Value::as_str);
    let count = |key: &str| {
        given
            .get(key)
            .and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()))
    };
    let min = count("min_count").unwrap_or(1);
    let max = count("max_count").unwrap_or(min);
    if min > max {
        return Err(bad_request("min_count must be <= max_count"));
    }
    let volumes = wanted_volumes(pod, cx, &given)?;
    let flavor_id = match given.get("flavorRef") {
        Some(Value::String(id)) => id.rsplit('/').next().unwrap_or(id).to_owned(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let flavor = pod
        .nova
        .flavors
        .get(&flavor_id)
        .cloned()
        .ok_or_else(|| bad_request(&format!("Flavor {flavor_id} could not be found.")))?;
    let image = wanted_image(cx, &given, &volumes)?;
    let zone = string("availability_zone").map(str::to_owned);
    if let Some(zone) = &zone {
        let name = zone.split(':').next().unwrap_or(zone);
        if !pod.nova.zones.iter().any(|have| have == name) {
            return Err(bad_request(
                "The requested availability zone is not available",
            ));
        }
    }
    let groups = wanted_groups(pod, cx, &given)?;
    let nics = wanted_nics(pod, cx, &given, max)?;
    if let Some(key) = string("key_name") {
        let id = (cx.caller.user_id.clone(), key.to_owned());
        if !pod.nova.keypairs.contains_key(&id) {
            return Err(bad_request("Invalid key_name provided."));
        }
    }
    let plan = Plan {
        flavor,
        image,
        zone,
        groups,
        nics,
        volumes,
        reservation: format!("r-{}", ids::secret(8).to_lowercase()),
    };
    let mut first = String::new();
    for index in 0..max {
        let id = insert(pod, cx, &given, &plan, index, max);
        if index == 0 {
            first = id;
        }
    }
    if given.get("return_reservation_id") == Some(&Value::Bool(true)) {
        let body = json!({"reservation_id": plan.reservation});
        return Ok(Reply::json(202, body));
    }
    let names: Vec<Value> = if plan.groups.is_empty() {
        vec![json!({"name": "default"})]
    } else {
        plan.groups.iter().map(|g| json!({ "name": g })).collect()
    };
    let body = json!({"server": {
        "id": first,
        "links": links(cx.request, "servers", &first),
        "OS-DCF:diskConfig": string("OS-DCF:diskConfig").unwrap_or("MANUAL"),
        "security_groups": names,
        "adminPass": string("adminPass").map_or_else(|| ids::secret(12), str::to_owned),
    }});
    let location = format!("{}/v2.1/servers/{first}", cx.request.base);
    Ok(Reply::json(202, body).header("Location", &location))
}

/// What all servers of one request share.
struct Plan {
    flavor: super::Flavor,
    image: String,
    zone: Option<String>,
    groups: Vec<String>,
    nics: Vec<WantedNic>,
    volumes: Vec<WantedVolume>,
    reservation: String,
}

fn check_schema(cx: &Context<'_>, given: &Map<String, Value>) -> Result<(), Reply> {
    let whole = || python(&Value::Object(given.clone()));
    let required: &[&str] = if cx.minor >= 37 {
        &["name", "flavorRef", "networks"]
    } else {
        &["name", "flavorRef"]
    };
    for key in required {
        if !given.contains_key(*key) {
            return Err(invalid(
                "server",
                &whole(),
                &format!("'{key}' is a required property"),
            ));
        }
    }
    for key in given.keys() {
        let known = KEYS
            .iter()
            .any(|(name, from)| name == key && cx.minor >= *from)
            && !(key == "personality" && cx.minor >= 57);
        if !known {
            return Err(invalid(
                "server",
                &whole(),
                &format!("Additional properties are not allowed ('{key}' was unexpected)"),
            ));
        }
    }
    match &given["name"] {
        Value::String(name) if name.is_empty() => {
            return Err(invalid("name", "", "'' should be non-empty"));
        }
        Value::String(name) if name.chars().count() > 255 => {
            return Err(invalid("name", name, &format!("'{name}' is too long")));
        }
        Value::String(_) => {}
        other => {
            return Err(invalid(
                "name",
                &python(other),
                &format!("{} is not of type 'string'", python(other)),
            ));
        }
    }
    if let Some(Value::String(image)) = given.get("imageRef")
        && !image.is_empty()
        && !ids::is_uuid(image.rsplit('/').next().unwrap_or(image))
    {
        return Err(invalid(
            "imageRef",
            image,
            &format!("'{image}' is not valid under any of the given schemas"),
        ));
    }
    check_networks(cx, given.get("networks"))
}

fn check_networks(cx: &Context<'_>, networks: Option<&Value>) -> Result<(), Reply> {
    let refuse = |value: &Value| {
        let shown = python(value);
        Err(invalid(
            "networks",
            shown.trim_matches('\''),
            &format!("{shown} is not valid under any of the given schemas"),
        ))
    };
    match networks {
        None => Ok(()),
        Some(Value::String(word)) if cx.minor >= 37 && matches!(word.as_str(), "auto" | "none") => {
            Ok(())
        }
        Some(value @ Value::Array(list)) => {
            let good = list.iter().all(|entry| {
                entry.as_object().is_some_and(|entry| {
                    entry.iter().all(|(key, value)| match key.as_str() {
                        "uuid" | "port" => {
                            value.is_null() || value.as_str().is_some_and(ids::is_uuid)
                        }
                        "fixed_ip" => value.is_string() || value.is_null(),
                        "tag" => cx.minor >= 32 && value.is_string(),
                        _ => false,
                    })
                })
            });
            if good { Ok(()) } else { refuse(value) }
        }
        Some(value) => refuse(value),
    }
}

fn wanted_image(
    cx: &Context<'_>,
    given: &Map<String, Value>,
    volumes: &[WantedVolume],
) -> Result<String, Reply> {
    let asked = match given.get("imageRef") {
        Some(Value::String(image)) => image.rsplit('/').next().unwrap_or(image),
        _ => "",
    };
    if asked.is_empty() {
        if volumes.iter().any(|volume| volume.boot) {
            return Ok(String::new());
        }
        let message = if given.contains_key("imageRef") {
            "Block Device Mapping is Invalid: Boot sequence for the instance and \
             image/block device mapping combination is not valid."
        } else {
            "Missing imageRef attribute"
        };
        return Err(bad_request(message));
    }
    let found = cx
        .images
        .iter()
        .any(|image| image.get("id").and_then(Value::as_str) == Some(asked));
    if !found {
        return Err(bad_request("Can not find requested image"));
    }
    Ok(asked.to_owned())
}

fn wanted_groups(
    pod: &PodState,
    cx: &Context<'_>,
    given: &Map<String, Value>,
) -> Result<Vec<String>, Reply> {
    let mut names = Vec::new();
    let asked = given.get("security_groups").and_then(Value::as_array);
    for name in asked
        .into_iter()
        .flatten()
        .filter_map(|group| group.get("name")?.as_str())
    {
        let known = name == "default"
            || pod.neutron.security_groups.iter().any(|(id, group)| {
                text(group, "project_id") == cx.caller.project_id
                    && (id == name || text(group, "name") == name)
            });
        if !known {
            return Err(bad_request(&format!(
                "Unable to find security_group with name or id '{name}'"
            )));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn wanted_nics(
    pod: &PodState,
    cx: &Context<'_>,
    given: &Map<String, Value>,
    servers: u64,
) -> Result<Vec<WantedNic>, Reply> {
    let mine = |object: &crate::neutron::Object| {
        cx.caller.is_admin()
            || text(object, "project_id") == cx.caller.project_id
            || object.get("shared") == Some(&Value::Bool(true))
    };
    let list = match given.get("networks") {
        Some(Value::String(word)) if word == "none" => return Ok(Vec::new()),
        Some(Value::Array(list)) if !list.is_empty() => list,
        _ => {
            let available: Vec<&String> = pod
                .neutron
                .networks
                .iter()
                .filter(|(_, n)| mine(n) && n.get("subnets").is_some_and(|s| s != &json!([])))
                .map(|(id, _)| id)
                .collect();
            return match available.as_slice() {
                [] => Ok(Vec::new()),
                [one] => Ok(vec![WantedNic::Network {
                    id: (*one).clone(),
                    address: None,
                    tag: None,
                }]),
                _ => Err(fault(
                    409,
                    "Multiple possible networks found, use a Network ID to be more specific.",
                )),
            };
        }
    };
    let mut nics = Vec::new();
    for entry in list {
        let string = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        let tag = string("tag");
        if let Some(id) = string("port") {
            if servers > 1 {
                return Err(bad_request(
                    "Unable to launch multiple instances with a single configured port ID. \
                     Please launch your instance one by one with different ports.",
                ));
            }
            check_port(pod, &id, &mine)?;
            nics.push(WantedNic::Port { id, tag });
            continue;
        }
        let Some(id) = string("uuid") else {
            return Err(bad_request("Bad network format: missing 'uuid'"));
        };
        let network = pod
            .neutron
            .networks
            .get(&id)
            .filter(|n| mine(n))
            .ok_or_else(|| bad_request(&format!("Network {id} could not be found.")))?;
        let has_subnet = network.get("subnets").is_some_and(|s| s != &json!([]));
        if !has_subnet && network.get("port_security_enabled") != Some(&Value::Bool(false)) {
            return Err(bad_request(&format!(
                "Network {id} requires a subnet in order to boot instances on."
            )));
        }
        let address = string("fixed_ip");
        if let Some(address) = &address {
            check_address(pod, &id, address)?;
        }
        nics.push(WantedNic::Network { id, address, tag });
    }
    Ok(nics)
}

fn check_port(
    pod: &PodState,
    id: &str,
    mine: &dyn Fn(&crate::neutron::Object) -> bool,
) -> Result<(), Reply> {
    let port = pod
        .neutron
        .ports
        .get(id)
        .filter(|port| mine(port))
        .ok_or_else(|| bad_request(&format!("Port id {id} could not be found.")))?;
    if !text(port, "device_id").is_empty() {
        return Err(fault(409, &format!("Port {id} is still in use.")));
    }
    if port.get("fixed_ips") == Some(&json!([])) {
        return Err(bad_request(&format!(
            "Port {id} requires a FixedIP in order to be used."
        )));
    }
    Ok(())
}

fn check_address(pod: &PodState, network: &str, address: &str) -> Result<(), Reply> {
    let parsed = address
        .parse()
        .map_err(|_| bad_request(&format!("Invalid fixed IP address ({address})")))?;
    let taken = pod
        .neutron
        .subnets
        .iter()
        .filter(|(_, subnet)| text(subnet, "network_id") == network)
        .any(|(id, _)| crate::neutron::ipam::is_taken(&pod.neutron.ports, id, parsed, None));
    if taken {
        return Err(bad_request(&format!(
            "Fixed IP address {address} is already in use on instance ."
        )));
    }
    Ok(())
}

fn wanted_volumes(
    pod: &PodState,
    cx: &Context<'_>,
    given: &Map<String, Value>,
) -> Result<Vec<WantedVolume>, Reply> {
    let mut volumes = Vec::new();
    let list = given
        .get("block_device_mapping_v2")
        .and_then(Value::as_array);
    for entry in list.into_iter().flatten() {
        let string = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let source = string("source_type").to_owned();
        let local = string("destination_type") == "local";
        if local && source != "volume" && source != "snapshot" {
            continue;
        }
        let source_id = match string("uuid") {
            "" => string("volume_id"),
            id => id,
        }
        .to_owned();
        if source == "volume" {
            let volume = pod
                .cinder
                .volumes
                .get(&source_id)
                .filter(|v| v.project_id == cx.caller.project_id || cx.caller.is_admin())
                .ok_or_else(|| {
                    bad_request(&format!(
                        "Block Device Mapping is Invalid: failed to get volume {source_id}."
                    ))
                })?;
            if volume.status != "available" {
                return Err(bad_request(&format!(
                    "Invalid volume: Volume {source_id} status must be available or \
                     downloading to reserve, but the current status is {}.",
                    volume.status
                )));
            }
        }
        let number = |key: &str| {
            entry
                .get(key)
                .and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()))
        };
        volumes.push(WantedVolume {
            source,
            source_id,
            size: number("volume_size").unwrap_or(1),
            boot: number("boot_index") == Some(0),
            delete_on_termination: entry.get("delete_on_termination") == Some(&Value::Bool(true)),
            volume_type: entry
                .get("volume_type")
                .and_then(Value::as_str)
                .map(str::to_owned),
        });
    }
    Ok(volumes)
}

/// Scheduler hints, wherever they stand.
fn scheduler_hints(cx: &Context<'_>, given: &Map<String, Value>) -> Map<String, Value> {
    let body = cx.request.json().unwrap_or_default();
    ["os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"]
        .iter()
        .find_map(|key| body.get(*key).or_else(|| given.get(*key)))
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// Puts one server of the request into the state; returns its id.
fn insert(
    pod: &mut PodState,
    cx: &Context<'_>,
    given: &Map<String, Value>,
    plan: &Plan,
    index: u64,
    of: u64,
) -> String {
    let string = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
    let base = string("name").unwrap_or_default();
    let name = if of > 1 {
        format!("{base}-{}", index + 1)
    } else {
        base
    };
    pod.nova.sequence += 1;
    let now = ids::now();
    let id = ids::uuid();
    let tags = given.get("tags").and_then(Value::as_array);
    let mut server = Server {
        id: id.clone(),
        hostname: string("hostname").unwrap_or_else(|| hostname(&name)),
        name,
        description: string("description"),
        project_id: cx.caller.project_id.clone(),
        user_id: cx.caller.user_id.clone(),
        flavor: plan.flavor.clone(),
        image: plan.image.clone(),
        metadata: given
            .get("metadata")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        tags: tags
            .into_iter()
            .flatten()
            .filter_map(|tag| tag.as_str().map(str::to_owned))
            .collect(),
        key_name: string("key_name"),
        user_data: string("user_data"),
        config_drive: given.get("config_drive").is_some_and(|v| {
            *v == Value::Bool(true) || v.as_str().is_some_and(crate::request::truthy)
        }),
        disk_config: string("OS-DCF:diskConfig").unwrap_or_else(|| "MANUAL".into()),
        access_v4: string("accessIPv4").unwrap_or_default(),
        access_v6: string("accessIPv6").unwrap_or_default(),
        scheduler_hints: scheduler_hints(cx, given),
        wanted_zone: plan.zone.clone(),
        zone: plan
            .zone
            .clone()
            .or_else(|| pod.nova.zones.first().cloned())
            .unwrap_or_else(|| "nova".into()),
        reservation_id: plan.reservation.clone(),
        launch_index: index,
        number: pod.nova.sequence,
        created: now,
        updated: now,
        launched: None,
        terminated: None,
        state: "building".into(),
        task: Some("scheduling".into()),
        fault: None,
        locked: false,
        locked_reason: None,
        security_groups: plan.groups.clone(),
        wanted_nics: plan.nics.clone(),
        nics: Vec::new(),
        wanted_volumes: plan.volumes.clone(),
        volumes: Vec::new(),
        actions: Vec::new(),
    };
    server.record(cx, "create");
    // A volume that will be attached is taken from now on.
    for wanted in plan.volumes.iter().filter(|v| v.source == "volume") {
        if let Some(volume) = pod.cinder.volumes.get_mut(&wanted.source_id) {
            volume.status = "reserved".into();
        }
    }
    pod.nova.servers.insert(id.clone(), server);
    if let Some(after) = pod.timing.build {
        pod.promise(Event::BuildServer(id.clone()), after);
    }
    id
}

/// Nova's host name for a server without one of its own.
fn hostname(name: &str) -> String {
    let cleaned: String = name
        .to_lowercase()
        .chars()
        .map(|c| if matches!(c, ' ' | '_' | '.') { '-' } else { c })
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    let cleaned = cleaned.trim_matches('-');
    cleaned.chars().take(63).collect()
}
