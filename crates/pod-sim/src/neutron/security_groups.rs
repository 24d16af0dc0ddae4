//! Security groups, their rules, and each project's `default` group.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::attributes::{
    Attribute, Kind, Set, attribute, check_create, check_update, flag, required,
};
use super::collection::Family;
use super::{
    Answer, Context, NeutronState, Object, Reply, address_groups, bad_request, check_revision,
    created, created_objects, fault, missing, project_of, stamp, text, touch, updated_object,
};
use crate::ids;

const GROUP: &[Attribute] = &[
    attribute("name", Kind::Text, Set::Always),
    attribute("stateful", Kind::Flag, Set::Always),
    attribute("shared", Kind::Flag, Set::Never),
    attribute("security_group_rules", Kind::Anything, Set::Never),
];

const RULE: &[Attribute] = &[
    required("security_group_id", Kind::Uuid),
    required("direction", Kind::Anything),
    attribute("ethertype", Kind::Anything, Set::OnCreate),
    attribute("protocol", Kind::Anything, Set::OnCreate),
    attribute("port_range_min", Kind::Number, Set::OnCreate),
    attribute("port_range_max", Kind::Number, Set::OnCreate),
    attribute("remote_ip_prefix", Kind::Anything, Set::OnCreate),
    attribute("remote_group_id", Kind::Uuid, Set::OnCreate),
    attribute("remote_address_group_id", Kind::Text, Set::OnCreate),
    attribute("normalized_cidr", Kind::Anything, Set::Never),
    attribute("belongs_to_default_sg", Kind::Anything, Set::Never),
];

pub(super) const GROUPS: Family = Family {
    path: "security-groups",
    singular: "security_group",
    plural: "security_groups",
    attributes: GROUP,
    hidden: &[],
    no_filters: &[],
};

pub(super) const RULES: Family = Family {
    path: "security-group-rules",
    singular: "security_group_rule",
    plural: "security_group_rules",
    attributes: RULE,
    hidden: &[],
    no_filters: &[],
};

const PROTOCOLS: &[&str] = &[
    "any",
    "ah",
    "dccp",
    "egp",
    "esp",
    "gre",
    "hopopt",
    "icmp",
    "igmp",
    "ip",
    "ipip",
    "ipv6-encap",
    "ipv6-frag",
    "ipv6-icmp",
    "icmpv6",
    "ipv6-nonxt",
    "ipv6-opts",
    "ipv6-route",
    "ospf",
    "pgm",
    "rsvp",
    "sctp",
    "tcp",
    "udp",
    "udplite",
    "vrrp",
];

/// Makes sure that the project has its `default` group; returns its id.
pub(crate) fn ensure_default(state: &mut NeutronState, project: &str) -> String {
    let found = state
        .security_groups
        .iter()
        .find(|(_, g)| text(g, "project_id") == project && text(g, "name") == "default")
        .map(|(id, _)| id.clone());
    if let Some(id) = found {
        return id;
    }
    let id = insert_group(state, project, "default", "Default security group", true);
    for ethertype in ["IPv4", "IPv6"] {
        let rule = rule_object(project, &id, "ingress", ethertype);
        let rule = with(rule, &[("remote_group_id", json!(id))]);
        state
            .security_group_rules
            .insert(text(&rule, "id").to_owned(), rule);
    }
    id
}

/// A group with the egress rules that every new group has.
fn insert_group(
    state: &mut NeutronState,
    project: &str,
    name: &str,
    description: &str,
    stateful: bool,
) -> String {
    let id = ids::uuid();
    let mut group = Object::new();
    let mut put = |key: &str, value: Value| group.insert(key.into(), value);
    put("id", json!(id));
    put("name", json!(name));
    put("stateful", json!(stateful));
    put("tenant_id", json!(project));
    put("project_id", json!(project));
    put("description", json!(description));
    put("shared", json!(false));
    put("security_group_rules", json!([]));
    stamp(&mut group, 1);
    state.security_groups.insert(id.clone(), group);
    for ethertype in ["IPv4", "IPv6"] {
        let rule = rule_object(project, &id, "egress", ethertype);
        state
            .security_group_rules
            .insert(text(&rule, "id").to_owned(), rule);
    }
    id
}

