//! Nova: server groups, and what administrators see and change of services.

use serde_json::json;

use super::step::{Step, delete, get, post, put};

pub fn server_groups() -> Vec<Step> {
    let g = "<nova>/os-server-groups";
    let group = |fields: serde_json::Value| json!({ "server_group": fields });
    let new = |code: u16, fields: serde_json::Value| {
        post("demo", g, code, group(fields)).at("compute 2.64")
    };
    vec![
        get("none", g, 401),
        new(400, json!({"name": "conf-g"})),
        new(
            400,
            json!({"name": "conf-g", "policy": "affinity", "rules": {"max_server_per_host": 2}}),
        ),
        new(
            200,
            json!({
                "name": "conf-g", "policy": "anti-affinity",
                "rules": {"max_server_per_host": "2"},
            }),
        )
        .save("server_group", "/server_group/id"),
        get("demo", &format!("{g}/<server_group>"), 200).at("compute 2.64"),
        get("demo", &format!("{g}/<server_group>"), 200).at("compute 2.15"),
        get("demo", &format!("{g}/<server_group>"), 200),
        get("demo", g, 200).at("compute 2.64"),
        get("admin", &format!("{g}?all_projects=True&limit=1"), 200).at("compute 2.64"),
        get("demo", &format!("{g}/<nothing>"), 404),
        delete("demo", &format!("{g}/<nothing>"), 404),
        delete("demo", &format!("{g}/<server_group>"), 204),
        delete("demo", &format!("{g}/<server_group>"), 404),
    ]
}

pub fn services() -> Vec<Step> {
    let s = "<nova>/os-services";
    let set = |code: u16, fields: serde_json::Value| {
        put("admin", &format!("{s}/<service>"), code, fields).at("compute 2.53")
    };
    vec![
        get("admin", &format!("{s}?binary=nova-compute"), 200)
            .at("compute 2.53")
            .save("service", "/services/0/id"),
        put(
            "demo",
            &format!("{s}/<service>"),
            403,
            json!({"status": "disabled"}),
        )
        .at("compute 2.53"),
        set(
            200,
            json!({"status": "disabled", "disabled_reason": "conf"}),
        ),
        set(400, json!({"status": "enabled", "disabled_reason": "conf"})),
        set(200, json!({"status": "enabled"})),
        put(
            "admin",
            &format!("{s}/<nothing>"),
            404,
            json!({"status": "enabled"}),
        )
        .at("compute 2.53"),
        put(
            "admin",
            &format!("{s}/zz"),
            400,
            json!({"status": "enabled"}),
        )
        .at("compute 2.53"),
        put(
            "admin",
            &format!("{s}/enable"),
            404,
            json!({"host": "conf-nowhere", "binary": "nova-compute"}),
        )
        .at("compute 2.52"),
        put(
            "admin",
            &format!("{s}/bogus"),
            404,
            json!({"host": "conf-nowhere", "binary": "nova-compute"}),
        )
        .at("compute 2.52"),
        delete("admin", &format!("{s}/<nothing>"), 404).at("compute 2.53"),
        get("admin", "<nova>/os-hypervisors/<nothing>", 404).at("compute 2.53"),
        post(
            "admin",
            "<nova>/os-server-external-events",
            207,
            json!({"events": [{"server_uuid": "<nothing>", "name": "network-changed"}]}),
        ),
        get("demo", "<nova>/os-simple-tenant-usage", 403),
        get("demo", "<nova>/os-simple-tenant-usage/<project_demo>", 200)
            .at("compute 2.40")
            .code_only(),
    ]
}
