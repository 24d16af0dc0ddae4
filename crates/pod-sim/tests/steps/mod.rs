//! The calls of the conformance list, one table per service.
//!
//! `<name>` in URLs and bodies is filled in from the endpoints, the ids of
//! projects, and what earlier steps saved.

use serde_json::{Value, json};

/// How much of an answer is compared with a real pod's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Code, version headers, key shape and fault text.
    Full,
    /// All but the text of a fault.
    Shape,
    /// Code and version headers.
    Code,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Step {
    pub who: &'static str,
    pub method: &'static str,
    pub url: String,
    pub version: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Option<String>,
    pub code: u16,
    pub check: Check,
    /// Keep the string at this place under this name.
    pub save: Option<(&'static str, &'static str)>,
    /// Repeat until the value at this place is this one; an empty place is the code.
    pub until: Option<(&'static str, Value)>,
}

impl Step {
    fn body(mut self, body: Value) -> Self {
        self.body = Some(body.to_string());
        self
    }

    fn raw(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    fn at(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn save(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.save = Some((name, pointer));
        self
    }

    fn until(mut self, pointer: &'static str, wanted: Value) -> Self {
        self.until = Some((pointer, wanted));
        self
    }

    /// Compares code and headers only.
    fn code_only(mut self) -> Self {
        self.check = Check::Code;
        self
    }

    /// Does not compare a fault's text.
    fn any_text(mut self) -> Self {
        self.check = Check::Shape;
        self
    }
}

fn call(who: &'static str, method: &'static str, url: &str, code: u16) -> Step {
    Step {
        who,
        method,
        url: url.to_owned(),
        version: "",
        headers: Vec::new(),
        body: None,
        code,
        check: Check::Full,
        save: None,
        until: None,
    }
}

fn get(who: &'static str, url: &str, code: u16) -> Step {
    call(who, "GET", url, code)
}

fn post(who: &'static str, url: &str, code: u16, body: Value) -> Step {
    call(who, "POST", url, code).body(body)
}

fn put(who: &'static str, url: &str, code: u16, body: Value) -> Step {
    call(who, "PUT", url, code).body(body)
}

fn delete(who: &'static str, url: &str, code: u16) -> Step {
    call(who, "DELETE", url, code)
}

/// The whole list, in its order.
pub fn all() -> Vec<Step> {
    [
        keystone(),
        networks(),
        subnets(),
        ports(),
        groups(),
        flavors(),
        server_refusals(),
        server_life(),
        volumes(),
        placement(),
        clean_up(),
    ]
    .concat()
}

fn keystone() -> Vec<Step> {
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

fn networks() -> Vec<Step> {
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

fn subnets() -> Vec<Step> {
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

fn ports() -> Vec<Step> {
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

fn groups() -> Vec<Step> {
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

fn flavors() -> Vec<Step> {
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

fn server_refusals() -> Vec<Step> {
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
        get("demo", &format!("{s}?foo=1"), 200),
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

fn server_life() -> Vec<Step> {
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

fn volumes() -> Vec<Step> {
    let v = "<cinder>/volumes";
    let one = "<cinder>/volumes/<volume>";
    let attachments = "<nova>/servers/<server>/os-volume_attachments";
    let wanted = json!({"volumeAttachment": {"volumeId": "<volume>"}});
    let bad = |code: u16, fields: Value| {
        let mut body = json!({"size": 1});
        let object = body.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        post("demo", v, code, json!({ "volume": body }))
    };
    vec![
        get("none", v, 401),
        get("demo", v, 200).at("volume 3.71"),
        get("demo", v, 406).at("volume 3.99"),
        get("demo", v, 400).at("volume abc"),
        get("demo", &format!("{v}/<nothing>"), 404),
        get("demo", &format!("{v}?limit=-1"), 400),
        get("demo", &format!("{v}?marker=zz"), 404),
        get("demo", &format!("{v}?sort=zz"), 400),
        get("demo2", v, 400),
        bad(400, json!({"size": 0})),
        bad(400, json!({"size": "a"})),
        bad(400, json!({"availability_zone": "zz"})),
        bad(404, json!({"volume_type": "zz"})),
        bad(400, json!({"imageRef": "zz"})),
        post("demo", v, 400, json!({"volume": {"name": "x"}})),
        post("demo", v, 400, json!({"foo": 1})),
        call("demo", "POST", v, 400).raw("{bad"),
        bad(202, json!({"name": "conf-v"})).save("volume", "/volume/id"),
        get("demo", one, 200).until("/volume/status", json!("available")),
        get("demo", one, 200).at("volume 3.71"),
        get("demo", v, 200),
        get("demo", &format!("{v}/detail"), 200).at("volume 3.69"),
        get("demo", &format!("{v}?limit=1"), 200),
        get("demo", "<cinder>/types/default", 200).code_only(),
        get("demo", "<cinder>/types/zz", 404),
        get("demo", "<cinder>/os-availability-zone", 200),
        get("demo", "<cinder>/limits", 200),
        get("demo", "<cinder>/os-services", 403),
        post(
            "demo",
            attachments,
            404,
            json!({"volumeAttachment": {"volumeId": "<nothing>"}}),
        ),
        post("demo", attachments, 400, json!({"volumeAttachment": {}})),
        post("demo", attachments, 200, wanted.clone()),
        get("demo", one, 200).until("/volume/status", json!("in-use")),
        post("demo", attachments, 400, wanted),
        delete("demo", one, 400),
        get("demo", attachments, 200),
        get("demo", attachments, 200).at("compute 2.70"),
        get("demo", attachments, 200).at("compute 2.89"),
        get("demo", &format!("{attachments}/<volume>"), 200),
        get("demo", &format!("{attachments}/<nothing>"), 404),
        get("demo", "<cinder>/attachments", 200).at("volume 3.50"),
        delete("demo", &format!("{attachments}/<volume>"), 202),
        get("demo", one, 200).until("/volume/status", json!("available")),
        post("demo", &format!("{one}/action"), 400, json!({"foo": {}})),
        post(
            "demo",
            &format!("{one}/action"),
            403,
            json!({"os-reset_status": {"status": "error"}}),
        ),
        post(
            "demo",
            &format!("{one}/action"),
            202,
            json!({"os-extend": {"new_size": 2}}),
        ),
        get("demo", one, 200).until("/volume/size", json!(2)),
        post(
            "demo",
            "<cinder>/snapshots",
            202,
            json!({"snapshot": {"volume_id": "<volume>"}}),
        )
        .save("snapshot", "/snapshot/id"),
        get("demo", "<cinder>/snapshots/<snapshot>", 200)
            .until("/snapshot/status", json!("available")),
        delete("demo", one, 400),
        delete("demo", "<cinder>/snapshots/<snapshot>", 202),
        get("demo", "<cinder>/snapshots/<snapshot>", 404).until("", json!(404)),
        delete("demo", one, 202),
        get("demo", one, 404).until("", json!(404)),
    ]
}

fn placement() -> Vec<Step> {
    let version = "placement 1.36";
    let candidates = "<placement>/allocation_candidates?resources=VCPU";
    vec![
        get("none", "<placement>/", 200),
        get("none", "<placement>/resource_providers", 401),
        get("demo", "<placement>/resource_providers", 403).code_only(),
        get("admin", "<placement>/resource_providers", 200).at(version),
        get("admin", &format!("{candidates}:1"), 200)
            .at(version)
            .code_only(),
        get("admin", &format!("{candidates}:1000000"), 200)
            .at(version)
            .code_only(),
        get("admin", "<placement>/allocation_candidates", 400)
            .at(version)
            .code_only(),
    ]
}

fn clean_up() -> Vec<Step> {
    let neutron = |tail: &str| format!("<neutron>/v2.0/{tail}");
    vec![
        delete("demo", "<nova>/servers/<server>", 204),
        get("demo", "<nova>/servers/<server>", 404).until("", json!(404)),
        delete("demo", "<nova>/servers/<server>", 404),
        get("demo", &neutron("ports/<port>"), 200).until("/port/device_id", json!("")),
        delete("demo", &neutron("ports/<port>"), 204),
        delete("demo", &neutron("ports/<port>"), 404),
        delete("demo", &neutron("ports/<b1>"), 204),
        delete("demo", &neutron("ports/<b2>"), 204),
        delete("demo", &neutron("security-groups/<group>"), 204),
        delete("demo", &neutron("subnets/<subnet>"), 204),
        delete("demo", &neutron("networks/<vlan>"), 204),
        delete("demo", &neutron("networks/<net>"), 204),
        delete("demo", &neutron("networks/<net>"), 404),
        delete("demo", "<nova>/os-keypairs/conf-k", 204).at("compute 2.10"),
        delete("admin", "<nova>/flavors/conf1", 202),
        delete("admin", "<nova>/flavors/conf1", 404),
    ]
}
