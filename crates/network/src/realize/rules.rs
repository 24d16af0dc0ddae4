//! Making the rules of a group in a pod equal to those at the top: by difference, the
//! missing ones first, so that there is never a window without rules.

use std::collections::HashMap;

use serde_json::{Value, json};
use tricircle_db::models::SecurityGroupRule;

/// What to do to a group in a pod.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct RuleChanges {
    /// Bodies of the rules to add.
    pub add: Vec<Value>,
    /// Ids of the rules to take away.
    pub remove: Vec<String>,
}

/// A rule as both sides can be compared: direction, family, protocol, first and last
/// port, prefix, remote group.
type Key = (String, String, String, String, String, String, String);

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn key(rule: &Value) -> Key {
    let prefix = text(&rule["remote_ip_prefix"]);
    let anywhere = matches!(prefix.as_str(), "0.0.0.0/0" | "::/0");
    (
        text(&rule["direction"]),
        text(&rule["ethertype"]),
        text(&rule["protocol"]).to_ascii_lowercase(),
        text(&rule["port_range_min"]),
        text(&rule["port_range_max"]),
        if anywhere { String::new() } else { prefix },
        text(&rule["remote_group_id"]),
    )
}

/// Compares the top's rules with the pod's.
///
/// `groups` has the pod's ids of groups; a rule whose remote group is not in the pod
/// has no members there and is left out.
pub(crate) fn plan_rules(
    bottom_group: &str,
    project_id: &str,
    wanted: &[SecurityGroupRule],
    actual: &[Value],
    groups: &HashMap<String, String>,
) -> RuleChanges {
    let mut left: HashMap<Key, Vec<String>> = HashMap::new();
    for rule in actual {
        let id = text(&rule["id"]);
        left.entry(key(rule)).or_default().push(id);
    }
    let mut changes = RuleChanges::default();
    for rule in wanted {
        let remote = match &rule.remote_group_id {
            Some(group) => match groups.get(group) {
                Some(bottom) => Some(bottom),
                None => continue,
            },
            None => None,
        };
        let body = json!({
            "security_group_id": bottom_group,
            "project_id": project_id,
            "direction": rule.direction,
            "ethertype": rule.ethertype,
            "protocol": rule.protocol,
            "port_range_min": rule.port_range_min,
            "port_range_max": rule.port_range_max,
            "remote_ip_prefix": rule.remote_ip_prefix,
            "remote_group_id": remote,
            "description": rule.description,
        });
        match left.get_mut(&key(&body)).and_then(Vec::pop) {
            Some(_) => {}
            None => changes.add.push(body),
        }
    }
    changes.remove = left.into_values().flatten().collect();
    changes.remove.sort_unstable();
    changes
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::{SecurityGroup, default_rules};

    use super::*;

    fn bottom(id: &str, direction: &str, family: &str, remote: Option<&str>) -> Value {
        json!({
            "id": id, "direction": direction, "ethertype": family, "protocol": null,
            "port_range_min": null, "port_range_max": null, "remote_ip_prefix": null,
            "remote_group_id": remote,
        })
    }

    #[test]
    fn equal_rules_are_left_alone_and_the_rest_is_added_or_removed() {
        let group = SecurityGroup::new("p1", "default", "");
        let mut wanted = default_rules(&group);
        let groups = HashMap::from([(group.id.clone(), "b".to_owned())]);
        let same = [
            bottom("1", "egress", "IPv4", None),
            bottom("2", "egress", "IPv6", None),
            bottom("3", "ingress", "IPv4", Some("b")),
            bottom("4", "ingress", "IPv6", Some("b")),
        ];
        let nothing = plan_rules("b", "p1", &wanted, &same, &groups);
        assert_eq!(nothing, RuleChanges::default());

        let mut ssh = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
        ssh.protocol = Some("tcp".to_owned());
        ssh.port_range_min = Some(22);
        ssh.port_range_max = Some(22);
        wanted.push(ssh.clone());
        wanted.remove(0);
        let changes = plan_rules("b", "p1", &wanted, &same, &groups);
        assert_eq!(changes.remove, ["1"]);
        assert_eq!(changes.add.len(), 1);
        assert_eq!(changes.add[0]["port_range_min"], 22);

        let mut with_ssh = same[1..].to_vec();
        let mut made = changes.add[0].clone();
        made["id"] = json!("5");
        made["protocol"] = json!("TCP");
        made["remote_ip_prefix"] = json!("0.0.0.0/0");
        with_ssh.push(made);
        let after = plan_rules("b", "p1", &wanted, &with_ssh, &groups);
        assert_eq!(
            after,
            RuleChanges::default(),
            "other words for the same rule"
        );
    }

    #[test]
    fn a_rule_for_members_of_a_group_that_is_not_there_waits() {
        let group = SecurityGroup::new("p1", "web", "");
        let mut rule = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
        rule.remote_group_id = Some("elsewhere".to_owned());
        let changes = plan_rules("b", "p1", &[rule], &[], &HashMap::new());
        assert_eq!(changes, RuleChanges::default());
    }
}
