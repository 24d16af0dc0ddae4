//! Rules of security groups: checked together, made together, and carried to the
//! pods that have the group.

use std::collections::HashMap;

use tricircle_db::models::{SecurityGroupFilter, SecurityGroupRule, SecurityGroupRuleFilter};
use tricircle_network::resource::tables::SECURITY_GROUP_RULE;
use tricircle_network::resource::{Body, ListQuery, Resource, Row};

use super::{narrowed, owners};
use crate::call::{Call, failed, refused};
use crate::family::{Done, Family};
use crate::rules::{check_new, check_rule};
use crate::{rows, writes};

/// `/v2.0/security-group-rules`
pub struct SecurityGroupRules;

impl Family for SecurityGroupRules {
    const RESOURCE: &'static Resource = &SECURITY_GROUP_RULE;

    async fn rows(call: &Call, query: &ListQuery) -> Done<Vec<Row>> {
        let store = &call.api.store;
        store.default_security_group(call.project_id()).await?;
        // The owner of a group sees all its rules, so the groups are what counts.
        let groups = store
            .security_groups(&SecurityGroupFilter {
                ids: narrowed(query, "security_group_id"),
                project_ids: owners(query, call.projects()),
                ..SecurityGroupFilter::default()
            })
            .await?;
        let rows = groups.iter().flat_map(|view| {
            let owner = &view.group.project_id;
            view.rules
                .iter()
                .map(move |rule| rows::security_group_rule(rule, owner))
        });
        Ok(rows.collect())
    }

    async fn row(call: &Call, id: &str) -> Done<Option<Row>> {
        let filter = SecurityGroupRuleFilter {
            ids: vec![id.to_owned()],
            ..SecurityGroupRuleFilter::default()
        };
        let rules = call.api.store.security_group_rules(&filter).await?;
        let Some(rule) = rules.first() else {
            return Ok(None);
        };
        let group = writes::live_group(call, &rule.security_group_id).await?;
        Ok(group.map(|view| rows::security_group_rule(rule, &view.group.project_id)))
    }

    async fn target(call: &Call, body: &Body) -> Done<Row> {
        let id = body.text("security_group_id").unwrap_or_default();
        let group = writes::visible_group(call, id).await?;
        let mut row = body.values.clone();
        for name in ["security_group:project_id", "security_group:tenant_id"] {
            row.insert(name.to_owned(), group.group.project_id.clone().into());
        }
        Ok(row)
    }

    async fn create(call: &Call, bodies: &[Body]) -> Done<Vec<Row>> {
        let mut groups = HashMap::new();
        let mut rules = Vec::new();
        for body in bodies {
            if let Some(remote) = body.text("remote_group_id") {
                writes::visible_group(call, remote).await?;
            }
            let id = body.text("security_group_id").unwrap_or_default();
            let group = writes::visible_group(call, id).await?;
            let rule = rule_of(body).signed();
            groups.insert(id.to_owned(), group);
            rules.push(rule);
        }
        for rule in &mut rules {
            check_rule(rule).map_err(refused)?;
            *rule = rule.clone().signed();
        }
        check_new(&rules, groups.values().flat_map(|view| &view.rules)).map_err(refused)?;
        let made = call.api.network.create_rules(&rules);
        made.await.map_err(failed)?;
        let owner_of = |rule: &SecurityGroupRule| {
            groups
                .get(&rule.security_group_id)
                .map(|view| view.group.project_id.clone())
                .unwrap_or_default()
        };
        Ok(rules
            .iter()
            .map(|rule| rows::security_group_rule(rule, &owner_of(rule)))
            .collect())
    }

    async fn update(_call: &Call, row: &Row, _body: &Body, _revision: Option<i64>) -> Done<Row> {
        // Nothing of a rule but its description may be in a PUT, and Neutron's
        // own answer to that is a failure; it is left as it is.
        Ok(row.clone())
    }

    async fn delete(call: &Call, row: &Row, _revision: Option<i64>) -> Done<()> {
        let gone = call.api.network.delete_rule(Resource::id_of(row));
        gone.await.map_err(failed)
    }
}

fn rule_of(body: &Body) -> SecurityGroupRule {
    let now = tricircle_db::now();
    let text = |name: &str| body.text(name).map(str::to_owned);
    let port = |name: &str| {
        body.get(name)
            .as_i64()
            .and_then(|port| i32::try_from(port).ok())
    };
    SecurityGroupRule {
        id: uuid::Uuid::new_v4().to_string(),
        security_group_id: text("security_group_id").unwrap_or_default(),
        project_id: body.project_id().to_owned(),
        direction: text("direction").unwrap_or_default(),
        ethertype: text("ethertype").unwrap_or_default(),
        protocol: text("protocol"),
        port_range_min: port("port_range_min"),
        port_range_max: port("port_range_max"),
        remote_ip_prefix: text("remote_ip_prefix"),
        remote_group_id: text("remote_group_id"),
        description: text("description").unwrap_or_default(),
        signature: String::new(),
        revision_number: 0,
        created_at: now,
        updated_at: now,
    }
}
