//! Routers: gateways, interfaces, routes, and what they keep from being deleted.

use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

/// Addresses of ports, as lists show them.
fn addresses(port: &Value) -> Vec<&str> {
    let ips = port["fixed_ips"].as_array().unwrap();
    ips.iter()
        .map(|ip| ip["ip_address"].as_str().unwrap())
        .collect()
}

async fn interface(bed: &Bed, router: &str, action: &str, body: Value) -> Answer {
    let path = format!("/v2.0/routers/{router}/{action}_router_interface");
    bed.put("demo", &path, body).await
}

#[tokio::test]
async fn a_router_has_the_attributes_of_neutrons() {
    let bed = Bed::start().await;
    let body = json!({"router": {"name": "r", "description": "d", "admin_state_up": false}});
    let made = bed.post("demo", "/v2.0/routers", body).await;
    assert_eq!(made.code, 201);
    let project = bed.cloud.project_id("demo");
    let mut expected = json!({
        "id": made.id("router"), "name": "r", "description": "d", "admin_state_up": false,
        "status": "ACTIVE", "tenant_id": project, "project_id": project,
        "external_gateway_info": null, "availability_zones": [], "availability_zone_hints": [],
        "flavor_id": null, "routes": [], "revision_number": 1,
        "created_at": made.of("router")["created_at"],
        "updated_at": made.of("router")["updated_at"],
    });
    assert_eq!(made.of("router"), &expected);
    let path = format!("/v2.0/routers/{}", made.id("router"));
    assert_eq!(bed.get("demo", &path).await.of("router"), &expected);
    expected["distributed"] = json!(false);
    expected["ha"] = json!(false);
    let seen = bed.get("admin", &path).await;
    assert_eq!(seen.of("router"), &expected, "an administrator sees more");
    let listed = bed.get("demo", "/v2.0/routers?name=r&fields=id").await;
    assert_eq!(listed.of("routers"), &json!([{"id": made.id("router")}]));
    assert_eq!(bed.get("demo2", &path).await.kind(), "404 RouterNotFound");
    assert!(
        bed.ids("demo2", "/v2.0/routers", "routers")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn what_a_router_is_changes_and_it_goes() {
    let bed = Bed::start().await;
    let id = bed.router(json!({"name": "r"})).await;
    let path = format!("/v2.0/routers/{id}");
    let body = json!({"router": {"name": "s", "admin_state_up": false}});
    let changed = bed.put("demo", &path, body).await;
    assert_eq!(changed.of("router")["name"], json!("s"));
    assert_eq!(changed.of("router")["admin_state_up"], json!(false));
    assert_eq!(changed.of("router")["revision_number"], json!(2));
    let old = [("If-Match", "revision_number=1")];
    let answer = bed.call_with("demo", "DELETE", &path, None, &old).await;
    assert_eq!(answer.kind(), "412 RevisionNumberConstraintFailed");
    assert_eq!(bed.delete("demo", &path).await.code, 204);
    assert_eq!(
        bed.get("demo", &path).await.said(),
        format!("404 RouterNotFound: Router {id} could not be found")
    );
}

#[tokio::test]
async fn a_gateway_has_an_address_of_the_external_network() {
    let bed = Bed::start().await;
    let (external, subnet) = bed.external("203.0.113.0/24").await;
    let id = bed
        .router(json!({"external_gateway_info": {"network_id": external}}))
        .await;
    let path = format!("/v2.0/routers/{id}");
    let shown = bed.get("demo", &path).await;
    let gateway = &shown.of("router")["external_gateway_info"];
    let ip = gateway["external_fixed_ips"][0]["ip_address"]
        .as_str()
        .unwrap();
    assert!(ip.starts_with("203.0.113."), "{ip}");
    assert_eq!(
        gateway,
        &json!({
            "network_id": external, "enable_snat": true,
            "external_fixed_ips": [{"subnet_id": subnet, "ip_address": ip}],
        })
    );
    // The port of a gateway belongs to nobody: only administrators see it.
    let ports = format!("/v2.0/ports?device_id={id}");
    assert!(bed.ids("demo", &ports, "ports").await.is_empty());
    let seen = bed.get("admin", &ports).await;
    let port = &seen.of("ports")[0];
    assert_eq!(port["device_owner"], json!("network:router_gateway"));
    assert_eq!(port["project_id"], json!(""));
    assert_eq!(addresses(port), [ip]);
    let gone = bed
        .delete(
            "admin",
            &format!("/v2.0/ports/{}", port["id"].as_str().unwrap()),
        )
        .await;
    assert_eq!(
        gone.said(),
        format!(
            "409 ServicePortInUse: Port {} cannot be deleted directly via the port API: has device \
             owner network:router_gateway.",
            port["id"].as_str().unwrap()
        )
    );
    // The network stays, and stays external, while it has a gateway.
    let network = format!("/v2.0/networks/{external}");
    let internal = json!({"network": {"router:external": false}});
    assert_eq!(
        bed.put("admin", &network, internal).await.said(),
        format!(
            "409 ExternalNetworkInUse: External network {external} cannot be updated to be made \
             non-external, since it has existing gateway ports."
        )
    );
    assert_eq!(
        bed.delete("admin", &network).await.kind(),
        "409 NetworkInUse"
    );
    let subnets = format!("/v2.0/subnets/{subnet}");
    assert_eq!(
        bed.delete("admin", &subnets).await.kind(),
        "409 SubnetInUse"
    );
    let cleared = json!({"router": {"external_gateway_info": {}}});
    let cleared = bed.put("demo", &path, cleared).await;
    assert_eq!(cleared.of("router")["external_gateway_info"], Value::Null);
    assert!(bed.ids("admin", &ports, "ports").await.is_empty());
}

#[tokio::test]
async fn only_administrators_say_more_of_a_gateway_than_its_network() {
    let bed = Bed::start().await;
    let (external, subnet) = bed.external("203.0.113.0/24").await;
    let id = bed.router(json!({})).await;
    let path = format!("/v2.0/routers/{id}");
    let body = |more: Value| {
        let mut info = json!({"network_id": external});
        for (key, value) in more.as_object().unwrap() {
            info[key] = value.clone();
        }
        json!({"router": {"external_gateway_info": info}})
    };
    let rule = "update_router:external_gateway_info";
    for (more, named) in [
        (
            json!({"enable_snat": false}),
            format!("rule:{rule}:enable_snat"),
        ),
        (
            json!({"enable_snat": false, "external_fixed_ips": [{"subnet_id": subnet}]}),
            format!("rule:{rule}:external_fixed_ips and rule:{rule}:enable_snat"),
        ),
    ] {
        assert_eq!(
            bed.put("demo", &path, body(more)).await.said(),
            format!(
                "403 PolicyNotAuthorized: (rule:update_router and (rule:{rule} and \
                 (rule:{rule}:network_id and {named}))) is disallowed by policy"
            )
        );
    }
    let fixed = json!({
        "enable_snat": "off",
        "external_fixed_ips": [{"subnet_id": subnet, "ip_address": "203.0.113.77"}],
    });
    let set = bed.put("admin", &path, body(fixed)).await;
    let gateway = &set.of("router")["external_gateway_info"];
    assert_eq!(gateway["enable_snat"], json!(false));
    assert_eq!(
        gateway["external_fixed_ips"][0]["ip_address"],
        json!("203.0.113.77")
    );
    // An address that is not named stays; source NAT that is not named is on.
    let again = bed.put("demo", &path, body(json!({}))).await;
    let mut expected = gateway.clone();
    expected["enable_snat"] = json!(true);
    assert_eq!(again.of("router")["external_gateway_info"], expected);
    let outer = json!({"external_fixed_ips": [{"ip_address": "203.0.113.1"}]});
    assert_eq!(
        bed.put("admin", &path, body(outer)).await.said(),
        "400 BadRequest: Bad router request: External IP 203.0.113.1 is the same as the gateway IP."
    );
}

#[tokio::test]
async fn a_router_is_neither_distributed_nor_redundant() {
    let bed = Bed::start().await;
    for (name, said) in [
        ("distributed", "Distributed routers are not offered"),
        ("ha", "Routers with high availability are not offered"),
    ] {
        let body = |value: bool| json!({"router": {name: value}});
        let wished = bed.post("admin", "/v2.0/routers", body(true)).await;
        assert_eq!(
            wished.said(),
            format!("400 BadRequest: Bad router request: {said}.")
        );
        let plain = bed.post("admin", "/v2.0/routers", body(false)).await;
        assert_eq!(plain.of("router")[name], json!(false));
        let path = format!("/v2.0/routers/{}", plain.id("router"));
        assert_eq!(bed.put("admin", &path, body(true)).await.code, 400);
        let user = bed.post("demo", "/v2.0/routers", body(true)).await;
        assert_eq!(user.kind(), "403 PolicyNotAuthorized");
    }
}

#[tokio::test]
async fn administrators_see_the_agents_of_a_router() {
    let bed = Bed::start().await;
    let path = format!("/v2.0/routers/{}/l3-agents", bed.router(json!({})).await);
    assert_eq!(
        bed.get("demo", &path).await.said(),
        "403 PolicyNotAuthorized: rule:get_l3-agents is disallowed by policy"
    );
    // As long as no pod has a part of it there are none.
    let none = bed.get("admin", &path).await;
    assert_eq!(none.of("agents"), &json!([]));
}

#[tokio::test]
async fn a_gateway_is_on_an_external_network_that_is_there() {
    let bed = Bed::start().await;
    let internal = bed.network("n").await;
    let nowhere = "11111111-1111-1111-1111-111111111111";
    let hidden = bed
        .post("demo2", "/v2.0/networks", json!({"network": {}}))
        .await
        .id("network");
    for (network, said) in [
        (
            internal.as_str(),
            format!(
                "400 BadRequest: Bad router request: Network {internal} is not an external network."
            ),
        ),
        (
            nowhere,
            format!("404 NetworkNotFound: Network {nowhere} could not be found."),
        ),
        (
            hidden.as_str(),
            format!("404 NetworkNotFound: Network {hidden} could not be found."),
        ),
    ] {
        let body = json!({"router": {"external_gateway_info": {"network_id": network}}});
        assert_eq!(bed.post("demo", "/v2.0/routers", body).await.said(), said);
    }
    assert!(bed.ids("demo", "/v2.0/routers", "routers").await.is_empty());
}

#[tokio::test]
async fn an_interface_by_subnet_takes_the_gateway_address() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let subnet = bed.subnet(&network, "10.0.1.0/24").await;
    let id = bed.router(json!({})).await;
    let added = interface(&bed, &id, "add", json!({"subnet_id": subnet})).await;
    assert_eq!(added.code, 200, "{added:?}");
    let port = added.body["port_id"].as_str().unwrap().to_owned();
    let answer = json!({
        "id": id, "project_id": bed.cloud.project_id("demo"), "port_id": port,
        "network_id": network, "subnet_id": subnet, "subnet_ids": [subnet],
    });
    assert_eq!(added.body, answer);
    let path = format!("/v2.0/ports/{port}");
    let shown = bed.get("demo", &path).await;
    assert_eq!(addresses(shown.of("port")), ["10.0.1.1"]);
    assert_eq!(shown.of("port")["device_id"], json!(id));
    assert_eq!(
        shown.of("port")["device_owner"],
        json!("network:router_interface")
    );
    let again = interface(&bed, &id, "add", json!({"subnet_id": subnet})).await;
    assert_eq!(
        again.said(),
        format!(
            "400 BadRequest: Bad router request: Router already has a port on subnet {subnet}."
        )
    );
    for (path, said) in [
        (
            format!("/v2.0/routers/{id}"),
            format!("409 RouterInUse: Router {id} has ports still attached: {port}"),
        ),
        (
            path.clone(),
            format!(
                "409 ServicePortInUse: Port {port} cannot be deleted directly via the port API: \
                 has device owner network:router_interface."
            ),
        ),
        (
            format!("/v2.0/subnets/{subnet}"),
            format!(
                "409 SubnetInUse: Unable to complete operation on subnet {subnet}: One or more \
                 ports have an IP allocation from this subnet."
            ),
        ),
        (
            format!("/v2.0/networks/{network}"),
            format!(
                "409 NetworkInUse: Unable to complete operation on network {network}. There are \
                 one or more ports still in use on the network, id for these ports is: {port}."
            ),
        ),
    ] {
        assert_eq!(bed.delete("demo", &path).await.said(), said);
    }
    let moved = json!({"subnet": {"gateway_ip": "10.0.1.254"}});
    let moved = bed
        .put("demo", &format!("/v2.0/subnets/{subnet}"), moved)
        .await;
    assert_eq!(
        moved.said(),
        format!(
            "409 GatewayIpInUse: Current gateway ip 10.0.1.1 already in use by port {port}. Unable \
             to update."
        )
    );
    let removed = interface(&bed, &id, "remove", json!({"subnet_id": subnet})).await;
    assert_eq!(removed.body, answer);
    assert_eq!(bed.get("demo", &path).await.kind(), "404 PortNotFound");
    let once_more = interface(&bed, &id, "remove", json!({"subnet_id": subnet})).await;
    assert_eq!(
        once_more.said(),
        format!(
            "404 RouterInterfaceNotFoundForSubnet: Router {id} has no interface on subnet {subnet}"
        )
    );
    assert_eq!(
        bed.delete("demo", &format!("/v2.0/routers/{id}"))
            .await
            .code,
        204
    );
    // The address is the next router's at once, whether or not the pods are clean.
    let next = bed.router(json!({})).await;
    let added = interface(&bed, &next, "add", json!({"subnet_id": subnet})).await;
    let port = added.body["port_id"].as_str().unwrap();
    let shown = bed.get("demo", &format!("/v2.0/ports/{port}")).await;
    assert_eq!(addresses(shown.of("port")), ["10.0.1.1"]);
}

#[tokio::test]
async fn a_part_of_a_router_is_changed_as_a_router_only() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let subnet = bed.subnet(&network, "10.0.1.0/24").await;
    let id = bed.router(json!({})).await;
    let added = interface(&bed, &id, "add", json!({"subnet_id": subnet})).await;
    let port = added.body["port_id"].as_str().unwrap();
    let path = format!("/v2.0/ports/{port}");
    // Naming what is there already is fine, as are the names of things.
    for same in [
        json!({"fixed_ips": [{"subnet_id": subnet}]}),
        json!({"fixed_ips": [{"subnet_id": subnet, "ip_address": "10.0.1.1"}]}),
        json!({"name": "p", "device_id": id}),
    ] {
        let shown = bed.put("demo", &path, json!({ "port": same })).await;
        assert_eq!(addresses(shown.of("port")), ["10.0.1.1"]);
    }
    for other in [
        json!({"fixed_ips": [{"subnet_id": subnet, "ip_address": "10.0.1.77"}]}),
        json!({"fixed_ips": []}),
        json!({"device_id": ""}),
        json!({"device_owner": "compute:nova"}),
    ] {
        let refused = bed.put("demo", &path, json!({ "port": other })).await;
        assert_eq!(refused.kind(), "400 BadRequest", "{other}");
    }
    let moved = json!({"subnet": {
        "gateway_ip": "10.0.1.254",
        "allocation_pools": [{"start": "10.0.1.2", "end": "10.0.1.99"}],
    }});
    let subnets = format!("/v2.0/subnets/{subnet}");
    assert_eq!(
        bed.put("demo", &subnets, moved.clone()).await.kind(),
        "409 GatewayIpInUse"
    );
    interface(&bed, &id, "remove", json!({"port_id": port})).await;
    let moved = bed.put("demo", &subnets, moved).await;
    assert_eq!(moved.of("subnet")["gateway_ip"], json!("10.0.1.254"));
}

