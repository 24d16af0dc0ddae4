//! The judges of the chaos run: they must not excuse what nothing excuses, nor blame what
//! something does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tricircle_pod_sim::{Inventory, Item};
use tricircle_tests::chaos::book::{Book, Holder, InUse, Kind, Standing, Thing, Wish};
use tricircle_tests::chaos::dice::Dice;
use tricircle_tests::chaos::ending::{Listed, agree, compare};
use tricircle_tests::chaos::timeline::{PodTrouble, Trouble, Window};
use tricircle_tests::chaos::verdict::{Needs, Outcome, judge};
use tricircle_tests::process::Service;

#[test]
fn an_answer_is_excused_by_what_it_needs_and_by_nothing_else() {
    let (compute, network) = (Service::Compute, Service::Network);
    let status = Outcome::Status;
    let silence = Outcome::NoAnswer("reset".to_owned());
    let pod = |place| Trouble::Pod(place, PodTrouble::Refuses);
    let fails = Trouble::Pod(1, PodTrouble::Fails(500));
    let one = Needs::Pod(1);
    let table: Vec<(Service, Needs, Outcome, Vec<Trouble>, bool)> = vec![
        (compute, one, status(202), vec![], true),
        (compute, one, status(404), vec![], false),
        (
            compute,
            one,
            status(404),
            vec![pod(1), Trouble::Database],
            false,
        ),
        (compute, one, status(503), vec![], false),
        (compute, one, status(503), vec![pod(1)], true),
        (compute, one, status(503), vec![pod(2)], false),
        (compute, Needs::SomePod, status(503), vec![pod(2)], true),
        (network, Needs::Top, status(503), vec![pod(1)], false),
        (
            network,
            Needs::Top,
            status(503),
            vec![Trouble::Database],
            true,
        ),
        (
            network,
            Needs::Top,
            status(503),
            vec![Trouble::Broker],
            false,
        ),
        (
            network,
            Needs::Top,
            status(503),
            vec![Trouble::Killed(Service::Jobs)],
            false,
        ),
        (
            network,
            Needs::Top,
            status(504),
            vec![Trouble::Paused(network)],
            true,
        ),
        (
            network,
            Needs::Top,
            status(504),
            vec![Trouble::Paused(compute)],
            false,
        ),
        (
            network,
            Needs::Top,
            status(503),
            vec![Trouble::Paused(compute)],
            true,
        ),
        (
            compute,
            one,
            status(500),
            vec![Trouble::Database, pod(1)],
            false,
        ),
        (compute, one, status(500), vec![fails], true),
        (network, Needs::Top, status(500), vec![fails], false),
        (
            compute,
            one,
            silence.clone(),
            vec![Trouble::Killed(compute)],
            true,
        ),
        (
            compute,
            one,
            silence.clone(),
            vec![Trouble::Killed(network)],
            false,
        ),
        (
            compute,
            one,
            silence,
            vec![Trouble::Database, pod(1)],
            false,
        ),
    ];
    for (service, needs, outcome, troubles, right) in table {
        let verdict = judge(service, needs, &[202], &outcome, &troubles);
        assert_eq!(verdict.is_ok(), right, "{needs:?} {outcome:?} {troubles:?}");
    }
}

#[test]
fn a_trouble_is_felt_from_its_begin_until_shortly_after_its_end() {
    let seconds = Duration::from_secs;
    let window = |until| Window {
        trouble: Trouble::Database,
        from: seconds(10),
        until,
    };
    let over = window(Some(seconds(20)));
    assert!(!over.overlaps(seconds(1), seconds(9)));
    assert!(over.overlaps(seconds(1), seconds(10)));
    assert!(over.overlaps(seconds(24), seconds(24)));
    assert!(!over.overlaps(seconds(26), seconds(27)));
    assert!(window(None).overlaps(seconds(500), seconds(501)));
}

fn thing(kind: Kind, id: &str, uses: &[&str]) -> Thing {
    Thing {
        kind,
        id: id.to_owned(),
        pod: None,
        uses: uses.iter().map(|id| (*id).to_owned()).collect(),
        standing: Standing::There,
        ready: true,
        holder: Holder::Nobody,
    }
}

#[test]
fn sessions_learn_who_disturbed_them() {
    let mut book = Book::default();
    let net = ["net".to_owned()];
    let one = book.begin(&net, &[]);
    let two = book.begin(&net, &[]);
    assert!(!book.end(one), "two users do not disturb each other");
    let delete = book.begin(&[], &net);
    assert!(book.end(delete), "somebody still used it");
    assert!(book.end(two), "it was taken away meanwhile");
    let alone = book.begin(&[], &net);
    assert!(!book.end(alone));
    let three = book.begin(&[], &net);
    let four = book.begin(&net, &[]);
    assert!(book.end(four));
    assert!(book.end(three));
}

#[test]
fn a_network_is_in_use_by_what_is_there_and_perhaps_by_what_leaves() {
    let mut book = Book::default();
    book.made(thing(Kind::Network, "net", &[]));
    book.made(thing(Kind::Subnet, "subnet", &["net"]));
    assert_eq!(book.in_use("net"), InUse::No, "its subnets go with it");
    book.made(thing(Kind::Server, "server", &["net"]));
    assert_eq!(book.in_use("net"), InUse::Yes);
    book.deleted("server", true);
    assert_eq!(book.in_use("net"), InUse::Perhaps);
    book.unmade(Kind::Port, "port", &["other".to_owned()], Wish::Unclear);
    assert_eq!(book.in_use("other"), InUse::Perhaps);
}

