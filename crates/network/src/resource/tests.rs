//! The framework as a whole, on the real tables. The texts are Neutron's.

use serde_json::{Value, json};

use super::tables::{NETWORK, PORT, SECURITY_GROUP_RULE, SUBNET};
use super::*;

fn refused(body: &str) -> String {
    let error = NETWORK
        .parse_create(body.as_bytes(), "p1", false)
        .unwrap_err();
    format!("{} {}: {}", error.status, error.kind, error.message)
}

#[test]
fn bodies_that_are_refused() {
    let bad = |message: &str| format!("400 HTTPBadRequest: {message}");
    for (body, expected) in [
        ("{", bad("Body contains invalid data")),
        ("[]", bad("Body contains invalid data")),
        ("", bad("Unable to find 'network' in request body")),
        ("{}", bad("Unable to find 'network' in request body")),
        (
            r#"{"network": null}"#,
            bad("Unable to find 'network' in request body"),
        ),
        (
            r#"{"network": []}"#,
            bad("Object 'network' contains invalid data"),
        ),
        (r#"{"networks": []}"#, bad("Resources required")),
        (r#"{"networks": {}}"#, bad("Resources required")),
        (r#"{"networks": [1]}"#, bad("Body contains invalid data")),
        (
            r#"{"networks": ["a"]}"#,
            bad("Object 'network' contains invalid data"),
        ),
        (
            r#"{"networks": "a"}"#,
            bad("Object 'network' contains invalid data"),
        ),
        (
            r#"{"network": {"x": 1, "y": 2}}"#,
            bad("Unrecognized attribute(s) 'x, y'"),
        ),
        (
            r#"{"network": {"name": {"a": true}}}"#,
            bad("Invalid input for name. Reason: '{'a': True}' is not a valid string."),
        ),
        (
            r#"{"network": {"id": "x"}}"#,
            bad("Attribute 'id' not allowed in POST"),
        ),
        (
            r#"{"network": {"admin_state_up": null}}"#,
            "400 InvalidInput: Invalid input for operation: 'None' cannot be converted to \
             boolean."
                .to_owned(),
        ),
        (
            r#"{"network": {"tenant_id": "p2"}}"#,
            bad(
                "Specifying 'project_id' other than the authenticated project in request is not \
                 allowed for the current user.",
            ),
        ),
        (
            r#"{"network": {"tenant_id": "p1", "project_id": "p2"}}"#,
            bad("'project_id' and 'tenant_id' do not match"),
        ),
    ] {
        assert_eq!(refused(body), expected, "{body}");
    }
    let missing = SUBNET
        .parse_create(br#"{"subnet": {"ip_version": 4}}"#, "p1", false)
        .unwrap_err();
    assert_eq!(
        missing.message,
        "Failed to parse request. Required attribute 'network_id' not specified"
    );
}

#[test]
fn bodies_are_completed_and_converted() {
    let body = br#"{"network": {"name": "n", "admin_state_up": "no", "shared": false}}"#;
    let Created::One(body) = NETWORK.parse_create(body, "p1", false).unwrap() else {
        panic!("one was asked for")
    };
    assert_eq!(body.project_id(), "p1");
    assert_eq!(body.text("tenant_id"), Some("p1"));
    assert_eq!(body.flag("admin_state_up"), Some(false));
    assert_eq!(body.get("availability_zone_hints"), &json!([]));
    assert!(!body.has("provider:network_type"));
    let rules = NETWORK.rules(Action::Create, &body);
    let rules: Vec<&str> = rules.rules().collect();
    assert_eq!(rules, ["create_network"], "false is what shared is anyway");
}

#[test]
fn an_admin_creates_for_others_in_bulk() {
    let body = br#"{"networks": [{"name": "a"}, {"network": {"name": "b", "tenant_id": "p2"}}]}"#;
    let created = NETWORK.parse_create(body, "p1", true).unwrap();
    let owners: Vec<&str> = created.bodies().iter().map(Body::project_id).collect();
    assert_eq!(owners, ["p1", "p2"]);
    assert!(matches!(created, Created::Many(_)));
}

#[test]
fn updates_name_only_what_changes() {
    let body = NETWORK
        .parse_update(br#"{"network": {"shared": false}}"#, "p1", false)
        .unwrap();
    assert_eq!(body.values.len(), 1);
    assert_eq!(
        NETWORK.rules(Action::Update, &body).to_string(),
        "(rule:update_network and rule:update_network:shared)"
    );
    for (body, expected) in [
        (
            r#"{"network": {"status": "x"}}"#,
            "Cannot update read-only attribute status",
        ),
        (r#"{"networks": [{}]}"#, "Bulk operation not supported"),
        (r#"{}"#, "Unable to find 'network' in request body"),
    ] {
        let error = NETWORK
            .parse_update(body.as_bytes(), "p1", false)
            .unwrap_err();
        assert_eq!(error.message, expected);
    }
}

#[test]
fn a_denied_chain_reads_as_neutrons() {
    let body = br#"{"port": {"network_id": "11111111-1111-1111-1111-111111111111",
        "mac_address": "fa:16:3e:00:00:01", "fixed_ips": [{"ip_address": "10.0.0.1"}]}}"#;
    let created = PORT.parse_create(body, "p1", false).unwrap();
    let chain = PORT.rules(Action::Create, &created.bodies()[0]);
    assert_eq!(
        chain.denied().message,
        "((rule:create_port and rule:create_port:mac_address) and (rule:create_port:fixed_ips and \
         (rule:create_port:fixed_ips:ip_address))) is disallowed by policy"
    );
    assert_eq!(
        Chain::of("get_quota").denied().message,
        "rule:get_quota is disallowed by policy"
    );
}

#[test]
fn rule_values_are_canonical() {
    let parse = |values: Value| {
        let mut rule = json!({"security_group_id": "g", "direction": "ingress"});
        for (key, value) in values.as_object().unwrap() {
            rule[key] = value.clone();
        }
        let body = json!({"security_group_rule": rule}).to_string();
        SECURITY_GROUP_RULE
            .parse_create(body.as_bytes(), "p1", false)
            .map(|created| created.bodies()[0].clone())
    };
    let rule = parse(json!({"protocol": 6, "ethertype": "ipv6", "port_range_min": "22"})).unwrap();
    assert_eq!(rule.text("protocol"), Some("6"));
    assert_eq!(rule.text("ethertype"), Some("IPv6"));
    assert_eq!(rule.get("port_range_min"), &json!(22));
    let rule = parse(json!({"protocol": "ANY", "remote_ip_prefix": "10.0.0.0"}));
    assert_eq!(rule.unwrap().get("protocol"), &Value::Null);
    let rule = parse(json!({"protocol": "TCP", "remote_ip_prefix": "10.0.0.5/24"})).unwrap();
    assert_eq!(rule.text("protocol"), Some("tcp"));
    assert_eq!(rule.text("remote_ip_prefix"), Some("10.0.0.5/24"));
    for (values, kind) in [
        (json!({"protocol": "x"}), "SecurityGroupRuleInvalidProtocol"),
        (json!({"protocol": 300}), "SecurityGroupRuleInvalidProtocol"),
        (
            json!({"ethertype": null}),
            "SecurityGroupRuleInvalidEtherType",
        ),
        (
            json!({"port_range_min": "a"}),
            "SecurityGroupInvalidPortValue",
        ),
        (json!({"remote_ip_prefix": "x"}), "InvalidCIDR"),
        (json!({"direction": "x"}), "HTTPBadRequest"),
    ] {
        assert_eq!(parse(values).unwrap_err().kind, kind);
    }
}

fn row(id: &str, name: &str, mtu: i64) -> Row {
    let row = json!({
        "id": id, "name": name, "mtu": mtu, "status": "ACTIVE", "admin_state_up": true,
        "availability_zone_hints": ["az1"], "provider:network_type": "vlan", "project_id": "p1",
    });
    row.as_object().unwrap().clone()
}

fn rows() -> Vec<Row> {
    vec![row("c", "x", 9), row("a", "y", 10), row("b", "x", 1500)]
}

fn listed(query: &str) -> Result<Vec<String>, ResourceError> {
    let query = ListQuery::parse(&NETWORK, query, 0)?;
    let rows = select(&NETWORK, &query, rows())?;
    Ok(rows
        .iter()
        .map(|row| Resource::id_of(row).to_owned())
        .collect())
}

#[test]
fn lists_are_filtered_and_sorted() {
    for (query, ids) in [
        ("", &["a", "b", "c"][..]),
        ("name=x", &["b", "c"]),
        ("name=x&name=y&id=a&id=b", &["a", "b"]),
        ("name=", &[]),
        ("admin_state_up=1&mtu=9", &["c"]),
        ("availability_zone_hints=az1&id=c", &["c"]),
        ("status=DOWN", &[]),
        ("sort_key=mtu&sort_dir=asc", &["c", "a", "b"]),
        (
            "sort_key=name&sort_dir=desc&sort_key=mtu&sort_dir=desc",
            &["a", "b", "c"],
        ),
        ("limit=2", &["a", "b"]),
        ("limit=2&marker=b", &["c"]),
        ("limit=2&marker=c", &[]),
        ("limit=2&page_reverse=True", &["b", "c"]),
        ("limit=1&page_reverse=true&marker=c", &["b"]),
        ("marker=nonsense", &["a", "b", "c"]),
        ("limit=1&sort_key=mtu&sort_dir=desc&marker=b", &["a"]),
    ] {
        assert_eq!(listed(query).unwrap(), ids, "{query}");
    }
}

#[test]
fn lists_that_are_refused() {
    for (query, kind, message) in [
        (
            "bogus=1&foo=2",
            "HTTPBadRequest",
            "['bogus', 'foo'] is invalid attribute for filtering",
        ),
        (
            "limit=-1",
            "BadRequest",
            "Bad limit request: Limit must be an integer 0 or greater and not '-1'.",
        ),
        (
            "limit=1&marker=nope",
            "NetworkNotFound",
            "Network nope could not be found.",
        ),
        (
            "sort_key=name",
            "HTTPBadRequest",
            "The number of sort_keys and sort_dirs must be same",
        ),
        (
            "sort_key=bogus&sort_dir=asc",
            "HTTPBadRequest",
            "['bogus'] is invalid attribute for sort_keys",
        ),
        (
            "sort_key=name&sort_dir=up",
            "HTTPBadRequest",
            "['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'",
        ),
        (
            "admin_state_up=maybe",
            "InvalidInput",
            "Invalid input for operation: 'maybe' cannot be converted to boolean.",
        ),
    ] {
        let error = listed(query).unwrap_err();
        assert_eq!(
            (error.kind.as_ref(), error.message.as_str()),
            (kind, message),
            "{query}"
        );
    }
}

#[test]
fn ports_are_found_by_address() {
    let port = json!({"id": "p", "fixed_ips": [
        {"ip_address": "10.0.0.5", "subnet_id": "s1"}, {"ip_address": "fd00::5", "subnet_id": "s2"},
    ]});
    let port = port.as_object().unwrap().clone();
    for (query, found) in [
        ("fixed_ips=ip_address%3D10.0.0.5", true),
        (
            "fixed_ips=ip_address=10.0.0.6&fixed_ips=ip_address=fd00::5",
            true,
        ),
        (
            "fixed_ips=ip_address=10.0.0.5&fixed_ips=subnet_id=s3",
            false,
        ),
        ("fixed_ips=ip_address_substr=0.0", true),
        ("fixed_ips=ip_address_substr=9.9", false),
    ] {
        let query_read = ListQuery::parse(&PORT, query, 0).unwrap();
        let rows = select(&PORT, &query_read, vec![port.clone()]).unwrap();
        assert_eq!(!rows.is_empty(), found, "{query}");
    }
    assert!(ListQuery::parse(&PORT, "fixed_ips=foo", 0).is_err());
}

#[test]
fn pages_are_linked_to_their_neighbours() {
    let links = |text: &str| {
        let query = ListQuery::parse(&NETWORK, text, 0).unwrap();
        let rows = select(&NETWORK, &query, rows()).unwrap();
        let mut answer = NETWORK.many(Vec::new());
        link_to(&query, &rows, "http://h/v2.0/networks").put_into(&NETWORK, &mut answer);
        answer.get("networks_links").cloned().unwrap_or_default()
    };
    let base = "http://h/v2.0/networks?";
    assert_eq!(links(""), Value::Null);
    assert_eq!(
        links("limit=2&name=x&fields=id"),
        json!([
            {"rel": "next", "href": format!("{base}limit=2&name=x&fields=id&marker=c")},
            {"rel": "previous",
             "href": format!("{base}limit=2&name=x&fields=id&marker=b&page_reverse=True")},
        ])
    );
    assert_eq!(
        links("limit=2&marker=c"),
        json!([{"rel": "previous", "href": format!("{base}limit=2&page_reverse=True")}])
    );
    assert_eq!(
        links("limit=5&page_reverse=True"),
        json!([{"rel": "next", "href": format!("{base}limit=5&marker=c")}])
    );
}

#[test]
fn the_page_size_is_capped() {
    for (sent, limit) in [("", 2), ("limit=0", 2), ("limit=9", 2), ("limit=1", 1)] {
        let query = ListQuery::parse(&NETWORK, sent, 2).unwrap();
        assert_eq!(query.page.limit, Some(limit), "{sent}");
    }
}

#[test]
fn rows_show_what_the_caller_may_see() {
    let shown = |admin: bool, fields: &[&str]| {
        let fields: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
        let projection = Projection::new(&NETWORK, |_| admin).only(&fields);
        let shown = projection.render(&row("a", "x", 9));
        let keys: Vec<String> = shown.as_object().unwrap().keys().cloned().collect();
        keys.join(" ")
    };
    assert_eq!(
        shown(true, &["provider:network_type", "id"]),
        "id provider:network_type"
    );
    assert_eq!(
        shown(false, &["provider:network_type", "id", "bogus"]),
        "id"
    );
    assert!(shown(false, &[]).starts_with("id name project_id"));
}

#[test]
fn what_can_be_handed_to_the_database() {
    let query = ListQuery::parse(&PORT, "device_id=a&device_id=b&admin_state_up=1", 0).unwrap();
    assert_eq!(
        query.exact("device_id"),
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(query.exact("admin_state_up"), None, "not a text");
    assert_eq!(query.exact("id"), None, "not asked for");
}
