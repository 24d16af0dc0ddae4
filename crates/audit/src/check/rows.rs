//! From the rows to the pods and the jobs: what is lost, unfinished, held or stuck.

use tricircle_db::models::{
    AddressPurpose, FLOATING_IP, Job, JobState, NewJob, ROUTER_GATEWAY, ROUTER_INTERFACE,
    ROUTER_SYNC, Realization, RealizationKind, RealizationState, Routing, RoutingKind,
    RoutingState, RowState, SECURITY_GROUP_MEMBERS,
};
use tricircle_intent::{
    INTERFACE_SETTLE, SERVER_RECOVER, SERVER_REMOVE, VOLUME_RECOVER, VOLUME_REMOVE,
};
use tricircle_network::kinds::{
    NETWORK_REMOVE, PORT_REMOVE, REALIZATION_SETTLE, ROUTER_SETUP, SECURITY_GROUP_REMOVE,
    SUBNET_REMOVE, look_again, settle_wish,
};
use tricircle_network::members_wish;

use super::index::Index;
use crate::{Finding, ObjectKind, Problem, Remedy, Thing};

pub(super) fn check(index: &Index<'_>) -> Vec<Finding> {
    let routings = index.routings.iter().filter_map(|row| routing(index, row));
    let realizations = index
        .realizations
        .iter()
        .filter_map(|row| realization(index, row));
    let things = index.things.iter().filter_map(|row| thing(index, row));
    let jobs = index.jobs().filter_map(|row| job(index, row));
    let mut findings: Vec<Finding> = routings.chain(realizations).chain(things).collect();
    findings.extend(addresses(index));
    findings.extend(jobs);
    findings
}

/// A routing has its resource, or a job.
fn routing(index: &Index<'_>, row: &Routing) -> Option<Finding> {
    let (object, recover, remove) = match row.kind {
        RoutingKind::Server => (ObjectKind::Server, SERVER_RECOVER, SERVER_REMOVE),
        RoutingKind::Volume => (ObjectKind::Volume, VOLUME_RECOVER, VOLUME_REMOVE),
        RoutingKind::Snapshot | RoutingKind::Backup => return None,
    };
    let id = row.top_id.as_deref().unwrap_or(&row.id);
    let want = |kind: &str, id: &str| {
        Remedy::Want(Box::new(NewJob {
            pod_id: row.pod_id.clone(),
            project_id: row.project_id.clone(),
            ..NewJob::new(kind, id)
        }))
    };
    let (problem, detail, remedy) = match row.state {
        RoutingState::Active => {
            let there = index.objects(&row.pod_id, object)?;
            if there.contains_key(id) || index.has_job(&[remove], id) {
                return None;
            }
            let detail = "the pod does not have it".to_owned();
            (Problem::Lost, detail, want(remove, id))
        }
        RoutingState::Creating | RoutingState::Recovering => {
            if !index.is_old(row.updated_at) || index.has_job(&[recover], &row.id) {
                return None;
            }
            let detail = format!("{} without a job", row.state.as_str());
            (Problem::Unfinished, detail, want(recover, &row.id))
        }
        RoutingState::Deleting => {
            if !index.is_old(row.updated_at) || index.has_job(&[remove], id) {
                return None;
            }
            let detail = "deleting without a job".to_owned();
            (Problem::Unfinished, detail, want(remove, id))
        }
        RoutingState::Deleted | RoutingState::Failed => return None,
    };
    Some(Finding {
        problem,
        pod: index.region(&row.pod_id),
        kind: format!("{} routing", row.kind.as_str()),
        id: id.to_owned(),
        detail,
        remedy,
    })
}

/// A realization has its object, or a job.
fn realization(index: &Index<'_>, row: &Realization) -> Option<Finding> {
    let object = ObjectKind::ALL
        .into_iter()
        .find(|kind| kind.realization() == Some(row.kind))?;
    let thing = index.thing(row.kind, &row.top_id);
    let router = object.is_of_router().then(|| router_of(row));
    let covered = match &router {
        Some(router) => index.has_job(&OF_ROUTER, router),
        None => is_covered(index, row, thing),
    };
    let settle = || match &router {
        Some(router) => want_router(router, &row.project_id),
        None if row.kind == RealizationKind::AddressGroup => {
            let wish = members_wish(&row.top_id, &row.pod_id, &row.project_id);
            Remedy::Want(Box::new(wish))
        }
        None => Remedy::Want(Box::new(settle_wish(row))),
    };
    let (problem, detail, remedy) = match (row.state, &row.bottom_id) {
        (RealizationState::Present, Some(bottom_id)) => {
            let there = index.objects(&row.pod_id, object)?;
            match (there.contains_key(bottom_id.as_str()), thing) {
                (true, Some(_)) => return None,
                _ if covered => return None,
                // Its job makes it again.
                (false, _) if router.is_some() || row.kind == RealizationKind::AddressGroup => (
                    Problem::Lost,
                    format!("the pod does not have {bottom_id}"),
                    settle(),
                ),
                (true, None) => (
                    Problem::Unfinished,
                    format!("{} is not at the top", row.top_id),
                    settle(),
                ),
                (false, _) => (
                    Problem::Lost,
                    format!("the pod does not have {bottom_id}"),
                    Remedy::Forget(row.id.clone()),
                ),
            }
        }
        _ if covered || !index.is_old(row.updated_at) => return None,
        (state, _) => (
            Problem::Unfinished,
            format!("{} without a job", state.as_str()),
            settle(),
        ),
    };
    Some(Finding {
        problem,
        pod: index.region(&row.pod_id),
        kind: format!("{} realization", row.kind.as_str()),
        id: row.top_id.clone(),
        detail,
        remedy,
    })
}

