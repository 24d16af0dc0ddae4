//! The rarer calls. Those on servers use the server, network and flavor that
//! the first tables made.

use serde_json::json;

use super::step::{Step, call, delete, get, post, put};

pub fn identity() -> Vec<Step> {
    let k = |tail: &str| format!("<keystone>/{tail}");
    let credentials = k("users/<user_demo>/application_credentials");
    vec![
        post(
            "admin",
            &k("regions"),
            201,
            json!({"region": {"id": "Conf", "description": "d"}}),
        ),
        post(
            "admin",
            &k("regions"),
            409,
            json!({"region": {"id": "Conf"}}),
        ),
        get("admin", &k("regions/Conf"), 200),
        post(
            "admin",
            &k("services"),
            201,
            json!({"service": {"type": "conf", "name": "c"}}),
        )
        .save("service", "/service/id"),
        get("admin", &k("services?type=conf"), 200),
        post(
            "admin",
            &k("endpoints"),
            201,
            json!({"endpoint": {
                "interface": "public", "region_id": "Conf", "url": "http://x/%(tenant_id)s",
                "service_id": "<service>",
            }}),
        )
        .save("endpoint", "/endpoint/id"),
        get("admin", &k("endpoints/<endpoint>"), 200),
        call("admin", "PATCH", &k("endpoints/<endpoint>"), 200)
            .body(json!({"endpoint": {"url": "http://y"}})),
        post(
            "admin",
            &k("endpoints"),
            400,
            json!({"endpoint": {"interface": "public"}}),
        )
        .any_text(),
        delete("admin", &k("endpoints/<endpoint>"), 204),
        delete("admin", &k("endpoints/<endpoint>"), 404),
        delete("admin", &k("services/<service>"), 204),
        delete("admin", &k("regions/Conf"), 204),
        get("admin", &k("roles"), 200),
        post(
            "demo",
            &credentials,
            201,
            json!({"application_credential": {"name": "conf", "access_rules": [
                {"method": "GET", "path": "/v2.1/servers", "service": "compute"},
            ]}}),
        )
        .save("credential", "/application_credential/id"),
        get("demo", &credentials, 200),
        get("demo", &format!("{credentials}/<credential>"), 200),
        get("demo2", &credentials, 403).code_only(),
        delete("demo", &format!("{credentials}/<credential>"), 204),
        delete("demo", &format!("{credentials}/<credential>"), 404).any_text(),
    ]
}

pub fn network() -> Vec<Step> {
    let n = |tail: &str| format!("<neutron>/v2.0/{tail}");
    let interface = json!({"subnet_id": "<subnet>"});
    vec![
        post(
            "demo",
            &n("networks"),
            201,
            json!({"networks": [{"name": "conf-x"}, {"name": "conf-y"}]}),
        )
        .save("x", "/networks/0/id"),
        get("demo", &n("networks?name=conf-y&fields=id"), 200).save("y", "/networks/0/id"),
        get(
            "demo",
            &n("networks?name=conf-x&name=conf-y&fields=name"),
            200,
        ),
        get("demo", &n("networks?limit=1&page_reverse=True"), 200),
        delete("demo", &n("networks/<x>"), 204),
        delete("demo", &n("networks/<y>"), 204),
        // A bulk create with a bad member makes nothing.
        post(
            "demo",
            &n("networks"),
            400,
            json!({"networks": [{"name": "conf-x"}, {"foo": 1}]}),
        ),
        get("demo", &n("networks?name=conf-x"), 200),
        post(
            "demo",
            &n("ports"),
            404,
            json!({"ports": [{"network_id": "<vlan>"}, {"network_id": "<nothing>"}]}),
        ),
        get("demo", &n("ports?network_id=<vlan>&fields=network_id"), 200),
        post(
            "demo",
            &n("subnets"),
            201,
            json!({"subnet": {
                "network_id": "<vlan>", "ip_version": 6, "cidr": "fd00:17::/64",
            }}),
        )
        .save("six", "/subnet/id"),
        delete("demo", &n("subnets/<six>"), 204),
        delete("demo", &n("subnets/<six>"), 404),
        post(
            "demo",
            &n("routers"),
            201,
            json!({"router": {"name": "conf-r"}}),
        )
        .save("router", "/router/id"),
        put(
            "demo",
            &n("routers/<router>/add_router_interface"),
            200,
            interface.clone(),
        ),
        delete("demo", &n("routers/<router>"), 409).any_text(),
        get("demo", &n("ports?device_id=<router>"), 200),
        put(
            "demo",
            &n("routers/<router>"),
            200,
            json!({"router": {"name": "conf-q"}}),
        ),
        put(
            "demo",
            &n("routers/<router>/remove_router_interface"),
            200,
            interface,
        ),
        delete("demo", &n("routers/<router>"), 204),
        get("demo", &n("floatingips"), 200),
        get("demo", &n("quotas/<project_demo>/details.json"), 200),
    ]
}

