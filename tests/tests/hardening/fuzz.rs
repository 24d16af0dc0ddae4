//! Any method on any path with any body, query and header: the answer is no failure of
//! ours, comes in time, and looks as the service's faults do.
//!
//! The calls follow from a seed, which a failure names; `TRICIRCLE_FUZZ_SEED` plays
//! another sequence and `TRICIRCLE_FUZZ_CALLS` a longer one.

use futures_util::StreamExt;
use serde_json::{Value, json};
use tricircle_tests::{Backend, Simulated, Where};

use crate::access::Things;
use crate::bed::{Answer, Api, Ask, Bed, Line, lines};
use crate::corpus;
use crate::random::Random;

const SEED: u64 = 3;
const CALLS: usize = 4000;
/// Calls that are under way at once.
const AT_ONCE: usize = 8;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What a call is made of.
struct Material {
    lines: Vec<Line>,
    bodies: Vec<Vec<u8>>,
    queries: Vec<String>,
    segments: Vec<String>,
    headers: Vec<(String, Vec<u8>)>,
    creates: Vec<(&'static str, Value)>,
    tokens: Vec<String>,
}

/// Values that some field was not made for.
fn hostile() -> Vec<Value> {
    let deep = (0..50).fold(json!(1), |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(2_147_483_648_i64),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(0.5),
        json!(""),
        json!(" "),
        json!("x"),
        json!("null"),
        json!("-1"),
        json!("1e9"),
        json!("\u{0}"),
        json!("\u{1f4a5}\u{202e}"),
        json!("%s%n$(id)'\"\\"),
        json!("n".repeat(256)),
        json!("n".repeat(70_000)),
        json!("00000000-0000-4000-8000-00000000dead"),
        json!("10.0.0.0/33"),
        json!("::ffff:10.0.0.1"),
        json!("ff:ff:ff:ff:ff:ff"),
        json!([]),
        json!([null]),
        json!([[]]),
        json!({}),
        json!({"": ""}),
        json!({"id": {"id": []}}),
        deep,
    ]
}

/// Valid creates, by a part of their paths; what the calls are bent from.
fn creates(world: &Simulated, things: &Things) -> Vec<(&'static str, Value)> {
    let server = world.server_body("f", world.zone(0), json!([{"uuid": things.network}]));
    let mut rich = server.clone();
    for (key, value) in [
        ("metadata", json!({"a": "b"})),
        ("min_count", json!(1)),
        ("max_count", json!(1)),
        ("user_data", json!("eA==")),
        ("key_name", json!("k")),
        ("security_groups", json!([{"name": "default"}])),
        (
            "networks",
            json!([{"uuid": things.network, "fixed_ip": "10.0.3.77"}]),
        ),
        (
            "block_device_mapping_v2",
            json!([{
                "boot_index": 0, "uuid": things.volume, "source_type": "volume",
                "destination_type": "volume", "delete_on_termination": false,
            }]),
        ),
        ("OS-DCF:diskConfig", json!("AUTO")),
        ("config_drive", json!(true)),
    ] {
        rich["server"][key] = value;
    }
    rich["os:scheduler_hints"] = json!({"group": "x", "tricircle_intent": "y"});
    let network = &things.network;
    vec![
        ("/servers", server),
        ("/servers", rich),
        ("/action", json!({"reboot": {"type": "SOFT"}})),
        ("/action", json!({"resize": {"flavorRef": "1"}})),
        ("/action", json!({"addSecurityGroup": {"name": "g"}})),
        (
            "/action",
            json!({"createImage": {"name": "i", "metadata": {}}}),
        ),
        ("/action", json!({"os-extend": {"new_size": 2}})),
        (
            "/flavors/{flavor}/action",
            json!({"addTenantAccess": {"tenant": "p"}}),
        ),
        (
            "/os-volume_attachments",
            json!({"volumeAttachment": {"volumeId": things.volume}}),
        ),
        (
            "/flavors",
            json!({"flavor": {
                "name": "f", "id": "f", "ram": 1, "vcpus": 1, "disk": 1, "swap": 0,
                "rxtx_factor": 1.0, "OS-FLV-EXT-DATA:ephemeral": 0,
                "os-flavor-access:is_public": true, "description": "d",
            }}),
        ),
        ("/os-extra_specs", json!({"extra_specs": {"hw:a": "b"}})),
        (
            "/os-keypairs",
            json!({"keypair": {
                "name": "k", "type": "ssh", "public_key": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== x",
            }}),
        ),
        (
            "/volumes",
            json!({"volume": {
                "name": "v", "size": 1, "availability_zone": world.zone(0), "metadata": {"a": "b"},
                "snapshot_id": null, "source_volid": null, "imageRef": null, "volume_type": null,
                "description": "d", "multiattach": false,
            }}),
        ),
        (
            "/snapshots",
            json!({"snapshot": {"volume_id": things.volume, "name": "s"}}),
        ),
        (
            "/backups",
            json!({"backup": {"volume_id": things.volume, "name": "b"}}),
        ),
        (
            "/networks",
            json!({"network": {
                "name": "n", "admin_state_up": true, "shared": false, "mtu": 1400,
                "availability_zone_hints": [], "provider:network_type": "vlan",
                "provider:physical_network": "physnet1", "provider:segmentation_id": 1500,
                "router:external": false, "port_security_enabled": true, "description": "d",
            }}),
        ),
        (
            "/networks",
            json!({"networks": [{"name": "n"}, {"name": "m"}]}),
        ),
        (
            "/subnets",
            json!({"subnet": {
                "network_id": network, "ip_version": 4, "cidr": "10.8.0.0/24", "name": "s",
                "gateway_ip": "10.8.0.1", "enable_dhcp": true, "dns_nameservers": ["10.8.0.2"],
                "allocation_pools": [{"start": "10.8.0.10", "end": "10.8.0.20"}],
                "host_routes": [{"destination": "10.7.0.0/24", "nexthop": "10.8.0.3"}],
            }}),
        ),
        (
            "/subnets",
            json!({"subnet": {
                "network_id": network, "ip_version": 6, "cidr": "fd00::/64",
                "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac",
            }}),
        ),
        (
            "/ports",
            json!({"port": {
                "network_id": network, "name": "p", "admin_state_up": true,
                "mac_address": "fa:16:3e:00:00:01", "device_id": "d", "device_owner": "o",
                "fixed_ips": [{"subnet_id": things.subnet, "ip_address": "10.0.3.99"}],
                "security_groups": [things.group], "port_security_enabled": true,
                "allowed_address_pairs": [{"ip_address": "10.0.3.98", "mac_address": "fa:16:3e:00:00:02"}],
                "extra_dhcp_opts": [{"opt_name": "a", "opt_value": "b", "ip_version": 4}],
                "binding:vnic_type": "normal", "binding:profile": {}, "binding:host_id": "h",
            }}),
        ),
        (
            "/security-groups",
            json!({"security_group": {
                "name": "g", "description": "d", "stateful": true,
            }}),
        ),
        (
            "/security-group-rules",
            json!({"security_group_rule": {
                "security_group_id": things.group, "direction": "ingress", "ethertype": "IPv4",
                "protocol": "tcp", "port_range_min": 1, "port_range_max": 2,
                "remote_ip_prefix": "10.0.0.0/8", "description": "d",
            }}),
        ),
        ("/quotas", json!({"quota": {"network": 5, "port": -1}})),
        (
            "/pods",
            json!({"pod": {
                "region_name": "Pod9", "az_name": "az9", "pod_az_name": "nova", "ordinal": 1,
                "state": "enabled",
            }}),
        ),
        (
            "/bindings",
            json!({"pod_binding": {"tenant_id": things.project, "pod_id": "x"}}),
        ),
    ]
}

/// Puts a hostile value somewhere.
fn bend(random: &mut Random, value: &mut Value) {
    let stop = random.once_in(4);
    match value {
        Value::Object(members) if !members.is_empty() && !stop => {
            let at = random.below(members.len());
            match random.below(8) {
                0 => {
                    let key = members.keys().nth(at).cloned().unwrap();
                    members.remove(&key);
                }
                1 => {
                    members.insert("nonsense".to_owned(), random.pick(&hostile()).clone());
                }
                _ => bend(random, members.values_mut().nth(at).unwrap()),
            }
        }
        Value::Array(items) if !items.is_empty() && !stop => {
            let at = random.below(items.len());
            bend(random, &mut items[at]);
        }
        other => *other = random.pick(&hostile()).clone(),
    }
}

impl Material {
    async fn of(world: &Simulated, things: &Things) -> Self {
        let mut segments = corpus::file_lines("segments.txt");
        let known = [
            &things.project,
            &things.network,
            &things.subnet,
            &things.port,
            &things.group,
            &things.rule,
            &things.server,
            &things.volume,
        ];
        segments.extend(known.into_iter().cloned());
        let headers = corpus::file_lines("headers.txt");
        let headers = headers.iter().map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_owned(), value.trim().as_bytes().to_vec())
        });
        Self {
            lines: lines(world),
            bodies: corpus::folder("bodies")
                .into_iter()
                .map(|(_, b)| b)
                .collect(),
            queries: corpus::file_lines("queries.txt"),
            segments,
            headers: headers.collect(),
            creates: creates(world, things),
            tokens: vec![
                world.login("demo", "demo").await.token,
                world.login("admin", "demo").await.token,
                world.login("reader", "demo").await.token,
            ],
        }
    }

    fn path(&self, random: &mut Random, things: &Things, line: &Line) -> String {
        let mut path = match random.below(3) {
            0 => {
                let parts = line
                    .path
                    .split('/')
                    .map(|part| match part.starts_with('{') {
                        true => random.pick(&self.segments).clone(),
                        false => part.to_owned(),
                    });
                parts.collect::<Vec<_>>().join("/")
            }
            _ => things.path(line),
        };
        if random.once_in(30) {
            path = format!("{path}/{}", random.pick(&self.segments));
        }
        if random.once_in(3) {
            path = format!("{path}?{}", random.pick(&self.queries));
            if random.once_in(2) {
                path = format!("{path}&{}", random.pick(&self.queries));
            }
        }
        path
    }

    fn body(&self, random: &mut Random, line: &Line) -> Vec<u8> {
        let fitting: Vec<&Value> = self
            .creates
            .iter()
            .filter(|(part, _)| line.path.contains(part))
            .map(|(_, body)| body)
            .collect();
        if fitting.is_empty() || random.once_in(4) {
            return random.pick(&self.bodies).clone();
        }
        let mut body = (*random.pick(&fitting)).clone();
        for _ in 0..random.below(3) {
            bend(random, &mut body);
        }
        body.to_string().into_bytes()
    }

    fn call(&self, random: &mut Random, things: &Things) -> (Line, Ask) {
        let line = random.pick(&self.lines).clone();
        let others = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
        ];
        let mut method = line.method.clone();
        if random.once_in(10) {
            method = (*random.pick(&others)).to_owned();
        }
        // Otherwise soon nothing is left to be called.
        if method == "DELETE" && !random.once_in(10) {
            method = "PUT".to_owned();
        }
        let path = self.path(random, things, &line);
        let with_body = !["GET", "HEAD"].contains(&method.as_str()) || random.once_in(50);
        let body = with_body.then(|| self.body(random, &line));
        let mut headers = vec![("Content-Type".to_owned(), b"application/json".to_vec())];
        while random.once_in(3) {
            headers.push(random.pick(&self.headers).clone());
        }
        let token = random.pick(&self.tokens).clone();
        let ask = Ask {
            method,
            path,
            token,
            headers,
            body,
        };
        (line, ask)
    }
}