/// Whether a live job sees to this realization.
fn is_covered(index: &Index<'_>, row: &Realization, thing: Option<&Thing>) -> bool {
    let is_list = row.kind == RealizationKind::AddressGroup;
    (is_list && index.has_job(&[SECURITY_GROUP_MEMBERS], &row.top_id))
        || index.has_job(&[REALIZATION_SETTLE], &row.id)
        || index.has_job(&[remove_job(row.kind)], &row.top_id)
        || thing.is_some_and(|thing| is_going_with_another(index, thing))
}

/// Whether the job of what a thing belongs to sees to it: a port's server, or its coming
/// to and leaving one; a subnet's network.
fn is_going_with_another(index: &Index<'_>, thing: &Thing) -> bool {
    let of_device = [SERVER_RECOVER, SERVER_REMOVE];
    match thing.kind {
        RealizationKind::Port => {
            let device = &thing.device_id;
            !device.is_empty() && index.has_job(&of_device, device)
                || index.has_job(&[INTERFACE_SETTLE], &thing.id)
        }
        RealizationKind::Subnet => {
            let network = thing.network_id.as_deref();
            network.is_some_and(|id| index.has_job(&[NETWORK_REMOVE], id))
        }
        _ => false,
    }
}

/// The jobs of a router: as a whole, and of one pod's part.
const OF_ROUTER: [&str; 2] = [ROUTER_SYNC, ROUTER_SETUP];

/// The router that a part, or something of one, belongs to.
fn router_of(row: &Realization) -> String {
    let data: serde_json::Value = serde_json::from_str(&row.data).unwrap_or_default();
    match data["router"].as_str() {
        Some(router) => router.to_owned(),
        None => row.top_id.clone(),
    }
}

/// Every part of a router is looked at again, whatever is recorded of it.
fn want_router(id: &str, project_id: &str) -> Remedy {
    Remedy::Want(Box::new(NewJob {
        project_id: project_id.to_owned(),
        payload: look_again(),
        ..NewJob::new(ROUTER_SYNC, id)
    }))
}

fn remove_job(kind: RealizationKind) -> &'static str {
    match kind {
        RealizationKind::Subnet => SUBNET_REMOVE,
        RealizationKind::Port => PORT_REMOVE,
        RealizationKind::SecurityGroup | RealizationKind::AddressGroup => SECURITY_GROUP_REMOVE,
        _ => NETWORK_REMOVE,
    }
}

/// The router whose jobs see to a thing.
fn router_of_thing<'a>(index: &Index<'_>, row: &'a Thing) -> Option<&'a str> {
    match row.kind {
        RealizationKind::Router => Some(&row.id),
        RealizationKind::FloatingIp => Some(&row.device_id),
        RealizationKind::Port => match row.device_owner.as_str() {
            ROUTER_INTERFACE | ROUTER_GATEWAY => Some(&row.device_id),
            // It goes with its floating IP.
            FLOATING_IP => index
                .thing(RealizationKind::FloatingIp, &row.device_id)
                .map(|_| row.device_id.as_str()),
            _ => None,
        },
        _ => None,
    }
}

/// A thing that is being deleted has a job; a port has a server that is there.
fn thing(index: &Index<'_>, row: &Thing) -> Option<Finding> {
    let job = remove_job(row.kind);
    let router = router_of_thing(index, row);
    if let (RowState::Deleting, Some(router)) = (row.state, router) {
        let with_floating = row.kind == RealizationKind::Port && row.device_owner == FLOATING_IP;
        if with_floating || index.has_job(&OF_ROUTER, router) || !index.is_old(row.updated_at) {
            return None;
        }
        return Some(Finding {
            problem: Problem::Unfinished,
            pod: String::new(),
            kind: row.kind.as_str().to_owned(),
            id: row.id.clone(),
            detail: "deleting without a job".to_owned(),
            remedy: want_router(router, &row.project_id),
        });
    }
    if row.state == RowState::Deleting {
        let covered = index.has_job(&[job], &row.id) || is_going_with_another(index, row);
        if covered || !index.is_old(row.updated_at) {
            return None;
        }
        return Some(Finding {
            problem: Problem::Unfinished,
            pod: String::new(),
            kind: row.kind.as_str().to_owned(),
            id: row.id.clone(),
            detail: "deleting without a job".to_owned(),
            remedy: Remedy::Want(Box::new(NewJob {
                project_id: row.project_id.clone(),
                ..NewJob::new(job, &row.id)
            })),
        });
    }
    held_port(index, row)
}