#[tokio::test]
async fn nobody_makes_a_part_of_a_router_by_hand() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let own = bed.router(json!({})).await;
    let others = bed
        .post("demo2", "/v2.0/routers", json!({"router": {}}))
        .await;
    let others = others.id("router");
    let owner = "network:router_interface";
    for (device, kind) in [
        (own.as_str(), "400 BadRequest"),
        (others.as_str(), "409 DeviceIDNotOwnedByTenant"),
        ("11111111-1111-1111-1111-111111111111", "201"),
    ] {
        let more = json!({"device_owner": owner, "device_id": device});
        assert_eq!(bed.port(&network, more).await.kind(), kind, "{device}");
    }
    let port = bed.port(&network, json!({})).await.id("port");
    let change = json!({"port": {"device_owner": owner, "device_id": own}});
    let path = format!("/v2.0/ports/{port}");
    assert_eq!(
        bed.put("demo", &path, change).await.kind(),
        "400 BadRequest"
    );
}

#[tokio::test]
async fn an_interface_by_port_keeps_the_ports_address() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let subnet = bed.subnet(&network, "10.0.1.0/24").await;
    let id = bed.router(json!({})).await;
    let ip = json!({"fixed_ips": [{"subnet_id": subnet, "ip_address": "10.0.1.9"}]});
    let port = bed.port(&network, ip).await.id("port");
    let both = json!({"port_id": port, "subnet_id": subnet});
    assert_eq!(
        interface(&bed, &id, "add", both.clone()).await.said(),
        "400 BadRequest: Bad router request: Cannot specify both subnet-id and port-id."
    );
    let added = interface(&bed, &id, "add", json!({"port_id": port})).await;
    assert_eq!(added.body["port_id"], json!(port));
    assert_eq!(added.body["subnet_ids"], json!([subnet]));
    let again = interface(&bed, &id, "add", json!({"port_id": port})).await;
    assert_eq!(
        again.said(),
        format!(
            "409 PortInUse: Unable to complete operation on port {port} for network {network}. \
             Port already has an attached device {id}."
        )
    );
    let other = bed.subnet(&network, "10.0.2.0/24").await;
    let elsewhere = json!({"port_id": port, "subnet_id": other});
    assert_eq!(
        interface(&bed, &id, "remove", elsewhere).await.kind(),
        "400 SubnetMismatchForPort"
    );
    assert_eq!(interface(&bed, &id, "remove", both).await.code, 200);
    let gone = bed.get("demo", &format!("/v2.0/ports/{port}")).await;
    assert_eq!(gone.kind(), "404 PortNotFound", "as in Neutron");
}