fn rule_object(project: &str, group: &str, direction: &str, ethertype: &str) -> Object {
    let mut rule = Object::new();
    let mut put = |key: &str, value: Value| rule.insert(key.into(), value);
    put("id", json!(ids::uuid()));
    put("project_id", json!(project));
    put("security_group_id", json!(group));
    put("ethertype", json!(ethertype));
    put("direction", json!(direction));
    for key in [
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_address_group_id",
        "normalized_cidr",
        "remote_group_id",
    ] {
        put(key, Value::Null);
    }
    put("belongs_to_default_sg", json!(false));
    put("description", Value::Null);
    stamp(&mut rule, 0);
    rule.shift_remove("tags");
    rule.insert("tenant_id".into(), json!(project));
    rule
}

fn with(mut rule: Object, values: &[(&str, Value)]) -> Object {
    for (key, value) in values {
        rule.insert((*key).to_owned(), value.clone());
    }
    rule
}

/// A group with its rules inside, as it is shown.
fn full(state: &NeutronState, group: &Object) -> Object {
    let rules: Vec<Value> = state
        .security_group_rules
        .values()
        .filter(|rule| text(rule, "security_group_id") == text(group, "id"))
        .map(|rule| {
            let mut rule = rule.clone();
            rule.insert("tags".into(), json!([]));
            rule.insert("standard_attr_id".into(), json!(0));
            Value::Object(rule)
        })
        .collect();
    with(
        group.clone(),
        &[("security_group_rules", Value::Array(rules))],
    )
}

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => {
            let all: Vec<Object> = state
                .security_groups
                .values()
                .map(|group| full(state, group))
                .collect();
            GROUPS.list(cx, all.iter())
        }
        ("GET", [id]) => {
            let group = GROUPS.seen(cx, &state.security_groups, id)?;
            Ok(GROUPS.one(cx, &full(state, group)))
        }
        ("POST", []) => create(state, cx),
        ("PUT", [id]) => update(state, cx, id),
        ("DELETE", [id]) => delete(state, cx, id),
        _ => Err(super::not_found()),
    }
}

fn create(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let (all, bulk) = created_objects(cx.request, "security_group", "security_groups")?;
    for given in &all {
        check_create(GROUP, "security_group", given, cx.caller)?;
        if text(given, "name") == "default" {
            return Err(fault(
                409,
                "SecurityGroupDefaultAlreadyExists",
                "Default security group already exists.",
            ));
        }
    }
    let mut views = Vec::new();
    for given in &all {
        let project = project_of(cx.caller, given)?;
        ensure_default(state, &project);
        let stateful = flag(given, "stateful", true) == json!(true);
        let id = insert_group(
            state,
            &project,
            text(given, "name"),
            text(given, "description"),
            stateful,
        );
        if let Some(group) = state.security_groups.get(&id) {
            views.push(GROUPS.view(cx, &full(state, group)));
        }
    }
    Ok(created("security_group", "security_groups", bulk, views))
}

fn update(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let given = updated_object(cx.request, "security_group")?;
    let group = GROUPS.changeable(cx, &state.security_groups, id, "update")?;
    check_update(GROUP, "security_group", &given, cx.caller)?;
    check_revision(cx.request, group)?;
    if text(group, "name") == "default" && given.contains_key("name") {
        return Err(fault(
            409,
            "SecurityGroupCannotUpdateDefault",
            "Updating default security group not allowed.",
        ));
    }
    let mut changed = group.clone();
    changed.extend(given);
    if changed != *group {
        touch(&mut changed);
    }
    let view = full(state, &changed);
    state.security_groups.insert(id.to_owned(), changed);
    Ok(GROUPS.one(cx, &view))
}

