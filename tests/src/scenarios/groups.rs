//! Security groups whose members are in two pods.

use serde_json::{Value, json};

use crate::http::{list, string};
use crate::identity::Region;
use crate::resources::LIMIT;
use crate::wait::until;
use crate::world::World;

/// A rule that admits the members of a group admits those in the other pod too: the pod
/// has their addresses, as long as they are there.
pub async fn members_in_two_pods(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "joined", "10.0.7.0/24")
        .await;
    let body = json!({"security_group": {"name": world.name("web")}});
    let body = demo.network.post("/security-groups", body).await;
    let group = string(&body.expect(201), "/security_group/id");
    let rule = json!({"security_group_rule": {
        "security_group_id": group, "direction": "ingress", "remote_group_id": group,
    }});
    let made = demo.network.post("/security-group-rules", rule).await;
    made.expect(201);

    let mut servers = Vec::new();
    for place in 0..2 {
        let networks = json!([{"uuid": network}]);
        let mut body = world.server_body("member", world.zone(place), networks);
        body["server"]["security_groups"] = json!([{"name": world.name("web")}]);
        let body = demo.compute.post("/servers", body).await.expect(202);
        let id = string(&body, "/server/id");
        demo.wait_server(&id, "ACTIVE").await;
        let ports = demo.ports_of(&id).await;
        let address = string(&ports[0], "/fixed_ips/0/ip_address");
        servers.push((id, format!("{address}/32")));
    }
    for (place, other) in [(0, 1), (1, 0)] {
        let pod = world.pod(place, "admin", "admin").await;
        told(&pod, &group, &[&servers[other].1]).await;
        let (list, rules) = (
            address_groups(&pod, &group).await,
            rules(&pod, &group).await,
        );
        let named = |rule: &&Value| rule["remote_address_group_id"] == list[0]["id"];
        assert_eq!(rules.iter().filter(named).count(), 1, "{rules:?}");
    }

    demo.delete_server(&servers[1].0).await;
    let pod = world.pod(0, "admin", "admin").await;
    told(&pod, &group, &[]).await;
    demo.delete_server(&servers[0].0).await;
    let path = format!("/security-groups/{group}");
    demo.network.delete(&path).await.expect(204);
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

/// The address groups of a pod that tell it of a group's members.
async fn address_groups(pod: &Region, group: &str) -> Vec<Value> {
    let path = format!("/address-groups?description=tricircle:{group}");
    let body = pod.network.get(&path).await.expect(200);
    list(&body, "/address_groups").clone()
}

/// The rules of a group in a pod.
async fn rules(pod: &Region, group: &str) -> Vec<Value> {
    let path = format!("/security-groups?description=tricircle:{group}");
    let body = pod.network.get(&path).await.expect(200);
    list(&body, "/security_groups/0/security_group_rules").clone()
}

/// Waits until a pod has these addresses of a group's members elsewhere, and no others,
/// and its rules name them.
async fn told(pod: &Region, group: &str, addresses: &[&str]) {
    until(
        LIMIT,
        &format!("{} told of {addresses:?}", pod.name),
        || async {
            let found = address_groups(pod, group).await;
            let have: Vec<&str> = found
                .iter()
                .filter_map(|one| one["addresses"].as_array())
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let rules = rules(pod, group).await;
            let is_named = rules
                .iter()
                .any(|rule| rule["remote_address_group_id"].is_string());
            match have == addresses && is_named != addresses.is_empty() {
                true => Ok(()),
                false => Err(format!("{found:?} {rules:?}")),
            }
        },
    )
    .await;
}