#[tokio::test]
async fn interfaces_that_make_no_sense_are_refused() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let subnet = bed.subnet(&network, "10.0.1.0/24").await;
    let other = bed.network("m").await;
    let overlapping = bed.subnet(&other, "10.0.0.0/16").await;
    let id = bed.router(json!({})).await;
    interface(&bed, &id, "add", json!({"subnet_id": subnet})).await;
    let nowhere = "11111111-1111-1111-1111-111111111111";
    let foreign = bed
        .post("demo2", "/v2.0/networks", json!({"network": {}}))
        .await
        .id("network");
    let body = json!({"subnet": {
        "network_id": foreign, "ip_version": 4, "cidr": "10.9.0.0/24",
    }});
    let foreign = bed.post("demo2", "/v2.0/subnets", body).await.id("subnet");
    let bad = |text: &str| format!("400 BadRequest: Bad router request: {text}.");
    for (body, said) in [
        (
            json!({}),
            bad("Either subnet_id or port_id must be specified"),
        ),
        (json!({"subnet_id": "x"}), bad("'x' is not a valid UUID")),
        (json!({"port_id": 5}), bad("'5' is not a valid UUID")),
        (
            json!({"subnet_id": nowhere}),
            format!("404 SubnetNotFound: Subnet {nowhere} could not be found."),
        ),
        (
            json!({"subnet_id": foreign}),
            format!("404 SubnetNotFound: Subnet {foreign} could not be found."),
        ),
        (
            json!({"port_id": nowhere}),
            format!("404 PortNotFound: Port {nowhere} could not be found."),
        ),
        (
            json!({"subnet_id": overlapping}),
            bad(&format!(
                "Cidr 10.0.0.0/16 of subnet {overlapping} overlaps with cidr 10.0.1.0/24 of subnet \
                 {subnet}"
            )),
        ),
    ] {
        assert_eq!(interface(&bed, &id, "add", body.clone()).await.said(), said);
    }
    let path = format!("/v2.0/routers/{id}/add_router_interface");
    let body = json!({"subnet_id": overlapping});
    assert_eq!(
        bed.put("reader", &path, body.clone()).await.said(),
        "403 PolicyNotAuthorized: rule:add_router_interface is disallowed by policy"
    );
    assert_eq!(
        bed.put("demo2", &path, body).await.kind(),
        "404 RouterNotFound"
    );
    assert_eq!(
        bed.call("demo", "PUT", &path, Some("{")).await.kind(),
        "400 MalformedRequestBody"
    );
    assert_eq!(
        bed.get("demo", &path).await.kind(),
        "405 HTTPMethodNotAllowed"
    );
}