fn delete(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let group = GROUPS.changeable(cx, &state.security_groups, id, "delete")?;
    let used = state
        .ports
        .values()
        .filter_map(|port| port.get("security_groups").and_then(Value::as_array))
        .any(|groups| groups.iter().any(|g| g == id));
    if used {
        return Err(fault(
            409,
            "SecurityGroupInUse",
            &format!("Security Group {id} in use."),
        ));
    }
    if text(group, "name") == "default" && !cx.caller.is_admin() {
        return Err(fault(
            409,
            "SecurityGroupCannotRemoveDefault",
            "Insufficient rights for removing default security group.",
        ));
    }
    state.security_groups.remove(id);
    state
        .security_group_rules
        .retain(|_, rule| text(rule, "security_group_id") != id);
    Ok(Reply::empty(204))
}

pub(super) fn rule_route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => RULES.list(cx, state.security_group_rules.values()),
        ("GET", [id]) => Ok(RULES.one(cx, RULES.seen(cx, &state.security_group_rules, id)?)),
        ("POST", []) => create_rules(state, cx),
        ("DELETE", [id]) => {
            let rule = RULES.changeable(cx, &state.security_group_rules, id, "delete")?;
            let group = text(rule, "security_group_id").to_owned();
            state.security_group_rules.remove(*id);
            if let Some(group) = state.security_groups.get_mut(&group) {
                touch(group);
            }
            Ok(Reply::empty(204))
        }
        _ => Err(super::not_found()),
    }
}

fn create_rules(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let (all, bulk) = created_objects(cx.request, "security_group_rule", "security_group_rules")?;
    let mut made = Vec::new();
    for given in &all {
        check_create(RULE, "security_group_rule", given, cx.caller)?;
        if state.lacks(address_groups::EXTENSION) && given.contains_key("remote_address_group_id") {
            return Err(bad_request(
                "Unrecognized attribute(s) 'remote_address_group_id'",
            ));
        }
        let rule = build_rule(state, cx, given, &made)?;
        made.push(rule);
    }
    let mut views = Vec::new();
    for rule in made {
        views.push(RULES.view(cx, &rule));
        if let Some(group) = state
            .security_groups
            .get_mut(text(&rule, "security_group_id"))
        {
            touch(group);
        }
        state
            .security_group_rules
            .insert(text(&rule, "id").to_owned(), rule);
    }
    Ok(created(
        "security_group_rule",
        "security_group_rules",
        bulk,
        views,
    ))
}

fn build_rule(
    state: &NeutronState,
    cx: &Context<'_>,
    given: &Object,
    made: &[Object],
) -> Result<Object, Reply> {
    let or = |key: &str, default: Value| match given.get(key) {
        None | Some(Value::Null) => default,
        Some(value) => value.clone(),
    };
    let direction = or("direction", Value::Null);
    if !matches!(direction.as_str(), Some("ingress" | "egress")) {
        return Err(bad_request(&format!(
            "Invalid input for direction. Reason: {} is not in valid_values.",
            direction.as_str().unwrap_or("None")
        )));
    }
    let ethertype = or("ethertype", json!("IPv4"));
    let protocol = checked_protocol(or("protocol", Value::Null))?;
    let (min, max) = (
        or("port_range_min", Value::Null),
        or("port_range_max", Value::Null),
    );
    check_ports(&protocol, &min, &max)?;
    let prefix = or("remote_ip_prefix", Value::Null);
    let remote = or("remote_group_id", Value::Null);
    let addresses = or("remote_address_group_id", Value::Null);
    let remotes = [&prefix, &remote, &addresses];
    if remotes.iter().filter(|part| !part.is_null()).count() > 1 {
        return Err(fault(
            400,
            "SecurityGroupMultipleRemoteEntites",
            "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be \
             provided.",
        ));
    }
    let normalized = normalize(&prefix, &ethertype)?;
    let group_id = text(given, "security_group_id");
    let group = GROUPS.changeable(
        cx,
        &state.security_groups,
        group_id,
        "create_security_group_rule",
    )?;
    if let Some(remote) = remote.as_str()
        && !state.security_groups.contains_key(remote)
    {
        return Err(missing("security-groups", remote));
    }
    if let Some(addresses) = addresses.as_str() {
        address_groups::FAMILY.seen(cx, &state.address_groups, addresses)?;
    }
    let project = text(group, "project_id");
    let rule = rule_object(
        project,
        group_id,
        direction.as_str().unwrap_or_default(),
        ethertype.as_str().unwrap_or("IPv4"),
    );
    let rule = with(
        rule,
        &[
            ("protocol", protocol),
            ("port_range_min", min),
            ("port_range_max", max),
            ("remote_ip_prefix", prefix),
            ("normalized_cidr", normalized),
            ("remote_group_id", remote),
            ("remote_address_group_id", addresses),
            ("description", or("description", json!(""))),
        ],
    );
    let twin = state
        .security_group_rules
        .values()
        .chain(made)
        .find(|other| same_rule(other, &rule));
    if let Some(twin) = twin {
        return Err(fault(
            409,
            "SecurityGroupRuleExists",
            &format!(
                "Security group rule already exists. Rule id is {}.",
                text(twin, "id")
            ),
        ));
    }
    Ok(rule)
}

