//! Neutron: networks, subnets, ports, security groups.

use serde_json::{Value, json};

use super::step::{Step, call, delete, get, post, put};

pub fn networks() -> Vec<Step> {
    let n = "<neutron>/v2.0/networks";
    let vlan = |id: u64, physical: &str| {
        json!({"network": {
            "name": "conf-vlan", "project_id": "<project_demo>",
            "provider:network_type": "vlan", "provider:physical_network": physical,
            "provider:segmentation_id": id,
        }})
    };
    vec![
        get("none", "<neutron>/", 200),
        get("none", n, 401),
        get("bad", n, 401),
        get("demo", "<neutron>/v2.0/foo", 404),
        get("demo", &format!("{n}/<nothing>"), 404),
        get("demo", "<neutron>/v2.0/extensions", 200),
        get("demo", "<neutron>/v2.0/extensions/provider", 200),
        get("demo", "<neutron>/v2.0/extensions/zz", 404).code_only(),
        post(
            "demo",
            n,
            201,
            json!({"network": {"name": "conf-1", "description": "mark:1"}}),
        )
        .save("net", "/network/id"),
        post("admin", n, 201, vlan(2917, "physnet1")).save("vlan", "/network/id"),
        post("admin", n, 409, vlan(2917, "physnet1")),
        post("admin", n, 400, vlan(2918, "nope")),
        post("admin", n, 400, vlan(5000, "physnet1")),
        post(
            "admin",
            n,
            400,
            json!({"network": {"provider:network_type": "zz"}}),
        ),
        post("admin", n, 400, json!({"network": {"mtu": 1_000_000}})),
        post("admin", n, 400, {
            let mut wide = vlan(2918, "physnet1");
            wide["network"]["mtu"] = json!(1_000_000);
            wide
        }),
        post(
            "admin",
            n,
            400,
            json!({"network": {
                "provider:network_type": "vlan", "provider:physical_network": "physnet1",
                "mtu": 1501,
            }}),
        ),
        post(
            "demo",
            n,
            403,
            json!({"network": {"provider:network_type": "vlan"}}),
        ),
        post("demo", n, 403, json!({"network": {"shared": true}})),
        post("demo", n, 400, json!({"network": {"foo": true}})),
        post("demo", n, 400, json!({"network": {"name": 1}})),
        post("demo", n, 400, json!({"foo": {}})),
        call("demo", "POST", n, 400).raw("{bad"),
        call("demo", "POST", n, 400),
        get("demo", &format!("{n}/<vlan>"), 200),
        get("admin", &format!("{n}/<vlan>"), 200),
        get("demo2", &format!("{n}/<net>"), 404),
        put(
            "demo2",
            &format!("{n}/<net>"),
            404,
            json!({"network": {"name": "z"}}),
        ),
        delete("demo2", &format!("{n}/<net>"), 404),
        get(
            "demo",
            &format!("{n}?description=mark:1&fields=id&fields=name"),
            200,
        ),
        get("demo", &format!("{n}?limit=1"), 200),
        get("demo", &format!("{n}?limit=x"), 400),
        get("demo", &format!("{n}?foo=bar"), 400),
        get("demo", &format!("{n}?sort_key=foo&sort_dir=asc"), 400),
        get(
            "demo",
            &format!("{n}?sort_key=name&sort_dir=desc&sort_key=id"),
            400,
        ),
        get("demo", &format!("{n}?limit=1&marker=zz"), 404),
        put(
            "demo",
            &format!("{n}/<vlan>"),
            200,
            json!({"network": {"name": "conf-2"}}),
        ),
        put(
            "demo",
            &format!("{n}/<vlan>"),
            400,
            json!({"network": {"status": "x"}}),
        ),
        call("demo", "PUT", &format!("{n}/<net>/tags/t1"), 201).code_only(),
        get("demo", &format!("{n}/<net>/tags"), 200),
        get("demo", &format!("{n}/<net>/tags/t1"), 204),
        put(
            "demo",
            &format!("{n}/<net>/tags"),
            200,
            json!({"tags": ["a", "b"]}),
        ),
        get("demo", &format!("{n}?tags=a&fields=id&fields=tags"), 200),
        delete("demo", &format!("{n}/<net>/tags/zz"), 404),
        delete("demo", &format!("{n}/<net>/tags"), 204),
    ]
}

