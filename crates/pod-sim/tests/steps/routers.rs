//! Neutron: gateways, interfaces, extra routes, floating IPs.
//!
//! They have networks of their own and remove them at their end.

use serde_json::{Value, json};

use super::step::{Step, delete, get, post, put};

fn n(tail: &str) -> String {
    format!("<neutron>/v2.0/{tail}")
}

fn subnet(who: &'static str, network: &str, cidr: &str, name: &'static str) -> Step {
    let body = json!({"subnet": {
        "network_id": format!("<{network}>"), "ip_version": 4, "cidr": cidr, "enable_dhcp": false,
    }});
    post(who, &n("subnets"), 201, body).save(name, "/subnet/id")
}

/// External networks, inner networks and ports for the lists below.
pub fn prepare() -> Vec<Step> {
    let external = |name: &str| json!({"network": {"name": name, "router:external": true}});
    let inner = |name: &str| json!({"network": {"name": name}});
    let port = |network: &str, ips: &[&str]| {
        let ips: Vec<Value> = ips.iter().map(|ip| json!({"ip_address": ip})).collect();
        let body = json!({"port": {"network_id": format!("<{network}>"), "fixed_ips": ips}});
        post("demo", &n("ports"), 201, body)
    };
    vec![
        post("admin", &n("networks"), 201, external("conf-ext")).save("ext", "/network/id"),
        subnet("admin", "ext", "203.0.113.0/27", "ext_subnet"),
        post("admin", &n("networks"), 201, external("conf-ext2")).save("ext2", "/network/id"),
        subnet("admin", "ext2", "198.51.100.0/27", "ext2_subnet"),
        post("demo", &n("networks"), 201, inner("conf-in1")).save("in1", "/network/id"),
        subnet("demo", "in1", "10.181.1.0/24", "in1_subnet"),
        post("demo", &n("networks"), 201, inner("conf-in2")).save("in2", "/network/id"),
        subnet("demo", "in2", "10.181.2.0/24", "in2_subnet"),
        post("demo", &n("networks"), 201, inner("conf-in3")).save("in3", "/network/id"),
        subnet("demo", "in3", "10.181.1.0/25", "in3_subnet"),
        port("in2", &[]).save("bare", "/port/id"),
        port("in2", &["10.181.2.50", "10.181.2.51"]).save("double", "/port/id"),
        port("in2", &["10.181.2.52"]).save("leg", "/port/id"),
        port("in1", &["10.181.1.60"]).save("vm", "/port/id"),
    ]
}

pub fn gateways() -> Vec<Step> {
    let r = n("routers");
    let one = n("routers/<gw>");
    let info = |info: Value| json!({"router": {"external_gateway_info": info}});
    let ip = |ip: &str| json!({"network_id": "<ext>", "external_fixed_ips": [{"ip_address": ip}]});
    vec![
        post("demo", &r, 400, info(json!("x"))),
        post("demo", &r, 400, info(json!({"enable_snat": true}))),
        post("demo", &r, 400, info(json!({"network_id": "zz"}))),
        post(
            "demo",
            &r,
            400,
            info(json!({"network_id": "<ext>", "foo": 1})),
        ),
        post("demo", &r, 404, info(json!({"network_id": "<nothing>"}))),
        post("demo", &r, 400, info(json!({"network_id": "<in1>"}))),
        post(
            "demo",
            &r,
            403,
            info(json!({"network_id": "<ext>", "enable_snat": false})),
        ),
        post("demo", &r, 403, info(ip("203.0.113.9"))),
        post("admin", &r, 400, info(ip("203.0.113.1"))),
        post("admin", &r, 400, info(ip("192.0.2.1"))),
        post("demo", &r, 400, json!({"router": {"routes": []}})),
        post(
            "demo",
            &r,
            201,
            json!({"router": {
                "name": "conf-gw", "description": "mark:gw",
                "external_gateway_info": {"network_id": "<ext>"},
            }}),
        )
        .save("gw", "/router/id"),
        get("admin", &one, 200),
        get("demo", &n("routers?description=mark:gw"), 200),
        get("demo", &n("routers?routes=x"), 400),
        get("demo", &n("routers?status=ACTIVE"), 400),
        get("admin", &n("ports?device_id=<gw>"), 200).save("gw_port", "/ports/0/id"),
        get("demo", &n("ports?device_id=<gw>"), 200),
        delete("admin", &n("ports/<gw_port>"), 409),
        put("admin", &one, 200, info(ip("203.0.113.20"))),
        post("admin", &r, 409, info(ip("203.0.113.20"))),
        put(
            "admin",
            &one,
            200,
            info(json!({"network_id": "<ext2>", "enable_snat": false})),
        ),
        put("demo", &one, 200, info(Value::Null)),
        put("demo", &one, 200, info(json!({"network_id": "<ext>"}))),
        put(
            "admin",
            &n("networks/<ext>"),
            409,
            json!({"network": {"router:external": false}}),
        ),
        put("demo2", &one, 404, json!({"router": {"name": "x"}})),
        put("demo", &one, 400, json!({"router": {"status": "x"}})),
    ]
}

