//! What sessions do with routers: interfaces and gateways come and go.

use serde_json::json;

use crate::chaos::book::{InUse, Kind, Standing, Thing, Tie};
use crate::chaos::ties::{gateway_of, interface_of};
use crate::chaos::user::{Reply, User, right};
use crate::chaos::verdict::Needs;
use crate::identity::Api;

/// Routers that a project has at a time.
const MOST_ROUTERS: usize = 3;

impl User {
    /// A router, with a gateway half of the time.
    pub(super) async fn create_router(&mut self) {
        if self.book().there(Kind::Router).len() >= MOST_ROUTERS {
            return;
        }
        let name = self.name(Kind::Router);
        let mut router = json!({ "name": name });
        let outside = self.dice.percent(50).then(|| self.an_outside());
        if let Some(outside) = &outside {
            router["external_gateway_info"] = json!({ "network_id": outside });
        }
        let body = Some(json!({ "router": router }));
        let call = ("POST", "/routers");
        let reply = self.call("create router", Needs::Top, Api::Network, call, body);
        let reply = reply.await;
        self.expect(&reply, &[201]);
        let id = self.keep(&reply, "router", Kind::Router, &name, &[]);
        if let (Some(id), Some(outside)) = (id, outside)
            && let Some(router) = self.book().thing_mut(&id)
        {
            router.ties.insert(outside, Tie::Yes);
        }
    }

    /// One of the external networks.
    pub(super) fn an_outside(&mut self) -> String {
        let outsides = &self.offer.outsides;
        self.dice.pick(outsides).cloned().unwrap_or_default()
    }

    /// An interface on a subnet that no router has.
    pub(super) async fn add_interface(&mut self) {
        let routers = self.book().there(Kind::Router);
        let free: Vec<Thing> = {
            let book = self.book();
            let subnets = book.there(Kind::Subnet).into_iter();
            let untied = |subnet: &Thing| {
                let mut routers = book.things().filter(|thing| thing.kind == Kind::Router);
                routers.all(|router| {
                    let gone = matches!(router.standing, Standing::Leaving | Standing::Gone);
                    gone || matches!(router.ties.get(&subnet.id), None | Some(Tie::No))
                })
            };
            subnets.filter(untied).collect()
        };
        let (Some(router), Some(subnet)) = (self.dice.pick(&routers), self.dice.pick(&free)) else {
            return;
        };
        let (router, subnet) = (router.id.clone(), subnet.clone());
        let using = [router.clone(), subnet.uses[0].clone()];
        let taking = std::slice::from_ref(&subnet.id);
        let ticket = self.book().begin(&using, taking);
        let path = format!("/routers/{router}/add_router_interface");
        let body = Some(json!({ "subnet_id": subnet.id }));
        let call = ("PUT", path.as_str());
        let reply = self.call("add interface", Needs::Top, Api::Network, call, body);
        let reply = reply.await;
        let disturbed = {
            let mut book = self.book();
            let disturbed = book.end(ticket);
            if let Some(tie) = outcome(&reply, disturbed, Tie::Yes)
                && let Some(router) = book.thing_mut(&router)
            {
                router.ties.insert(subnet.id.clone(), tie);
            }
            disturbed
        };
        self.expect(&reply, &right(&[200], disturbed, &[400, 404, 409]));
    }

    /// Takes an interface from a router.
    pub(super) async fn remove_interface(&mut self) {
        let mut joined = Vec::new();
        let routers = self.book().there(Kind::Router);
        for router in routers {
            let subnets = self.interfaces_of(&router.id);
            joined.extend(
                subnets
                    .into_iter()
                    .map(|subnet| (router.id.clone(), subnet)),
            );
        }
        if let Some((router, subnet)) = self.dice.pick(&joined).cloned() {
            self.take_interface(&router, &subnet).await;
        }
    }

    /// The subnets that a router joins, or may join.
    pub(super) fn interfaces_of(&self, router: &str) -> Vec<String> {
        let book = self.book();
        let ties = book.thing(router).map(|router| router.ties.clone());
        let ties = ties.unwrap_or_default().into_iter();
        ties.filter(|(id, tie)| *tie != Tie::No && !self.offer.outsides.contains(id))
            .map(|(id, _)| id)
            .collect()
    }

