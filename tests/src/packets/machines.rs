//! Servers, networks and groups, made through the top; and where a server is.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::Stage;
use super::place::Place;
use crate::http::{list, string};
use crate::identity::Region;
use crate::scenarios::main_job::addresses;

/// A server that can be gone into.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its id, at the top and in its pod.
    pub id: String,
    /// The place of its pod in the world.
    pub pod: usize,
    /// Its fixed address.
    pub address: Ipv4Addr,
    /// Its port at the top.
    pub port: String,
    /// The MAC address of that port.
    pub mac: String,
    /// Its inside.
    pub place: Place,
}

/// A rule for what comes in, by IPv4.
pub fn ingress(protocol: &str) -> Value {
    json!({"direction": "ingress", "ethertype": "IPv4", "protocol": protocol})
}

impl Stage {
    /// A security group of the user, with these rules beside those that every new group
    /// has; its id.
    pub async fn group(&self, user: &Region, name: &str, rules: &[Value]) -> String {
        let body = json!({"security_group": {"name": self.world.name(name)}});
        let body = user.network.post("/security-groups", body).await;
        let group = string(&body.expect(201), "/security_group/id");
        for rule in rules {
            self.rule(user, &group, rule.clone()).await;
        }
        group
    }

    /// A group that lets pings and TCP in from anywhere.
    pub async fn open_group(&self, user: &Region, name: &str) -> String {
        self.group(user, name, &[ingress("icmp"), ingress("tcp")])
            .await
    }

    /// One more rule of a group; its id.
    pub async fn rule(&self, user: &Region, group: &str, mut rule: Value) -> String {
        rule["security_group_id"] = json!(group);
        let body = json!({ "security_group_rule": rule });
        let body = user.network.post("/security-group-rules", body).await;
        string(&body.expect(201), "/security_group_rule/id")
    }

    /// Asks for a server in a pod, in one group and on one network; its id.
    pub async fn order(
        &self,
        user: &Region,
        name: &str,
        pod: usize,
        network: &str,
        group: &str,
    ) -> String {
        let networks = json!([{"uuid": network}]);
        let mut body = self.world.server_body(name, self.world.zone(pod), networks);
        body["server"]["security_groups"] = json!([{"name": group}]);
        let body = user.compute.post("/servers", body).await.expect(202);
        string(&body, "/server/id")
    }

    /// Waits for a server that was ordered.
    pub async fn machine(&self, user: &Region, id: &str, pod: usize) -> Machine {
        let server = user.wait_server(id, "ACTIVE").await;
        let ports = user.ports_of(id).await;
        assert_eq!(ports.len(), 1, "{ports:?}");
        Machine {
            id: id.to_owned(),
            pod,
            address: addresses(&server)[0].1,
            port: string(&ports[0], "/id"),
            mac: string(&ports[0], "/mac_address"),
            place: self.inside.namespace(pod, &format!("vm-{id}")),
        }
    }

    /// Servers by (name, pod, network), all in one group, made at the same time.
    pub async fn machines<const N: usize>(
        &self,
        user: &Region,
        group: &str,
        wanted: [(&str, usize, &str); N],
    ) -> [Machine; N] {
        let mut ids = Vec::new();
        for (name, pod, network) in wanted {
            ids.push((self.order(user, name, pod, network, group).await, pod));
        }
        let mut machines = Vec::new();
        for (id, pod) in &ids {
            machines.push(self.machine(user, id, *pod).await);
        }
        machines.try_into().unwrap()
    }

    /// Deletes servers and waits until they are gone.
    pub async fn delete_machines(&self, user: &Region, machines: &[&Machine]) {
        for machine in machines {
            let path = format!("/servers/{}", machine.id);
            user.compute.delete(&path).await.expect(204);
        }
        for machine in machines {
            user.wait_server_gone(&machine.id).await;
        }
    }

    /// Deletes groups.
    pub async fn delete_groups(&self, user: &Region, groups: &[&str]) {
        for group in groups {
            let path = format!("/security-groups/{group}");
            user.network.delete(&path).await.expect(204);
        }
    }

    /// What a thing of the top is in a pod, as the pod's administrator sees it.
    pub async fn bottom(&self, pod: usize, collection: &str, top: &str) -> Vec<Value> {
        let admin = self.world.pod(pod, "admin", "admin").await;
        let path = format!("/{collection}?description=tricircle:{top}");
        let key = format!("/{}", collection.replace('-', "_"));
        list(&admin.network.get(&path).await.expect(200), &key).clone()
    }
}