#[tokio::test]
async fn a_router_has_one_ipv6_interface_on_a_network() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let id = bed.router(json!({})).await;
    let subnet = async |cidr: &str, mode: Value| {
        let mut body = json!({"network_id": network, "ip_version": 6, "cidr": cidr});
        for (key, value) in mode.as_object().unwrap() {
            body[key] = value.clone();
        }
        let made = bed.post("demo", "/v2.0/subnets", json!({ "subnet": body }));
        made.await.id("subnet")
    };
    let outer = subnet("fd00:1::/64", json!({"ipv6_address_mode": "slaac"})).await;
    assert_eq!(
        interface(&bed, &id, "add", json!({"subnet_id": outer}))
            .await
            .said(),
        format!(
            "400 BadRequest: Bad router request: IPv6 subnet {outer} configured to receive RAs \
             from an external router cannot be added to Neutron Router.."
        )
    );
    let slaac = json!({"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"});
    let first = subnet("fd00:2::/64", slaac.clone()).await;
    let added = interface(&bed, &id, "add", json!({"subnet_id": first})).await;
    let port = added.body["port_id"].as_str().unwrap();
    let shown = bed.get("demo", &format!("/v2.0/ports/{port}")).await;
    assert_eq!(addresses(shown.of("port")), ["fd00:2::1"]);
    let second = subnet("fd00:3::/64", slaac).await;
    let refused = interface(&bed, &id, "add", json!({"subnet_id": second})).await;
    assert_eq!(
        refused.said(),
        format!(
            "400 BadRequest: Bad router request: Router already contains IPv6 port {port} \
             belonging to network id {network}. Only one IPv6 port from the same network subnet \
             can be connected to a router.."
        )
    );
}

