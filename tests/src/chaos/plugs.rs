//! What sessions do with the interfaces of servers that are there.

use serde_json::json;

use crate::chaos::book::{Book, Kind, Plug, Standing, Thing, Tie};
use crate::chaos::routers::outcome;
use crate::chaos::ties::led_through;
use crate::chaos::user::{Reply, User, right};
use crate::chaos::verdict::Needs;
use crate::identity::Api;

/// Ports that a server is given at most.
const MOST_PLUGS: usize = 3;

impl User {
    /// Gives a server one more port: one on a network, or one of the user's.
    pub(super) async fn plug(&mut self) {
        let mut servers = self.book().there(Kind::Server);
        servers.retain(|server| server.ready && held(server).count() < MOST_PLUGS);
        let Some(server) = self.dice.pick(&servers).cloned() else {
            return;
        };
        let own = self.dice.percent(40).then(|| self.a_free_port()).flatten();
        let (mut using, mut taking) = (vec![server.id.clone()], Vec::new());
        let (network, attachment) = match &own {
            Some(port) => {
                taking.push(port.id.clone());
                (port.uses[0].clone(), json!({ "port_id": port.id }))
            }
            None => {
                let Some(network) = self.a_network() else {
                    return;
                };
                let attachment = json!({ "net_id": network });
                (network, attachment)
            }
        };
        using.push(network.clone());
        let ticket = self.book().begin(&using, &taking);
        let path = format!("/servers/{}/os-interface", server.id);
        let body = Some(json!({ "interfaceAttachment": attachment }));
        let needs = server.pod.map_or(Needs::SomePod, Needs::Pod);
        let call = ("POST", path.as_str());
        let reply = self.call("attach interface", needs, Api::Compute, call, body);
        let reply = reply.await;
        let disturbed = {
            let mut book = self.book();
            let disturbed = book.end(ticket);
            if let Some(tie) = outcome(&reply, disturbed, Tie::Yes) {
                let told = reply.text("/interfaceAttachment/port_id").to_owned();
                let plug = Plug {
                    made: own.is_none(),
                    port: own.map_or(told, |port| port.id),
                    network,
                    tie,
                };
                note(&mut book, &server.id, plug);
            }
            disturbed
        };
        self.expect(&reply, &right(&[200], disturbed, &[400, 404, 409]));
    }

    /// Takes a port off again.
    pub(super) async fn unplug(&mut self) {
        let mut plugged = Vec::new();
        let servers = self.book().there(Kind::Server);
        for server in servers {
            let of_it = held(&server).filter(|plug| plug.tie == Tie::Yes);
            plugged.extend(of_it.map(|plug| (server.clone(), plug.clone())));
        }
        let Some((server, plug)) = self.dice.pick(&plugged).cloned() else {
            return;
        };
        let taking = std::slice::from_ref(&plug.port);
        let leads = |led: &Thing| led.ties.get(&plug.port).is_some_and(|tie| *tie != Tie::No);
        let ticket = {
            let mut book = self.book();
            let mut using = led_through(&book, leads);
            using.extend([server.id.clone(), plug.network.clone()]);
            book.begin(&using, taking)
        };
        let path = format!("/servers/{}/os-interface/{}", server.id, plug.port);
        let needs = server.pod.map_or(Needs::SomePod, Needs::Pod);
        let call = ("DELETE", path.as_str());
        let reply = self.call("detach interface", needs, Api::Compute, call, None);
        let reply = reply.await;
        let disturbed = {
            let mut book = self.book();
            let disturbed = book.end(ticket);
            unplugged(&mut book, &server.id, &plug, &reply, disturbed);
            disturbed
        };
        self.expect(&reply, &right(&[202], disturbed, &[400, 404, 409]));
    }
}

/// The plugs of a server that has them, or may.
fn held(server: &Thing) -> impl Iterator<Item = &Plug> {
    let plugs = server.plugs.iter();
    plugs.filter(|plug| matches!(plug.tie, Tie::Yes | Tie::Unclear))
}

/// Writes down a port that a server was given, or may have been.
fn note(book: &mut Book, server: &str, plug: Plug) {
    let Some(server) = book.thing_mut(server) else {
        return;
    };
    let gone = server.standing != Standing::There;
    let tie = if gone { plug.tie.loosened() } else { plug.tie };
    // A port of the user's own comes and goes and comes again.
    server
        .plugs
        .retain(|known| known.port != plug.port || known.port.is_empty());
    server.plugs.push(Plug { tie, ..plug });
}

/// Writes down what a detach means: the pod does it later.
fn unplugged(book: &mut Book, server: &str, plug: &Plug, reply: &Reply, disturbed: bool) {
    let Some(tie) = outcome(reply, disturbed, Tie::Leaving) else {
        return;
    };
    book.loosen(|floating| floating.ties.contains_key(&plug.port));
    note(
        book,
        server,
        Plug {
            tie,
            ..plug.clone()
        },
    );
}