pub fn subnets() -> Vec<Step> {
    let s = "<neutron>/v2.0/subnets";
    let subnet = |fields: Value| {
        let mut body = json!({"network_id": "<vlan>", "ip_version": 4});
        let object = body.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        json!({ "subnet": body })
    };
    let bad = |code: u16, fields: Value| post("demo", s, code, subnet(fields));
    let pool = |start: &str, end: &str| json!([{"start": start, "end": end}]);
    vec![
        bad(201, json!({"cidr": "10.178.0.0/24", "name": "s1"})).save("subnet", "/subnet/id"),
        bad(400, json!({"cidr": "10.178.0.0/25"})),
        bad(400, json!({"cidr": "zz"})),
        bad(400, json!({})),
        bad(
            400,
            json!({"cidr": "10.1.0.0/24", "allocation_pools": pool("10.2.0.1", "10.2.0.3")}),
        ),
        bad(
            409,
            json!({"cidr": "10.1.0.0/24", "allocation_pools": pool("10.1.0.1", "10.1.0.3")}),
        ),
        bad(
            400,
            json!({"cidr": "10.1.0.0/24", "allocation_pools": pool("10.1.0.9", "10.1.0.3")}),
        ),
        bad(
            404,
            json!({"cidr": "10.1.0.0/24", "network_id": "<nothing>"}),
        ),
        post(
            "demo",
            s,
            400,
            json!({"subnet": {"network_id": "<vlan>", "cidr": "10.1.0.0/24"}}),
        ),
        bad(
            201,
            json!({
                "network_id": "<net>", "cidr": "10.179.0.0/29", "gateway_ip": "10.179.0.6",
                "allocation_pools": pool("10.179.0.2", "10.179.0.3"), "enable_dhcp": false,
                "dns_nameservers": ["8.8.8.8"],
                "host_routes": [{"destination": "10.9.0.0/24", "nexthop": "10.179.0.4"}],
            }),
        )
        .save("small", "/subnet/id"),
        get("demo", &format!("{s}/<subnet>"), 200),
        get("demo", &format!("{s}/<nothing>"), 404),
        put(
            "demo",
            &format!("{s}/<subnet>"),
            409,
            json!({"subnet": {"gateway_ip": "10.178.0.254"}}),
        ),
        put(
            "demo",
            &format!("{s}/<subnet>"),
            400,
            json!({"subnet": {"cidr": "10.0.0.0/8"}}),
        ),
        put(
            "demo",
            &format!("{s}/<subnet>"),
            200,
            json!({"subnet": {"allocation_pools": pool("10.178.0.2", "10.178.0.99")}}),
        ),
    ]
}

pub fn ports() -> Vec<Step> {
    let p = "<neutron>/v2.0/ports";
    let port = |fields: Value| {
        let mut body = json!({"network_id": "<vlan>"});
        let object = body.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        json!({ "port": body })
    };
    let make = |code: u16, fields: Value| post("demo", p, code, port(fields));
    let ip = |address: &str| json!({"fixed_ips": [{"ip_address": address}]});
    vec![
        make(201, ip("10.178.0.100")).save("port", "/port/id"),
        get("demo", &format!("{p}/<port>"), 200).save("mac", "/port/mac_address"),
        get("admin", &format!("{p}/<port>"), 200),
        make(409, ip("10.178.0.100")),
        post("admin", p, 409, port(json!({"mac_address": "<mac>"}))),
        make(400, json!({"mac_address": "zz"})),
        make(400, ip("10.79.0.100")),
        make(400, ip("10.178.0.255")),
        make(
            400,
            json!({"fixed_ips": [{"subnet_id": "<subnet>", "ip_address": "10.79.0.1"}]}),
        ),
        make(400, json!({"fixed_ips": [{"subnet_id": "<small>"}]})),
        make(404, json!({"fixed_ips": [{"subnet_id": "<nothing>"}]})),
        make(404, json!({"network_id": "<nothing>"})),
        make(404, json!({"security_groups": ["<nothing>"]})),
        make(400, json!({"security_groups": ["zz"]})),
        post("demo", p, 400, json!({"port": {}})),
        post("demo2", p, 404, port(json!({}))),
        post(
            "demo",
            p,
            201,
            json!({"ports": [
                {"network_id": "<net>", "name": "b1"}, {"network_id": "<net>", "name": "b2"},
            ]}),
        )
        .save("b1", "/ports/0/id"),
        get("demo", &format!("{p}?name=b2&fields=id"), 200).save("b2", "/ports/0/id"),
        make(409, json!({"network_id": "<net>"})),
        put(
            "demo",
            &format!("{p}/<port>"),
            200,
            json!({"port": {"name": "pp"}}),
        ),
        put(
            "demo",
            &format!("{p}/<port>"),
            400,
            json!({"port": {"network_id": "<net>"}}),
        ),
        put(
            "demo",
            &format!("{p}/<port>"),
            403,
            json!({"port": {"binding:host_id": "zz"}}),
        ),
        put(
            "demo",
            &format!("{p}/<port>"),
            412,
            json!({"port": {"name": "rev"}}),
        )
        .header("if-match", "revision_number=0")
        .any_text(),
        get(
            "demo",
            &format!("{p}?fixed_ips=ip_address%3D10.178.0.100&fields=id"),
            200,
        ),
        get(
            "demo",
            &format!("{p}?fixed_ips=subnet_id%3D<subnet>&fields=id"),
            200,
        ),
        get(
            "demo",
            &format!("{p}?network_id=<vlan>&limit=1&fields=id"),
            200,
        ),
        delete("demo", "<neutron>/v2.0/networks/<vlan>", 409),
        delete("demo", "<neutron>/v2.0/subnets/<subnet>", 409),
    ]
}

