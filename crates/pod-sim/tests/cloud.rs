//! The simulator from outside: scenarios over HTTP, faults, stop and start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::Client;
use tricircle_pod_sim::{Fault, Match, Service, SimCloud, SimPod, Times};

const LIMIT: Duration = Duration::from_secs(10);

struct World {
    cloud: SimCloud,
    pod: SimPod,
    demo: Client,
    admin: Client,
}

async fn world() -> World {
    let cloud = SimCloud::start().await.unwrap();
    let pod = cloud.add_pod("Pod1").await.unwrap();
    pod.add_flavor("1", "m1.tiny", 1, 512, 1);
    let demo = Client::new(&cloud.token("demo", "demo").await.unwrap());
    let admin = Client::new(&cloud.token("admin", "admin").await.unwrap());
    World {
        cloud,
        pod,
        demo,
        admin,
    }
}

fn id(body: &Value, key: &str) -> String {
    body[key]["id"].as_str().unwrap().to_owned()
}

/// A network with a subnet and a port on it; their ids.
async fn network(w: &World) -> (String, String, String) {
    let neutron = format!("{}/v2.0", w.pod.neutron_url());
    let net = w
        .demo
        .post(
            &format!("{neutron}/networks"),
            json!({"network": {"name": "net1"}}),
        )
        .await;
    assert_eq!(net.status, 201, "{}", net.text);
    let net = id(&net.body, "network");
    let subnet = json!({"subnet": {
        "network_id": net, "ip_version": 4, "cidr": "10.0.1.0/24",
    }});
    let subnet = w.demo.post(&format!("{neutron}/subnets"), subnet).await;
    assert_eq!(subnet.status, 201, "{}", subnet.text);
    let port = json!({"port": {
        "network_id": net, "fixed_ips": [{"ip_address": "10.0.1.50"}],
    }});
    let port = w.demo.post(&format!("{neutron}/ports"), port).await;
    assert_eq!(port.status, 201, "{}", port.text);
    (net, id(&subnet.body, "subnet"), id(&port.body, "port"))
}

fn server_body(w: &World, networks: Value) -> Value {
    json!({"server": {
        "name": "vm1", "flavorRef": "1", "imageRef": w.cloud.image_id(), "networks": networks,
    }})
}

async fn wait_for_status(w: &World, status: &str) {
    let reached = w
        .pod
        .wait_until(LIMIT, |all| all.servers.iter().any(|s| s.status == status))
        .await;
    assert!(reached, "{:?}", w.pod.inventory().servers);
}

#[tokio::test]
async fn a_server_is_built_on_its_port_and_leaves_it_free() {
    let w = world().await;
    let (net, subnet, port) = network(&w).await;
    w.pod.set_build_time(None);
    let nova = w.pod.nova_url();
    let mut body = server_body(&w, json!([{"port": port}]));
    body["os:scheduler_hints"] = json!({"intent": "i-1"});
    let made = w
        .demo
        .compute("2.100")
        .post(&format!("{nova}/servers"), body)
        .await;
    assert_eq!(made.status, 202, "{}", made.text);
    let server = id(&made.body, "server");
    let url = format!("{nova}/servers/{server}");
    assert_eq!(made.header("location"), url);
    let port_url = format!("{}/v2.0/ports/{port}", w.pod.neutron_url());

    let building = w.demo.get(&url).await.body;
    assert_eq!(building["server"]["status"], "BUILD");
    assert_eq!(building["server"]["addresses"], json!({}));
    let before = w.demo.get(&port_url).await.body;
    assert_eq!(
        before["port"]["device_id"], "",
        "not bound before it is built"
    );

    w.pod.finish_builds();
    let built = w.demo.compute("2.100").get(&url).await.body;
    assert_eq!(built["server"]["status"], "ACTIVE");
    assert_eq!(built["server"]["addresses"]["net1"][0]["addr"], "10.0.1.50");
    assert_eq!(
        built["server"]["scheduler_hints"],
        json!({"intent": ["i-1"]})
    );
    let bound = w.demo.get(&port_url).await.body;
    assert_eq!(bound["port"]["device_id"], server.as_str());
    assert_eq!(bound["port"]["device_owner"], "compute:nova");
    assert_eq!(bound["port"]["status"], "ACTIVE");
    assert!(bound["port"].get("binding:host_id").is_none());
    let refused = w.demo.delete(&port_url).await;
    assert_eq!(refused.status, 403, "a member cannot pull a server's port");

    assert_eq!(w.demo.delete(&url).await.status, 204);
    assert!(w.pod.wait_until(LIMIT, |all| all.servers.is_empty()).await);
    assert_eq!(w.demo.get(&url).await.status, 404);
    let free = w.demo.get(&port_url).await.body;
    assert_eq!(free["port"]["device_id"], "");
    assert_eq!(free["port"]["status"], "DOWN");

    let in_use = w
        .demo
        .delete(&format!("{}/v2.0/networks/{net}", w.pod.neutron_url()))
        .await;
    assert_eq!(in_use.status, 409);
    assert_eq!(in_use.body["NeutronError"]["type"], "NetworkInUse");
    assert_eq!(w.demo.delete(&port_url).await.status, 204);
    let subnet_url = format!("{}/v2.0/subnets/{subnet}", w.pod.neutron_url());
    assert_eq!(w.demo.delete(&subnet_url).await.status, 204);
    let net_url = format!("{}/v2.0/networks/{net}", w.pod.neutron_url());
    assert_eq!(w.demo.delete(&net_url).await.status, 204);
    assert!(w.pod.inventory().is_clean());
}

