//! The same in real pods: `Pod1` and `Pod2` of the Keystone that `TRICIRCLE_REAL_CLOUD`
//! names. Its administrator is `OS_USERNAME`, `OS_PASSWORD` in `OS_PROJECT_NAME`.

use std::env::var;
use std::sync::Arc;

use serde_json::Value;
use tricircle_config::{Config, SecretString};
use tricircle_db::models::{SecurityGroup, SecurityGroupRule, egress_rules};
use tricircle_db::testing::TestStore;
use tricircle_keystone::Keystone;
use tricircle_network::{Actor, Network, RequestedNetworks};
use tricircle_pods::{PodSession, Pods, Service};

use crate::jobs::finish_jobs;
use crate::world::{POD1, POD2, network_with_subnet, on, process, register};

/// A configuration for the real cloud, where there is one.
fn real() -> Option<Config> {
    let url = var("TRICIRCLE_REAL_CLOUD").ok()?;
    let mut config = Config::default();
    let keystone = &mut config.keystone_authtoken;
    keystone.auth_url = url;
    keystone.username = var("OS_USERNAME").unwrap_or_else(|_| "admin".to_owned());
    keystone.project_name = var("OS_PROJECT_NAME").unwrap_or_else(|_| "admin".to_owned());
    keystone.password = SecretString::from(
        var("OS_PASSWORD")
            .or_else(|_| var("TRICIRCLE_REAL_PASSWORD"))
            .unwrap_or_else(|_| "secret".to_owned()),
    );
    // Away from the ranges that others use on these pods.
    config.tricircle.network_vlan_ranges = vec!["physnet1:2900:2950".parse().unwrap()];
    Some(config)
}

async fn list(session: &PodSession, collection: &str, mark: &str) -> Vec<Value> {
    let path = format!("/{collection}?description=tricircle:{mark}");
    let answer = session.get_json(Service::Network, &path).await.unwrap();
    let key = collection.replace('-', "_");
    answer[key.as_str()].as_array().unwrap().clone()
}

async fn two_groups(network: &Network, project: &str) -> Vec<SecurityGroup> {
    let mut groups = Vec::new();
    for name in ["web", "db"] {
        let group = SecurityGroup::new(project, name, "");
        let rules = egress_rules(&group);
        let store = network.store();
        store
            .security_group_create(&group, &rules, -1)
            .await
            .unwrap();
        groups.push(group);
    }
    for (at, from) in [(0, 1), (1, 0)] {
        let mut rule = SecurityGroupRule::allow_all(&groups[at], "ingress", "IPv4");
        rule.protocol = Some("tcp".to_owned());
        rule.port_range_min = Some(22);
        rule.port_range_max = Some(23);
        rule.remote_group_id = Some(groups[from].id.clone());
        network.create_rules(&[rule]).await.unwrap();
    }
    groups
}

#[tokio::test]
async fn real_pods_get_one_network_and_are_clean_afterwards() {
    let Some(config) = real() else {
        return;
    };
    let config = Arc::new(config);
    let db = TestStore::sqlite().await.unwrap();
    register(&db.store, POD1, "Pod1", "az1").await;
    register(&db.store, POD2, "Pod2", "az2").await;
    let network = process(&db.store, &config).await;
    let keystone = Keystone::new(&config.keystone_authtoken).unwrap();
    let own = keystone.service_token().await.unwrap();
    let who = Actor {
        project_id: own.token.project.as_ref().unwrap().id.clone(),
        ..Actor::default()
    };
    let pods = Pods::new(db.store.clone(), keystone, config.clone()).unwrap();
    pods.refresh().await.unwrap();

    let (net, subnet) =
        network_with_subnet(&network, &who.project_id, "vlan", "10.77.1.0/24").await;
    let groups = two_groups(&network, &who.project_id).await;
    let names = ["web".to_owned(), "default".to_owned()];
    let requested: RequestedNetworks = on(&net.id);
    let mut addresses = Vec::new();
    for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
        let plan = network.plan(&who, &requested, &names).await.unwrap();
        let ports = network.allocate(&plan, intent, "az1").await.unwrap();
        let realized = network.realize_ports(pod, &ports).await.unwrap();
        let session = pods.admin(pod, "").unwrap();
        let nets = list(&session, "networks", &net.id).await;
        assert_eq!(nets.len(), 1);
        assert_eq!(
            nets[0]["provider:segmentation_id"],
            net.segmentation_id.unwrap()
        );
        let subnets = list(&session, "subnets", &subnet.id).await;
        addresses.push(subnets[0]["gateway_ip"].clone());
        let path = format!("/ports/{}", realized[0].bottom_id);
        let port = session.get_json(Service::Network, &path).await.unwrap();
        addresses.push(port["port"]["fixed_ips"][0]["ip_address"].clone());
        assert_eq!(port["port"]["security_groups"].as_array().unwrap().len(), 2);
        for group in &groups {
            let found = list(&session, "security-groups", &group.id).await;
            assert_eq!(found.len(), 1);
            let rules = found[0]["security_group_rules"].as_array().unwrap();
            assert_eq!(rules.len(), 3, "{rules:?}");
        }
        let seen = network.port_in_pod(&realized[0].top_id, "").await.unwrap();
        assert!(seen.unwrap().status().is_some());
    }
    let mut distinct = addresses.clone();
    distinct.sort_unstable_by_key(ToString::to_string);
    distinct.dedup();
    assert_eq!(distinct.len(), 4, "{addresses:?}");

    for (pod, intent) in [(POD1, "i1"), (POD2, "i2")] {
        network.release(intent, pod).await.unwrap();
    }
    for group in &groups {
        let ended = network
            .delete_security_group(&group.id, false, None, "")
            .await;
        ended.unwrap();
    }
    network.delete_network(&net.id, None, "").await.unwrap();
    finish_jobs(&network).await;
    for pod in [POD1, POD2] {
        let session = pods.admin(pod, "").unwrap();
        for collection in ["networks", "subnets"] {
            let id = if collection == "networks" {
                &net.id
            } else {
                &subnet.id
            };
            assert!(list(&session, collection, id).await.is_empty());
        }
        for group in &groups {
            assert!(
                list(&session, "security-groups", &group.id)
                    .await
                    .is_empty()
            );
        }
    }
    assert!(db.store.network_by_id(&net.id).await.unwrap().is_none());
}
