//! Nova: flavors, keypairs, servers.

use serde_json::{Value, json};

use super::step::{Step, call, delete, get, post, put};

pub fn flavors() -> Vec<Step> {
    let f = "<nova>/flavors";
    let flavor = json!({"flavor": {
        "name": "conf.tiny", "ram": 64, "vcpus": 1, "disk": 1, "id": "conf1",
    }});
    vec![
        get("none", f, 401),
        get("demo", "<nova>/foo", 404).code_only(),
        get("demo", "<nova>/<nothing>/servers", 400).any_text(),
        get("demo", f, 406).at("compute 2.200"),
        get("demo", f, 406).at("compute 3.1"),
        get("demo", f, 400).at("compute abc"),
        get("demo", f, 200).at("compute latest"),
        post("demo", f, 403, flavor.clone()),
        post("admin", f, 200, flavor.clone()).at("compute 2.61"),
        post("admin", f, 409, flavor).at("compute 2.61"),
        post(
            "admin",
            f,
            400,
            json!({"flavor": {"name": "x", "ram": "x"}}),
        )
        .any_text(),
        get("demo", &format!("{f}/conf1"), 200),
        get("demo", &format!("{f}/conf1"), 200).at("compute 2.61"),
        get("demo", &format!("{f}/detail"), 200).at("compute 2.55"),
        get("demo", &format!("{f}/nope"), 404),
        post(
            "admin",
            &format!("{f}/conf1/os-extra_specs"),
            200,
            json!({"extra_specs": {"a:b": "1"}}),
        ),
        get("demo", &format!("{f}/conf1/os-extra_specs"), 200),
        get("demo", &format!("{f}/conf1/os-extra_specs/zz"), 404),
        delete("admin", &format!("{f}/conf1/os-extra_specs/a:b"), 200),
        get("demo", "<nova>/os-keypairs/zz", 404),
        delete("demo", "<nova>/os-keypairs/zz", 404),
        post(
            "demo",
            "<nova>/os-keypairs",
            400,
            json!({"keypair": {"name": "k", "public_key": "ssh-rsa AAAA x"}}),
        ),
        post(
            "demo",
            "<nova>/os-keypairs",
            201,
            json!({"keypair": {"name": "conf-k"}}),
        )
        .at("compute 2.10"),
        get("demo", "<nova>/os-keypairs", 200).at("compute 2.10"),
        get("demo", "<nova>/os-keypairs/conf-k", 200).at("compute 2.10"),
        get("demo", "<nova>/os-availability-zone", 200),
        get("demo", "<nova>/os-services", 403),
        get("admin", "<nova>/os-services", 200).at("compute 2.53"),
        get("demo", "<nova>/os-hypervisors", 403),
        get("admin", "<nova>/os-hypervisors/detail", 200)
            .at("compute 2.88")
            .code_only(),
        get("demo", "<nova>/limits", 200),
        get("demo", "<nova>/limits", 200).at("compute 2.60"),
        get("demo", "<nova>/os-quota-sets/<project_demo>", 200).at("compute 2.60"),
        get("demo", "<glance>/v2/images?name=cirros", 200)
            .save("image", "/images/0/id")
            .code_only(),
        get("demo", "<glance>/v2/images/<nothing>", 404).code_only(),
    ]
}

fn server(fields: Value) -> Value {
    let mut body = json!({
        "name": "conf-vm", "flavorRef": "conf1", "imageRef": "<image>",
        "networks": [{"port": "<port>"}],
    });
    let object = body.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    json!({ "server": body })
}

pub fn server_refusals() -> Vec<Step> {
    let s = "<nova>/servers";
    let bad = |code: u16, fields: Value| post("demo", s, code, server(fields)).at("compute 2.60");
    vec![
        get("none", s, 401),
        get("demo", &format!("{s}?marker=nope"), 400),
        get("demo", &format!("{s}?limit=-1"), 400),
        get("demo", &format!("{s}?all_tenants=1"), 403),
        get("demo", &format!("{s}?sort_key=foo"), 400).any_text(),
        get("demo", &format!("{s}?status=foo"), 200),
        get("demo", &format!("{s}?status=DELETED"), 403),
        // What else the project has in a pod that somebody uses is not looked at.
        get("demo", &format!("{s}?foo=1&name=conf-nobody"), 200),
        get("demo", &format!("{s}?foo=1"), 400).at("compute 2.75"),
        get("demo", &format!("{s}?changes-since=abc"), 400),
        get("demo", &format!("{s}/nope"), 404),
        delete("demo", &format!("{s}/nope"), 404),
        bad(400, json!({"flavorRef": "zz"})),
        bad(400, json!({"imageRef": "zz"})),
        bad(400, json!({"imageRef": "<nothing>"})),
        bad(400, json!({"networks": [{"uuid": "<nothing>"}]})),
        bad(400, json!({"networks": [{"port": "<nothing>"}]})),
        bad(400, json!({"networks": [{"uuid": "zz"}]})),
        bad(400, json!({"networks": [{"fixed_ip": "10.0.0.1"}]})),
        bad(400, json!({"availability_zone": "zz"})),
        bad(400, json!({"security_groups": [{"name": "zzz"}]})),
        bad(400, json!({"key_name": "zz"})),
        bad(400, json!({"name": ""})),
        bad(400, json!({"foo": 1})).any_text(),
        bad(400, json!({"min_count": 2, "max_count": 1})),
        post("demo", s, 400, json!({"server": {"name": "x"}})).at("compute 2.60"),
        post("demo", s, 400, json!({"foo": 1})),
        call("demo", "POST", s, 400).raw("{bad"),
    ]
}