fn same_rule(a: &Object, b: &Object) -> bool {
    [
        "security_group_id",
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "normalized_cidr",
        "remote_group_id",
        "remote_address_group_id",
    ]
    .iter()
    .all(|key| a.get(*key) == b.get(*key))
}

fn checked_protocol(protocol: Value) -> Result<Value, Reply> {
    let name = match &protocol {
        Value::Null => return Ok(Value::Null),
        Value::String(name) => name.to_lowercase(),
        other => other.to_string(),
    };
    let known = PROTOCOLS.contains(&name.as_str()) || name.parse::<u8>().is_ok();
    if !known {
        return Err(fault(
            400,
            "SecurityGroupRuleInvalidProtocol",
            &format!(
                "Security group rule protocol {name} not supported. Only protocol values \
                 (None, {}) and integer representations [0 to 255] are supported.",
                PROTOCOLS
                    .iter()
                    .map(|p| format!("'{p}'"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        ));
    }
    Ok(if name == "any" {
        Value::Null
    } else {
        json!(name)
    })
}

fn check_ports(protocol: &Value, min: &Value, max: &Value) -> Result<(), Reply> {
    if *min == Value::Null && *max == Value::Null {
        return Ok(());
    }
    if *protocol == Value::Null {
        return Err(fault(
            400,
            "SecurityGroupProtocolRequiredWithPorts",
            "Must also specify protocol if port range is given.",
        ));
    }
    let number = |v: &Value| v.as_i64().or_else(|| v.as_str()?.parse().ok());
    let transport = matches!(protocol.as_str(), Some("tcp" | "udp" | "6" | "17"));
    if transport && number(min) > number(max) {
        return Err(fault(
            400,
            "SecurityGroupInvalidPortRange",
            "For TCP/UDP protocols, port_range_min must be <= port_range_max",
        ));
    }
    Ok(())
}

fn normalize(prefix: &Value, ethertype: &Value) -> Result<Value, Reply> {
    let Some(given) = prefix.as_str() else {
        return Ok(Value::Null);
    };
    let net: IpNet = given
        .parse()
        .or_else(|_| given.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| {
            bad_request(&format!(
                "Invalid input for remote_ip_prefix. Reason: '{given}' is not a valid IP subnet."
            ))
        })?;
    let v6 = matches!(net, IpNet::V6(_));
    if v6 != (ethertype == "IPv6") {
        return Err(fault(
            400,
            "SecurityGroupRuleParameterConflict",
            &format!(
                "Conflicting value ethertype {} for CIDR {given}",
                ethertype.as_str().unwrap_or_default()
            ),
        ));
    }
    Ok(json!(net.trunc().to_string()))
}
