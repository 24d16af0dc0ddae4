//! What sessions do with networks, subnets, ports and security groups.

use serde_json::json;

use crate::chaos::book::{Holder, Kind, Standing, Thing, Wish};
use crate::chaos::user::{Reply, User, right};
use crate::chaos::verdict::Needs;
use crate::identity::Api;

/// Networks, ports and groups that a project has at a time.
const MOST_NETWORKS: usize = 5;
const MOST_PORTS: usize = 8;
const MOST_GROUPS: usize = 4;

impl User {
    /// A network with a subnet.
    pub(super) async fn create_network(&mut self) {
        if self.book().there(Kind::Network).len() >= MOST_NETWORKS {
            return;
        }
        let name = self.name(Kind::Network);
        let body = json!({"network": {"name": name}});
        let reply = self
            .call(
                "create network",
                Needs::Top,
                Api::Network,
                ("POST", "/networks"),
                Some(body),
            )
            .await;
        self.expect(&reply, &[201]);
        let Some(network) = self.keep(&reply, "network", Kind::Network, &name, &[]) else {
            return;
        };
        let name = self.name(Kind::Subnet);
        let cidr = format!("10.{}.{}.0/24", self.dice.below(256), self.dice.below(256));
        let body = json!({"subnet": {
            "name": name, "network_id": network, "ip_version": 4, "cidr": cidr,
        }});
        let uses = [network];
        let ticket = self.book().begin(&uses, &[]);
        let reply = self
            .call(
                "create subnet",
                Needs::Top,
                Api::Network,
                ("POST", "/subnets"),
                Some(body),
            )
            .await;
        let disturbed = self.end(ticket);
        self.expect(&reply, &right(&[201], disturbed, &[404, 409]));
        self.keep(&reply, "subnet", Kind::Subnet, &name, &uses);
    }

    /// A port on a network that has a subnet, with a group of its own now and then.
    pub(super) async fn create_port(&mut self) {
        if self.book().there(Kind::Port).len() >= MOST_PORTS {
            return;
        }
        let Some(network) = self.a_network() else {
            return;
        };
        let name = self.name(Kind::Port);
        let mut port = json!({"name": name, "network_id": network});
        let mut uses = vec![network];
        let groups = self.book().there(Kind::Group);
        if self.dice.percent(50)
            && let Some(group) = self.dice.pick(&groups)
        {
            port["security_groups"] = json!([group.id]);
            uses.push(group.id.clone());
        }
        let ticket = self.book().begin(&uses, &[]);
        let body = json!({ "port": port });
        let reply = self
            .call(
                "create port",
                Needs::Top,
                Api::Network,
                ("POST", "/ports"),
                Some(body),
            )
            .await;
        let disturbed = self.end(ticket);
        self.expect(&reply, &right(&[201], disturbed, &[400, 404, 409]));
        self.keep(&reply, "port", Kind::Port, &name, &uses);
    }

    /// A security group.
    pub(super) async fn create_group(&mut self) {
        if self.book().there(Kind::Group).len() >= MOST_GROUPS {
            return;
        }
        let name = self.name(Kind::Group);
        let body = json!({"security_group": {"name": name}});
        let reply = self
            .call(
                "create group",
                Needs::Top,
                Api::Network,
                ("POST", "/security-groups"),
                Some(body),
            )
            .await;
        self.expect(&reply, &[201]);
        self.keep(&reply, "security_group", Kind::Group, &name, &[]);
    }

    /// A rule in a group, and half of the time out of it again.
    pub(super) async fn change_rules(&mut self) {
        let groups = self.book().there(Kind::Group);
        let Some(group) = self.dice.pick(&groups).map(|group| group.id.clone()) else {
            return;
        };
        self.named += 1;
        let port = 1 + (self.number * 997 + self.named) % 65_000;
        let body = json!({"security_group_rule": {
            "security_group_id": group, "direction": "ingress", "protocol": "tcp",
            "port_range_min": port, "port_range_max": port,
        }});
        let ticket = self.book().begin(&[group], &[]);
        let reply = self
            .call(
                "create rule",
                Needs::Top,
                Api::Network,
                ("POST", "/security-group-rules"),
                Some(body),
            )
            .await;
        let rule = reply.text("/security_group_rule/id").to_owned();
        let removed = if reply.ok() && self.dice.percent(50) {
            let path = format!("/security-group-rules/{rule}");
            let call = ("DELETE", path.as_str());
            Some(
                self.call("delete rule", Needs::Top, Api::Network, call, None)
                    .await,
            )
        } else {
            None
        };
        let disturbed = self.end(ticket);
        self.expect(&reply, &right(&[201], disturbed, &[404, 409]));
        if let Some(removed) = removed {
            self.expect(&removed, &right(&[204], disturbed, &[404, 409]));
        }
    }

    /// Another name for a network or a port: a change that pods have to be told.
    pub(super) async fn rename(&mut self) {
        let kind = if self.dice.percent(50) {
            Kind::Network
        } else {
            Kind::Port
        };
        let things = self.book().there(kind);
        let Some(thing) = self.dice.pick(&things).cloned() else {
            return;
        };
        let name = self.name(kind);
        let body = match kind {
            Kind::Network => json!({"network": {"name": name}}),
            _ => json!({"port": {"name": name}}),
        };
        let path = format!("/{}s/{}", kind.name(), thing.id);
        let ticket = self.book().begin(std::slice::from_ref(&thing.id), &[]);
        let reply = self
            .call(
                "rename",
                Needs::Top,
                Api::Network,
                ("PUT", &path),
                Some(body),
            )
            .await;
        let disturbed = self.end(ticket);
        self.expect(&reply, &right(&[200], disturbed, &[404, 409]));
    }

    /// One of the networks that have a subnet.
    pub(super) fn a_network(&mut self) -> Option<String> {
        let subnets = self.book().there(Kind::Subnet);
        let network = self.dice.pick(&subnets)?.uses.first()?.clone();
        let book = self.book();
        let there = book.thing(&network)?.standing == Standing::There;
        there.then_some(network)
    }

    /// Writes down how a create ended; the id of what was made.
    pub(super) fn keep(
        &self,
        reply: &Reply,
        key: &str,
        kind: Kind,
        name: &str,
        uses: &[String],
    ) -> Option<String> {
        let mut book = self.book();
        if !reply.ok() {
            book.unmade(kind, name, uses, reply.wish());
            return None;
        }
        let id = reply.text(&format!("/{key}/id")).to_owned();
        if id.is_empty() {
            self.run
                .finding(&format!("created without an id; {}", reply.story));
            book.unmade(kind, name, uses, Wish::Unclear);
            return None;
        }
        book.made(Thing {
            kind,
            id: id.clone(),
            pod: None,
            uses: uses.to_vec(),
            standing: Standing::There,
            ready: kind.goes_at_once(),
            holder: Holder::Nobody,
        });
        Some(id)
    }
}
