//! Keystone.

use serde_json::json;

use super::step::{Step, call, get, post};

pub fn keystone() -> Vec<Step> {
    let auth = |password: &str| {
        json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
            "name": "demo", "domain": {"id": "default"}, "password": password,
        }}}}})
    };
    vec![
        get("none", "<keystone>", 200),
        post("none", "<keystone>/auth/tokens", 401, auth("bad")),
        call("none", "POST", "<keystone>/auth/tokens", 400).raw("{bad"),
        get("none", "<keystone>/auth/tokens", 401),
        get("admin", "<keystone>/auth/tokens", 404),
        get("admin", "<keystone>/auth/tokens", 404).header("x-subject-token", "bogus"),
        get("admin", "<keystone>/regions", 200),
        get("admin", "<keystone>/regions/Nope", 404),
        get("admin", "<keystone>/services", 200),
        get("admin", "<keystone>/endpoints", 200),
        get("demo", "<keystone>/endpoints", 403),
        get("demo", "<keystone>/services", 403),
        get("admin", "<keystone>/endpoints/nope", 404),
        get("admin", "<keystone>/endpoints?region_id=Nope", 200),
        get("admin", "<keystone>/users?name=demo", 200).code_only(),
        get("admin", "<keystone>/projects?name=demo", 200),
        get("demo", "<keystone>/auth/projects", 200).code_only(),
        post(
            "admin",
            "<keystone>/endpoints",
            400,
            json!({"endpoint": {
                "interface": "public", "region_id": "Nope", "url": "http://x", "service_id": "x",
            }}),
        ),
    ]
}
