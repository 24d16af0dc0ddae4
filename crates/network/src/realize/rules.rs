//! Making the rules of a group in a pod equal to those at the top: by difference, the
//! missing ones first, so that there is never a window without rules.

use std::collections::{BTreeSet, HashMap, HashSet};

use ipnet::IpNet;
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

/// How rules in a pod reach the members of a group that are in other pods.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Elsewhere {
    /// There are none, or the pod is not told yet.
    #[default]
    Nobody,
    /// By the pod's address group with this id.
    Listed(String),
    /// By their addresses: the pod has no address groups.
    Spelled(BTreeSet<IpNet>),
}

/// A rule as both sides can be compared: direction, family, protocol, first and last
/// port, and the other side: prefix, group, address group.
type Key = [String; 8];

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
    [
        text(&rule["direction"]),
        text(&rule["ethertype"]),
        text(&rule["protocol"]).to_ascii_lowercase(),
        text(&rule["port_range_min"]),
        text(&rule["port_range_max"]),
        if anywhere { String::new() } else { prefix },
        text(&rule["remote_group_id"]),
        text(&rule["remote_address_group_id"]),
    ]
}

/// Compares the top's rules with the pod's.
///
/// `groups` has the pod's ids of groups; a rule whose remote group is not in the pod
/// has no members there and is left out. `elsewhere` says, by group of the top, how to
/// reach members that are in other pods.
pub(crate) fn plan_rules(
    bottom_group: &str,
    project_id: &str,
    wanted: &[SecurityGroupRule],
    actual: &[Value],
    groups: &HashMap<String, String>,
    elsewhere: &HashMap<String, Elsewhere>,
) -> RuleChanges {
    let mut left: HashMap<Key, Vec<String>> = HashMap::new();
    for rule in actual {
        let id = text(&rule["id"]);
        left.entry(key(rule)).or_default().push(id);
    }
    let mut changes = RuleChanges::default();
    // Two rules may come to the same addresses.
    let mut sent: HashSet<Key> = HashSet::new();
    for rule in wanted {
        for body in bodies(rule, bottom_group, project_id, groups, elsewhere) {
            let key = key(&body);
            let there = left.get_mut(&key).and_then(Vec::pop).is_some();
            if sent.insert(key) && !there {
                changes.add.push(body);
            }
        }
    }
    changes.remove = left.into_values().flatten().collect();
    changes.remove.sort_unstable();
    changes
}

