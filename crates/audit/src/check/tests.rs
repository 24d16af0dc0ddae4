//! What is wrong in a table of small worlds.

use std::time::Duration;

use chrono::TimeDelta;
use tricircle_db::models::{
    AddressPurpose, IpAllocation, Job, JobState, Realization, RealizationKind, RealizationState,
    Routing, RoutingKind, RoutingState, RowState,
};
use tricircle_intent::{SERVER_RECOVER, SERVER_REMOVE, VOLUME_RECOVER};
use tricircle_network::kinds::{NETWORK_REMOVE, REALIZATION_SETTLE, SUBNET_REMOVE};

use super::check;
use crate::{Object, ObjectKind, PodSeen, Problem, Remedy, Rows, Seen, Thing};

/// A world in which all is well: a server with a port on a network, and a volume.
struct World {
    rows: Rows,
    objects: Vec<(ObjectKind, Object)>,
    silent: Option<ObjectKind>,
}

const POD: &str = "pod-1";

fn long_ago() -> tricircle_db::Timestamp {
    tricircle_db::now() - TimeDelta::hours(1)
}

fn routing(kind: RoutingKind, id: &str, top_id: Option<&str>, state: RoutingState) -> Routing {
    Routing {
        id: id.to_owned(),
        kind,
        top_id: top_id.map(str::to_owned),
        pod_id: POD.to_owned(),
        bottom_id: top_id.map(str::to_owned),
        project_id: "p".to_owned(),
        user_id: "u".to_owned(),
        name: "n".to_owned(),
        state,
        availability_zone: None,
        flavor_id: None,
        image_id: None,
        vcpus: 2,
        ram_mb: 512,
        size_gb: 0,
        reservation_id: None,
        request_id: String::new(),
        created_at: long_ago(),
        updated_at: long_ago(),
        deleted_at: None,
    }
}

fn realization(kind: RealizationKind, top_id: &str, bottom_id: Option<&str>) -> Realization {
    Realization {
        id: format!("row of {top_id}"),
        bottom_id: bottom_id.map(str::to_owned),
        state: match bottom_id {
            Some(_) => RealizationState::Present,
            None => RealizationState::Creating,
        },
        created_at: long_ago(),
        updated_at: long_ago(),
        ..Realization::intent(kind, top_id, POD, "p")
    }
}

fn thing(kind: RealizationKind, id: &str) -> Thing {
    let is_port = kind == RealizationKind::Port;
    Thing {
        kind,
        id: id.to_owned(),
        project_id: "p".to_owned(),
        state: RowState::Live,
        updated_at: long_ago(),
        network_id: (kind != RealizationKind::Network).then(|| "net".to_owned()),
        device_id: if is_port {
            "vm".to_owned()
        } else {
            String::new()
        },
        device_owner: if is_port {
            "compute:az1".to_owned()
        } else {
            String::new()
        },
        created_by_gateway: is_port,
    }
}

fn object(id: &str, mark: &str) -> Object {
    Object {
        id: id.to_owned(),
        mark: (!mark.is_empty()).then(|| mark.to_owned()),
        project_id: "p".to_owned(),
        ..Object::default()
    }
}

fn job(kind: &str, resource: &str) -> Job {
    Job {
        id: format!("{kind} {resource}"),
        kind: kind.to_owned(),
        resource_id: resource.to_owned(),
        pod_id: String::new(),
        active_slot: String::new(),
        project_id: String::new(),
        payload: "{}".to_owned(),
        payload_version: 1,
        state: JobState::Ready,
        undoing: false,
        cancel_requested: false,
        wanted_rev: 1,
        run_rev: 0,
        done_rev: 0,
        attempts: 0,
        // Not due yet: nobody expects a worker to take it.
        run_after: tricircle_db::now() + TimeDelta::hours(1),
        waiting_for: String::new(),
        lease_owner: None,
        lease_epoch: 0,
        lease_until: None,
        request_id: String::new(),
        last_error: None,
        created_at: long_ago(),
        updated_at: long_ago(),
        finished_at: None,
    }
}

fn address(purpose: AddressPurpose, port: Option<&str>, pod: Option<&str>) -> IpAllocation {
    IpAllocation {
        subnet_id: "sub".to_owned(),
        ip_key: "0".to_owned(),
        ip_address: "10.0.0.9".to_owned(),
        network_id: "net".to_owned(),
        purpose,
        port_id: port.map(str::to_owned),
        pod_id: pod.map(str::to_owned),
    }
}

