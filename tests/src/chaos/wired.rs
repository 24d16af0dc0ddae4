//! Afterwards: routers, floating IPs and ports of servers are tied as users were told.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::chaos::book::{Book, Holder, Kind, Plug, Standing, Thing, Tie};
use crate::chaos::ending::Listed;

/// Where lists and book of a project disagree about who is tied to whom.
pub fn ties_hold(book: &Book, listed: &Listed) -> Vec<String> {
    let mut wrong = Vec::new();
    for thing in book
        .things()
        .filter(|thing| thing.standing == Standing::There)
    {
        let found = listed
            .get(&thing.kind)
            .and_then(|items| items.get(&thing.id));
        let Some(item) = found else {
            continue;
        };
        match thing.kind {
            Kind::Router => wrong.extend(router(thing, item, listed)),
            Kind::FloatingIp => wrong.extend(floating(book, thing, item)),
            Kind::Server => wrong.extend(thing.plugs.iter().filter_map(|p| plug(thing, p, listed))),
            _ => {}
        }
    }
    wrong
}

fn ports(listed: &Listed) -> impl Iterator<Item = &Value> {
    listed
        .get(&Kind::Port)
        .into_iter()
        .flat_map(|items| items.values())
}

/// A router joins the subnets that it was given, and leads where it was told.
fn router(thing: &Thing, item: &Value, listed: &Listed) -> Vec<String> {
    let of_it = |port: &&Value| port["device_id"] == thing.id;
    let addresses = ports(listed)
        .filter(of_it)
        .flat_map(|port| port["fixed_ips"].as_array().into_iter().flatten());
    let mut has: BTreeSet<&str> = addresses
        .filter_map(|address| address["subnet_id"].as_str())
        .collect();
    has.extend(item["external_gateway_info"]["network_id"].as_str());
    let mut wrong = Vec::new();
    for (id, tie) in &thing.ties {
        match (tie, has.remove(id.as_str())) {
            (Tie::Yes, false) => wrong.push(format!("router {} is not tied to {id}", thing.id)),
            (Tie::No | Tie::Leaving, true) => {
                wrong.push(format!("router {} is tied to {id} still", thing.id));
            }
            _ => {}
        }
    }
    wrong.extend(
        has.iter()
            .map(|id| format!("router {} is tied to {id}: {item}", thing.id)),
    );
    wrong
}

/// A floating IP leads to the server that it was led to, and works; or it leads nowhere.
fn floating(book: &Book, thing: &Thing, item: &Value) -> Option<String> {
    let port = item["port_id"].as_str();
    let status = if port.is_some() { "ACTIVE" } else { "DOWN" };
    if item["status"] != status {
        return Some(format!(
            "floating IP {} should be {status}: {item}",
            thing.id
        ));
    }
    let tie = port.and_then(|port| thing.ties.get(port));
    let stands = match &thing.holder {
        Holder::Server(server) => {
            let server = book.thing(server);
            server.is_some_and(|server| server.standing == Standing::There)
        }
        _ => false,
    };
    let wanted = thing
        .ties
        .iter()
        .any(|(id, tie)| *tie == Tie::Yes && !id.contains('/'));
    match (port, tie) {
        (None, _) if wanted && stands => Some(format!("floating IP {} leads nowhere", thing.id)),
        (Some(_), None | Some(Tie::No | Tie::Leaving)) => {
            Some(format!("floating IP {} leads elsewhere: {item}", thing.id))
        }
        _ => None,
    }
}

/// A server has the ports that it was given.
fn plug(server: &Thing, plug: &Plug, listed: &Listed) -> Option<String> {
    let port = ports(listed).find(|port| port["id"] == plug.port);
    let holds = port.is_some_and(|port| port["device_id"] == server.id);
    let what = match (plug.tie, holds) {
        (Tie::Yes, false) => "has not",
        (Tie::Leaving | Tie::No, true) => "has still",
        (Tie::Leaving | Tie::No, false) if plug.made && port.is_some() => "left behind",
        _ => return None,
    };
    Some(format!(
        "server {} {what} port {}: {port:?}",
        server.id, plug.port
    ))
}
