//! Neutron: address groups, and rules that name them.

use serde_json::{Value, json};

use super::step::{Step, delete, get, post, put};

pub fn all() -> Vec<Step> {
    let a = "<neutron>/v2.0/address-groups";
    let one = "<neutron>/v2.0/address-groups/<addresses>";
    let add = format!("{one}/add_addresses");
    let remove = format!("{one}/remove_addresses");
    let r = "<neutron>/v2.0/security-group-rules";
    let make = |fields: Value| json!({ "address_group": fields });
    let list = |addresses: &[&str]| json!({ "addresses": addresses });
    let rule = |fields: Value| {
        let mut body = json!({"security_group_id": "<wall>", "direction": "ingress"});
        let object = body.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        json!({ "security_group_rule": body })
    };
    vec![
        get("demo", "<neutron>/v2.0/extensions/address-group", 200),
        post("demo", a, 400, make(json!({"addresses": "x"}))),
        post("demo", a, 400, make(json!({"addresses": ["zz"]}))),
        post("demo", a, 400, make(json!({"addresses": ["10.0.0.1"]}))),
        post(
            "demo",
            a,
            400,
            make(json!({"addresses": ["10.0.0.1/32", "10.0.0.1/32"]})),
        ),
        post("demo", a, 400, make(json!({"foo": 1}))),
        post(
            "demo",
            a,
            201,
            make(json!({
                "name": "conf-a", "description": "mark:a",
                "addresses": ["10.0.0.1/32", "fd00::1/128"],
            })),
        )
        .save("addresses", "/address_group/id"),
        get("demo", one, 200),
        get("demo2", one, 404),
        get("demo", &format!("{a}/<nothing>"), 404),
        get("demo", &format!("{a}?description=mark:a"), 200),
        get("demo", &format!("{a}?addresses=x"), 400),
        put("demo", one, 200, make(json!({"name": "conf-b"}))),
        put("demo", one, 400, make(json!({"addresses": []}))),
        put("demo", &add, 200, list(&["10.0.0.2/32", "10.0.0.3/32"])),
        put("demo", &add, 400, list(&["10.0.0.2/32", "10.0.0.4/32"])),
        put("demo", &add, 400, list(&["zz"])),
        put("demo", &add, 200, list(&[])),
        put("demo", &add, 500, json!({})),
        put("demo2", &add, 404, list(&["10.0.0.9/32"])),
        put("demo", &remove, 200, list(&["10.0.0.2/32"])),
        put("demo", &remove, 404, list(&["10.0.0.2/32", "10.0.0.3/32"])),
        put("admin", &remove, 200, list(&["10.0.0.3/32"])),
        post(
            "demo",
            "<neutron>/v2.0/security-groups",
            201,
            json!({"security_group": {"name": "conf-wall"}}),
        )
        .save("wall", "/security_group/id"),
        post(
            "demo",
            r,
            404,
            rule(json!({"remote_address_group_id": "<nothing>"})),
        ),
        post(
            "demo",
            r,
            400,
            rule(json!({
                "remote_address_group_id": "<addresses>", "remote_group_id": "<wall>",
            })),
        ),
        post(
            "demo",
            r,
            201,
            rule(json!({"remote_address_group_id": "<addresses>"})),
        )
        .save("by_address", "/security_group_rule/id"),
        post(
            "demo",
            r,
            409,
            rule(json!({"remote_address_group_id": "<addresses>"})),
        ),
        post(
            "demo",
            r,
            201,
            rule(json!({"remote_address_group_id": "<addresses>", "ethertype": "IPv6"})),
        ),
        get(
            "demo",
            &format!("{r}?remote_address_group_id=<addresses>&fields=id"),
            200,
        ),
        delete("demo", one, 409),
        delete("demo2", one, 404),
        delete("demo", "<neutron>/v2.0/security-groups/<wall>", 204),
        delete("demo", one, 204),
        delete("demo", one, 404),
    ]
}