#[tokio::test]
async fn a_port_that_nova_made_goes_with_its_server() {
    let w = world().await;
    let (net, _, port) = network(&w).await;
    let url = format!("{}/servers", w.pod.nova_url());
    let made = w
        .demo
        .post(&url, server_body(&w, json!([{"uuid": net}])))
        .await;
    assert_eq!(made.status, 202, "{}", made.text);
    wait_for_status(&w, "ACTIVE").await;
    assert_eq!(w.pod.inventory().ports.len(), 2);
    let server = id(&made.body, "server");
    w.demo.delete(&format!("{url}/{server}")).await;
    let gone = |all: &tricircle_pod_sim::Inventory| all.servers.is_empty();
    assert!(w.pod.wait_until(LIMIT, gone).await);
    let left = w.pod.inventory().ports;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, port);
}

#[tokio::test]
async fn a_failed_build_is_an_error_with_a_fault_and_frees_the_port() {
    let w = world().await;
    let (_, _, port) = network(&w).await;
    w.pod.fail_next_build("No valid host was found. ");
    let url = format!("{}/servers", w.pod.nova_url());
    let made = w
        .demo
        .post(&url, server_body(&w, json!([{"port": port}])))
        .await;
    wait_for_status(&w, "ERROR").await;
    let server = id(&made.body, "server");
    let shown = w.demo.get(&format!("{url}/{server}")).await.body;
    assert_eq!(
        shown["server"]["fault"]["message"],
        "No valid host was found. "
    );
    let port = &w.pod.inventory().ports[0];
    assert_eq!(port.detail["device_id"], "");
}

