//! Afterwards: everything that was promised is there, everything else is gone, and top
//! and pods agree.
//!
//! [`compare`] and [`agree`] say what is wrong, from plain data; [`crate::chaos::calm`]
//! collects it and asks again until nothing is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tricircle_pod_sim::{Inventory, Item};

use crate::chaos::book::{Book, Holder, Kind, Standing, Wish};

/// What a project's lists show, by kind and id.
pub type Listed = BTreeMap<Kind, BTreeMap<String, Value>>;

/// What Tricircle writes into the description of what it makes in a pod's Neutron.
const MARK: &str = "tricircle:";

fn is_there(book: &Book, id: &str) -> bool {
    let thing = book.thing(id);
    thing.is_some_and(|thing| thing.standing == Standing::There)
}

/// Where lists and book of a project disagree.
pub fn compare(book: &Book, listed: &Listed) -> Vec<String> {
    let mut wrong = Vec::new();
    for thing in book.things() {
        let kind = thing.kind.name();
        let item = listed
            .get(&thing.kind)
            .and_then(|items| items.get(&thing.id));
        match (thing.standing, item) {
            (Standing::There, None) => wrong.push(format!("{kind} {} is lost", thing.id)),
            (Standing::Leaving | Standing::Gone, Some(item)) => {
                wrong.push(format!("{kind} {} was deleted: {item}", thing.id));
            }
            (Standing::There | Standing::Unclear, Some(item)) => {
                let status = item["status"].as_str().unwrap_or_default();
                let good: &[&str] = match (thing.kind, &thing.holder) {
                    (Kind::Server, _) => &["ACTIVE"],
                    (Kind::Volume, Holder::Server(server)) if is_there(book, server) => &["in-use"],
                    // Its server is going, and frees it.
                    (Kind::Volume, Holder::Server(_)) => &["available", "in-use"],
                    (Kind::Volume, Holder::Nobody) => &["available"],
                    (Kind::Volume, Holder::Unclear) => &["available", "in-use"],
                    _ => continue,
                };
                if !good.contains(&status) {
                    let id = &thing.id;
                    wrong.push(format!("{kind} {id} is {status:?}, should be {good:?}"));
                }
            }
            _ => {}
        }
    }
    for (kind, item) in strangers(book, listed) {
        let name = item["name"].as_str().unwrap_or_default();
        let wish = book
            .unmade_things()
            .iter()
            .find(|unmade| unmade.kind == kind && unmade.name == name);
        let what = match wish.map(|unmade| unmade.wish) {
            Some(Wish::Unclear) => continue,
            Some(Wish::Refused) => "its create was refused",
            None => "nobody made it",
        };
        wrong.push(format!("{} {}: {what}: {item}", kind.name(), item["id"]));
    }
    wrong.extend(twice(book, listed));
    wrong.extend(addresses(listed));
    wrong
}

/// What is listed and has no id in the book, except what comes with other things: ports
/// of servers, the default group.
pub fn strangers<'a>(book: &'a Book, listed: &'a Listed) -> Vec<(Kind, &'a Value)> {
    let servers = listed.get(&Kind::Server);
    let is_part = |kind: Kind, item: &Value| match kind {
        Kind::Port => {
            let device = item["device_id"].as_str().unwrap_or_default();
            servers.is_some_and(|servers| servers.contains_key(device))
        }
        Kind::Group => item["name"] == "default",
        _ => false,
    };
    listed
        .iter()
        .flat_map(|(kind, items)| items.iter().map(move |(id, item)| (*kind, id, item)))
        .filter(|(kind, id, item)| book.thing(id).is_none() && !is_part(*kind, item))
        .map(|(kind, _, item)| (kind, item))
        .collect()
}

/// A create that was not answered was done at most once.
fn twice(book: &Book, listed: &Listed) -> Vec<String> {
    let mut names: BTreeMap<(Kind, &str), usize> = BTreeMap::new();
    for (kind, item) in strangers(book, listed) {
        let name = item["name"].as_str().unwrap_or_default();
        *names.entry((kind, name)).or_default() += 1;
    }
    names
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|((kind, name), count)| format!("{count} times {} {name}", kind.name()))
        .collect()
}

/// No address of a network belongs to two ports.
fn addresses(listed: &Listed) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for port in listed
        .get(&Kind::Port)
        .into_iter()
        .flat_map(BTreeMap::values)
    {
        for fixed in port["fixed_ips"].as_array().into_iter().flatten() {
            let address = (
                fixed["subnet_id"].to_string(),
                fixed["ip_address"].to_string(),
            );
            if !seen.insert(address.clone()) {
                wrong.push(format!("{} of {} twice", address.1, address.0));
            }
        }
    }
    wrong
}

/// Where a pod has what the top does not know. `top`: all projects' lists.
pub fn agree(pod: &str, has: &Inventory, top: &[&Listed]) -> Vec<String> {
    let known = |kind: Kind, id: &str| {
        top.iter()
            .filter_map(|listed| listed.get(&kind))
            .any(|items| items.contains_key(id))
    };
    let mut wrong = Vec::new();
    for (kind, items) in [(Kind::Server, &has.servers), (Kind::Volume, &has.volumes)] {
        for item in items.iter().filter(|item| !known(kind, &item.id)) {
            wrong.push(format!(
                "{pod}: {} {} {}: not at the top",
                kind.name(),
                item.id,
                item.name
            ));
        }
    }
    for (kind, items) in [
        (Kind::Network, &has.networks),
        (Kind::Subnet, &has.subnets),
        (Kind::Port, &has.ports),
        (Kind::Group, &has.security_groups),
    ] {
        let mut marks = BTreeSet::new();
        for (item, top_id) in items.iter().filter_map(|item| Some((item, mark(item)?))) {
            if !known(kind, top_id) {
                wrong.push(format!(
                    "{pod}: {} {} is of {top_id}, which is gone",
                    kind.name(),
                    item.id
                ));
            }
            if !marks.insert(top_id) {
                wrong.push(format!("{pod}: {} of {top_id} twice", kind.name()));
            }
        }
    }
    wrong
}

fn mark(item: &Item) -> Option<&str> {
    item.description.strip_prefix(MARK)
}
