//! Afterwards: everything that was promised is there, everything else is gone, and top
//! and pods agree.
//!
//! [`compare`] and [`agree`] say what is wrong, from plain data; [`crate::chaos::calm`]
//! collects it and asks again until nothing is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tricircle_pod_sim::{Inventory, Item};

use crate::chaos::book::{Book, Holder, Kind, Standing, Wish};
use crate::chaos::wired::ties_hold;

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
        let name = name_of(kind, item);
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
    wrong.extend(ties_hold(book, listed));
    wrong
}

/// What a thing was named by its maker.
fn name_of(kind: Kind, item: &Value) -> &str {
    let key = if kind == Kind::FloatingIp {
        "description"
    } else {
        "name"
    };
    item[key].as_str().unwrap_or_default()
}

/// What is listed and has no id in the book, except what comes with other things: ports
/// of servers and routers, the default group; and external networks.
pub fn strangers<'a>(book: &'a Book, listed: &'a Listed) -> Vec<(Kind, &'a Value)> {
    let is_part = |kind: Kind, item: &Value| match kind {
        Kind::Port => {
            let device = item["device_id"].as_str().unwrap_or_default();
            let mut devices = [Kind::Server, Kind::Router].into_iter();
            devices.any(|kind| {
                let all = listed.get(&kind);
                all.is_some_and(|all| all.contains_key(device))
            })
        }
        Kind::Group => item["name"] == "default",
        // The administrator's, for everybody.
        Kind::Network | Kind::Subnet => item["router:external"] == true,
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
        let name = name_of(kind, item);
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

/// Where a pod has what the top does not know, or a server there has other ports than at
/// the top. `top`: all projects' lists, and what belongs to none.
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
        (Kind::Router, &has.routers),
        (Kind::FloatingIp, &has.floatingips),
    ] {
        let mut marks = BTreeSet::new();
        for (item, mark) in items.iter().filter_map(|item| Some((item, mark(item)?))) {
            let (of, top_id) = marked(kind, mark);
            if !known(of, top_id) {
                wrong.push(format!(
                    "{pod}: {} {} is of {mark}, which is gone",
                    kind.name(),
                    item.id
                ));
            }
            if !marks.insert(mark) {
                wrong.push(format!("{pod}: {} of {mark} twice", kind.name()));
            }
        }
    }
    wrong.extend(servers_ports(pod, has, top));
    wrong
}

/// What at the top a mark of a pod's thing means: ports have several kinds of marks.
fn marked(kind: Kind, mark: &str) -> (Kind, &str) {
    match mark.split_once(':') {
        Some(("bridge", router)) => (Kind::Router, router),
        Some((_, port)) => (Kind::Port, port),
        None => (kind, mark),
    }
}

/// Where a pod's server has other ports than the top says.
fn servers_ports(pod: &str, has: &Inventory, top: &[&Listed]) -> Vec<String> {
    let mut wrong = Vec::new();
    for server in &has.servers {
        let there = has
            .ports
            .iter()
            .filter(|port| port.detail["device_id"] == server.id);
        let there: BTreeSet<&str> = there.map(|port| mark(port).unwrap_or(&port.id)).collect();
        let at_top: BTreeSet<&str> = top
            .iter()
            .filter_map(|listed| listed.get(&Kind::Port))
            .flatten()
            .filter(|(_, port)| port["device_id"] == server.id)
            .map(|(id, _)| id.as_str())
            .collect();
        if there != at_top {
            let id = &server.id;
            wrong.push(format!(
                "{pod}: server {id} has ports {there:?}, at the top {at_top:?}"
            ));
        }
    }
    wrong
}

fn mark(item: &Item) -> Option<&str> {
    item.description.strip_prefix(MARK)
}