fn well() -> World {
    use RealizationKind as R;
    World {
        rows: Rows {
            routings: vec![
                routing(
                    RoutingKind::Server,
                    "i-vm",
                    Some("vm"),
                    RoutingState::Active,
                ),
                routing(
                    RoutingKind::Volume,
                    "i-vol",
                    Some("vol"),
                    RoutingState::Active,
                ),
            ],
            realizations: vec![
                realization(R::Network, "net", Some("b-net")),
                realization(R::Subnet, "sub", Some("b-sub")),
                realization(R::Port, "port", Some("b-port")),
            ],
            things: vec![
                thing(R::Network, "net"),
                thing(R::Subnet, "sub"),
                thing(R::Port, "port"),
            ],
            addresses: vec![
                address(AddressPurpose::Port, Some("port"), None),
                address(AddressPurpose::Gateway, None, Some(POD)),
            ],
            jobs: Vec::new(),
        },
        objects: vec![
            (ObjectKind::Server, object("vm", "i-vm")),
            (ObjectKind::Server, object("somebody's", "")),
            (ObjectKind::Volume, object("vol", "i-vol")),
            (ObjectKind::Network, object("b-net", "net")),
            (ObjectKind::Network, object("the operator's", "")),
            (ObjectKind::Subnet, object("b-sub", "sub")),
            (
                ObjectKind::Port,
                Object {
                    device_id: "vm".to_owned(),
                    ..object("b-port", "port")
                },
            ),
        ],
        silent: None,
    }
}

impl World {
    fn seen(self) -> Seen {
        let parts = ObjectKind::ALL.map(|kind| {
            let of_kind = self.objects.iter().filter(|(k, _)| *k == kind);
            let part = match self.silent == Some(kind) {
                true => Err("no answer".to_owned()),
                false => Ok(of_kind.map(|(_, object)| object.clone()).collect()),
            };
            (kind, part)
        });
        Seen {
            began: tricircle_db::now(),
            grace: Duration::from_secs(60),
            before: self.rows.clone(),
            pods: vec![PodSeen {
                id: POD.to_owned(),
                region: "Pod1".to_owned(),
                parts: parts.into(),
            }],
            after: self.rows,
        }
    }

    fn without_object(mut self, id: &str) -> Self {
        self.objects.retain(|(_, object)| object.id != id);
        self
    }

    fn with_object(mut self, kind: ObjectKind, id: &str, mark: &str) -> Self {
        self.objects.push((kind, object(id, mark)));
        self
    }

    fn with_job(mut self, kind: &str, resource: &str) -> Self {
        self.rows.jobs.push(job(kind, resource));
        self
    }

    fn rows(mut self, change: impl FnOnce(&mut Rows)) -> Self {
        change(&mut self.rows);
        self
    }
}

/// Problem, id and remedy of everything that is wrong.
fn wrong(world: World) -> Vec<(Problem, String, String)> {
    let findings = check(&world.seen());
    let line = |f: crate::Finding| (f.problem, f.id, f.remedy.to_string());
    findings.into_iter().map(line).collect()
}

fn one(problem: Problem, id: &str, remedy: &str) -> Vec<(Problem, String, String)> {
    vec![(problem, id.to_owned(), remedy.to_owned())]
}

fn nothing() -> Vec<(Problem, String, String)> {
    Vec::new()
}

#[test]
fn a_well_world_has_no_findings() {
    assert_eq!(wrong(well()), nothing());
}