    /// Takes the interface on this subnet from a router.
    pub(super) async fn take_interface(&self, router: &str, subnet: &str) {
        let through = interface_of(router, subnet);
        let tie_of = |user: &Self| {
            let book = user.book();
            let tie = book
                .thing(router)
                .and_then(|thing| thing.ties.get(subnet).copied());
            tie.unwrap_or(Tie::No)
        };
        let (tie, used_before) = (tie_of(self), self.book().in_use(&through));
        let taking = [subnet.to_owned()];
        let ticket = self.book().begin(&[router.to_owned()], &taking);
        let path = format!("/routers/{router}/remove_router_interface");
        let body = Some(json!({ "subnet_id": subnet }));
        let call = ("PUT", path.as_str());
        let reply = self.call("remove interface", Needs::Top, Api::Network, call, body);
        let reply = reply.await;
        let (disturbed, used) = {
            let mut book = self.book();
            let disturbed = book.end(ticket);
            let used = book.in_use(&through);
            let after = match reply.status() {
                // There was none, or it had gone.
                404 if !disturbed => Some(Tie::No),
                _ => outcome(&reply, disturbed, Tie::No),
            };
            if let Some(tie) = after
                && let Some(router) = book.thing_mut(router)
            {
                router.ties.insert(subnet.to_owned(), tie);
            }
            (disturbed, used)
        };
        let mut answers = unless_used(used_before, used).to_vec();
        if tie != Tie::Yes {
            answers.push(404);
        }
        self.expect(&reply, &right(&answers, disturbed, &[200, 404, 409]));
    }

    /// Another external network for a router, or none.
    pub(super) async fn change_gateway(&mut self) {
        let routers = self.book().there(Kind::Router);
        let Some(router) = self.dice.pick(&routers).cloned() else {
            return;
        };
        let to = self.dice.percent(70).then(|| self.an_outside());
        let info = match &to {
            Some(outside) => json!({ "network_id": outside }),
            None => json!(null),
        };
        let gateway = gateway_of(&router.id);
        let stays = to
            .as_ref()
            .is_some_and(|to| router.ties.get(to) == Some(&Tie::Yes));
        let used_before = self.book().in_use(&gateway);
        let using = std::slice::from_ref(&router.id);
        let ticket = self.book().begin(using, std::slice::from_ref(&gateway));
        let path = format!("/routers/{}", router.id);
        let body = Some(json!({"router": { "external_gateway_info": info }}));
        let call = ("PUT", path.as_str());
        let reply = self.call("change gateway", Needs::Top, Api::Network, call, body);
        let reply = reply.await;
        let (disturbed, used) = {
            let mut book = self.book();
            let disturbed = book.end(ticket);
            let used = book.in_use(&gateway);
            let outsides = &self.offer.outsides;
            if let Some(known) = book.thing_mut(&router.id) {
                for outside in outsides {
                    let wanted = match to.as_ref() == Some(outside) {
                        true => Tie::Yes,
                        false => Tie::No,
                    };
                    let Some(tie) = outcome(&reply, disturbed, wanted) else {
                        continue;
                    };
                    let before = known.ties.get(outside).copied().unwrap_or(Tie::No);
                    // What was so and was wished so is so, whatever was answered.
                    if before != wanted {
                        known.ties.insert(outside.clone(), tie);
                    }
                }
            }
            (disturbed, used)
        };
        let answers: &[u16] = match stays {
            true => &[200],
            false => unless_used(used_before, used),
        };
        self.expect(&reply, &right(answers, disturbed, &[200, 404, 409]));
    }

    /// Takes all interfaces and floating IPs from a router, so that it can be deleted.
    pub(super) async fn strip(&self, router: &str) {
        let all = self.book().there(Kind::FloatingIp);
        for floating in all {
            let through = gateway_of(router);
            let leads = floating
                .ties
                .get(&through)
                .is_some_and(|tie| *tie != Tie::No);
            if leads {
                self.delete(&floating).await;
            }
        }
        for subnet in self.interfaces_of(router) {
            self.take_interface(router, &subnet).await;
        }
    }
}

/// What is known of a tie after a call that was to make it `wanted`; none: what was known
/// before.
pub(super) fn outcome(reply: &Reply, disturbed: bool, wanted: Tie) -> Option<Tie> {
    if reply.refused() {
        return None;
    }
    Some(match reply.ok() && !disturbed {
        true => wanted,
        false => Tie::Unclear,
    })
}

/// What is right for taking something away that others may use.
fn unless_used(before: InUse, after: InUse) -> &'static [u16] {
    match before {
        _ if before != after => &[200, 409],
        InUse::Yes => &[409],
        InUse::Perhaps => &[200, 409],
        InUse::No => &[200],
    }
}
