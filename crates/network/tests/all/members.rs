//! Security groups whose members are in two pods.

use serde_json::Value;
use tricircle_db::models::{
    Network as NetworkRow, PortChange, RealizationKind, SECURITY_GROUP_MEMBERS, SecurityGroup,
    SecurityGroupRule, egress_rules,
};
use tricircle_jobs::JobState;
use tricircle_jobs::testing::run_to_the_end;
use tricircle_network::routers::InterfaceWish;
use tricircle_pod_sim::SimPod;

use crate::jobs::finish_all;
use crate::world::{POD1, POD2, World, is_clean, on};

/// A group of which a rule admits its own members.
async fn group(world: &World, name: &str) -> SecurityGroup {
    let group = SecurityGroup::new(&world.cloud.project_id("demo"), name, "");
    let mut rules = egress_rules(&group);
    let mut own = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
    own.remote_group_id = Some(group.id.clone());
    rules.push(own.signed());
    world
        .store()
        .security_group_create(&group, &rules, -1)
        .await
        .unwrap();
    group
}

/// A server's port in a pod; its address.
async fn server(
    world: &World,
    network: &NetworkRow,
    pod: &str,
    intent: &str,
    group: &str,
) -> String {
    let who = world.actor("demo");
    let groups = [group.to_owned()];
    let wanted = on(&network.id);
    let plan = world.network.plan(&who, &wanted, &groups).await.unwrap();
    let ports = world.network.allocate(&plan, intent, "az").await.unwrap();
    world.network.realize_ports(pod, &ports).await.unwrap();
    let view = world.store().port_by_id(&ports[0].id).await.unwrap();
    view.unwrap().fixed_ips[0].ip_address.clone()
}

/// The addresses in the only address group of a pod.
fn told(pod: &SimPod) -> Vec<String> {
    let groups = pod.inventory().address_groups;
    assert!(groups.len() <= 1, "{groups:?}");
    let Some(group) = groups.first() else {
        return Vec::new();
    };
    let mut all: Vec<String> = group.detail["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|net| net.as_str().unwrap().to_owned())
        .collect();
    all.sort();
    all
}

/// What rules of a group in a pod say of the other side: a key of the rule.
async fn remotes(world: &World, pod: &SimPod, group: &str, key: &str) -> Vec<Value> {
    let found = pod.inventory().security_groups;
    let group = found.iter().find(|item| item.name == group).unwrap();
    let token = world.cloud.token("admin", "admin").await.unwrap();
    let url = format!("{}/v2.0/security-groups/{}", pod.neutron_url(), group.id);
    let shown = crate::world::get(&url, &token).await;
    let rules = shown["security_group"]["security_group_rules"].as_array();
    let values = rules.unwrap().iter().map(|rule| rule[key].clone());
    values.filter(|value| !value.is_null()).collect()
}

#[tokio::test]
async fn each_pod_admits_the_members_of_the_other_until_they_are_gone() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    group(&world, "web").await;
    let first = server(&world, &network, POD1, "i1", "web").await;
    finish_all(&world).await;
    assert_eq!(told(&world.pod1), Vec::<String>::new(), "nobody elsewhere");
    let second = server(&world, &network, POD2, "i2", "web").await;
    finish_all(&world).await;
    assert_eq!(told(&world.pod1), [format!("{second}/32")]);
    assert_eq!(told(&world.pod2), [format!("{first}/32")]);
    for pod in [&world.pod1, &world.pod2] {
        let list = &pod.inventory().address_groups[0].id;
        let named = remotes(&world, pod, "web", "remote_address_group_id").await;
        assert_eq!(named, [list.as_str()]);
        let own = remotes(&world, pod, "web", "remote_group_id").await;
        assert_eq!(own.len(), 1, "and its own members as before");
    }

    // One more costs one change; nothing else is touched.
    world.pod1.clear_journal();
    let third = server(&world, &network, POD2, "i3", "web").await;
    finish_all(&world).await;
    let mut both = [format!("{second}/32"), format!("{third}/32")];
    both.sort();
    assert_eq!(told(&world.pod1), both);
    let writes = world.pod1.journal();
    let writes: Vec<_> = writes.iter().filter(|call| call.method != "GET").collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].path.ends_with("/add_addresses"));

    for intent in ["i2", "i3"] {
        world.network.release(intent, POD2).await.unwrap();
    }
    finish_all(&world).await;
    assert_eq!(told(&world.pod1), Vec::<String>::new());
    assert!(world.pod1.inventory().address_groups.is_empty());
    let named = remotes(&world, &world.pod1, "web", "remote_address_group_id").await;
    assert!(named.is_empty());
}