/// What the pod is sent of one rule: itself, and what stands for members elsewhere.
fn bodies(
    rule: &SecurityGroupRule,
    bottom_group: &str,
    project_id: &str,
    groups: &HashMap<String, String>,
    elsewhere: &HashMap<String, Elsewhere>,
) -> Vec<Value> {
    let mut body = json!({
        "security_group_id": bottom_group,
        "project_id": project_id,
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": rule.protocol,
        "port_range_min": rule.port_range_min,
        "port_range_max": rule.port_range_max,
        "remote_ip_prefix": rule.remote_ip_prefix,
        "remote_group_id": null,
        "description": rule.description,
    });
    let Some(remote) = &rule.remote_group_id else {
        return vec![body];
    };
    let with = |key: &str, value: &str| {
        let mut body = body.clone();
        body[key] = json!(value);
        body
    };
    let mut all = match elsewhere.get(remote) {
        None | Some(Elsewhere::Nobody) => Vec::new(),
        Some(Elsewhere::Listed(list)) => vec![with("remote_address_group_id", list)],
        Some(Elsewhere::Spelled(addresses)) => addresses
            .iter()
            .filter(|net| matches!(net, IpNet::V6(_)) == (rule.ethertype == "IPv6"))
            .map(|net| with("remote_ip_prefix", &net.to_string()))
            .collect(),
    };
    if let Some(here) = groups.get(remote) {
        body["remote_group_id"] = json!(here);
        all.insert(0, body);
    }
    all
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
        let nothing = plan_rules("b", "p1", &wanted, &same, &groups, &HashMap::new());
        assert_eq!(nothing, RuleChanges::default());

        let mut ssh = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
        ssh.protocol = Some("tcp".to_owned());
        ssh.port_range_min = Some(22);
        ssh.port_range_max = Some(22);
        wanted.push(ssh.clone());
        wanted.remove(0);
        let changes = plan_rules("b", "p1", &wanted, &same, &groups, &HashMap::new());
        assert_eq!(changes.remove, ["1"]);
        assert_eq!(changes.add.len(), 1);
        assert_eq!(changes.add[0]["port_range_min"], 22);

        let mut with_ssh = same[1..].to_vec();
        let mut made = changes.add[0].clone();
        made["id"] = json!("5");
        made["protocol"] = json!("TCP");
        made["remote_ip_prefix"] = json!("0.0.0.0/0");
        with_ssh.push(made);
        let after = plan_rules("b", "p1", &wanted, &with_ssh, &groups, &HashMap::new());
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
        let changes = plan_rules("b", "p1", &[rule], &[], &HashMap::new(), &HashMap::new());
        assert_eq!(changes, RuleChanges::default());
    }

    #[test]
    fn members_elsewhere_are_admitted_by_their_list_or_one_by_one() {
        let group = SecurityGroup::new("p1", "web", "");
        let wanted: Vec<SecurityGroupRule> = ["IPv4", "IPv6"]
            .iter()
            .map(|family| {
                let mut rule = SecurityGroupRule::allow_all(&group, "ingress", family);
                rule.remote_group_id = Some("g".to_owned());
                rule.signed()
            })
            .collect();
        let groups = HashMap::from([("g".to_owned(), "bg".to_owned())]);
        let here = [
            bottom("1", "ingress", "IPv4", Some("bg")),
            bottom("2", "ingress", "IPv6", Some("bg")),
        ];
        let plan = |actual: &[Value], how: Elsewhere| {
            let elsewhere = HashMap::from([("g".to_owned(), how)]);
            plan_rules("b", "p1", &wanted, actual, &groups, &elsewhere)
        };
        let listed = plan(&here, Elsewhere::Listed("list".to_owned()));
        assert_eq!(listed.add.len(), 2, "one of each family");
        assert!(listed.remove.is_empty());
        assert!(
            listed
                .add
                .iter()
                .all(|rule| rule["remote_group_id"].is_null())
        );
        let mut both = here.to_vec();
        for (id, rule) in ["3", "4"].iter().zip(&listed.add) {
            assert_eq!(rule["remote_address_group_id"], "list");
            let mut rule = rule.clone();
            rule["id"] = json!(id);
            both.push(rule);
        }
        let again = plan(&both, Elsewhere::Listed("list".to_owned()));
        assert_eq!(again, RuleChanges::default());
        assert_eq!(plan(&both, Elsewhere::Nobody).remove, ["3", "4"]);

        let addresses = ["10.0.0.5/32", "10.0.0.6/32", "fd00::5/128"];
        let addresses = addresses.iter().map(|net| net.parse().unwrap()).collect();
        let spelled = plan(&here, Elsewhere::Spelled(addresses));
        let prefixes: Vec<&Value> = spelled.add.iter().map(|r| &r["remote_ip_prefix"]).collect();
        assert_eq!(prefixes, ["10.0.0.5/32", "10.0.0.6/32", "fd00::5/128"]);
        assert_eq!(spelled.add[2]["ethertype"], "IPv6");
        let keys = spelled.add[0].as_object().unwrap();
        assert!(
            !keys.contains_key("remote_address_group_id"),
            "it would not know it"
        );
    }

    #[test]
    fn rules_that_come_to_the_same_addresses_are_sent_once() {
        let group = SecurityGroup::new("p1", "web", "");
        let wanted: Vec<SecurityGroupRule> = ["g", "h"]
            .iter()
            .map(|remote| {
                let mut rule = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
                rule.remote_group_id = Some((*remote).to_owned());
                rule.signed()
            })
            .collect();
        let same = Elsewhere::Spelled(BTreeSet::from(["10.0.0.5/32".parse().unwrap()]));
        let elsewhere = HashMap::from([("g".to_owned(), same.clone()), ("h".to_owned(), same)]);
        let none = HashMap::new();
        let changes = plan_rules("b", "p1", &wanted, &[], &none, &elsewhere);
        assert_eq!(changes.add.len(), 1);
        let mut there = changes.add[0].clone();
        there["id"] = json!("1");
        let after = plan_rules("b", "p1", &wanted, &[there], &none, &elsewhere);
        assert_eq!(after, RuleChanges::default());
    }
}
