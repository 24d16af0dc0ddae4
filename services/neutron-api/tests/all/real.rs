//! The same refusals from a real pod's Neutron, word for word.
//!
//! `TRICIRCLE_REAL_CLOUD` names Keystone (`http://127.0.0.1:5000/v3`), whose catalog
//! names the Neutron of `Pod1`; user, project and password are the sandbox's `demo`.
//! Without it the comparison is left out.

use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

struct Real {
    http: reqwest::Client,
    neutron: String,
    token: String,
}

impl Real {
    async fn connect() -> Option<Self> {
        let keystone = std::env::var("TRICIRCLE_REAL_CLOUD").ok()?;
        let password = std::env::var("TRICIRCLE_REAL_PASSWORD");
        let password = password.unwrap_or_else(|_| "secret".to_owned());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let domain = json!({"id": "default"});
        let login = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "demo", "password": password, "domain": domain,
            }}},
            "scope": {"project": {"name": "demo", "domain": domain}},
        }});
        let answer = http
            .post(format!("{keystone}/auth/tokens"))
            .json(&login)
            .send()
            .await
            .unwrap();
        let token = answer.headers()["x-subject-token"]
            .to_str()
            .unwrap()
            .to_owned();
        let body: Value = answer.json().await.unwrap();
        Some(Self {
            http,
            neutron: neutron_of(&body, "Pod1"),
            token,
        })
    }

    async fn call(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.neutron))
            .header("X-Auth-Token", &self.token);
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_owned());
        }
        let answer = request.send().await.unwrap();
        let code = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        Answer {
            code,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }
}

/// The public endpoint of a region's Neutron in a token's catalog.
fn neutron_of(token: &Value, region: &str) -> String {
    let catalog = token["token"]["catalog"].as_array().unwrap();
    catalog
        .iter()
        .filter(|service| service["type"] == "network")
        .flat_map(|service| service["endpoints"].as_array().unwrap())
        .find(|endpoint| endpoint["region"] == region && endpoint["interface"] == "public")
        .and_then(|endpoint| endpoint["url"].as_str())
        .unwrap()
        .trim_end_matches('/')
        .to_owned()
}

