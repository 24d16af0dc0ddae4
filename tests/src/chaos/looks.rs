//! What sessions look at: one thing, a list, the addresses of a network; and deletes,
//! which are judged by what is known of the thing.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::chaos::book::{Holder, InUse, Kind, Standing, Thing};
use crate::chaos::user::{User, right};
use crate::chaos::verdict::Needs;
use crate::identity::Api;

/// The API of a kind, the path of its collection, and the key of its list.
pub(super) fn place(kind: Kind) -> (Api, &'static str, &'static str) {
    match kind {
        Kind::Server => (Api::Compute, "/servers", "servers"),
        Kind::Volume => (Api::Volume, "/volumes", "volumes"),
        Kind::Port => (Api::Network, "/ports", "ports"),
        Kind::Subnet => (Api::Network, "/subnets", "subnets"),
        Kind::Network => (Api::Network, "/networks", "networks"),
        Kind::Group => (Api::Network, "/security-groups", "security_groups"),
    }
}

fn whom(thing: &Thing) -> Needs {
    match thing.kind {
        Kind::Server | Kind::Volume => thing.pod.map_or(Needs::SomePod, Needs::Pod),
        _ => Needs::Top,
    }
}

impl User {
    /// Deletes something of a kind that is there.
    pub(super) async fn delete_one(&mut self, kind: Kind) {
        let mut things = self.book().there(kind);
        if kind == Kind::Port {
            // A port of a server may be deleted in Neutron, but that is no subject here.
            let book = self.book();
            things.retain(|port| book.in_use(&port.id) == InUse::No);
        }
        let Some(thing) = self.dice.pick(&things).cloned() else {
            return;
        };
        self.delete(&thing).await;
    }

    /// Whether anything uses this, or the network of a subnet.
    fn in_use(&self, thing: &Thing) -> InUse {
        match thing.kind {
            Kind::Subnet => self.book().in_use(&thing.uses[0]),
            _ => self.book().in_use(&thing.id),
        }
    }

    /// Deletes a thing and writes down what came of it.
    pub(super) async fn delete(&self, thing: &Thing) {
        let (api, path, _) = place(thing.kind);
        let path = format!("{path}/{}", thing.id);
        // What a subnet's network is used for is what the subnet is used for.
        let mut taken = vec![thing.id.clone()];
        if thing.kind == Kind::Subnet {
            taken.extend(thing.uses.iter().cloned());
        }
        if thing.kind == Kind::Network {
            let subnets = self.book().there(Kind::Subnet);
            let of_it = subnets.into_iter().filter(|s| s.uses[0] == thing.id);
            taken.extend(of_it.map(|subnet| subnet.id));
        }
        let ticket = self.book().begin(&[], &taken);
        let known = self.book().thing(&thing.id).cloned();
        let used_before = self.in_use(thing);
        let what = match thing.kind {
            Kind::Server => "delete server",
            Kind::Volume => "delete volume",
            Kind::Port => "delete port",
            Kind::Subnet => "delete subnet",
            Kind::Network => "delete network",
            Kind::Group => "delete group",
        };
        let reply = self
            .call(what, whom(thing), api, ("DELETE", &path), None)
            .await;
        let disturbed = self.end(ticket);
        // What used it may have gone while the call was under way.
        let in_use = match self.in_use(thing) {
            used if used == used_before => used,
            _ => InUse::Perhaps,
        };
        let known = known.unwrap_or_else(|| thing.clone());
        let accepted: &[u16] = match (thing.kind, in_use) {
            (Kind::Server, _) => &[204],
            (Kind::Volume, _) => match known.holder {
                Holder::Nobody if known.ready => &[202],
                Holder::Nobody | Holder::Unclear => &[202, 400],
                // Its server may have gone since.
                Holder::Server(_) => &[202, 400],
            },
            // While it is a server's it is not the user's to delete.
            (Kind::Port, InUse::No) => &[204],
            (Kind::Port, _) => &[204, 403],
            // The subnet of a network that is used may have none of its addresses.
            (Kind::Subnet, InUse::Yes) => &[204, 409],
            (_, InUse::Yes) => &[409],
            (_, InUse::Perhaps) => &[204, 409],
            (_, InUse::No) => &[204],
        };
        let sure = known.standing == Standing::There && !disturbed;
        self.expect(
            &reply,
            &right(accepted, !sure, &[202, 204, 400, 403, 404, 409]),
        );
        let mut book = self.book();
        if reply.status() == 404 {
            book.seen_gone(&thing.id);
        }
        if reply.refused() {
            return;
        }
        book.deleted(&thing.id, reply.ok());
        if thing.kind == Kind::Network {
            // Its subnets go with it.
            for subnet in book.there(Kind::Subnet) {
                if subnet.uses[0] == thing.id {
                    book.deleted(&subnet.id, reply.ok());
                }
            }
        }
    }

    /// Shows anything that was ever made.
    pub(super) async fn show_one(&mut self) {
        let things: Vec<Thing> = self.book().things().cloned().collect();
        // Mostly what is there: there is ever more that is not.
        let there: Vec<Thing> = things
            .iter()
            .filter(|thing| thing.standing == Standing::There)
            .cloned()
            .collect();
        let from = if self.dice.percent(80) {
            &there
        } else {
            &things
        };
        if let Some(thing) = self.dice.pick(from).cloned() {
            self.show(&thing).await;
        }
    }