#[test]
fn what_is_known_of_a_thing_follows_the_answers_to_its_delete() {
    for (answers, standing) in [
        (vec![true], Standing::Leaving),
        (vec![false], Standing::Unclear),
        (vec![false, true], Standing::Leaving),
        (vec![true, false], Standing::Leaving),
    ] {
        let mut book = Book::default();
        book.made(thing(Kind::Server, "a", &[]));
        for answered in &answers {
            book.deleted("a", *answered);
        }
        assert_eq!(book.thing("a").unwrap().standing, standing, "{answers:?}");
        book.seen_gone("a");
        assert_eq!(book.thing("a").unwrap().standing, Standing::Gone);
    }
    let mut book = Book::default();
    book.made(thing(Kind::Server, "a", &[]));
    book.seen_gone("a");
    assert_eq!(
        book.thing("a").unwrap().standing,
        Standing::There,
        "nobody deleted it"
    );
}

fn listed(items: &[(Kind, Value)]) -> Listed {
    let mut listed: Listed = BTreeMap::new();
    for (kind, item) in items {
        let id = item["id"].as_str().unwrap().to_owned();
        listed.entry(*kind).or_default().insert(id, item.clone());
    }
    listed
}

#[test]
fn lists_and_promises_are_compared_both_ways() {
    let server = |id: &str, name: &str, status: &str| {
        (
            Kind::Server,
            json!({"id": id, "name": name, "status": status}),
        )
    };
    let mut book = Book::default();
    book.made(thing(Kind::Server, "kept", &[]));
    book.made(thing(Kind::Server, "left", &[]));
    book.deleted("left", true);
    book.unmade(Kind::Server, "asked", &[], Wish::Unclear);
    book.unmade(Kind::Server, "refused", &[], Wish::Refused);
    let kept = server("kept", "k", "ACTIVE");
    type Case = (&'static str, Vec<(Kind, Value)>, Option<&'static str>);
    let table: Vec<Case> = vec![
        ("as promised", vec![kept.clone()], None),
        ("lost", vec![], Some("is lost")),
        (
            "not ready",
            vec![server("kept", "k", "BUILD")],
            Some("BUILD"),
        ),
        (
            "back",
            vec![kept.clone(), server("left", "l", "ACTIVE")],
            Some("was deleted"),
        ),
        (
            "adopted",
            vec![kept.clone(), server("x", "asked", "ACTIVE")],
            None,
        ),
        (
            "twice",
            vec![
                kept.clone(),
                server("x", "asked", "ACTIVE"),
                server("y", "asked", "ACTIVE"),
            ],
            Some("2 times"),
        ),
        (
            "refused",
            vec![kept.clone(), server("x", "refused", "ACTIVE")],
            Some("refused"),
        ),
        (
            "stranger",
            vec![kept.clone(), server("x", "y", "ACTIVE")],
            Some("nobody made it"),
        ),
        (
            "a server's port",
            vec![
                kept.clone(),
                (Kind::Port, json!({"id": "p", "device_id": "kept"})),
            ],
            None,
        ),
        (
            "nobody's port",
            vec![
                kept.clone(),
                (Kind::Port, json!({"id": "p", "device_id": "gone"})),
            ],
            Some("nobody made it"),
        ),
        (
            "one address twice",
            vec![
                kept,
                (
                    Kind::Port,
                    json!({"id": "p", "device_id": "kept",
                    "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.2"}]}),
                ),
                (
                    Kind::Port,
                    json!({"id": "q", "device_id": "kept",
                    "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.2"}]}),
                ),
            ],
            Some("twice"),
        ),
    ];
    for (name, items, wrong) in table {
        let found = compare(&book, &listed(&items));
        match wrong {
            None => assert!(found.is_empty(), "{name}: {found:?}"),
            Some(text) => assert!(
                found.len() == 1 && found[0].contains(text),
                "{name}: {found:?}"
            ),
        }
    }
}

#[test]
fn a_pod_may_have_what_the_top_knows_and_only_once() {
    let item = |id: &str, mark: &str| Item {
        id: id.to_owned(),
        name: String::new(),
        description: mark.to_owned(),
        project_id: String::new(),
        status: String::new(),
        detail: Value::Null,
    };
    let top = listed(&[(Kind::Network, json!({"id": "net"}))]);
    let found = |networks: Vec<Item>| {
        let has = Inventory {
            networks,
            ..Inventory::default()
        };
        agree("Pod1", &has, &[&top]).len()
    };
    assert_eq!(found(vec![item("a", "tricircle:net")]), 0);
    assert_eq!(found(vec![item("a", "somebody else's")]), 0);
    assert_eq!(found(vec![item("a", "tricircle:gone")]), 1);
    let twice = vec![item("a", "tricircle:net"), item("b", "tricircle:net")];
    assert_eq!(found(twice), 1);
}

#[test]
fn the_same_seed_throws_the_same_numbers() {
    let throws = |mut dice: Dice| -> Vec<u64> { (0..4).map(|_| dice.throw()).collect() };
    assert_eq!(throws(Dice::of(7, 1)), throws(Dice::of(7, 1)));
    assert_ne!(throws(Dice::of(7, 1)), throws(Dice::of(7, 2)));
    assert_ne!(throws(Dice::of(7, 1)), throws(Dice::of(8, 1)));
}
