//! What sessions do with floating IPs: lead them to servers, elsewhere, nowhere.

use std::collections::BTreeMap;

use serde_json::json;

use crate::chaos::book::{Book, Holder, Kind, Standing, Thing, Tie};
use crate::chaos::ties::{gateway_of, interface_of, led_through};
use crate::chaos::user::{Reply, User, right};
use crate::chaos::verdict::Needs;
use crate::identity::Api;

/// Floating IPs that a project has at a time.
const MOST_FLOATING: usize = 5;

/// A port of a server that a floating IP can lead to, and the way there.
#[derive(Debug, Clone)]
struct Target {
    server: String,
    port: String,
    subnet: String,
    router: String,
    outside: String,
}

impl Target {
    /// What has to stay so that it can be led to.
    fn needs(&self) -> Vec<String> {
        let gateway = gateway_of(&self.router);
        vec![
            self.server.clone(),
            self.subnet.clone(),
            self.router.clone(),
            gateway,
        ]
    }

    /// What a floating IP is tied to that leads there.
    fn ties(&self) -> BTreeMap<String, Tie> {
        let ids = [
            self.port.clone(),
            gateway_of(&self.router),
            interface_of(&self.router, &self.subnet),
        ];
        ids.into_iter().map(|id| (id, Tie::Yes)).collect()
    }
}

impl User {
    /// A floating IP, mostly one that leads to a server.
    pub(super) async fn create_floating_ip(&mut self) {
        if self.book().there(Kind::FloatingIp).len() >= MOST_FLOATING {
            return;
        }
        let target = match self.dice.percent(80) {
            true => self.a_target(None).await,
            false => None,
        };
        let outside = match &target {
            Some(target) => target.outside.clone(),
            None => self.an_outside(),
        };
        let name = self.name(Kind::FloatingIp);
        let mut floating = json!({"floating_network_id": outside, "description": name});
        let (mut using, mut taking, mut uses) = (Vec::new(), Vec::new(), vec![outside]);
        if let Some(target) = &target {
            floating["port_id"] = json!(target.port);
            using = target.needs();
            taking.push(target.port.clone());
            uses.extend(target.ties().into_keys());
        }
        let ticket = self.book().begin(&using, &taking);
        let body = Some(json!({ "floatingip": floating }));
        let call = ("POST", "/floatingips");
        let reply = self.call("create floating IP", Needs::Top, Api::Network, call, body);
        let reply = reply.await;
        let disturbed = self.end(ticket);
        self.expect(&reply, &right(&[201], disturbed, &[400, 404, 409]));
        let made = self.keep(&reply, "floatingip", Kind::FloatingIp, &name, &uses);
        let (Some(id), Some(target)) = (made, target) else {
            return;
        };
        let mut book = self.book();
        if let Some(floating) = book.thing_mut(&id) {
            floating.uses.truncate(1);
            lead(floating, Some(&target));
        }
        if disturbed || !stands(&book, &target.server) {
            book.loosen(|floating| floating.id == id);
        }
    }

    /// Leads a floating IP to another port, or nowhere.
    pub(super) async fn move_floating_ip(&mut self) {
        let all = self.book().there(Kind::FloatingIp);
        let Some(floating) = self.dice.pick(&all).cloned() else {
            return;
        };
        let target = match self.dice.percent(65) {
            true => self.a_target(floating.uses.first()).await,
            false => None,
        };
        let mut using = target.as_ref().map(Target::needs).unwrap_or_default();
        using.extend(led_through(&self.book(), |other| other.id == floating.id));
        let mut taking = vec![floating.id.clone()];
        taking.extend(target.as_ref().map(|target| target.port.clone()));
        using.retain(|id| !taking.contains(id));
        let ticket = self.book().begin(&using, &taking);
        let path = format!("/floatingips/{}", floating.id);
        let port = target.as_ref().map(|target| target.port.clone());
        let body = Some(json!({"floatingip": { "port_id": port }}));
        let call = ("PUT", path.as_str());
        let reply = self.call("move floating IP", Needs::Top, Api::Network, call, body);
        let reply = reply.await;
        let disturbed = {
            let mut book = self.book();
            let disturbed = book.end(ticket);
            moved(&mut book, &floating.id, &reply, disturbed, target.as_ref());
            disturbed
        };
        self.expect(&reply, &right(&[200], disturbed, &[400, 404, 409]));
    }