    /// Shows a thing: what was made is there until it is deleted, what is gone stays so.
    pub(super) async fn show(&self, thing: &Thing) -> Option<Value> {
        let (api, path, _) = place(thing.kind);
        let path = format!("{path}/{}", thing.id);
        let ticket = self.book().begin(std::slice::from_ref(&thing.id), &[]);
        let standing = self.book().thing(&thing.id)?.standing;
        // A port's status and binding are its pod's word.
        let needs = match thing.kind {
            Kind::Port => Needs::SomePod,
            _ => whom(thing),
        };
        let what = match thing.kind {
            Kind::Server => "show server",
            Kind::Volume => "show volume",
            _ => "show network resource",
        };
        let reply = self.call(what, needs, api, ("GET", &path), None).await;
        let disturbed = self.end(ticket);
        let answers: &[u16] = match standing {
            Standing::There => &[200],
            Standing::Leaving if thing.kind.goes_at_once() => &[404],
            Standing::Gone => &[404],
            Standing::Leaving | Standing::Unclear => &[200, 404],
        };
        self.run
            .record
            .check("what was made is there, what was deleted goes");
        self.expect(&reply, &right(answers, disturbed, &[200, 404]));
        match reply.status() {
            404 => {
                if !disturbed {
                    self.book().seen_gone(&thing.id);
                }
                None
            }
            200 => {
                self.learn(thing, &reply.body);
                Some(reply.body)
            }
            _ => None,
        }
    }

    /// What a show tells: that the thing is ready, and where it is.
    fn learn(&self, thing: &Thing, body: &Value) {
        let (status, zone) = match thing.kind {
            Kind::Server => (
                &body["server"]["status"],
                &body["server"]["OS-EXT-AZ:availability_zone"],
            ),
            Kind::Volume => (
                &body["volume"]["status"],
                &body["volume"]["availability_zone"],
            ),
            _ => return,
        };
        let place = self.offer.zones.iter().position(|known| zone == known);
        let status = status.as_str().unwrap_or_default();
        if let Some(known) = self.book().thing_mut(&thing.id) {
            known.ready |= ["ACTIVE", "available", "in-use"].contains(&status);
            known.pod = known.pod.or(place);
        }
        if status.eq_ignore_ascii_case("error") {
            self.run.finding(&format!(
                "{} {} is in error: {body}",
                thing.kind.name(),
                thing.id
            ));
        }
    }

    /// Lists a kind: nothing twice, and all that is there, except what is in pods that
    /// do not answer.
    pub(super) async fn list(&mut self) {
        let kinds = Kind::ALL;
        let Some(kind) = self.dice.pick(&kinds).copied() else {
            return;
        };
        let (api, path, key) = place(kind);
        let before = self.book().there(kind);
        let ids: Vec<String> = before.iter().map(|thing| thing.id.clone()).collect();
        let tickets: Vec<_> = ids
            .iter()
            .map(|id| self.book().begin(std::slice::from_ref(id), &[]))
            .collect();
        let what = match kind {
            Kind::Server => "list servers",
            Kind::Volume => "list volumes",
            _ => "list network resources",
        };
        let reply = self.call(what, Needs::Top, api, ("GET", path), None).await;
        let disturbed: Vec<bool> = tickets.into_iter().map(|t| self.end(t)).collect();
        self.expect(&reply, &[200]);
        if reply.status() != 200 {
            return;
        }
        self.run
            .record
            .check("a list is complete and has nothing twice");
        let items = reply.body[key].as_array().cloned().unwrap_or_default();
        let mut listed = BTreeSet::new();
        for item in &items {
            let id = item["id"].as_str().unwrap_or_default();
            if !listed.insert(id) {
                self.run
                    .finding(&format!("{id} is listed twice; {}", reply.story));
            }
        }
        for (thing, disturbed) in before.iter().zip(disturbed) {
            let of_pod = !thing.kind.goes_at_once();
            let excused = disturbed || (of_pod && self.troubled(&reply, thing.pod));
            if !excused && !listed.contains(thing.id.as_str()) {
                self.run.finding(&format!(
                    "{} {} is there and not in the list; {what}",
                    kind.name(),
                    thing.id
                ));
            }
        }
    }

    /// No two ports of a network have one address.
    pub(super) async fn addresses(&mut self) {
        let Some(network) = self.a_network() else {
            return;
        };
        let path = format!("/ports?network_id={network}");
        let reply = self
            .call(
                "list network resources",
                Needs::Top,
                Api::Network,
                ("GET", &path),
                None,
            )
            .await;
        self.expect(&reply, &[200]);
        self.run
            .record
            .check("addresses of a network are given once");
        let mut seen = BTreeSet::new();
        for port in reply.body["ports"].as_array().into_iter().flatten() {
            for address in port["fixed_ips"].as_array().into_iter().flatten() {
                let address = address["ip_address"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                if !seen.insert(address.clone()) {
                    self.run
                        .finding(&format!("{address} twice on {network}; {}", reply.story));
                }
            }
        }
    }
}