#[tokio::test]
async fn a_volume_is_attached_to_one_server_at_a_time() {
    let w = world().await;
    let url = format!("{}/servers", w.pod.nova_url());
    let made = w
        .demo
        .compute("2.37")
        .post(&url, server_body(&w, json!("none")))
        .await;
    assert_eq!(made.status, 202, "{}", made.text);
    wait_for_status(&w, "ACTIVE").await;
    let server = id(&made.body, "server");
    let volumes = format!(
        "{}/{}/volumes",
        w.pod.cinder_url(),
        w.cloud.project_id("demo")
    );
    let volume = w
        .demo
        .post(&volumes, json!({"volume": {"size": 1, "name": "v"}}))
        .await;
    assert_eq!(volume.status, 202, "{}", volume.text);
    let volume = id(&volume.body, "volume");
    let status = async |wanted: &'static str| {
        let there = w
            .pod
            .wait_until(LIMIT, |all| all.volumes.iter().any(|v| v.status == wanted))
            .await;
        assert!(there, "{wanted}: {:?}", w.pod.inventory().volumes);
    };
    status("available").await;
    let attachments = format!("{url}/{server}/os-volume_attachments");
    let wanted = json!({"volumeAttachment": {"volumeId": volume}});
    let attached = w.demo.post(&attachments, wanted.clone()).await;
    assert_eq!(attached.status, 200, "{}", attached.text);
    assert_eq!(attached.body["volumeAttachment"]["device"], "/dev/sdb");
    status("in-use").await;
    assert_eq!(w.demo.post(&attachments, wanted).await.status, 400);
    assert_eq!(
        w.demo.delete(&format!("{volumes}/{volume}")).await.status,
        400
    );
    let detach = format!("{attachments}/{volume}");
    assert_eq!(w.demo.delete(&detach).await.status, 202);
    status("available").await;
    assert_eq!(
        w.demo.delete(&format!("{volumes}/{volume}")).await.status,
        202
    );
    assert!(w.pod.wait_until(LIMIT, |all| all.volumes.is_empty()).await);
}

#[tokio::test]
async fn a_stopped_pod_refuses_connections_and_keeps_what_it_has() {
    let w = world().await;
    let (net, ..) = network(&w).await;
    let url = format!("{}/v2.0/networks/{net}", w.pod.neutron_url());
    assert_eq!(w.demo.get(&url).await.status, 200);
    w.pod.stop().await;
    let error = w.demo.try_send("GET", &url, None).await.unwrap_err();
    assert!(error.is_connect() || error.is_request(), "{error:?}");
    assert!(!w.pod.is_running());
    w.pod.start().await.unwrap();
    assert_eq!(w.demo.get(&url).await.status, 200);
}

#[tokio::test]
async fn a_dropped_reply_took_effect_and_a_reset_did_not() {
    let w = world().await;
    let url = format!("{}/v2.0/networks", w.pod.neutron_url());
    let on_create = || {
        Match::service(Service::Neutron)
            .method("POST")
            .path("/networks$")
            .unwrap()
    };
    let wanted = || Some(json!({"network": {"name": "n"}}));
    w.pod
        .faults()
        .inject(on_create(), Fault::DropReplyAfterCommit, Times::N(1));
    assert!(w.demo.try_send("POST", &url, wanted()).await.is_err());
    assert_eq!(w.pod.inventory().networks.len(), 1);
    w.pod
        .faults()
        .inject(on_create(), Fault::ResetBefore, Times::N(1));
    assert!(w.demo.try_send("POST", &url, wanted()).await.is_err());
    assert_eq!(w.pod.inventory().networks.len(), 1);
    w.pod.faults().inject(
        on_create(),
        Fault::Status(503, json!({"x": 1})),
        Times::N(1),
    );
    let answer = w.demo.send("POST", &url, wanted()).await;
    assert_eq!((answer.status, answer.body), (503, json!({"x": 1})));
    assert_eq!(w.demo.send("POST", &url, wanted()).await.status, 201);
    let calls = w.pod.journal();
    let seen: Vec<(u16, Option<&str>)> = calls
        .iter()
        .map(|call| (call.status, call.fault.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            (201, Some("drop reply after commit")),
            (0, Some("reset before")),
            (503, Some("status 503")),
            (201, None),
        ]
    );
}

#[tokio::test]
async fn a_hanging_call_has_no_effect_and_others_go_on() {
    let w = world().await;
    let url = format!("{}/v2.0/networks", w.pod.neutron_url());
    w.pod
        .faults()
        .inject(Match::any().method("POST"), Fault::HangForever, Times::N(1));
    let hanging = w.demo.try_send("POST", &url, Some(json!({"network": {}})));
    let hung = tokio::time::timeout(Duration::from_millis(200), hanging).await;
    assert!(hung.is_err());
    assert_eq!(w.demo.get(&url).await.body, json!({"networks": []}));
}