pub fn server_life() -> Vec<Step> {
    let s = "<nova>/servers";
    let one = "<nova>/servers/<server>";
    let sub = |tail: &str| format!("{one}/{tail}");
    let at = |version: &'static str| get("demo", one, 200).at(version);
    let mut with_hint = server(json!({"key_name": "conf-k", "metadata": {"a": "b"}}));
    with_hint["os:scheduler_hints"] = json!({"intent": "i-1"});
    vec![
        post("demo", s, 202, with_hint)
            .at("compute 2.100")
            .save("server", "/server/id"),
        get("demo", one, 200).until("/server/status", json!("ACTIVE")),
        at("compute 2.3"),
        at("compute 2.19"),
        at("compute 2.26"),
        at("compute 2.47"),
        at("compute 2.63"),
        at("compute 2.73"),
        at("compute 2.90"),
        at("compute 2.96"),
        at("compute 2.100"),
        at("compute 2.104"),
        get("admin", one, 200).at("compute 2.1"),
        get("admin", one, 200).at("compute 2.104"),
        get("demo2", one, 404),
        get("demo", s, 200),
        get("demo", &format!("{s}?limit=1"), 200),
        get("demo", &format!("{s}/detail"), 200).at("compute 2.96"),
        get("demo", "<neutron>/v2.0/ports/<port>", 200),
        get("admin", "<neutron>/v2.0/ports/<port>", 200).code_only(),
        delete("demo", "<neutron>/v2.0/ports/<port>", 403),
        post("demo", s, 409, server(json!({}))).at("compute 2.60"),
        get("demo", &sub("ips"), 200),
        get("demo", &sub("metadata"), 200),
        get("demo", &sub("metadata/z"), 404),
        post(
            "demo",
            &sub("metadata"),
            200,
            json!({"metadata": {"k": "v"}}),
        ),
        put(
            "demo",
            &sub("metadata/k"),
            200,
            json!({"meta": {"k": "v2"}}),
        ),
        delete("demo", &sub("metadata/k"), 204),
        put("demo", &sub("tags"), 200, json!({"tags": ["x"]})).at("compute 2.26"),
        get("demo", &sub("tags/x"), 204).at("compute 2.26"),
        delete("demo", &sub("tags"), 204).at("compute 2.26"),
        get("demo", &sub("os-interface"), 200),
        get("demo", &sub("os-interface/<nothing>"), 404),
        get("demo", &sub("os-instance-actions"), 200).at("compute 2.62"),
        get("demo", &sub("os-security-groups"), 200).code_only(),
        get("demo", &sub("diagnostics"), 403),
        get("demo", &sub("nope"), 404).code_only(),
        put(
            "demo",
            one,
            200,
            json!({"server": {"name": "conf-renamed"}}),
        )
        .at("compute 2.19"),
        post("demo", &sub("action"), 400, json!({"foo": null})),
        post("demo", &sub("action"), 400, json!({"reboot": {}})),
        post(
            "demo",
            &sub("action"),
            403,
            json!({"os-resetState": {"state": "active"}}),
        ),
        post("demo", &sub("action"), 202, json!({"os-stop": null})),
        get("demo", one, 200).until("/server/status", json!("SHUTOFF")),
        post("demo", &sub("action"), 409, json!({"os-stop": null})),
        post("demo", &sub("action"), 202, json!({"os-start": null})),
        get("demo", one, 200).until("/server/status", json!("ACTIVE")),
        post("demo", &sub("action"), 202, json!({"lock": null})),
        delete("demo", one, 409),
        post("demo", &sub("action"), 202, json!({"unlock": null})),
    ]
}
