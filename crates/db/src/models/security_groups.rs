//! Security groups and their rules.

use diesel::prelude::{Insertable, Queryable, Selectable};

use super::RowState;
use crate::Timestamp;
use crate::schema::{security_group_rules, security_groups};

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = security_groups)]
pub struct SecurityGroup {
    /// UUID.
    pub id: String,
    /// Owner.
    pub project_id: String,
    /// Name; `default` is kept for the default group.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether users see it.
    pub state: RowState,
    /// Whether answers to what a rule lets out are let in.
    pub stateful: bool,
    /// Counts changes.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl SecurityGroup {
    /// A fresh live group.
    pub fn new(project_id: &str, name: &str, description: &str) -> Self {
        let now = crate::now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            project_id: project_id.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            state: RowState::Live,
            stateful: true,
            revision_number: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// What a security group lets through.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = security_group_rules)]
pub struct SecurityGroupRule {
    /// UUID.
    pub id: String,
    /// Its group.
    pub security_group_id: String,
    /// Owner.
    pub project_id: String,
    /// `ingress` or `egress`.
    pub direction: String,
    /// `IPv4` or `IPv6`.
    pub ethertype: String,
    /// Name or number; none: any.
    pub protocol: Option<String>,
    /// First port, or ICMP type.
    pub port_range_min: Option<i32>,
    /// Last port, or ICMP code.
    pub port_range_max: Option<i32>,
    /// The other side, as CIDR.
    pub remote_ip_prefix: Option<String>,
    /// The other side, as members of a group.
    pub remote_group_id: Option<String>,
    /// Free text.
    pub description: String,
    /// What makes two rules of a group the same ([`SecurityGroupRule::signed`]).
    #[serde(skip)]
    pub signature: String,
    /// Counts changes.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl SecurityGroupRule {
    /// A rule that lets everything through in one direction, of one address family.
    pub fn allow_all(group: &SecurityGroup, direction: &str, ethertype: &str) -> Self {
        let now = crate::now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            security_group_id: group.id.clone(),
            project_id: group.project_id.clone(),
            direction: direction.to_owned(),
            ethertype: ethertype.to_owned(),
            protocol: None,
            port_range_min: None,
            port_range_max: None,
            remote_ip_prefix: None,
            remote_group_id: None,
            description: String::new(),
            signature: String::new(),
            revision_number: 0,
            created_at: now,
            updated_at: now,
        }
        .signed()
    }

    /// The rule with its signature made from its other fields; to be called after
    /// any of them changed. The queries do it for every rule that they insert.
    #[must_use]
    pub fn signed(mut self) -> Self {
        let number = |port: Option<i32>| port.map(|p| p.to_string()).unwrap_or_default();
        // An absent prefix and "everything" let the same through.
        let prefix = self
            .remote_ip_prefix
            .as_deref()
            .filter(|prefix| !matches!(*prefix, "0.0.0.0/0" | "::/0"))
            .unwrap_or_default();
        self.signature = format!(
            "{}|{}|{}|{}|{}|{}|{}",
            self.direction,
            self.ethertype,
            self.protocol.as_deref().unwrap_or_default(),
            number(self.port_range_min),
            number(self.port_range_max),
            prefix,
            self.remote_group_id.as_deref().unwrap_or_default(),
        );
        self
    }
}

/// The two rules that every new group begins with: everything may go out.
pub fn egress_rules(group: &SecurityGroup) -> Vec<SecurityGroupRule> {
    ["IPv4", "IPv6"]
        .iter()
        .map(|family| SecurityGroupRule::allow_all(group, "egress", family))
        .collect()
}

/// The four rules of a project's default group: out everything, in from members.
pub fn default_rules(group: &SecurityGroup) -> Vec<SecurityGroupRule> {
    let mut rules = egress_rules(group);
    for family in ["IPv4", "IPv6"] {
        let mut rule = SecurityGroupRule::allow_all(group, "ingress", family);
        rule.remote_group_id = Some(group.id.clone());
        rules.push(rule.signed());
    }
    rules
}

/// A group with its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroupView {
    /// The row.
    pub group: SecurityGroup,
    /// Whether it is its project's default group.
    pub is_default: bool,
    /// Its rules, by id.
    pub rules: Vec<SecurityGroupRule>,
}

/// Which groups to list; empty lists mean "any".
#[derive(Debug, Clone, Default)]
pub struct SecurityGroupFilter {
    /// Ids.
    pub ids: Vec<String>,
    /// Owners.
    pub project_ids: Vec<String>,
    /// Names.
    pub names: Vec<String>,
    /// Those that only wait for the pods, too.
    pub deleting_too: bool,
}

/// Which rules to list; empty lists mean "any".
#[derive(Debug, Clone, Default)]
pub struct SecurityGroupRuleFilter {
    /// Ids.
    pub ids: Vec<String>,
    /// Owners.
    pub project_ids: Vec<String>,
    /// Groups.
    pub security_group_ids: Vec<String>,
    /// Groups that are the other side.
    pub remote_group_ids: Vec<String>,
}
