//! Security groups in pods.

use serde_json::Value;
use tricircle_db::models::{RealizationKind, SecurityGroup, SecurityGroupRule, egress_rules};
use tricircle_pod_sim::SimPod;

use crate::world::{POD1, World, get, on};

fn group_in(pod: &SimPod, project: &str, name: &str) -> Option<Value> {
    let found = pod.inventory().security_groups;
    let group = found
        .iter()
        .find(|group| group.name == name && group.project_id == project)?;
    Some(group.detail.clone())
}

async fn rules_in(world: &World, project: &str, name: &str) -> Vec<Value> {
    let group = group_in(&world.pod1, project, name).unwrap();
    let token = world.cloud.token("admin", "admin").await.unwrap();
    let id = group["id"].as_str().unwrap();
    let url = format!("{}/v2.0/security-groups/{id}", world.pod1.neutron_url());
    let found = get(&url, &token).await;
    let rules = &found["security_group"]["security_group_rules"];
    rules.as_array().unwrap().clone()
}

async fn server_in(world: &World, network_id: &str, groups: &[&str]) {
    let who = world.actor("demo");
    let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
    let plan = world
        .network
        .plan(&who, &on(network_id), &groups)
        .await
        .unwrap();
    let intent = uuid::Uuid::new_v4().to_string();
    let ports = world.network.allocate(&plan, &intent, "az1").await.unwrap();
    world.network.realize_ports(POD1, &ports).await.unwrap();
}

#[tokio::test]
async fn the_default_group_is_the_pods_own_with_the_tops_rules() {
    let world = World::new().await;
    let project = world.cloud.project_id("demo");
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let default = world
        .store()
        .default_security_group(&project)
        .await
        .unwrap();
    let mut ssh = SecurityGroupRule::allow_all(&default.group, "ingress", "IPv4");
    ssh.protocol = Some("tcp".to_owned());
    ssh.port_range_min = Some(22);
    ssh.port_range_max = Some(22);
    world
        .network
        .create_rules(std::slice::from_ref(&ssh))
        .await
        .unwrap();
    server_in(&world, &network.id, &[]).await;
    let port = world.pod1.inventory().ports[0].detail.clone();
    let group = group_in(&world.pod1, &project, "default").unwrap();
    assert_eq!(port["security_groups"][0], group["id"]);
    let rules = rules_in(&world, &project, "default").await;
    assert_eq!(rules.len(), 5);
    assert!(rules.iter().any(|rule| rule["port_range_min"] == 22));

    // A change later reaches the pod; the pod's own four stay untouched.
    let before: Vec<Value> = rules.iter().map(|rule| rule["id"].clone()).collect();
    world.network.delete_rule(&ssh.id).await.unwrap();
    world
        .network
        .push(RealizationKind::SecurityGroup, &default.group.id, "")
        .await
        .unwrap();
    let after = rules_in(&world, &project, "default").await;
    assert_eq!(after.len(), 4);
    assert!(after.iter().all(|rule| before.contains(&rule["id"])));
}

#[tokio::test]
async fn groups_that_name_each_other_are_made_together() {
    let world = World::new().await;
    let project = world.cloud.project_id("demo");
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let mut groups = Vec::new();
    for name in ["web", "db"] {
        let group = SecurityGroup::new(&project, name, "");
        let rules = egress_rules(&group);
        world
            .store()
            .security_group_create(&group, &rules, -1)
            .await
            .unwrap();
        groups.push(group);
    }
    for (at, from) in [(0, 1), (1, 0)] {
        let mut rule = SecurityGroupRule::allow_all(&groups[at], "ingress", "IPv4");
        rule.remote_group_id = Some(groups[from].id.clone());
        world.network.create_rules(&[rule]).await.unwrap();
    }
    server_in(&world, &network.id, &["web"]).await;
    let web = group_in(&world.pod1, &project, "web").unwrap();
    let db = group_in(&world.pod1, &project, "db").unwrap();
    for (name, from) in [("web", &db), ("db", &web)] {
        let rules = rules_in(&world, &project, name).await;
        let ingress: Vec<&Value> = rules
            .iter()
            .filter(|rule| rule["direction"] == "ingress")
            .collect();
        assert_eq!(rules.len(), 3);
        assert_eq!(ingress.len(), 1);
        assert_eq!(ingress[0]["remote_group_id"], from["id"]);
    }
    let mark = format!("tricircle:{}", groups[0].id);
    assert_eq!(web["description"], mark.as_str());
}