#[tokio::test]
async fn the_journal_joins_the_callers_request_id() {
    let w = world().await;
    let global = "req-11111111-2222-4333-8444-555555555555";
    let url = format!("{}/servers", w.pod.nova_url());
    let answer = w
        .demo
        .compute("2.79")
        .with("x-openstack-request-id", global)
        .get(&url)
        .await;
    let own = answer.header("x-openstack-request-id");
    assert_eq!(own, answer.header("x-compute-request-id"));
    assert_ne!(own, global);
    let call = &w.pod.journal()[0];
    assert_eq!(call.service, Service::Nova);
    assert_eq!(call.request_id, own);
    assert_eq!(call.global_request_id.as_deref(), Some(global));
    assert_eq!(call.microversion.as_deref(), Some("compute 2.79"));
    assert_eq!(call.user.as_deref(), Some("demo"));
    assert_eq!(call.project, Some(w.cloud.project_id("demo")));
}

#[tokio::test]
async fn keystone_issues_validates_and_forgets_tokens() {
    let w = world().await;
    let url = format!("{}/auth/tokens", w.cloud.keystone_url());
    let auth = |password: &str| {
        json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "demo", "domain": {"id": "default"}, "password": password,
            }}},
            "scope": {"project": {"name": "demo", "domain": {"id": "default"}}},
        }})
    };
    let none = Client::new("");
    assert_eq!(none.post(&url, auth("bad")).await.status, 401);
    let made = none.post(&url, auth("secret")).await;
    assert_eq!(made.status, 201);
    let token = made.header("x-subject-token").to_owned();
    assert!(token.len() > 170);
    let roles: Vec<&str> = made.body["token"]["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["name"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["member", "reader"]);
    let volumes = made.body["token"]["catalog"]
        .as_array()
        .unwrap()
        .iter()
        .find(|service| service["type"] == "volumev3")
        .unwrap();
    let wanted = format!("{}/{}", w.pod.cinder_url(), w.cloud.project_id("demo"));
    assert_eq!(volumes["endpoints"][0]["url"], wanted.as_str());

    let service = w.cloud.token("tricircle", "service").await.unwrap();
    let checker = Client::new(&service).with("x-subject-token", &token);
    let checked = checker.get(&url).await;
    assert_eq!(checked.status, 200);
    assert_eq!(checked.body["token"]["user"]["name"], "demo");
    w.cloud.expire_token(&token);
    assert_eq!(checker.get(&url).await.status, 404);
    let late = checker.get(&format!("{url}?allow_expired=1")).await;
    assert_eq!(late.status, 200);
    let servers = format!("{}/servers", w.pod.nova_url());
    let user = Client::new(&token);
    let refused = user.get(&servers).await;
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .starts_with("Keystone uri=")
    );
    let through = user.with("x-service-token", &service).get(&servers).await;
    assert_eq!(
        through.status, 200,
        "a service token vouches for an expired one"
    );
    assert_eq!(checker.delete(&url).await.status, 404, "expired already");
    w.cloud.revoke_token(&token);
    assert_eq!(checker.get(&url).await.status, 404);
}

#[tokio::test]
async fn an_application_credential_carries_its_rules_in_its_tokens() {
    let w = world().await;
    let keystone = w.cloud.keystone_url();
    let user = w.cloud.user_id("demo");
    let wanted = json!({"application_credential": {
        "name": "robot",
        "access_rules": [{"service": "compute", "method": "GET", "path": "/v2.1/servers"}],
    }});
    let url = format!("{keystone}/users/{user}/application_credentials");
    let made = w.demo.post(&url, wanted).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let credential = &made.body["application_credential"];
    let auth = json!({"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": credential["id"], "secret": credential["secret"]},
    }}});
    let tokens = format!("{keystone}/auth/tokens");
    let token = Client::new("").post(&tokens, auth).await;
    assert_eq!(token.status, 201, "{}", token.text);
    let rules = &token.body["token"]["application_credential"]["access_rules"];
    assert_eq!(rules[0]["path"], "/v2.1/servers");
    let checker = w
        .admin
        .with("x-subject-token", token.header("x-subject-token"));
    assert_eq!(
        checker.get(&tokens).await.status,
        404,
        "not for those who ignore rules"
    );
    let aware = checker.with("openstack-identity-access-rules", "1.0");
    assert_eq!(aware.get(&tokens).await.status, 200);
}