#[tokio::test]
async fn routes_are_set_added_and_removed() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let subnet = bed.subnet(&network, "10.0.1.0/24").await;
    let id = bed.router(json!({})).await;
    let path = format!("/v2.0/routers/{id}");
    let a = json!({"destination": "192.168.1.0/24", "nexthop": "10.0.1.5"});
    let b = json!({"destination": "192.168.2.0/24", "nexthop": "10.0.1.6"});
    let routes = |list: Value| json!({"router": {"routes": list}});
    let unreachable = bed.put("demo", &path, routes(json!([a]))).await;
    assert_eq!(
        unreachable.said(),
        "400 InvalidRoutes: Invalid input for operation: Invalid format for routes: \
         [{'destination': '192.168.1.0/24', 'nexthop': '10.0.1.5'}], the nexthop is not connected \
         with router."
    );
    interface(&bed, &id, "add", json!({"subnet_id": subnet})).await;
    let set = bed.put("demo", &path, routes(json!([a]))).await;
    assert_eq!(set.of("router")["routes"], json!([a]));
    let add = format!("{path}/add_extraroutes");
    let both = bed.put("demo", &add, routes(json!([a, b]))).await;
    assert_eq!(both.of("router")["routes"], json!([a, b]));
    let kept = interface(&bed, &id, "remove", json!({"subnet_id": subnet})).await;
    assert_eq!(kept.kind(), "409 RouterInterfaceInUseByRoute");
    let remove = format!("{path}/remove_extraroutes");
    let one = bed.put("demo", &remove, routes(json!([a]))).await;
    assert_eq!(one.of("router")["routes"], json!([b]));
    let same = bed.put("demo", &remove, routes(json!([a]))).await;
    assert_eq!(same.of("router")["routes"], json!([b]), "gone is fine");
    let none = bed.put("demo", &path, routes(Value::Null)).await;
    assert_eq!(none.of("router")["routes"], json!([]));
    for (body, code) in [
        (json!({}), 400),
        (json!({"router": {}}), 400),
        (json!({"router": {"name": "x", "routes": []}}), 400),
    ] {
        assert_eq!(
            bed.put("demo", &add, body.clone()).await.code,
            code,
            "{body}"
        );
    }
}

