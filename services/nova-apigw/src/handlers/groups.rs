//! `GET /servers/{id}/os-security-groups`: the top's groups, whose names, texts and ids of
//! rules a pod does not know.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_compute::interfaces::caller;
use tricircle_db::models::{
    SecurityGroup, SecurityGroupFilter, SecurityGroupRule, SecurityGroupView,
};
use tricircle_gateway::Call;

use crate::state::State;

const RULE: &str = "os_compute_api:os-security-groups:list";

/// Lists the groups of a server.
pub(crate) async fn index(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let compute = &state.compute;
    let server = compute.seen_server(&call, RULE).await?;
    let who = caller(&call);
    let views = compute.network.server_groups(&who, &server.id).await;
    let views = views.map_err(|error| {
        Fault::unavailable("The security groups could not be read.").with_detail(error)
    })?;
    let ingress = |rule: &&SecurityGroupRule| rule.direction == "ingress";
    let rules = views.iter().flat_map(|view| &view.rules).filter(ingress);
    let mut named: Vec<String> = rules.filter_map(|r| r.remote_group_id.clone()).collect();
    named.sort_unstable();
    named.dedup();
    let mut sources: HashMap<String, SecurityGroup> = HashMap::new();
    if !named.is_empty() {
        let filter = SecurityGroupFilter {
            ids: named,
            ..SecurityGroupFilter::default()
        };
        for view in compute.store.security_groups(&filter).await? {
            sources.insert(view.group.id.clone(), view.group);
        }
    }
    Ok(HttpResponse::Ok().json(json!({"security_groups": shown(views, &sources)})))
}

/// The groups as Nova shows them, by project and name.
fn shown(mut views: Vec<SecurityGroupView>, sources: &HashMap<String, SecurityGroup>) -> Value {
    views.sort_by(|a, b| {
        let key =
            |view: &SecurityGroupView| (view.group.project_id.clone(), view.group.name.clone());
        key(a).cmp(&key(b))
    });
    views
        .iter()
        .map(|view| {
            let group = &view.group;
            let rules = view.rules.iter().filter(|rule| rule.direction == "ingress");
            json!({
                "id": group.id,
                "name": group.name,
                "description": group.description,
                "tenant_id": group.project_id,
                "rules": rules.filter_map(|r| rule(r, sources)).collect::<Vec<_>>(),
            })
        })
        .collect()
}

/// A rule; `None` when the group that it names is gone.
fn rule(rule: &SecurityGroupRule, sources: &HashMap<String, SecurityGroup>) -> Option<Value> {
    let (group, range) = match &rule.remote_group_id {
        Some(id) => {
            let source = sources.get(id)?;
            let group = json!({"name": source.name, "tenant_id": source.project_id});
            (group, json!({}))
        }
        None => {
            let prefix = rule.remote_ip_prefix.as_deref().filter(|p| !p.is_empty());
            (json!({}), json!({"cidr": prefix.unwrap_or("0.0.0.0/0")}))
        }
    };
    let (from_port, to_port) = ports(rule);
    Some(json!({
        "id": rule.id,
        "parent_group_id": rule.security_group_id,
        "ip_protocol": rule.protocol,
        "from_port": from_port,
        "to_port": to_port,
        "group": group,
        "ip_range": range,
    }))
}

/// The ports of a rule: a protocol without ports means all that it has.
fn ports(rule: &SecurityGroupRule) -> (Option<i32>, Option<i32>) {
    match (&rule.protocol, rule.port_range_min, rule.port_range_max) {
        (Some(protocol), None, None) => match protocol.to_ascii_lowercase().as_str() {
            "tcp" | "udp" => (Some(1), Some(65535)),
            _ => (Some(-1), Some(-1)),
        },
        (_, from, to) => (from, to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_shown_as_nova_shows_them() {
        let group = SecurityGroup::new("p1", "web", "for the web");
        let allow = |change: &dyn Fn(&mut SecurityGroupRule)| {
            let mut rule = SecurityGroupRule::allow_all(&group, "ingress", "IPv4");
            change(&mut rule);
            rule
        };
        let rules = vec![
            SecurityGroupRule::allow_all(&group, "egress", "IPv4"),
            allow(&|_| {}),
            allow(&|rule| {
                rule.protocol = Some("tcp".to_owned());
                rule.remote_group_id = Some(group.id.clone());
            }),
            allow(&|rule| {
                rule.protocol = Some("icmp".to_owned());
                rule.remote_ip_prefix = Some("10.0.0.0/8".to_owned());
            }),
            allow(&|rule| rule.remote_group_id = Some("gone".to_owned())),
        ];
        let sources = HashMap::from([(group.id.clone(), group.clone())]);
        let body = shown(
            vec![SecurityGroupView {
                group,
                rules,
                is_default: false,
            }],
            &sources,
        );
        let rules = body[0]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 3, "{body:#}");
        assert_eq!(rules[0]["ip_range"], json!({"cidr": "0.0.0.0/0"}));
        assert_eq!(rules[0]["from_port"], json!(null));
        assert_eq!(rules[1]["group"], json!({"name": "web", "tenant_id": "p1"}));
        assert_eq!(rules[1]["to_port"], json!(65535));
        assert_eq!(rules[2]["from_port"], json!(-1));
        assert_eq!(rules[2]["ip_range"], json!({"cidr": "10.0.0.0/8"}));
    }
}