/// A port whose server, or intent of one, is gone.
fn held_port(index: &Index<'_>, row: &Thing) -> Option<Finding> {
    let of_server = row.created_by_gateway || row.device_owner.starts_with("compute:");
    if row.kind != RealizationKind::Port || row.device_id.is_empty() || !of_server {
        return None;
    }
    let device = index
        .routing_of(RoutingKind::Server, &row.device_id)
        .or_else(|| index.routing(&row.device_id));
    let gone = match device {
        Some(device) => {
            matches!(device.state, RoutingState::Deleted | RoutingState::Failed)
                && device.updated_at <= index.seen.began
        }
        // Users may write what they like into ports of their own.
        None => row.created_by_gateway,
    };
    if !gone || is_going_with_another(index, row) || !index.is_old(row.updated_at) {
        return None;
    }
    Some(Finding {
        problem: Problem::HeldAddress,
        pod: device.map_or_else(String::new, |device| index.region(&device.pod_id)),
        kind: "port".to_owned(),
        id: row.id.clone(),
        detail: format!("for {}, which is gone", row.device_id),
        remedy: Remedy::Want(Box::new(NewJob {
            pod_id: device.map_or_else(String::new, |device| device.pod_id.clone()),
            project_id: row.project_id.clone(),
            ..NewJob::new(SERVER_REMOVE, &row.device_id)
        })),
    })
}

/// An address belongs to a port, or to a pod that has the subnet.
fn addresses(index: &Index<'_>) -> Vec<Finding> {
    let (before, after) = (&index.seen.before.addresses, &index.seen.after.addresses);
    let mut findings: Vec<Finding> = Vec::new();
    for address in after.iter().filter(|address| before.contains(address)) {
        let (detail, remedy) = match (address.purpose, &address.port_id, &address.pod_id) {
            (AddressPurpose::Port, port, _) => {
                let port = port.as_deref().unwrap_or_default();
                if index.thing(RealizationKind::Port, port).is_some() {
                    continue;
                }
                (format!("of port {port}, which is gone"), Remedy::ByHand)
            }
            // Of an interface, a gateway, or a router on its bridge network.
            (AddressPurpose::Router, Some(owner), _) => {
                let held = [RealizationKind::Port, RealizationKind::Router];
                if held.iter().any(|kind| index.thing(*kind, owner).is_some()) {
                    continue;
                }
                (format!("of {owner}, which is gone"), Remedy::ByHand)
            }
            (_, _, Some(pod_id)) => {
                let kind = RealizationKind::Subnet;
                if index
                    .realization(kind, &address.subnet_id, pod_id)
                    .is_some()
                {
                    continue;
                }
                let remedy = Remedy::FreeAddresses {
                    subnet_id: address.subnet_id.clone(),
                    pod_id: pod_id.clone(),
                };
                // One finding for all that a pod holds of a subnet.
                if findings.iter().any(|finding| finding.remedy == remedy) {
                    continue;
                }
                let region = index.region(pod_id);
                (
                    format!("held by {region}, which has no such subnet"),
                    remedy,
                )
            }
            (_, _, None) => continue,
        };
        findings.push(Finding {
            problem: Problem::HeldAddress,
            pod: String::new(),
            kind: "address".to_owned(),
            id: format!("{} of subnet {}", address.ip_address, address.subnet_id),
            detail,
            remedy,
        });
    }
    findings
}

/// A job waits for nobody but the workers, and is taken by one.
fn job(index: &Index<'_>, row: &Job) -> Option<Finding> {
    let (detail, remedy) = match row.state {
        JobState::Stuck => {
            let why = row.last_error.clone().unwrap_or_default();
            (why, Remedy::Retry(row.id.clone()))
        }
        JobState::Ready if index.is_old(row.run_after) && row.updated_at < index.seen.began => {
            // With no grace, a job that is just becoming due is not late.
            if index.seen.grace.is_zero() {
                return None;
            }
            ("due, and no worker takes it".to_owned(), Remedy::ByHand)
        }
        JobState::Running => {
            let until = row.lease_until?;
            if !index.is_old(until) || index.seen.grace.is_zero() {
                return None;
            }
            let detail = "its lease is over, and no worker sweeps".to_owned();
            (detail, Remedy::ByHand)
        }
        _ => return None,
    };
    Some(Finding {
        problem: Problem::StuckJob,
        pod: match row.pod_id.as_str() {
            "" => String::new(),
            pod_id => index.region(pod_id),
        },
        kind: "job".to_owned(),
        id: row.id.clone(),
        detail: format!("{} of {}: {detail}", row.kind, row.resource_id),
        remedy,
    })
}
