//! Security groups and rules.

use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

async fn rule(bed: &Bed, group: &str, more: Value) -> Answer {
    let mut rule = json!({"security_group_id": group, "direction": "ingress"});
    for (key, value) in more.as_object().unwrap() {
        rule[key] = value.clone();
    }
    bed.post(
        "demo",
        "/v2.0/security-group-rules",
        json!({ "security_group_rule": rule }),
    )
    .await
}

async fn group(bed: &Bed, name: &str) -> String {
    bed.post(
        "demo",
        "/v2.0/security-groups",
        json!({"security_group": {"name": name}}),
    )
    .await
    .id("security_group")
}

#[tokio::test]
async fn every_project_has_one_default_group_with_its_rules() {
    let bed = Bed::start().await;
    let list = bed.get("demo", "/v2.0/security-groups").await;
    let groups = list.of("security_groups").as_array().unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["name"], json!("default"));
    assert_eq!(groups[0]["description"], json!("Default security group"));
    let rules = groups[0]["security_group_rules"].as_array().unwrap();
    let from_members = rules.iter().filter(|rule| {
        rule["remote_group_id"] == groups[0]["id"] && rule["direction"] == "ingress"
    });
    assert_eq!((rules.len(), from_members.count()), (4, 2));
    let id = groups[0]["id"].as_str().unwrap();
    let path = format!("/v2.0/security-groups/{id}");
    let rename = json!({"security_group": {"name": "x"}});
    assert_eq!(
        bed.put("demo", &path, rename).await.said(),
        "409 SecurityGroupCannotUpdateDefault: Updating default security group not allowed."
    );
    assert_eq!(
        bed.delete("demo", &path).await.said(),
        "409 SecurityGroupCannotRemoveDefault: Insufficient rights for removing default security \
         group."
    );
    let second = json!({"security_group": {"name": "Default"}});
    assert_eq!(
        bed.post("demo", "/v2.0/security-groups", second)
            .await
            .kind(),
        "409 SecurityGroupDefaultAlreadyExists"
    );
}

#[tokio::test]
async fn a_new_group_lets_everything_out() {
    let bed = Bed::start().await;
    let id = group(&bed, "web").await;
    let seen = bed
        .get("demo", &format!("/v2.0/security-groups/{id}"))
        .await;
    let rules = seen.of("security_group")["security_group_rules"]
        .as_array()
        .unwrap();
    let mut kinds: Vec<String> = rules
        .iter()
        .map(|rule| format!("{} {}", rule["direction"], rule["ethertype"]))
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["\"egress\" \"IPv4\"", "\"egress\" \"IPv6\""]);
}

#[tokio::test]
async fn rules_are_checked_and_none_is_made_twice() {
    let bed = Bed::start().await;
    let id = group(&bed, "web").await;
    let made = rule(
        &bed,
        &id,
        json!({"protocol": "tcp", "port_range_min": 22, "port_range_max": "22"}),
    )
    .await;
    assert_eq!(made.code, 201);
    let first = made.id("security_group_rule");
    assert_eq!(made.of("security_group_rule")["port_range_max"], json!(22));
    let again = rule(
        &bed,
        &id,
        json!({"protocol": 6, "port_range_min": 22, "port_range_max": 22}),
    )
    .await;
    assert_eq!(
        again.said(),
        format!(
            "409 SecurityGroupRuleExists: Security group rule already exists. Rule id is {first}."
        )
    );
    for (more, kind) in [
        (
            json!({"security_group_id": "x"}),
            "404 SecurityGroupNotFound",
        ),
        (json!({"remote_group_id": "x"}), "404 SecurityGroupNotFound"),
        (
            json!({"protocol": "x"}),
            "400 SecurityGroupRuleInvalidProtocol",
        ),
        (
            json!({"port_range_min": 1}),
            "400 SecurityGroupProtocolRequiredWithPorts",
        ),
        (
            json!({"protocol": "tcp", "port_range_min": 80, "port_range_max": 22}),
            "400 SecurityGroupInvalidPortRange",
        ),
        (
            json!({"protocol": "icmp", "port_range_max": 8}),
            "400 SecurityGroupMissingIcmpType",
        ),
        (
            json!({"ethertype": "x"}),
            "400 SecurityGroupRuleInvalidEtherType",
        ),
        (
            json!({"remote_ip_prefix": "fe80::/64"}),
            "400 SecurityGroupRuleParameterConflict",
        ),
        (
            json!({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": id}),
            "400 SecurityGroupMultipleRemoteEntites",
        ),
    ] {
        assert_eq!(rule(&bed, &id, more).await.kind(), kind);
    }
    let twice = json!({"security_group_rules": [
        {"security_group_id": id, "direction": "ingress", "protocol": "udp"},
        {"security_group_id": id, "direction": "ingress", "protocol": "17"},
    ]});
    assert_eq!(
        bed.post("demo", "/v2.0/security-group-rules", twice)
            .await
            .said(),
        "409 DuplicateSecurityGroupRuleInPost: Duplicate Security Group Rule in POST."
    );
    let path = format!("/v2.0/security-group-rules?security_group_id={id}");
    assert_eq!(
        bed.ids("demo", &path, "security_group_rules").await.len(),
        3
    );
}

#[tokio::test]
async fn rules_show_as_sent_and_normalized() {
    let bed = Bed::start().await;
    let id = group(&bed, "web").await;
    let made = rule(
        &bed,
        &id,
        json!({"remote_ip_prefix": "10.0.0.5/24", "protocol": "17"}),
    )
    .await;
    let shown = made.of("security_group_rule");
    assert_eq!(shown["remote_ip_prefix"], json!("10.0.0.5/24"));
    assert_eq!(shown["normalized_cidr"], json!("10.0.0.0/24"));
    assert_eq!(shown["protocol"], json!("17"));
    let path = format!(
        "/v2.0/security-group-rules/{}",
        made.id("security_group_rule")
    );
    assert_eq!(
        bed.get("demo", &path).await.of("security_group_rule"),
        shown
    );
    assert_eq!(bed.delete("demo", &path).await.code, 204);
    assert_eq!(
        bed.get("demo", &path).await.kind(),
        "404 SecurityGroupRuleNotFound"
    );
}

#[tokio::test]
async fn a_group_of_a_port_stays() {
    let bed = Bed::start().await;
    let id = group(&bed, "web").await;
    let network = bed.network("n").await;
    let port = bed
        .port(&network, json!({"security_groups": [id]}))
        .await
        .id("port");
    let path = format!("/v2.0/security-groups/{id}");
    assert_eq!(
        bed.delete("demo", &path).await.said(),
        format!("409 SecurityGroupInUse: Security Group {id} in use.")
    );
    bed.delete("demo", &format!("/v2.0/ports/{port}")).await;
    assert_eq!(bed.delete("demo", &path).await.code, 204);
    assert_eq!(
        bed.get("demo", &path).await.kind(),
        "404 SecurityGroupNotFound"
    );
}