#[test]
fn servers_and_volumes_have_routings_or_live_intents() {
    let no_server_row = || well().rows(|rows| rows.routings.retain(|row| row.id != "i-vm"));
    // Its port is marked, which makes it ours, and has a server that nobody knows.
    let mut bare = no_server_row();
    bare.objects[0].1.mark = None;
    let adopt = (Problem::Orphan, "vm".to_owned(), "adopt".to_owned());
    assert!(wrong(bare).contains(&adopt));
    assert!(wrong(no_server_row()).contains(&adopt));

    let in_state = |state| {
        well().rows(|rows| {
            rows.routings[1].state = state;
            rows.routings[1].top_id = None;
        })
    };
    let creating = in_state(RoutingState::Creating).with_job(VOLUME_RECOVER, "i-vol");
    assert_eq!(wrong(creating), nothing());
    let failed = in_state(RoutingState::Failed);
    assert_eq!(wrong(failed), one(Problem::Orphan, "vol", "adopt"));
    let forgotten = wrong(in_state(RoutingState::Recovering));
    let unfinished = (
        Problem::Unfinished,
        "i-vol".to_owned(),
        "job volume_recover".to_owned(),
    );
    assert!(forgotten.contains(&unfinished), "{forgotten:?}");
    // Whoever deleted it was told that it is gone.
    let deleted = well().rows(|rows| rows.routings[1].state = RoutingState::Deleted);
    assert_eq!(wrong(deleted), one(Problem::Orphan, "vol", "by hand"));
}

#[test]
fn routings_have_resources_or_jobs() {
    let lost = well().without_object("vol");
    assert_eq!(wrong(lost), one(Problem::Lost, "vol", "job volume_remove"));
    let going = well().without_object("vm").with_job(SERVER_REMOVE, "vm");
    assert_eq!(wrong(going), nothing());
    let deleting = || well().rows(|rows| rows.routings[0].state = RoutingState::Deleting);
    let forgotten = one(Problem::Unfinished, "vm", "job server_remove");
    assert_eq!(wrong(deleting()), forgotten);
    assert_eq!(wrong(deleting().with_job(SERVER_REMOVE, "vm")), nothing());
    let young = deleting().rows(|rows| {
        rows.routings[0].updated_at = tricircle_db::now() - TimeDelta::seconds(5);
    });
    assert_eq!(wrong(young), nothing(), "within the grace");
}

#[test]
fn realized_things_have_realizations() {
    let mut no_row = well().rows(|rows| {
        rows.realizations.remove(0);
    });
    assert_eq!(wrong(no_row), one(Problem::Orphan, "b-net", "claim"));
    no_row = well().with_object(ObjectKind::Network, "old", "gone");
    assert_eq!(wrong(no_row), one(Problem::Orphan, "old", "remove"));
    let twin = well().with_object(ObjectKind::Network, "second", "net");
    assert_eq!(wrong(twin), one(Problem::Twin, "second", "remove"));
    let twins = well().with_object(ObjectKind::Server, "vm2", "i-vm");
    let found = wrong(twins);
    assert!(found.contains(&(Problem::Twin, "vm2".to_owned(), "by hand".to_owned())));
    let intent = well().rows(|rows| {
        rows.realizations[0].bottom_id = None;
        rows.realizations[0].state = RealizationState::Creating;
    });
    let settled = one(Problem::Unfinished, "net", "job realization_settle");
    assert_eq!(wrong(intent), settled);
}

#[test]
fn realizations_have_objects_or_jobs() {
    let lost = || well().without_object("b-sub");
    assert_eq!(wrong(lost()), one(Problem::Lost, "sub", "forget"));
    assert_eq!(wrong(lost().with_job(SUBNET_REMOVE, "sub")), nothing());
    assert_eq!(wrong(lost().with_job(NETWORK_REMOVE, "net")), nothing());
    let going = |rows: &mut Rows| rows.realizations[2].state = RealizationState::Deleting;
    let of_server = well().rows(going).with_job(SERVER_REMOVE, "vm");
    assert_eq!(wrong(of_server), nothing());
    let own = well()
        .rows(going)
        .with_job(REALIZATION_SETTLE, "row of port");
    assert_eq!(wrong(own), nothing());
    let forgotten = one(Problem::Unfinished, "port", "job realization_settle");
    assert_eq!(wrong(well().rows(going)), forgotten);
    let no_thing = well().rows(|rows| {
        rows.things.remove(0);
    });
    let found = one(Problem::Unfinished, "net", "job realization_settle");
    assert_eq!(wrong(no_thing), found);
}

#[test]
fn what_is_being_deleted_has_a_job() {
    let going = || well().rows(|rows| rows.things[1].state = RowState::Deleting);
    let forgotten = one(Problem::Unfinished, "sub", "job subnet_remove");
    assert_eq!(wrong(going()), forgotten);
    assert_eq!(wrong(going().with_job(SUBNET_REMOVE, "sub")), nothing());
    assert_eq!(wrong(going().with_job(NETWORK_REMOVE, "net")), nothing());
}