pub fn interfaces() -> Vec<Step> {
    let add = n("routers/<gw>/add_router_interface");
    let remove = n("routers/<gw>/remove_router_interface");
    let subnet = |id: &str| json!({"subnet_id": id});
    let port = |id: &str| json!({"port_id": id});
    vec![
        put("demo", &add, 400, json!({})),
        put("demo", &add, 400, subnet("zz")),
        put("demo", &add, 404, subnet("<nothing>")),
        put("demo", &add, 404, port("<nothing>")),
        put(
            "demo",
            &add,
            400,
            json!({"subnet_id": "<in1_subnet>", "port_id": "<leg>"}),
        ),
        put("demo2", &add, 404, subnet("<in1_subnet>")),
        put("demo", &add, 200, subnet("<in1_subnet>")).save("in1_leg", "/port_id"),
        put("demo", &add, 400, subnet("<in1_subnet>")),
        put("demo", &add, 400, subnet("<in3_subnet>")),
        put("demo", &add, 400, port("<bare>")),
        put("demo", &add, 400, port("<double>")),
        put("demo", &add, 200, port("<leg>")),
        put("demo", &add, 409, port("<leg>")),
        get("demo", &n("ports/<in1_leg>"), 200),
        delete("demo", &n("ports/<in1_leg>"), 409),
        put(
            "demo",
            &n("ports/<in1_leg>"),
            400,
            json!({"port": {"fixed_ips": [{"ip_address": "10.181.1.2"}]}}),
        ),
        put(
            "demo",
            &n("subnets/<in1_subnet>"),
            409,
            json!({"subnet": {"gateway_ip": "10.181.1.9"}}),
        )
        .any_text(),
        put("demo", &remove, 400, json!({})),
        put("demo", &remove, 404, subnet("<nothing>")),
        put("demo", &remove, 404, subnet("<in3_subnet>")),
        put("demo", &remove, 404, port("<vm>")),
        put(
            "demo",
            &remove,
            400,
            json!({"port_id": "<leg>", "subnet_id": "<in1_subnet>"}),
        ),
        delete("demo", &n("routers/<gw>"), 409).any_text(),
    ]
}

pub fn routes() -> Vec<Step> {
    let one = n("routers/<gw>");
    let add = n("routers/<gw>/add_extraroutes");
    let remove = n("routers/<gw>/remove_extraroutes");
    let list = |pairs: &[(&str, &str)]| {
        let routes: Vec<Value> = pairs
            .iter()
            .map(|(destination, nexthop)| json!({"destination": destination, "nexthop": nexthop}))
            .collect();
        json!({"router": {"routes": routes}})
    };
    let many: Vec<String> = (0..31).map(|i| format!("10.182.{i}.0/24")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|d| (d.as_str(), "10.181.1.9")).collect();
    let inner = ("10.183.0.0/24", "10.181.1.9");
    let second = ("10.184.0.0/24", "10.181.2.9");
    vec![
        put("demo", &one, 400, list(&[("10.183.0.0/24", "192.0.2.1")])),
        put("demo", &one, 400, list(&[("10.183.0.0/24", "10.181.1.1")])),
        put("demo", &one, 400, list(&[("zz", "10.181.1.9")])),
        put("demo", &one, 400, list(&[("10.183.0.5/24", "10.181.1.9")])),
        put("demo", &one, 400, list(&[inner, inner])),
        put("demo", &one, 400, json!({"router": {"routes": "x"}})),
        put("demo", &one, 409, list(&many)),
        put(
            "demo",
            &one,
            200,
            list(&[inner, ("0.0.0.0/0", "203.0.113.9")]),
        ),
        put("demo", &add, 200, list(&[inner, second])),
        put("demo", &add, 400, list(&[("10.184.0.0/24", "192.0.2.1")])).any_text(),
        put("demo", &add, 400, list(&[("zz", "10.181.1.9")])),
        put("demo", &add, 409, list(&many)),
        put("demo2", &add, 404, list(&[])),
        put(
            "demo",
            &n("routers/<gw>/remove_router_interface"),
            409,
            json!({"port_id": "<leg>"}),
        ),
        put(
            "demo",
            &one,
            400,
            json!({"router": {"external_gateway_info": null}}),
        )
        .any_text(),
        put(
            "demo",
            &remove,
            200,
            list(&[second, ("10.199.0.0/24", "10.181.1.9")]),
        ),
        put("demo", &one, 200, list(&[])),
    ]
}