#[tokio::test]
async fn a_member_that_changes_its_groups_is_one_no_more() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let web = group(&world, "web").await;
    server(&world, &network, POD1, "i1", "web").await;
    let second = server(&world, &network, POD2, "i2", "web").await;
    finish_all(&world).await;
    assert_eq!(told(&world.pod1), [format!("{second}/32")]);
    let members = world.store().group_members(&web.id).await.unwrap();
    let member = members
        .iter()
        .find(|member| member.addresses == [second.clone()])
        .unwrap();
    let change = PortChange::default();
    world
        .network
        .update_port(&member.port_id, &change, None, Some(&[]), None, "")
        .await
        .unwrap();
    // One job for each pod. The port's own is not due yet.
    let kinds = world.network.job_kinds();
    let kind = kinds.get(SECURITY_GROUP_MEMBERS).unwrap();
    for _ in [POD1, POD2] {
        let end = run_to_the_end(world.store(), kind.as_ref()).await.unwrap();
        assert_eq!(end, JobState::Done);
    }
    assert!(world.pod1.inventory().address_groups.is_empty());
}

#[tokio::test]
async fn a_pod_without_address_groups_gets_a_rule_for_each_member() {
    let world = World::new().await;
    world.pod1.set_extension("address-group", false);
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    group(&world, "web").await;
    server(&world, &network, POD1, "i1", "web").await;
    let mut seconds = Vec::new();
    for intent in ["i2", "i3"] {
        let address = server(&world, &network, POD2, intent, "web").await;
        seconds.push(format!("{address}/32"));
        finish_all(&world).await;
        let mut spelled = remotes(&world, &world.pod1, "web", "remote_ip_prefix").await;
        spelled.sort_by_key(ToString::to_string);
        seconds.sort();
        assert_eq!(spelled, seconds);
    }
    for intent in ["i2", "i3"] {
        world.network.release(intent, POD2).await.unwrap();
    }
    finish_all(&world).await;
    let spelled = remotes(&world, &world.pod1, "web", "remote_ip_prefix").await;
    assert!(spelled.is_empty(), "{spelled:?}");
}

#[tokio::test]
async fn networks_that_nothing_joins_do_not_count_until_a_router_does() {
    let world = World::new().await;
    let (net1, sub1) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let (net2, sub2) = world.network_with_subnet("vlan", "10.0.2.0/24").await;
    group(&world, "web").await;
    server(&world, &net1, POD1, "i1", "web").await;
    let second = server(&world, &net2, POD2, "i2", "web").await;
    finish_all(&world).await;
    assert!(world.pod1.inventory().address_groups.is_empty());

    let draft = tricircle_db::models::Router {
        project_id: world.cloud.project_id("demo"),
        name: "r1".to_owned(),
        ..Default::default()
    };
    let router = world.network.create_router(&draft, None, "").await.unwrap();
    let who = world.actor("demo");
    for subnet in [&sub1, &sub2] {
        let wish = InterfaceWish::Subnet(subnet.id.clone());
        let added = world.network.add_interface(&who, &router.router.id, &wish);
        added.await.unwrap();
    }
    finish_all(&world).await;
    assert_eq!(told(&world.pod1), [format!("{second}/32")]);
}

#[tokio::test]
async fn a_group_leaves_nothing_of_its_members_in_pods() {
    let world = World::new().await;
    let (network, _) = world.network_with_subnet("vlan", "10.0.1.0/24").await;
    let web = group(&world, "web").await;
    for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
        server(&world, &network, pod, intent, "web").await;
    }
    finish_all(&world).await;
    assert_eq!(world.pod1.inventory().address_groups.len(), 1);
    for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
        world.network.release(intent, pod).await.unwrap();
    }
    // At once, before the jobs of the ports have seen to it.
    let deleted = world
        .network
        .delete_security_group(&web.id, false, None, "");
    deleted.await.unwrap();
    world
        .network
        .delete_network(&network.id, None, "")
        .await
        .unwrap();
    finish_all(&world).await;
    is_clean(&world.pod1.inventory());
    is_clean(&world.pod2.inventory());
    let kind = RealizationKind::AddressGroup;
    let rows = world.store().realizations_of(kind, &web.id).await.unwrap();
    assert!(rows.is_empty());
}