#[test]
fn addresses_are_held_by_what_is_there() {
    let of_device = |device: &str| {
        let device = device.to_owned();
        well().rows(move |rows| rows.things[2].device_id = device)
    };
    let freed = one(Problem::HeldAddress, "port", "job server_remove");
    assert_eq!(wrong(of_device("nobody")), freed);
    let covered = of_device("nobody").with_job(SERVER_REMOVE, "nobody");
    assert_eq!(wrong(covered), nothing());
    assert_eq!(
        wrong(of_device("nobody").with_job(SERVER_RECOVER, "nobody")),
        nothing()
    );
    let failed = |rows: &mut Rows| {
        let kind = RoutingKind::Server;
        rows.routings
            .push(routing(kind, "dead", None, RoutingState::Failed));
    };
    assert_eq!(wrong(of_device("dead").rows(failed)), freed);
    // A port of the user's own says what the user wrote into it.
    let own = |rows: &mut Rows| rows.things[2].created_by_gateway = false;
    assert_eq!(wrong(of_device("nobody").rows(own)), nothing());
    assert_eq!(wrong(of_device("dead").rows(failed).rows(own)), freed);

    let portless = well().rows(|rows| rows.addresses[0].port_id = Some("gone".to_owned()));
    assert_eq!(wrong(portless)[0].0, Problem::HeldAddress);
    let of_pod = well().rows(|rows| rows.addresses[1].pod_id = Some("pod-2".to_owned()));
    let found = wrong(of_pod);
    assert_eq!(
        (found[0].0, found[0].2.as_str()),
        (Problem::HeldAddress, "free")
    );
}

#[test]
fn jobs_that_nobody_does_are_found() {
    let in_state = |state, due: TimeDelta| {
        well().with_job("port_sync", "port").rows(|rows| {
            rows.jobs[0].state = state;
            rows.jobs[0].run_after = tricircle_db::now() - due;
        })
    };
    let hour = TimeDelta::hours(1);
    let stuck = wrong(in_state(JobState::Stuck, hour));
    assert_eq!(
        (stuck[0].0, stuck[0].2.as_str()),
        (Problem::StuckJob, "retry")
    );
    let late = wrong(in_state(JobState::Ready, hour));
    assert_eq!(
        (late[0].0, late[0].2.as_str()),
        (Problem::StuckJob, "by hand")
    );
    assert_eq!(wrong(in_state(JobState::Ready, -hour)), nothing());
    assert_eq!(wrong(in_state(JobState::Waiting, hour)), nothing());
}

#[test]
fn a_pod_that_cannot_be_asked_is_not_taken_for_empty() {
    let mut world = well();
    world.silent = Some(ObjectKind::Server);
    world.objects.clear();
    let world = world.rows(|rows| {
        rows.realizations.clear();
        rows.addresses.remove(1);
        rows.routings.remove(1);
    });
    assert_eq!(wrong(world), one(Problem::NotChecked, "-", "by hand"));
}

#[test]
fn what_changes_while_it_is_looked_at_is_not_judged() {
    // Made between the first reading and the pod's answer, and again gone.
    let mut seen = well().seen();
    let gone = seen.after.routings.remove(1);
    assert_eq!(gone.id, "i-vol");
    let deleted = Routing {
        state: RoutingState::Deleted,
        updated_at: seen.began + TimeDelta::seconds(1),
        ..gone
    };
    seen.after.routings.push(deleted);
    assert_eq!(check(&seen), []);
    // A realization that is new in the second reading knows its object.
    let mut seen = well().seen();
    seen.before.realizations.clear();
    assert_eq!(check(&seen), []);
    // One that was forgotten in between is not missed.
    let mut seen = well().without_object("b-net").seen();
    seen.after.realizations.remove(0);
    assert_eq!(check(&seen), []);
}

#[test]
fn nothing_that_users_made_is_ever_removed() {
    let strange = well()
        .with_object(ObjectKind::Server, "x", "nobody's")
        .with_object(ObjectKind::Volume, "y", "nobody's");
    for finding in check(&strange.seen()) {
        assert!(
            !matches!(finding.remedy, Remedy::Remove { .. }),
            "{finding}"
        );
    }
}