#[tokio::test]
async fn hints_name_zones_and_pods() {
    let bed = Bed::start().await.with_zone("az1").await;
    for (hint, code) in [("az1", 201), ("Region-az1", 201), ("zz", 404)] {
        let body = json!({"router": {"availability_zone_hints": [hint]}});
        let made = bed.post("demo", "/v2.0/routers", body).await;
        assert_eq!(made.code, code, "{made:?}");
        let body = json!({"network": {
            "router:external": true, "availability_zone_hints": [hint],
        }});
        let made = bed.post("admin", "/v2.0/networks", body).await;
        assert_eq!(made.code, code, "{made:?}");
    }
    let body = json!({"network": {"availability_zone_hints": ["Region-az1"]}});
    let made = bed.post("demo", "/v2.0/networks", body).await;
    assert_eq!(made.kind(), "404 AvailabilityZoneNotFound");
}

#[tokio::test]
async fn an_external_network_is_there_for_all_and_changed_by_its_owner() {
    let bed = Bed::start().await;
    let (external, subnet) = bed.external("203.0.113.0/24").await;
    for (collection, id) in [("networks", &external), ("subnets", &subnet)] {
        let path = format!("/v2.0/{collection}?router:external=True");
        assert_eq!(
            bed.ids("demo", &path, collection).await,
            std::slice::from_ref(id)
        );
        let one = format!("/v2.0/{collection}/{id}");
        assert_eq!(bed.get("demo", &one).await.code, 200);
        assert_eq!(bed.delete("demo", &one).await.code, 403);
    }
    // It is not shared: nobody else plugs in there.
    assert_eq!(bed.port(&external, json!({})).await.code, 403);
}