pub fn compute() -> Vec<Step> {
    let servers = "<nova>/servers";
    let one = |tail: &str| format!("<nova>/servers/<server>/{tail}");
    vec![
        // Interfaces.
        post(
            "demo",
            &one("os-interface"),
            200,
            json!({"interfaceAttachment": {"net_id": "<vlan>"}}),
        )
        .save("nic", "/interfaceAttachment/port_id"),
        get("demo", &one("os-interface/<nic>"), 200),
        post(
            "demo",
            &one("os-interface"),
            409,
            json!({"interfaceAttachment": {"port_id": "<nic>"}}),
        ),
        post(
            "demo",
            &one("os-interface"),
            404,
            json!({"interfaceAttachment": {"port_id": "<nothing>"}}),
        ),
        delete("demo", &one("os-interface/<nic>"), 202),
        get("demo", "<neutron>/v2.0/ports/<nic>", 404).until("", json!(404)),
        // Two at once, on ports that Nova makes.
        post(
            "demo",
            servers,
            202,
            json!({"server": {
                "name": "conf-m", "flavorRef": "conf1", "imageRef": "<image>", "min_count": 2,
                "return_reservation_id": true, "networks": [{"uuid": "<vlan>"}],
            }}),
        ),
        get("demo", &format!("{servers}?name=conf-m-2"), 200).save("m2", "/servers/0/id"),
        get("demo", &format!("{servers}?name=conf-m-1"), 200).save("m1", "/servers/0/id"),
        get("demo", &format!("{servers}/<m1>"), 200).until("/server/status", json!("ACTIVE")),
        get("demo", &format!("{servers}/<m2>"), 200).until("/server/status", json!("ACTIVE")),
        get(
            "admin",
            &format!("{servers}/detail?all_tenants=1&name=conf-m"),
            200,
        ),
        get("demo", &format!("{servers}?status=ACTIVE&name=conf-m"), 200),
        delete("demo", &format!("{servers}/<m1>"), 204),
        delete("demo", &format!("{servers}/<m2>"), 204),
        get("demo", &format!("{servers}/<m1>"), 404).until("", json!(404)),
        get("demo", &format!("{servers}/<m2>"), 404).until("", json!(404)),
        get(
            "demo",
            &format!("{servers}/detail?changes-since=2020-01-01T00:00:00Z&limit=1&name=conf-m"),
            200,
        ),
        get("demo", "<neutron>/v2.0/ports?device_id=<m1>", 200),
        // From a volume that Nova makes and deletes.
        post(
            "demo",
            servers,
            202,
            json!({"server": {
                "name": "conf-b", "flavorRef": "conf1", "imageRef": "", "networks": "none",
                "block_device_mapping_v2": [{
                    "boot_index": 0, "source_type": "image", "destination_type": "volume",
                    "uuid": "<image>", "volume_size": 1, "delete_on_termination": true,
                }],
            }}),
        )
        .at("compute 2.37")
        .save("b", "/server/id"),
        get("demo", &format!("{servers}/<b>"), 200)
            .at("compute 2.47")
            .until("/server/status", json!("ACTIVE")),
        get("demo", "<cinder>/volumes", 200),
        delete("demo", &format!("{servers}/<b>"), 204),
        get("demo", &format!("{servers}/<b>"), 404).until("", json!(404)),
        get("demo", "<cinder>/volumes", 200).until("/volumes", json!([])),
        // Others.
        get("demo", "<glance>/v2/images/<image>", 200),
        get("demo", "<nova>/os-server-groups", 200),
        get("demo", "<nova>/os-aggregates", 403),
        get("admin", "<nova>/os-availability-zone/detail", 200).code_only(),
        call("demo", "POST", servers, 413)
            .raw(&"x".repeat(120_000))
            .code_only(),
        post(
            "demo",
            &one("action"),
            202,
            json!({"reboot": {"type": "HARD"}}),
        ),
        get("demo", "<nova>/servers/<server>", 200).until("/server/status", json!("ACTIVE")),
        post("demo", &one("action"), 202, json!({"pause": null})),
        get("demo", "<nova>/servers/<server>", 200).until("/server/status", json!("PAUSED")),
        post("demo", &one("action"), 202, json!({"unpause": null})),
        get("demo", "<nova>/servers/<server>", 200).until("/server/status", json!("ACTIVE")),
        post("demo", &one("action"), 409, json!({"unpause": null})),
        // A private flavor.
        post(
            "admin",
            "<nova>/flavors",
            200,
            json!({"flavor": {
                "name": "conf.p", "ram": 64, "vcpus": 1, "disk": 1, "id": "confp",
                "os-flavor-access:is_public": false,
            }}),
        ),
        get("demo", "<nova>/flavors/confp", 404),
        get("admin", "<nova>/flavors/confp/os-flavor-access", 200),
        post(
            "admin",
            "<nova>/flavors/confp/action",
            200,
            json!({"addTenantAccess": {"tenant": "<project_demo>"}}),
        ),
        get("demo", "<nova>/flavors/confp", 200),
        get("admin", "<nova>/flavors/conf1/os-flavor-access", 404),
        delete("admin", "<nova>/flavors/confp", 202),
    ]
}

