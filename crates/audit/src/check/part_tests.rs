//! Parts of routers: a router that joins a subnet over the bridge and leads outside, with a
//! floating IP, and what may be wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tricircle_db::models::{BridgeNetwork, ROUTER_SYNC, RealizationKind};
use tricircle_network::kinds::ROUTER_SETUP;
use tricircle_network::routers::{WantedFloating, WantedGateway, WantedPart};

use super::check;
use super::tests::{POD, World, job, object, realization, thing, well};
use crate::{Object, ObjectKind, Problem};

fn set(addresses: &[&str]) -> BTreeSet<String> {
    addresses.iter().map(|one| (*one).to_owned()).collect()
}

fn wanted() -> WantedPart {
    use RealizationKind as R;
    WantedPart {
        router_id: "r".to_owned(),
        project_id: "p".to_owned(),
        pod_id: POD.to_owned(),
        name: "router1".to_owned(),
        admin_state_up: true,
        ports: BTreeMap::from([
            ((R::RouterInterface, "i".to_owned()), set(&["10.0.1.1"])),
            ((R::BridgePort, "r".to_owned()), set(&["100.64.0.1"])),
        ]),
        gateway: Some(WantedGateway {
            network_id: "out".to_owned(),
            addresses: set(&["203.0.113.9"]),
            enable_snat: true,
        }),
        routes: BTreeSet::from([("10.0.2.0/24".to_owned(), "100.64.0.2".to_owned())]),
        floating: BTreeMap::from([(
            "f".to_owned(),
            WantedFloating {
                address: "203.0.113.20".to_owned(),
                fixed: "10.0.1.5".to_owned(),
                port_id: "port".to_owned(),
                elsewhere: false,
            },
        )]),
    }
}

fn router_body() -> Value {
    json!({"name": "router1", "admin_state_up": true,
        "routes": [{"destination": "10.0.2.0/24", "nexthop": "100.64.0.2"}],
        "external_gateway_info": {"network_id": "b-out", "enable_snat": true,
            "external_fixed_ips": [{"subnet_id": "x", "ip_address": "203.0.113.9"}]}})
}

fn shown(id: &str, mark: &str, device: &str, body: Value) -> Object {
    Object {
        device_id: device.to_owned(),
        body,
        ..object(id, mark)
    }
}

fn on(address: &str) -> Value {
    json!({"fixed_ips": [{"subnet_id": "x", "ip_address": address}]})
}

/// All as it is to be.
fn routed() -> World {
    use RealizationKind as R;
    let mut world = well();
    let rows = &mut world.rows;
    for (kind, top, bottom) in [
        (R::Network, "out", "b-out"),
        (R::Router, "r", "b-r"),
        (R::RouterInterface, "i", "b-i"),
        (R::BridgePort, "r", "b-bridge"),
        (R::FloatingIp, "f", "b-f"),
    ] {
        let data = json!({"router": "r"}).to_string();
        let row = realization(kind, top, Some(bottom));
        let id = format!("{kind} {top}");
        rows.realizations
            .push(tricircle_db::models::Realization { data, id, ..row });
        rows.things.push(thing(kind, top));
    }
    rows.parts.push(wanted());
    rows.bridges.push(BridgeNetwork {
        project_id: "p".to_owned(),
        network_id: "bridge".to_owned(),
        cidr: "100.64.0.0/24".to_owned(),
    });
    let floating = json!({"floating_ip_address": "203.0.113.20",
        "fixed_ip_address": "10.0.1.5", "port_id": "b-port"});
    world.objects.extend([
        (ObjectKind::Network, object("b-out", "out")),
        (ObjectKind::Router, shown("b-r", "r", "", router_body())),
        (
            ObjectKind::RouterInterface,
            shown("b-i", "i", "b-r", on("10.0.1.1")),
        ),
        (
            ObjectKind::BridgePort,
            shown("b-bridge", "r", "b-r", on("100.64.0.1")),
        ),
        (ObjectKind::FloatingIp, shown("b-f", "f", "", floating)),
    ]);
    world
}