    /// A port of a server on a subnet from where a router leads to an external network
    /// (this one, if one is named), and that no floating IP leads to.
    async fn a_target(&mut self, outside: Option<&String>) -> Option<Target> {
        let mut servers = self.book().there(Kind::Server);
        servers.retain(|server| server.ready);
        let server = self.dice.pick(&servers)?.id.clone();
        let path = format!("/ports?device_id={server}");
        let call = ("GET", path.as_str());
        let reply = self.call(
            "list network resources",
            Needs::Top,
            Api::Network,
            call,
            None,
        );
        let reply = reply.await;
        self.expect(&reply, &[200]);
        let book = self.book();
        let ports = reply.body["ports"].as_array()?.iter();
        let mut found = Vec::new();
        for port in ports {
            let id = port["id"].as_str().unwrap_or_default();
            let subnet = port["fixed_ips"][0]["subnet_id"]
                .as_str()
                .unwrap_or_default();
            for router in book.there(Kind::Router) {
                let joins = router.ties.get(subnet) == Some(&Tie::Yes);
                let out = self.offer.outsides.iter().find(|out| {
                    router.ties.get(*out) == Some(&Tie::Yes)
                        && outside.is_none_or(|wanted| wanted == *out)
                });
                if let Some(out) = out
                    && joins
                    && !is_led_to(&book, id)
                {
                    found.push(Target {
                        server: server.clone(),
                        port: id.to_owned(),
                        subnet: subnet.to_owned(),
                        router: router.id,
                        outside: out.clone(),
                    });
                }
            }
        }
        drop(book);
        self.dice.pick(&found).cloned()
    }
}

fn stands(book: &Book, server: &str) -> bool {
    let server = book.thing(server);
    server.is_some_and(|server| server.standing == Standing::There)
}

/// Whether a floating IP leads to a port, or may.
fn is_led_to(book: &Book, port: &str) -> bool {
    let leads = |thing: &Thing| {
        let there = !matches!(thing.standing, Standing::Leaving | Standing::Gone);
        there && !matches!(thing.ties.get(port), None | Some(Tie::No))
    };
    let unclear = |uses: &[String]| uses.iter().any(|id| id == port);
    book.things()
        .any(|thing| thing.kind == Kind::FloatingIp && leads(thing))
        || book
            .unmade_things()
            .iter()
            .any(|unmade| unmade.kind == Kind::FloatingIp && unclear(&unmade.uses))
}

/// It leads there now, and nowhere else.
fn lead(floating: &mut Thing, target: Option<&Target>) {
    floating.ties.values_mut().for_each(|tie| *tie = Tie::No);
    floating.holder = Holder::Nobody;
    if let Some(target) = target {
        floating.ties.extend(target.ties());
        floating.holder = Holder::Server(target.server.clone());
    }
}

/// Writes down what a change of where it leads means.
fn moved(book: &mut Book, id: &str, reply: &Reply, disturbed: bool, target: Option<&Target>) {
    if reply.refused() {
        return;
    }
    let sure = reply.ok() && !disturbed && target.is_none_or(|to| stands(book, &to.server));
    let Some(floating) = book.thing_mut(id) else {
        return;
    };
    if sure {
        return lead(floating, target);
    }
    for tie in floating.ties.values_mut().filter(|tie| **tie == Tie::Yes) {
        *tie = Tie::Unclear;
    }
    for key in target.map(Target::ties).unwrap_or_default().into_keys() {
        floating.ties.insert(key, Tie::Unclear);
    }
    // It may lead to either server: what becomes of one of them changes nothing that is known.
    floating.holder = Holder::Unclear;
}
