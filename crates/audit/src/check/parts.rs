//! Routers: what pods have of them is what the planner says, and nothing else.
//!
//! The rows say which pod is to have what ([`WantedPart`]); a router whose job is still to
//! run, or ran while the pods were being asked, is not judged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tricircle_db::models::{Realization, RealizationKind, RealizationState};
use tricircle_network::routers::{WantedFloating, WantedPart};

use super::index::Index;
use super::rows::{OF_ROUTER, router_of, want_router};
use crate::{Finding, Object, ObjectKind, Problem};

pub(super) fn check(index: &Index<'_>) -> Vec<Finding> {
    let (before, after) = (&index.seen.before.parts, &index.seen.after.parts);
    let mut findings = Vec::new();
    for part in after.iter().filter(|part| before.contains(part)) {
        if index.has_job(&OF_ROUTER, &part.router_id) {
            continue;
        }
        for detail in differences(index, part) {
            findings.push(finding(
                index,
                &part.router_id,
                &part.pod_id,
                &part.project_id,
                detail,
            ));
        }
    }
    for row in &index.realizations {
        let router = router_of(row);
        let covered = index.has_job(&OF_ROUTER, &router);
        if !covered && is_extra(index, row, before, after) {
            let detail = format!("{} {} is not wanted there", row.kind, row.top_id);
            findings.push(finding(
                index,
                &router,
                &row.pod_id,
                &row.project_id,
                detail,
            ));
        }
    }
    findings.extend(bridges(index));
    findings
}

fn finding(index: &Index<'_>, router: &str, pod: &str, project: &str, detail: String) -> Finding {
    Finding {
        problem: Problem::Differs,
        pod: index.region(pod),
        kind: "router part".to_owned(),
        id: router.to_owned(),
        detail,
        remedy: want_router(router, project),
    }
}

/// How a pod's part is not as it is to be. Nothing is said of what was not checked, or was
/// being changed; what is not there at all is lost, and said of its row.
fn differences(index: &Index<'_>, part: &WantedPart) -> Vec<String> {
    let router = RealizationKind::Router;
    let Some(row) = index.realization(router, &part.router_id, &part.pod_id) else {
        return vec!["there is none".to_owned()];
    };
    if row.updated_at > index.seen.began || row.state != RealizationState::Present {
        return Vec::new();
    }
    let Some(actual) = object_of(index, row) else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    let mut compare = |what: &str, is: String, should: String| {
        if is != should {
            wrong.push(format!("{what} {is}, should be {should}"));
        }
    };
    let body = &actual.body;
    let should = json!([part.name, part.admin_state_up]);
    let is = json!([body["name"], body["admin_state_up"]]);
    compare("name and state are", is.to_string(), should.to_string());
    compare("routes are", told(&routes_of(body)), told(&part.routes));
    compare(
        "gateway is",
        gateway_of(index, part, body),
        gateway_wanted(part),
    );
    if let Some(ports) = ports_of(index, part, &actual.id) {
        compare("ports are", told(&ports), told(&part.ports));
    }
    for (id, wanted) in &part.floating {
        if let Some(is) = floating_of(index, part, id) {
            compare(
                &format!("floating IP {id} is"),
                is,
                floating_wanted(index, part, wanted),
            );
        }
    }
    wrong
}

fn told(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn object_of<'a>(index: &Index<'a>, row: &Realization) -> Option<&'a Object> {
    let kind = ObjectKind::ALL
        .into_iter()
        .find(|kind| kind.realization() == Some(row.kind))?;
    let objects = index.objects(&row.pod_id, kind)?;
    objects.get(row.bottom_id.as_deref()?).copied()
}

fn routes_of(router: &Value) -> BTreeSet<(String, String)> {
    let text = |route: &Value, key: &str| route[key].as_str().unwrap_or_default().to_owned();
    let routes = router["routes"].as_array().into_iter().flatten();
    routes
        .map(|route| (text(route, "destination"), text(route, "nexthop")))
        .collect()
}

fn addresses_of(list: &Value) -> BTreeSet<String> {
    let all = list.as_array().into_iter().flatten();
    all.filter_map(|ip| ip["ip_address"].as_str().map(str::to_owned))
        .collect()
}

fn gateway_of(index: &Index<'_>, part: &WantedPart, router: &Value) -> String {
    let info = &router["external_gateway_info"];
    let Some(network) = info["network_id"].as_str() else {
        return "none".to_owned();
    };
    // Where the network is the wanted one it has the name of the top.
    let wanted = part.gateway.as_ref().and_then(|gateway| {
        let kind = RealizationKind::Network;
        let row = index.realization(kind, &gateway.network_id, &part.pod_id)?;
        (row.bottom_id.as_deref() == Some(network)).then_some(gateway.network_id.as_str())
    });
    let addresses = addresses_of(&info["external_fixed_ips"]);
    let snat = info["enable_snat"].as_bool().unwrap_or(true);
    format!("{} {addresses:?} {snat}", wanted.unwrap_or(network))
}

