//! After a scenario that failed: what the pods looked like, to be read in the test's
//! output, and a sweep of what it made, so that the next scenario is not about that.
#![allow(clippy::print_stderr)]

use serde_json::{Value, json};

use super::Stage;
use super::place::Place;
use crate::identity::{Api, Region};
use crate::wait::eventually;

/// What each router of a pod is asked for.
const ROUTER_QUESTIONS: [&[&str]; 3] = [
    &["ip", "-br", "addr"],
    &["ip", "route"],
    &["iptables-save", "-t", "nat"],
];
/// What Tricircle made in a pod's Neutron.
const COLLECTIONS: [&str; 7] = [
    "routers",
    "networks",
    "subnets",
    "ports",
    "floatingips",
    "security-groups",
    "address-groups",
];

/// Prints what is in the pods: what Tricircle made in their Neutrons, and the insides of
/// their routers.
pub async fn report(stage: &Stage) {
    for pod in 0..stage.world.pods.len() {
        let admin = stage.world.pod(pod, "admin", "admin").await;
        for collection in COLLECTIONS {
            let answer = admin.network.get(&format!("/{collection}")).await;
            let key = collection.replace('-', "_");
            let items = answer.body[&key].as_array().into_iter().flatten();
            for item in items.filter(|item| marked(item)) {
                eprintln!("{} {key} {item}", admin.name);
            }
        }
        let host = stage.inside.host(pod);
        let namespaces = output(&host, &["ip", "netns", "list"]).await;
        let names = namespaces
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        for name in names {
            let place = stage.inside.namespace(pod, name);
            let questions = if name.starts_with("qrouter-") {
                &ROUTER_QUESTIONS[..]
            } else {
                &ROUTER_QUESTIONS[..2]
            };
            for question in questions {
                let answer = output(&place, question).await;
                eprintln!("{}: {}\n{answer}", place.name, question.join(" "));
            }
        }
    }
    let jobs = stage.world.admin().await.admin.get("/jobs").await;
    for job in jobs.body["jobs"].as_array().into_iter().flatten() {
        if job["state"] != "done" && job["state"] != "cancelled" {
            eprintln!("job {job}");
        }
    }
}

fn marked(item: &Value) -> bool {
    // Ports of routers, of floating IPs and of DHCP have no mark of their own.
    let text = item["description"].as_str().unwrap_or_default();
    let owner = item["device_owner"].as_str().unwrap_or_default();
    text.starts_with("tricircle:") || owner.starts_with("network:")
}

async fn output(place: &Place, command: &[&str]) -> String {
    let done = place.run(command).await;
    String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
}

/// Deletes at the top whatever the world's tag is on. What refuses is named and left.
pub async fn sweep(stage: &Stage) {
    let tag = &stage.world.tag;
    let users = [stage.world.demo().await, stage.world.admin().await];
    for user in &users {
        remove(user, Api::Network, "floatingips", tag).await;
        for router in found(user, Api::Network, "routers", tag).await {
            empty_router(user, &router).await;
        }
    }
    for user in &users {
        for (api, collection) in [
            (Api::Compute, "servers"),
            (Api::Network, "routers"),
            (Api::Network, "ports"),
            (Api::Network, "networks"),
            (Api::Network, "security-groups"),
        ] {
            remove(user, api, collection, tag).await;
        }
    }
}

/// Ids of the user's own things whose name or description has the tag.
async fn found(user: &Region, api: Api, collection: &str, tag: &str) -> Vec<String> {
    let answer = user.api(api).get(&format!("/{collection}")).await;
    let key = collection.replace('-', "_");
    let has_tag = |item: &&Value| {
        // Servers say whose they are when they are shown, and lists hold only one's own.
        let foreign = item["project_id"]
            .as_str()
            .is_some_and(|project| project != user.project_id);
        let texts = ["name", "description"].iter();
        let mut texts = texts.filter_map(|key| item[*key].as_str());
        !foreign && texts.any(|text| text.contains(tag))
    };
    let items = answer.body[&key].as_array().into_iter().flatten();
    items
        .filter(has_tag)
        .filter_map(|item| item["id"].as_str().map(str::to_owned))
        .collect()
}

async fn empty_router(user: &Region, router: &str) {
    let path = format!("/routers/{router}");
    let body = json!({"router": {"routes": [], "external_gateway_info": {}}});
    user.network.put(&path, body).await;
    let ports = format!("/ports?device_id={router}&device_owner=network:router_interface");
    let ports = user.network.get(&ports).await;
    for port in ports.body["ports"].as_array().into_iter().flatten() {
        let body = json!({"port_id": port["id"]});
        let path = format!("{path}/remove_router_interface");
        user.network.put(&path, body).await;
    }
}

/// Deletes until none is found any more: what is in use gets free when that is gone.
async fn remove(user: &Region, api: Api, collection: &str, tag: &str) {
    let swept = eventually(std::time::Duration::from_secs(30), || async {
        let left = found(user, api, collection, tag).await;
        let mut refused = String::new();
        for id in &left {
            let answer = user.api(api).delete(&format!("/{collection}/{id}")).await;
            refused = answer.text;
        }
        if left.is_empty() {
            Ok(())
        } else {
            Err(refused)
        }
    })
    .await;
    if let Err(reason) = swept {
        eprintln!("{collection} of {tag} are left: {reason}");
    }
}