pub fn block() -> Vec<Step> {
    let v = "<cinder>/volumes";
    let t = "<cinder>/types";
    let one = |tail: &str| format!("<cinder>/volumes/<vol>/{tail}");
    vec![
        post(
            "demo",
            v,
            202,
            json!({"volume": {"size": 1, "metadata": {"a": "b"}}}),
        )
        .save("vol", "/volume/id"),
        get("demo", &format!("{v}/<vol>"), 200).until("/volume/status", json!("available")),
        put(
            "demo",
            &format!("{v}/<vol>"),
            200,
            json!({"volume": {"name": "conf-n"}}),
        ),
        get("demo", &format!("{v}?name=conf-n"), 200),
        get("demo", &format!("{v}?with_count=1"), 200).at("volume 3.45"),
        get("demo", &format!("{v}?foo=1"), 400).at("volume 3.34"),
        get("demo", &one("metadata"), 200),
        post(
            "demo",
            &one("metadata"),
            200,
            json!({"metadata": {"k": "v"}}),
        ),
        put("demo", &one("metadata/k"), 200, json!({"meta": {"k": "v"}})),
        delete("demo", &one("metadata/k"), 200),
        post(
            "demo",
            &one("action"),
            400,
            json!({"os-extend": {"new_size": 1}}),
        ),
        post(
            "demo",
            &one("action"),
            200,
            json!({"os-set_bootable": {"bootable": true}}),
        ),
        post("demo", &one("action"), 202, json!({"os-reserve": {}})),
        delete("demo", &format!("{v}/<vol>"), 400),
        post("demo", &one("action"), 202, json!({"os-unreserve": {}})),
        get("demo", t, 200).code_only(),
        post("demo", t, 403, json!({"volume_type": {"name": "conf-u"}})),
        get("demo", "<cinder>/foo", 404).code_only(),
        get("demo", "<cinder>/backups", 200),
        get("demo", "<cinder>/snapshots", 200),
        get("demo", "<cinder>/os-quota-sets/<project_demo>", 200).code_only(),
        delete("demo", &format!("{v}/<vol>"), 202),
        get("demo", &format!("{v}/<vol>"), 404).until("", json!(404)),
    ]
}
