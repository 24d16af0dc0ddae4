//! What a world has left in its pods and at its top: for "and nothing of it is left".

use std::collections::BTreeSet;

use serde_json::Value;

use crate::http::{Client, list};
use crate::resources::LIMIT;
use crate::wait::until;
use crate::world::World;

/// What Tricircle writes into the description of everything that it makes in a pod's
/// Neutron.
const MARK: &str = "tricircle:";

/// Things of the top that stay in a pod once they were needed there: a flavor may be
/// used by the next server, and a project's default group is the pod's own.
const MAY_STAY: [&str; 3] = ["flavor", "keypair", "security_group"];

/// Everything of this world in the pods, and everything at the top that is of a resource
/// or still to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// `pod kind id name`
    pub in_pods: BTreeSet<String>,
    /// Routings of resources that are not gone, and realizations.
    pub rows: BTreeSet<String>,
    /// Jobs that are not over.
    pub jobs: BTreeSet<String>,
}

impl Inventory {
    /// What is here and not there.
    pub fn beyond(&self, other: &Self) -> Self {
        let less = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
        Self {
            in_pods: less(&self.in_pods, &other.in_pods),
            rows: less(&self.rows, &other.rows),
            jobs: less(&self.jobs, &other.jobs),
        }
    }
}

impl World {
    /// What there is now. Servers and volumes count by their names, which hold the
    /// world's tag; network resources of pods by Tricircle's mark, because a port need
    /// not have a name.
    pub async fn inventory(&self) -> Inventory {
        let mut inventory = Inventory::default();
        for place in 0..self.pods.len() {
            let pod = self.pod(place, "admin", "admin").await;
            let mut add =
                |kind: &str, items: &[Value], counts: &dyn Fn(&Value) -> bool| {
                    let of_pod = items.iter().filter(|item| counts(item));
                    inventory.in_pods.extend(of_pod.map(|item| {
                        format!("{} {kind} {} {}", pod.name, item["id"], item["name"])
                    }));
                };
            let named = |item: &Value| contains(item, "name", &self.tag);
            let marked = |item: &Value| contains(item, "description", MARK);
            let servers = all(&pod.compute, "/servers?all_tenants=1", "/servers").await;
            add("server", &servers, &named);
            let volumes = all(&pod.volume, "/volumes?all_tenants=1", "/volumes").await;
            add("volume", &volumes, &named);
            for (kind, path, key) in [
                ("network", "/networks", "/networks"),
                ("subnet", "/subnets", "/subnets"),
                ("port", "/ports", "/ports"),
                ("security group", "/security-groups", "/security_groups"),
                ("router", "/routers", "/routers"),
                ("floating IP", "/floatingips", "/floatingips"),
                ("address group", "/address-groups", "/address_groups"),
            ] {
                let items = all(&pod.network, path, key).await;
                add(kind, &items, &marked);
            }
        }
        let top = self.admin().await.admin;
        let rows = all(&top, "/routings", "/routings").await;
        inventory.rows = rows
            .iter()
            .filter(|row| {
                let kind = row["resource_type"].as_str().unwrap_or_default();
                let state = row["state"].as_str().unwrap_or_default();
                !MAY_STAY.contains(&kind) && !["deleted", "failed"].contains(&state)
            })
            .map(|row| {
                format!(
                    "{} {} {} {}",
                    row["resource_type"], row["top_id"], row["region_name"], row["state"]
                )
            })
            .collect();
        let jobs = all(&top, "/jobs", "/jobs").await;
        inventory.jobs = jobs
            .iter()
            .filter(|job| {
                let state = job["state"].as_str().unwrap_or_default();
                !["done", "undone", "cancelled"].contains(&state)
            })
            .map(|job| {
                format!(
                    "{} {} {} {}",
                    job["kind"], job["resource_id"], job["state"], job["last_error"]
                )
            })
            .collect();
        inventory
    }

    /// Waits until there is nothing that was not there `before`: in no pod, in no row,
    /// in no job.
    pub async fn nothing_left_since(&self, before: &Inventory) {
        until(LIMIT, "nothing left", || async {
            let left = self.inventory().await.beyond(before);
            if left == Inventory::default() {
                Ok(())
            } else {
                Err(format!("{left:#?}"))
            }
        })
        .await;
    }
}

fn contains(item: &Value, key: &str, text: &str) -> bool {
    item[key].as_str().is_some_and(|value| value.contains(text))
}

/// One page, which has to be all there is.
async fn all(client: &Client, path: &str, key: &str) -> Vec<Value> {
    let body = client.get(path).await.expect(200);
    assert!(
        body.get(format!("{}_links", &key[1..])).is_none(),
        "more than a page at {path}"
    );
    list(&body, key).clone()
}