/// What is said of routers and bridge networks.
fn said(world: World) -> Vec<String> {
    let findings = check(&world.seen());
    let differs = findings.iter().filter(|f| f.problem == Problem::Differs);
    differs
        .map(|f| format!("{} {}: {}", f.kind, f.id, f.detail))
        .collect()
}

fn with(change: impl FnOnce(&mut World)) -> World {
    let mut world = routed();
    change(&mut world);
    world
}

fn body_of<'a>(world: &'a mut World, id: &str) -> &'a mut Object {
    let (_, object) = world.objects.iter_mut().find(|(_, o)| o.id == id).unwrap();
    object
}

#[test]
fn a_part_as_planned_is_well() {
    let findings = check(&routed().seen());
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_part_is_compared_in_all_that_it_is_made_of() {
    type Change = fn(&mut World);
    let table: Vec<(&str, Change)> = vec![
        ("name", |world| {
            body_of(world, "b-r").body["name"] = json!("other")
        }),
        ("routes", |world| {
            body_of(world, "b-r").body["routes"] = json!([])
        }),
        ("gateway is none", |world| {
            body_of(world, "b-r").body["external_gateway_info"] = Value::Null;
        }),
        ("gateway is elsewhere", |world| {
            body_of(world, "b-r").body["external_gateway_info"]["network_id"] = json!("elsewhere");
        }),
        ("ports", |world| body_of(world, "b-i").device_id.clear()),
        ("ports", |world| {
            body_of(world, "b-bridge").body = on("100.64.0.7")
        }),
        ("floating IP f", |world| {
            body_of(world, "b-f").body["fixed_ip_address"] = json!("10.0.1.6");
        }),
        ("floating IP f", |world| {
            body_of(world, "b-f").body["port_id"] = Value::Null
        }),
        ("floating IP f is not there", |world| {
            world.rows.realizations.retain(|row| row.top_id != "f");
            world.objects.retain(|(_, object)| object.id != "b-f");
        }),
        ("there is none", |world| {
            world
                .rows
                .realizations
                .retain(|row| row.kind != RealizationKind::Router);
            world.objects.retain(|(_, object)| object.id != "b-r");
        }),
    ];
    for (word, change) in table {
        let found = said(with(change));
        assert!(
            found.len() == 1 && found[0].contains(word),
            "{word}: {found:?}"
        );
    }
}

#[test]
fn what_the_planner_does_not_want_is_too_much() {
    let found = said(with(|world| world.rows.parts.clear()));
    for word in [
        "router r",
        "router_interface i",
        "bridge_port r",
        "floatingip f",
    ] {
        let of_it = |line: &&String| line.contains(word) && line.contains("not wanted");
        assert_eq!(found.iter().filter(of_it).count(), 1, "{word}: {found:?}");
    }
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("bridge network bridge"))
    );
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn a_router_that_is_being_brought_in_order_is_not_judged() {
    for kind in [ROUTER_SYNC, ROUTER_SETUP] {
        let busy = with(|world| {
            world.rows.parts.clear();
            world.rows.jobs.push(job(kind, "r"));
        });
        assert!(said(busy).is_empty(), "{kind}");
    }
    // One whose plan changed meanwhile, or whose part did.
    let mut seen = routed().seen();
    body_of_seen(&mut seen).body["routes"] = json!([]);
    seen.before.parts.clear();
    assert!(check(&seen).is_empty(), "another plan before");
    let mut seen = routed().seen();
    body_of_seen(&mut seen).body["routes"] = json!([]);
    for rows in [&mut seen.before, &mut seen.after] {
        for row in &mut rows.realizations {
            row.updated_at = tricircle_db::now() + chrono::TimeDelta::seconds(1);
        }
    }
    assert!(check(&seen).is_empty(), "changed since");
}

fn body_of_seen(seen: &mut crate::Seen) -> &mut Object {
    let parts = seen.pods[0].parts.iter_mut();
    let (_, part) = parts
        .into_iter()
        .find(|(kind, _)| *kind == ObjectKind::Router)
        .unwrap();
    &mut part.as_mut().unwrap()[0]
}