/// What is wrong with an answer.
fn fault_in(line: &Line, ask: &Ask, answer: &Answer) -> Option<String> {
    if answer.status >= 500 && answer.status != 501 {
        return Some("it failed".to_owned());
    }
    if answer.status < 400 || ask.method == "HEAD" {
        return None;
    }
    let body = answer.json();
    let plain = answer.kind.starts_with("text/") && [400, 404, 405, 413].contains(&answer.status);
    let wrapped = |name: &str, part: &str| body[name].get(part).is_some();
    let first = body.as_object().and_then(|object| object.values().next());
    let good = match line.api {
        _ if answer.status == 401 => wrapped("error", "message"),
        // What paste and webob say by themselves has no wrapper.
        Api::Compute | Api::Volume => {
            body.get("title").is_some() || first.is_some_and(|fault| fault.get("message").is_some())
        }
        Api::Network => wrapped("NeutronError", "message") || body.get("code").is_some(),
        Api::Admin => wrapped("error", "message"),
    };
    (!good && !plain).then(|| "it is no fault of this service".to_owned())
}

async fn survives(world: Simulated) {
    let things = Things::make(&world).await;
    let bed = Bed::over(&world).await;
    let material = Material::of(&world, &things).await;
    let seed = variable("TRICIRCLE_FUZZ_SEED").unwrap_or(SEED);
    let calls = variable("TRICIRCLE_FUZZ_CALLS").map_or(CALLS, |n| usize::try_from(n).unwrap());
    let mut random = Random::new(seed);
    let asked: Vec<(Line, Ask)> = (0..calls)
        .map(|_| material.call(&mut random, &things))
        .collect();
    let failures: Vec<String> = futures_util::stream::iter(asked)
        .map(|(line, ask)| {
            let bed = &bed;
            async move {
                let answer = bed.ask(line.api, &ask).await;
                let wrong = fault_in(&line, &ask, &answer)?;
                let short = |bytes: &[u8]| {
                    let text = String::from_utf8_lossy(bytes);
                    text.chars().take(600).collect::<String>()
                };
                Some(format!(
                    "{line}: {wrong}\n  {} {} {:?}\n  {}\n  {} {} {}",
                    ask.method,
                    ask.path,
                    ask.headers
                        .iter()
                        .map(|(name, value)| format!("{name}: {}", short(value)))
                        .collect::<Vec<_>>(),
                    short(&ask.body.unwrap_or_default()),
                    answer.status,
                    answer.kind,
                    short(answer.text.as_bytes()),
                ))
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|failure| async { failure })
        .collect()
        .await;
    assert!(
        failures.is_empty(),
        "seed {seed}: {} of {calls} calls:\n{}",
        failures.len(),
        failures
            .iter()
            .take(40)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
    // And they still serve.
    let demo = world.demo().await;
    demo.network.get("/networks").await.expect(200);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_makes_a_service_fail_on_sqlite() {
    survives(Simulated::plain().await).await;
}

/// MariaDB is stricter than SQLite about lengths, ranges and characters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_makes_a_service_fail_on_mariadb() {
    let place = Where {
        backend: Backend::MariaDb,
        ..Where::default()
    };
    if let Some(world) = Simulated::new(place).await {
        survives(world).await;
    }
}

/// Ids are ASCII in the database, and MariaDB does not compare them with other text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_identifier_of_other_characters_makes_a_service_fail() {
    let place = Where {
        backend: Backend::MariaDb,
        ..Where::default()
    };
    let Some(world) = Simulated::new(place).await else {
        return;
    };
    let things = Things::make(&world).await;
    let bed = Bed::over(&world).await;
    let tokens = [
        world.login("demo", "demo").await.token,
        world.login("admin", "admin").await.token,
    ];
    let face = "%F0%9F%98%80";
    let keys = [
        "id",
        "project_id",
        "tenant_id",
        "network_id",
        "subnet_id",
        "device_id",
        "pod_id",
        "state",
        "status",
        "marker",
        "security_group_id",
        "resource_id",
        "resource_type",
        "user_id",
        "name",
        "security_groups",
        "mac_address",
        "type",
        "region_name",
        "az_name",
    ];
    let mut failed = Vec::new();
    for line in lines(&world) {
        let mut paths = Vec::new();
        if line.path.contains('{') {
            let parts = line
                .path
                .split('/')
                .map(|part| match part.starts_with('{') {
                    true => face,
                    false => part,
                });
            paths.push(parts.collect::<Vec<_>>().join("/"));
        } else if line.method == "GET" {
            paths.extend(keys.iter().map(|key| format!("{}?{key}={face}", line.path)));
        }
        for (path, token) in paths
            .iter()
            .flat_map(|path| tokens.iter().map(move |t| (path, t)))
        {
            let body = things.body(&line);
            let answer = bed.call(line.api, token, &line.method, path, body).await;
            if answer.status >= 500 && answer.status != 501 {
                failed.push(format!(
                    "{} {path}: {} {}",
                    line.method, answer.status, answer.text
                ));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    world.end().await;
}