pub fn groups() -> Vec<Step> {
    let g = "<neutron>/v2.0/security-groups";
    let r = "<neutron>/v2.0/security-group-rules";
    let rule = |fields: Value| {
        let mut body = json!({"security_group_id": "<group>", "direction": "ingress"});
        let object = body.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        json!({ "security_group_rule": body })
    };
    let ssh = json!({
        "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
        "remote_ip_prefix": "10.0.0.0/8",
    });
    vec![
        get("demo", g, 200),
        post(
            "demo",
            g,
            201,
            json!({"security_group": {"name": "conf-g"}}),
        )
        .save("group", "/security_group/id"),
        post(
            "demo",
            g,
            409,
            json!({"security_group": {"name": "default"}}),
        ),
        get("demo", &format!("{g}/<group>"), 200),
        get("demo", &format!("{g}/<nothing>"), 404),
        put(
            "demo",
            &format!("{g}/<group>"),
            200,
            json!({"security_group": {"name": "conf-h"}}),
        ),
        post("demo", r, 201, rule(ssh.clone())).save("rule", "/security_group_rule/id"),
        post("demo", r, 409, rule(ssh)),
        post("demo", r, 400, rule(json!({"direction": "zz"}))),
        post("demo", r, 400, rule(json!({"port_range_min": 22}))),
        post(
            "demo",
            r,
            404,
            rule(json!({"remote_group_id": "<nothing>"})),
        ),
        post(
            "demo",
            r,
            404,
            rule(json!({"security_group_id": "<nothing>"})),
        ),
        post(
            "demo",
            r,
            400,
            rule(json!({"remote_group_id": "<group>", "remote_ip_prefix": "1.0.0.0/8"})),
        ),
        post("demo", r, 400, rule(json!({"protocol": "zzz"}))),
        post(
            "demo",
            r,
            400,
            rule(json!({"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"})),
        ),
        get("demo", &format!("{r}/<rule>"), 200),
        get("demo", &format!("{r}?security_group_id=<group>"), 200),
        delete("demo", &format!("{r}/<rule>"), 204),
        delete("demo", &format!("{r}/<rule>"), 404),
        put(
            "demo",
            "<neutron>/v2.0/ports/<port>",
            200,
            json!({"port": {"security_groups": ["<group>"]}}),
        ),
        delete("demo", &format!("{g}/<group>"), 409),
        get("demo", "<neutron>/v2.0/quotas", 403),
        get("demo", "<neutron>/v2.0/quotas/<project_demo>", 200),
        get("demo", "<neutron>/v2.0/agents", 200).code_only(),
        get("demo", "<neutron>/v2.0/availability_zones", 200).code_only(),
        get("demo", "<neutron>/v2.0/routers/<nothing>", 404),
    ]
}
