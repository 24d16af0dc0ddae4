//! The rest of Nova: zones, hosts, limits, quotas, and what is always empty.

use serde_json::{Value, json};

use super::{Answer, Context, fault, require_admin};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

/// Capacity of the only compute host.
pub(crate) const VCPUS: u64 = 1000;
pub(crate) const MEMORY_MB: u64 = 800_000;
pub(crate) const DISK_GB: u64 = 600_000;

/// Vcpus, MB of memory, GB of disk, and how many servers.
pub(crate) fn usage(pod: &PodState, project: Option<&str>) -> (u64, u64, u64, u64) {
    pod.nova
        .servers
        .values()
        .filter(|s| !s.is_deleted() && project.is_none_or(|p| s.project_id == p))
        .fold((0, 0, 0, 0), |(cpu, ram, disk, n), s| {
            (
                cpu + s.flavor.vcpus,
                ram + s.flavor.ram,
                disk + s.flavor.disk,
                n + 1,
            )
        })
}

pub(super) fn route(pod: &PodState, cx: &Context<'_>, path: &[&str]) -> Answer {
    match (cx.request.method.as_str(), path) {
        ("GET", ["os-availability-zone"]) => {
            let zones: Vec<Value> = pod
                .nova
                .zones
                .iter()
                .map(|zone| {
                    json!({"zoneName": zone, "zoneState": {"available": true}, "hosts": null})
                })
                .collect();
            Ok(Reply::ok(json!({ "availabilityZoneInfo": zones })))
        }
        ("GET", ["os-availability-zone", "detail"]) => {
            require_admin(cx, "os_compute_api:os-availability-zone:detail")?;
            Ok(Reply::ok(zones_in_detail(pod)))
        }
        ("GET", ["limits"]) => Ok(Reply::ok(limits(pod, cx))),
        ("GET", ["os-hypervisors", ..]) => hypervisors(pod, cx, path),
        ("GET", ["os-services"]) => {
            require_admin(cx, "os_compute_api:os-services:list")?;
            Ok(Reply::ok(services(pod, cx)))
        }
        ("GET", ["os-quota-sets", project] | ["os-quota-sets", project, "defaults"]) => {
            if *project != cx.caller.project_id {
                require_admin(cx, "os_compute_api:os-quota-sets:show")?;
            }
            Ok(Reply::ok(quota_set(cx, project)))
        }
        ("GET", ["os-simple-tenant-usage", project]) => Ok(Reply::ok(json!({"tenant_usage": {
            "tenant_id": project, "server_usages": [],
        }}))),
        ("GET", ["extensions"]) => Ok(Reply::ok(json!({"extensions": []}))),
        ("GET", ["os-server-groups"]) => Ok(Reply::ok(json!({"server_groups": []}))),
        ("GET", ["os-aggregates"]) => {
            require_admin(cx, "os_compute_api:os-aggregates:index")?;
            Ok(Reply::ok(json!({"aggregates": []})))
        }
        ("GET", ["os-migrations"]) => {
            require_admin(cx, "os_compute_api:os-migrations:index")?;
            Ok(Reply::ok(json!({"migrations": []})))
        }
        ("GET", ["os-cells"]) => Err(fault(
            410,
            "This resource is no longer available. No forwarding address is given.",
        )),
        ("GET", ["os-hosts" | "os-floating-ips"]) if cx.minor >= 43 => {
            Err(fault(404, "The resource could not be found."))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn zones_in_detail(pod: &PodState) -> Value {
    let now = ids::naive(ids::now());
    let host = pod.compute_host();
    let alive = json!({"available": true, "active": true, "updated_at": now});
    let mut zones = vec![json!({
        "zoneName": "internal", "zoneState": {"available": true},
        "hosts": {host.as_str(): {"nova-scheduler": alive, "nova-conductor": alive}},
    })];
    zones.extend(pod.nova.zones.iter().map(|zone| {
        json!({
            "zoneName": zone, "zoneState": {"available": true},
            "hosts": {host.as_str(): {"nova-compute": alive}},
        })
    }));
    json!({ "availabilityZoneInfo": zones })
}

fn limits(pod: &PodState, cx: &Context<'_>) -> Value {
    let (cpu, ram, _, servers) = usage(pod, Some(&cx.caller.project_id));
    let mut absolute = json!({
        "maxTotalCores": 20000, "maxPersonality": 5, "maxPersonalitySize": 10240,
        "maxTotalInstances": 10000, "maxTotalKeypairs": 100, "maxServerMeta": 128,
        "maxTotalRAMSize": 51_200_000, "maxServerGroups": 10, "maxServerGroupMembers": 10,
        "totalRAMUsed": ram, "totalCoresUsed": cpu, "totalInstancesUsed": servers,
        "totalServerGroupsUsed": 0,
    });
    if let Some(object) = absolute.as_object_mut() {
        if cx.minor < 36 {
            for (key, value) in [
                ("maxTotalFloatingIps", -1),
                ("maxSecurityGroups", -1),
                ("maxSecurityGroupRules", -1),
                ("totalFloatingIpsUsed", 0),
                ("totalSecurityGroupsUsed", 0),
            ] {
                object.insert(key.into(), json!(value));
            }
        }
        if cx.minor < 39 {
            object.insert("maxImageMeta".into(), json!(128));
        }
        if cx.minor >= 57 {
            object.shift_remove("maxPersonality");
            object.shift_remove("maxPersonalitySize");
        }
    }
    json!({"limits": {"rate": [], "absolute": absolute}})
}

fn hypervisors(pod: &PodState, cx: &Context<'_>, path: &[&str]) -> Answer {
    let host = pod.compute_host();
    let id = if cx.minor >= 53 {
        json!(crate::placement::provider_id(pod))
    } else {
        json!(1)
    };
    let brief = json!({
        "id": id, "hypervisor_hostname": host, "state": "up", "status": "enabled",
    });
    let (cpu, ram, disk, servers) = usage(pod, None);
    match path {
        [_] => {
            require_admin(cx, "os_compute_api:os-hypervisors:list")?;
            Ok(Reply::ok(json!({"hypervisors": [brief]})))
        }
        [_, "detail"] => {
            require_admin(cx, "os_compute_api:os-hypervisors:list-detail")?;
            let mut full = brief;
            if let Some(object) = full.as_object_mut() {
                for (key, value) in [
                    ("hypervisor_type", json!("fake")),
                    ("hypervisor_version", json!(1000)),
                    ("host_ip", json!("127.0.0.1")),
                ] {
                    object.insert(key.into(), value);
                }
                object.insert(
                    "service".into(),
                    json!({"id": id, "host": host, "disabled_reason": null}),
                );
                // From 2.88 capacity is Placement's business.
                if cx.minor < 88 {
                    for (key, value) in [
                        ("vcpus", VCPUS),
                        ("memory_mb", MEMORY_MB),
                        ("local_gb", DISK_GB),
                        ("vcpus_used", cpu),
                        ("memory_mb_used", ram + 512),
                        ("local_gb_used", disk),
                        ("free_ram_mb", MEMORY_MB.saturating_sub(ram + 512)),
                        ("free_disk_gb", DISK_GB.saturating_sub(disk)),
                        ("current_workload", 0),
                        ("running_vms", servers),
                        ("disk_available_least", 0),
                    ] {
                        object.insert(key.into(), json!(value));
                    }
                }
            }
            Ok(Reply::ok(json!({"hypervisors": [full]})))
        }
        [_, "statistics"] => {
            require_admin(cx, "os_compute_api:os-hypervisors:statistics")?;
            Ok(Reply::ok(json!({"hypervisor_statistics": {
                "count": 1, "vcpus": VCPUS, "vcpus_used": cpu, "memory_mb": MEMORY_MB,
                "memory_mb_used": ram + 512, "local_gb": DISK_GB, "local_gb_used": disk,
                "running_vms": servers,
            }})))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn services(pod: &PodState, cx: &Context<'_>) -> Value {
    let now = ids::naive(ids::now());
    let zone = pod.nova.zones.first().map_or("nova", String::as_str);
    let all: Vec<Value> = [
        ("nova-scheduler", "internal"),
        ("nova-conductor", "internal"),
        ("nova-compute", zone),
    ]
    .iter()
    .enumerate()
    .map(|(at, (binary, zone))| {
        let id = if cx.minor >= 53 {
            json!(format!("00000000-0000-4000-8000-{:012}", at + 1))
        } else {
            json!(at + 1)
        };
        let mut service = json!({
            "binary": binary, "host": pod.compute_host(), "id": id, "zone": zone,
            "status": "enabled", "state": "up", "updated_at": now, "disabled_reason": null,
        });
        if let (true, Some(object)) = (cx.minor >= 11, service.as_object_mut()) {
            object.insert("forced_down".into(), json!(false));
        }
        service
    })
    .collect();
    json!({ "services": all })
}

fn quota_set(cx: &Context<'_>, project: &str) -> Value {
    let mut quota = json!({
        "id": project, "cores": 20000, "instances": 10000, "key_pairs": 100,
        "metadata_items": 128, "ram": 51_200_000, "server_group_members": 10,
        "server_groups": 10,
    });
    if let Some(object) = quota.as_object_mut() {
        if cx.minor < 36 {
            for key in [
                "fixed_ips",
                "floating_ips",
                "security_group_rules",
                "security_groups",
            ] {
                object.insert(key.into(), json!(-1));
            }
        }
        if cx.minor < 57 {
            object.insert("injected_file_content_bytes".into(), json!(10240));
            object.insert("injected_file_path_bytes".into(), json!(255));
            object.insert("injected_files".into(), json!(5));
        }
    }
    json!({ "quota_set": quota })
}