/// Requests that change nothing anywhere, since both refuse them.
const REFUSED: [(&str, &str, &str); 44] = [
    ("POST", "/v2.0/networks", "{"),
    ("POST", "/v2.0/networks", "[]"),
    ("POST", "/v2.0/networks", "{}"),
    ("POST", "/v2.0/networks", r#"{"network": null}"#),
    ("POST", "/v2.0/networks", r#"{"network": []}"#),
    ("POST", "/v2.0/networks", r#"{"networks": []}"#),
    ("POST", "/v2.0/networks", r#"{"networks": [1]}"#),
    ("POST", "/v2.0/networks", r#"{"networks": ["a"]}"#),
    ("POST", "/v2.0/networks", r#"{"network": {"x": 1}}"#),
    ("POST", "/v2.0/networks", r#"{"network": {"name": 1}}"#),
    ("POST", "/v2.0/networks", r#"{"network": {"name": " a"}}"#),
    (
        "POST",
        "/v2.0/networks",
        r#"{"network": {"name": {"a": true, "b": null}}}"#,
    ),
    ("POST", "/v2.0/networks", r#"{"network": {"id": "x"}}"#),
    (
        "POST",
        "/v2.0/networks",
        r#"{"network": {"admin_state_up": "maybe"}}"#,
    ),
    ("POST", "/v2.0/networks", r#"{"network": {"shared": true}}"#),
    (
        "POST",
        "/v2.0/networks",
        r#"{"network": {"provider:network_type": "vlan"}}"#,
    ),
    (
        "POST",
        "/v2.0/networks",
        r#"{"network": {"tenant_id": "abc"}}"#,
    ),
    (
        "POST",
        "/v2.0/networks",
        r#"{"network": {"availability_zone_hints": ["zz"]}}"#,
    ),
    (
        "POST",
        "/v2.0/networks",
        r#"{"network": {"availability_zone_hints": "zz"}}"#,
    ),
    ("GET", "/v2.0/networks?bogus=1&foo=2", ""),
    ("GET", "/v2.0/networks?limit=-1", ""),
    ("GET", "/v2.0/networks?limit=1&marker=nope", ""),
    ("GET", "/v2.0/networks?sort_key=name", ""),
    ("GET", "/v2.0/networks?sort_key=bogus&sort_dir=asc", ""),
    ("GET", "/v2.0/networks?sort_key=name&sort_dir=up", ""),
    ("GET", "/v2.0/networks?admin_state_up=maybe", ""),
    ("GET", "/v2.0/networks/nope", ""),
    ("GET", "/v2.0/bogus", ""),
    ("PATCH", "/v2.0/networks/nope", ""),
    ("DELETE", "/v2.0/networks", ""),
    (
        "PUT",
        "/v2.0/networks/nope",
        r#"{"network": {"status": "x"}}"#,
    ),
    ("PUT", "/v2.0/networks/nope", r#"{"networks": [{}]}"#),
    ("POST", "/v2.0/subnets", r#"{"subnet": {"ip_version": 4}}"#),
    (
        "POST",
        "/v2.0/subnets",
        r#"{"subnet": {"network_id": "x", "ip_version": 5}}"#,
    ),
    (
        "POST",
        "/v2.0/subnets",
        r#"{"subnet": {"network_id": "11111111-1111-1111-1111-111111111111", "ip_version": 4, "cidr": "10.0.0.0/24"}}"#,
    ),
    ("POST", "/v2.0/ports", r#"{"port": {"network_id": "x"}}"#),
    (
        "POST",
        "/v2.0/ports",
        r#"{"port": {"network_id": "11111111-1111-1111-1111-111111111111"}}"#,
    ),
    ("GET", "/v2.0/ports?fixed_ips=foo", ""),
    (
        "POST",
        "/v2.0/security-groups",
        r#"{"security_group": {"name": "default"}}"#,
    ),
    ("DELETE", "/v2.0/security-groups/nope", ""),
    (
        "POST",
        "/v2.0/security-group-rules",
        r#"{"security_group_rule": {"security_group_id": "x", "direction": "ingress"}}"#,
    ),
    (
        "POST",
        "/v2.0/security-group-rules",
        r#"{"security_group_rule": {"security_group_id": "x", "direction": "ingress", "ethertype": "x"}}"#,
    ),
    ("GET", "/v2.0/quotas", ""),
    ("GET", "/v2.0/quotas/nobody", ""),
];

/// The same of routers and floating IPs.
const REFUSED_ROUTERS: [(&str, &str, &str); 55] = [
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"network_id": "x"}}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"enable_snat": true}}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": "x"}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"network_id": "11111111-1111-1111-1111-111111111111"}}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"network_id": "11111111-1111-1111-1111-111111111111", "bogus": 1}}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"network_id": "11111111-1111-1111-1111-111111111111", "enable_snat": "x"}}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"network_id": "11111111-1111-1111-1111-111111111111", "enable_snat": true}}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"network_id": "11111111-1111-1111-1111-111111111111", "enable_snat": true, "external_fixed_ips": [{"ip_address": "1.2.3.4"}]}}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"network_id": "11111111-1111-1111-1111-111111111111", "external_fixed_ips": "x"}}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"external_gateway_info": {"network_id": "11111111-1111-1111-1111-111111111111", "external_fixed_ips": [{"ip_address": "x"}]}}}"#,
    ),
    ("POST", "/v2.0/routers", r#"{"router": {"routes": []}}"#),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"distributed": true}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"distributed": "x"}}"#,
    ),
    ("POST", "/v2.0/routers", r#"{"router": {"ha": true}}"#),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"availability_zone_hints": ["zz"]}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"availability_zone_hints": "zz"}}"#,
    ),
    (
        "POST",
        "/v2.0/routers",
        r#"{"router": {"flavor_id": "zz"}}"#,
    ),
    (
        "PUT",
        "/v2.0/routers/nope",
        r#"{"router": {"status": "x"}}"#,
    ),
    (
        "PUT",
        "/v2.0/routers/nope",
        r#"{"router": {"routes": "x"}}"#,
    ),
    (
        "PUT",
        "/v2.0/routers/nope",
        r#"{"router": {"routes": [{"destination": "x", "nexthop": "1"}]}}"#,
    ),
    ("PUT", "/v2.0/routers/nope", r#"{"router": {"name": "x"}}"#),
    (
        "PUT",
        "/v2.0/routers/nope/add_router_interface",
        r#"{"subnet_id": "x"}"#,
    ),
    ("PUT", "/v2.0/routers/nope/add_router_interface", ""),
    ("PUT", "/v2.0/routers/nope/add_router_interface", "{"),
    ("PUT", "/v2.0/routers/nope/remove_router_interface", "{}"),
    (
        "PUT",
        "/v2.0/routers/nope/add_extraroutes",
        r#"{"router": {"routes": [{"destination": "1.0.0.0/8", "nexthop": "1.1.1.1"}]}}"#,
    ),
    ("GET", "/v2.0/routers/nope/add_router_interface", ""),
    ("PUT", "/v2.0/routers/nope/bogus", "{}"),
    ("GET", "/v2.0/routers/nope", ""),
    ("GET", "/v2.0/routers/nope/l3-agents", ""),
    ("DELETE", "/v2.0/routers/nope", ""),
    ("GET", "/v2.0/routers?status=x", ""),
    ("GET", "/v2.0/routers?external_gateway_info=x", ""),
    ("GET", "/v2.0/routers?distributed=x", ""),
    ("GET", "/v2.0/routers?availability_zone_hints=x", ""),
    (
        "GET",
        "/v2.0/routers?sort_key=external_gateway_info&sort_dir=asc",
        "",
    ),
    ("POST", "/v2.0/floatingips", r#"{"floatingip": {}}"#),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "x"}}"#,
    ),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "11111111-1111-1111-1111-111111111111"}}"#,
    ),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "11111111-1111-1111-1111-111111111111", "floating_ip_address": "1.2.3.4"}}"#,
    ),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "11111111-1111-1111-1111-111111111111", "floating_ip_address": "x"}}"#,
    ),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "11111111-1111-1111-1111-111111111111", "port_id": "x"}}"#,
    ),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "11111111-1111-1111-1111-111111111111", "fixed_ip_address": "x"}}"#,
    ),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "11111111-1111-1111-1111-111111111111", "subnet_id": "x"}}"#,
    ),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "11111111-1111-1111-1111-111111111111", "status": "x"}}"#,
    ),
    (
        "POST",
        "/v2.0/floatingips",
        r#"{"floatingip": {"floating_network_id": "11111111-1111-1111-1111-111111111111", "bogus": "x"}}"#,
    ),
    (
        "PUT",
        "/v2.0/floatingips/nope",
        r#"{"floatingip": {"port_id": null}}"#,
    ),
    (
        "PUT",
        "/v2.0/floatingips/nope",
        r#"{"floatingip": {"port_id": "x"}}"#,
    ),
    (
        "PUT",
        "/v2.0/floatingips/nope",
        r#"{"floatingip": {"floating_ip_address": "1.2.3.4"}}"#,
    ),
    ("GET", "/v2.0/floatingips/nope", ""),
    ("DELETE", "/v2.0/floatingips/nope", ""),
    ("GET", "/v2.0/floatingips?bogus=x", ""),
    ("GET", "/v2.0/floatingips?port_details=x", ""),
    ("GET", "/v2.0/floatingips?subnet_id=x", ""),
    ("GET", "/v2.0/floatingips?sort_key=port_id&sort_dir=asc", ""),
];

#[tokio::test]
async fn refusals_are_those_of_a_real_neutron() {
    let Some(real) = Real::connect().await else {
        tracing::warn!("no TRICIRCLE_REAL_CLOUD: nothing to compare with");
        return;
    };
    let bed = Bed::start().await;
    let mut different = Vec::new();
    for (method, path, body) in REFUSED.into_iter().chain(REFUSED_ROUTERS) {
        let body = (!body.is_empty()).then_some(body);
        let theirs = real.call(method, path, body).await;
        assert!(
            theirs.code >= 400,
            "{method} {path} {body:?} was meant to be refused"
        );
        let ours = bed.call("demo", method, path, body).await;
        if ours != theirs {
            different.push(format!(
                "{method} {path} {body:?}\n  ours   {}\n  theirs {}",
                ours.said(),
                theirs.said()
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