pub fn floating() -> Vec<Step> {
    let f = n("floatingips");
    let one = n("floatingips/<fip>");
    let make = |fields: Value| json!({ "floatingip": fields });
    vec![
        post("demo", &f, 400, make(json!({}))),
        post(
            "demo",
            &f,
            404,
            make(json!({"floating_network_id": "<nothing>"})),
        ),
        post(
            "demo",
            &f,
            400,
            make(json!({"floating_network_id": "<in1>"})),
        ),
        post(
            "demo",
            &f,
            403,
            make(json!({
                "floating_network_id": "<ext>", "floating_ip_address": "203.0.113.25",
            })),
        ),
        post(
            "admin",
            &f,
            201,
            make(json!({
                "floating_network_id": "<ext>", "floating_ip_address": "203.0.113.25",
                "project_id": "<project_demo>",
            })),
        )
        .save("fip2", "/floatingip/id"),
        post(
            "admin",
            &f,
            409,
            make(json!({
                "floating_network_id": "<ext>", "floating_ip_address": "203.0.113.25",
            })),
        ),
        post(
            "demo",
            &f,
            201,
            make(json!({"floating_network_id": "<ext>", "description": "mark:f"})),
        )
        .save("fip", "/floatingip/id"),
        put("demo", &one, 404, make(json!({"port_id": "<nothing>"}))),
        put("demo", &one, 400, make(json!({"port_id": "<double>"}))),
        put("demo", &one, 400, make(json!({"port_id": "<bare>"}))),
        put(
            "demo",
            &one,
            400,
            make(json!({"fixed_ip_address": "10.181.1.60"})),
        ),
        put(
            "demo",
            &one,
            400,
            make(json!({"port_id": "<vm>", "fixed_ip_address": "10.181.1.99"})),
        ),
        put(
            "demo",
            &one,
            400,
            make(json!({"floating_ip_address": "203.0.113.9"})),
        ),
        put("demo2", &one, 404, make(json!({"port_id": "<vm>"}))),
        put("demo", &one, 200, make(json!({"port_id": "<vm>"}))),
        get("demo", &one, 200).save("fip_ip", "/floatingip/floating_ip_address"),
        get("demo", &n("floatingips?port_id=<vm>&fields=id"), 200),
        get("demo", &n("floatingips?router_id=<gw>&fields=id"), 200),
        get(
            "demo",
            &n("floatingips?fixed_ip_address=10.181.1.60&fields=id"),
            200,
        ),
        get("demo", &n("floatingips?description=mark:f&fields=id"), 200),
        get("demo", &n("floatingips?subnet_id=x"), 400),
        get("admin", &n("ports?device_id=<fip>"), 200).save("fip_port", "/ports/0/id"),
        get("demo", &n("ports?device_id=<fip>"), 200),
        delete("admin", &n("ports/<fip_port>"), 409),
        post(
            "demo",
            &f,
            409,
            make(json!({"floating_network_id": "<ext>", "port_id": "<vm>"})),
        )
        .any_text(),
        post(
            "demo",
            &f,
            404,
            make(json!({"floating_network_id": "<ext2>", "port_id": "<vm>"})),
        ),
        put("demo", &one, 200, make(json!({"description": "mark:g"}))),
        put(
            "demo",
            &n("ports/<vm>"),
            400,
            json!({"port": {"fixed_ips": [{"ip_address": "10.181.1.70"}]}}),
        ),
        put(
            "demo",
            &n("routers/<gw>"),
            409,
            json!({"router": {"external_gateway_info": null}}),
        ),
        put(
            "demo",
            &n("routers/<gw>/remove_router_interface"),
            409,
            json!({"subnet_id": "<in1_subnet>"}),
        ),
        put("demo", &one, 200, make(json!({"port_id": null}))),
        put(
            "demo",
            &n("floatingips/<fip2>"),
            200,
            make(json!({"port_id": "<vm>"})),
        ),
        delete("demo", &n("ports/<vm>"), 204),
        get("demo", &n("floatingips/<fip2>"), 200),
        delete("demo", &one, 204),
        delete("demo", &one, 404),
    ]
}

/// Removes all of it; floating IPs that lead nowhere go with their network.
pub fn clean_up() -> Vec<Step> {
    let remove = n("routers/<gw>/remove_router_interface");
    vec![
        put("demo", &remove, 200, json!({"subnet_id": "<in1_subnet>"})),
        put("demo", &remove, 200, json!({"port_id": "<leg>"})),
        get("demo", &n("ports/<leg>"), 404),
        delete("demo", &n("routers/<gw>"), 204),
        delete("demo", &n("ports/<bare>"), 204),
        delete("demo", &n("ports/<double>"), 204),
        delete("demo", &n("networks/<in1>"), 204),
        delete("demo", &n("networks/<in2>"), 204),
        delete("demo", &n("networks/<in3>"), 204),
        delete("admin", &n("networks/<ext>"), 204),
        get("demo", &n("floatingips/<fip2>"), 404),
        delete("admin", &n("networks/<ext2>"), 204),
    ]
}