fn gateway_wanted(part: &WantedPart) -> String {
    match &part.gateway {
        Some(one) => format!("{} {:?} {}", one.network_id, one.addresses, one.enable_snat),
        None => "none".to_owned(),
    }
}

/// The addresses of the ports that the pod's router has, of those that carry a mark of
/// ours. The port of its gateway is the pod's own.
fn ports_of(
    index: &Index<'_>,
    part: &WantedPart,
    bottom: &str,
) -> Option<BTreeMap<(RealizationKind, String), BTreeSet<String>>> {
    let mut ports = BTreeMap::new();
    for kind in [ObjectKind::RouterInterface, ObjectKind::BridgePort] {
        let objects = index.objects(&part.pod_id, kind)?;
        let realization = kind.realization()?;
        for object in objects.values().filter(|object| object.device_id == bottom) {
            if let Some(mark) = &object.mark {
                let addresses = addresses_of(&object.body["fixed_ips"]);
                ports.insert((realization, mark.clone()), addresses);
            }
        }
    }
    Some(ports)
}

fn floating_of(index: &Index<'_>, part: &WantedPart, id: &str) -> Option<String> {
    let kind = RealizationKind::FloatingIp;
    let Some(row) = index.realization(kind, id, &part.pod_id) else {
        return Some("not there".to_owned());
    };
    if row.updated_at > index.seen.began {
        return None;
    }
    let body = &object_of(index, row)?.body;
    let text = |key: &str| body[key].as_str().unwrap_or("nothing");
    Some(format!(
        "{} to {} of {}",
        text("floating_ip_address"),
        text("fixed_ip_address"),
        text("port_id")
    ))
}

fn floating_wanted(index: &Index<'_>, part: &WantedPart, wanted: &WantedFloating) -> String {
    let kind = match wanted.elsewhere {
        true => RealizationKind::FloatingTarget,
        false => RealizationKind::Port,
    };
    let target = index.realization(kind, &wanted.port_id, &part.pod_id);
    let target = target.and_then(|row| row.bottom_id.clone());
    let target = target.unwrap_or_else(|| format!("{}, which is not there", wanted.port_id));
    format!("{} to {} of {target}", wanted.address, wanted.fixed)
}

/// Whether a pod has something of a router that the planner does not want there.
fn is_extra(
    index: &Index<'_>,
    row: &Realization,
    before: &[WantedPart],
    after: &[WantedPart],
) -> bool {
    let of_router = ObjectKind::ALL
        .into_iter()
        .any(|kind| kind.realization() == Some(row.kind) && kind.is_of_router());
    if !of_router || row.state != RealizationState::Present {
        return false;
    }
    // What is lost is said of its row.
    if object_of(index, row).is_none() {
        return false;
    }
    let wanted = |part: &WantedPart| {
        part.pod_id == row.pod_id
            && match row.kind {
                RealizationKind::Router => part.router_id == row.top_id,
                RealizationKind::FloatingIp => part.floating.contains_key(&row.top_id),
                RealizationKind::FloatingTarget => part
                    .floating
                    .values()
                    .any(|one| one.elsewhere && one.port_id == row.top_id),
                kind => part.ports.contains_key(&(kind, row.top_id.clone())),
            }
    };
    !before.iter().chain(after).any(wanted)
}

/// A project has a bridge network only while it joins parts.
fn bridges(index: &Index<'_>) -> Vec<Finding> {
    let rows = &index.seen.after;
    let idle = rows.bridges.iter().filter(|bridge| {
        let joins = |part: &WantedPart| {
            let mut ports = part.ports.keys();
            part.project_id == bridge.project_id
                && ports.any(|(kind, _)| *kind == RealizationKind::BridgePort)
        };
        let known = index.seen.before.bridges.contains(bridge);
        let parts = index.seen.before.parts.iter().chain(&rows.parts);
        known && !parts.into_iter().any(joins) && !is_under_way(index, &bridge.project_id)
    });
    let of = |project: &str| {
        let mut routers = rows.things.iter();
        let router = routers
            .find(|thing| thing.kind == RealizationKind::Router && thing.project_id == project);
        match router {
            Some(router) => want_router(&router.id, project),
            None => crate::Remedy::ByHand,
        }
    };
    idle.map(|bridge| Finding {
        problem: Problem::Differs,
        pod: String::new(),
        kind: "bridge network".to_owned(),
        id: bridge.network_id.clone(),
        detail: format!("joins no routers of project {}", bridge.project_id),
        remedy: of(&bridge.project_id),
    })
    .collect()
}

/// Whether a router of a project is being brought in order.
fn is_under_way(index: &Index<'_>, project: &str) -> bool {
    let (before, after) = (&index.seen.before, &index.seen.after);
    let jobs = before.jobs.iter().chain(&after.jobs);
    let of_router = jobs.filter(|job| OF_ROUTER.contains(&job.kind.as_str()));
    let routers: Vec<&str> = of_router.map(|job| job.resource_id.as_str()).collect();
    let things = before.things.iter().chain(&after.things);
    let mut of_project = things.filter(|thing| thing.project_id == project);
    of_project.any(|thing| routers.contains(&thing.id.as_str()))
}