#[tokio::test]
async fn lists_are_paged_by_limit_and_marker() {
    let w = world().await;
    let url = format!("{}/servers", w.pod.nova_url());
    for n in 0..5 {
        let mut body = server_body(&w, json!("none"));
        body["server"]["name"] = json!(format!("vm{n}"));
        let made = w.demo.compute("2.37").post(&url, body).await;
        assert_eq!(made.status, 202);
    }
    let mut seen = Vec::new();
    let mut next = format!("{url}?limit=2&sort_key=display_name&sort_dir=asc");
    loop {
        let page = w.demo.get(&next).await.body;
        let servers = page["servers"].as_array().unwrap();
        seen.extend(
            servers
                .iter()
                .map(|s| s["name"].as_str().unwrap().to_owned()),
        );
        match page["servers_links"][0]["href"].as_str() {
            Some(href) => next = href.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["vm0", "vm1", "vm2", "vm3", "vm4"]);
    let by_name = w.demo.get(&format!("{url}?name=vm[12]")).await.body;
    assert_eq!(by_name["servers"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn other_projects_see_nothing_and_readers_change_nothing() {
    let w = world().await;
    let (net, ..) = network(&w).await;
    let url = format!("{}/v2.0/networks", w.pod.neutron_url());
    let demo2 = Client::new(&w.cloud.token("demo2", "demo2").await.unwrap());
    assert_eq!(demo2.get(&format!("{url}/{net}")).await.status, 404);
    assert_eq!(demo2.delete(&format!("{url}/{net}")).await.status, 404);
    assert_eq!(demo2.get(&url).await.body, json!({"networks": []}));
    let reader = Client::new(&w.cloud.token("reader", "demo").await.unwrap());
    assert_eq!(reader.get(&format!("{url}/{net}")).await.status, 200);
    assert_eq!(reader.delete(&format!("{url}/{net}")).await.status, 403);
    let create = reader.post(&url, json!({"network": {"name": "x"}})).await;
    assert_eq!(create.status, 403);
    let servers = format!("{}/servers", w.pod.nova_url());
    let create = reader
        .compute("2.37")
        .post(&servers, server_body(&w, json!("none")))
        .await;
    assert_eq!(create.status, 403, "{}", create.text);
}

#[tokio::test]
async fn the_control_api_does_what_the_handles_do() {
    let w = world().await;
    let control = format!("{}/_sim", w.cloud.control_url());
    let client = Client::new("");
    let pods = client.get(&format!("{control}/pods")).await.body;
    assert_eq!(pods["pods"][0]["nova"], w.pod.nova_url().as_str());
    let fault = json!({
        "service": "nova", "method": "GET", "path": "/servers$", "fault": "status",
        "code": 500, "body": {"computeFault": {}}, "times": 1,
    });
    let faults = format!("{control}/faults?pod=Pod1");
    assert_eq!(client.post(&faults, fault).await.status, 204);
    let servers = format!("{}/servers", w.pod.nova_url());
    assert_eq!(w.demo.get(&servers).await.status, 500);
    assert_eq!(w.demo.get(&servers).await.status, 200);
    let journal = client
        .get(&format!("{control}/journal?pod=Pod1"))
        .await
        .body;
    assert_eq!(journal["calls"][0]["status"], 500);
    assert_eq!(journal["calls"][1]["status"], 200);
    let stop = client
        .post(&format!("{control}/pods/Pod1/stop"), json!({}))
        .await;
    assert_eq!(stop.status, 204);
    assert!(w.demo.try_send("GET", &servers, None).await.is_err());
    let start = client
        .post(&format!("{control}/pods/Pod1/start"), json!({}))
        .await;
    assert_eq!(start.status, 204);
    assert_eq!(w.demo.get(&servers).await.status, 200);
    let inventory = client
        .get(&format!("{control}/inventory?pod=Pod1"))
        .await
        .body;
    assert_eq!(inventory["flavors"][0]["name"], "m1.tiny");
}

#[tokio::test]
async fn a_server_shows_the_floating_ip_of_its_port_and_loses_it_with_the_port() {
    let w = world().await;
    let (_, subnet, port) = network(&w).await;
    let neutron = |tail: &str| format!("{}/v2.0/{tail}", w.pod.neutron_url());
    let outer = json!({"network": {"name": "outer", "router:external": true}});
    let outer = id(
        &w.admin.post(&neutron("networks"), outer).await.body,
        "network",
    );
    let pool = json!({"subnet": {
        "network_id": outer, "ip_version": 4, "cidr": "203.0.113.0/28",
    }});
    assert_eq!(w.admin.post(&neutron("subnets"), pool).await.status, 201);
    let router = json!({"router": {"external_gateway_info": {"network_id": outer}}});
    let router = id(
        &w.demo.post(&neutron("routers"), router).await.body,
        "router",
    );
    let leg = neutron(&format!("routers/{router}/add_router_interface"));
    assert_eq!(
        w.demo.put(&leg, json!({"subnet_id": subnet})).await.status,
        200
    );
    let body = server_body(&w, json!([{"port": port}]));
    let server = w
        .demo
        .post(&format!("{}/servers", w.pod.nova_url()), body)
        .await;
    let server = format!(
        "{}/servers/{}",
        w.pod.nova_url(),
        id(&server.body, "server")
    );
    wait_for_status(&w, "ACTIVE").await;

    let floating = json!({"floatingip": {"floating_network_id": outer, "port_id": port}});
    let floating = w.demo.post(&neutron("floatingips"), floating).await;
    assert_eq!(floating.status, 201, "{}", floating.text);
    assert_eq!(floating.body["floatingip"]["status"], "ACTIVE");
    let address = floating.body["floatingip"]["floating_ip_address"].clone();
    let shown = w.demo.get(&server).await.body["server"]["addresses"]["net1"].clone();
    assert_eq!(shown[0]["OS-EXT-IPS:type"], "fixed");
    assert_eq!(shown[1]["OS-EXT-IPS:type"], "floating");
    assert_eq!(shown[1]["addr"], address);

    assert_eq!(w.demo.delete(&server).await.status, 204);
    let free = |all: &tricircle_pod_sim::Inventory| all.servers.is_empty();
    assert!(w.pod.wait_until(LIMIT, free).await);
    assert_eq!(
        w.demo
            .delete(&neutron(&format!("ports/{port}")))
            .await
            .status,
        204
    );
    let floating = neutron(&format!("floatingips/{}", id(&floating.body, "floatingip")));
    let idle = w.demo.get(&floating).await.body;
    assert_eq!(idle["floatingip"]["port_id"], Value::Null);
    assert_eq!(idle["floatingip"]["status"], "DOWN");
}

#[tokio::test]
async fn a_pod_told_so_has_no_address_groups() {
    let w = world().await;
    let neutron = |tail: &str| format!("{}/v2.0/{tail}", w.pod.neutron_url());
    let group = json!({"address_group": {"addresses": ["10.0.0.1/32"]}});
    let url = format!("{}/_sim/pods/Pod1/extensions", w.cloud.control_url());
    let set = Client::new("")
        .put(&url, json!({"address-group": false}))
        .await;
    assert_eq!(set.status, 204);
    assert_eq!(
        w.demo
            .get(&neutron("extensions/address-group"))
            .await
            .status,
        404
    );
    assert_eq!(
        w.demo
            .post(&neutron("address-groups"), group.clone())
            .await
            .status,
        404
    );
    let groups = w.demo.get(&neutron("security-groups")).await.body;
    let rule = json!({"security_group_rule": {
        "security_group_id": groups["security_groups"][0]["id"], "direction": "ingress",
        "remote_address_group_id": "00000000-0000-4000-8000-000000000000",
    }});
    let refused = w.demo.post(&neutron("security-group-rules"), rule).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    w.pod.set_extension("address-group", true);
    assert_eq!(
        w.demo.post(&neutron("address-groups"), group).await.status,
        201
    );
}
