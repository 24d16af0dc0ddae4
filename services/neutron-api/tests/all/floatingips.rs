//! Floating IPs: where they lead, who sees them, and what they keep in place.

use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

/// An external network, and a port behind a router to it.
struct Outside {
    bed: Bed,
    external: String,
    external_subnet: String,
    network: String,
    subnet: String,
    router: String,
    port: String,
}

impl Outside {
    async fn start() -> Self {
        let bed = Bed::start().await;
        let (external, external_subnet) = bed.external("203.0.113.0/24").await;
        let network = bed.network("n").await;
        let subnet = bed.subnet(&network, "10.0.1.0/24").await;
        let gateway = json!({"external_gateway_info": {"network_id": external}});
        let router = bed.router(gateway).await;
        let path = format!("/v2.0/routers/{router}/add_router_interface");
        let added = bed.put("demo", &path, json!({"subnet_id": subnet})).await;
        assert_eq!(added.code, 200, "{added:?}");
        let port = bed.port(&network, json!({"name": "p"})).await.id("port");
        Self {
            bed,
            external,
            external_subnet,
            network,
            subnet,
            router,
            port,
        }
    }

    /// A floating IP of `user`, with more attributes.
    async fn floating(&self, user: &str, more: Value) -> Answer {
        let mut floating = json!({"floating_network_id": self.external});
        for (key, value) in more.as_object().unwrap() {
            floating[key] = value.clone();
        }
        let body = json!({ "floatingip": floating });
        self.bed.post(user, "/v2.0/floatingips", body).await
    }

    async fn change(&self, id: &str, change: Value) -> Answer {
        let path = format!("/v2.0/floatingips/{id}");
        let body = json!({ "floatingip": change });
        self.bed.put("demo", &path, body).await
    }

    async fn address_of(&self, port: &str) -> Value {
        let shown = self.bed.get("demo", &format!("/v2.0/ports/{port}")).await;
        shown.of("port")["fixed_ips"][0]["ip_address"].clone()
    }
}

#[tokio::test]
async fn a_floating_ip_has_the_attributes_of_neutrons() {
    let out = Outside::start().await;
    let made = out.floating("demo", json!({"description": "d"})).await;
    assert_eq!(made.code, 201);
    let floating = made.of("floatingip");
    let project = out.bed.cloud.project_id("demo");
    let address = floating["floating_ip_address"].as_str().unwrap();
    assert!(address.starts_with("203.0.113."), "{address}");
    let expected = json!({
        "id": floating["id"], "tenant_id": project, "project_id": project,
        "floating_ip_address": address, "floating_network_id": out.external, "router_id": null,
        "port_id": null, "fixed_ip_address": null, "status": "DOWN", "description": "d",
        "port_details": null, "revision_number": floating["revision_number"],
        "created_at": floating["created_at"], "updated_at": floating["updated_at"],
    });
    assert_eq!(floating, &expected);
    let path = format!("/v2.0/floatingips/{}", made.id("floatingip"));
    assert_eq!(out.bed.get("demo", &path).await.of("floatingip"), &expected);
    assert_eq!(
        out.bed.get("demo2", &path).await.said(),
        format!(
            "404 FloatingIPNotFound: Floating IP {} could not be found",
            made.id("floatingip")
        )
    );
    for (filter, count) in [
        (format!("floating_ip_address={address}"), 1),
        (format!("floating_network_id={}", out.external), 1),
        ("status=DOWN".to_owned(), 1),
        ("status=ACTIVE".to_owned(), 0),
        (format!("port_id={}", out.port), 0),
    ] {
        let path = format!("/v2.0/floatingips?{filter}");
        let ids = out.bed.ids("demo", &path, "floatingips").await;
        assert_eq!(ids.len(), count, "{filter}");
    }
    assert_eq!(out.bed.delete("demo", &path).await.code, 204);
    let again = json!({"floating_ip_address": address});
    let again = out.floating("admin", again).await;
    assert_eq!(
        again.of("floatingip")["floating_ip_address"],
        json!(address)
    );
}

#[tokio::test]
async fn it_is_associated_moved_and_taken_away() {
    let out = Outside::start().await;
    let made = out.floating("demo", json!({"port_id": out.port})).await;
    let id = made.id("floatingip");
    let floating = made.of("floatingip");
    assert_eq!(floating["router_id"], json!(out.router));
    assert_eq!(
        floating["fixed_ip_address"],
        out.address_of(&out.port).await
    );
    let details = &floating["port_details"];
    let port = out
        .bed
        .get("demo", &format!("/v2.0/ports/{}", out.port))
        .await;
    for key in [
        "name",
        "network_id",
        "mac_address",
        "admin_state_up",
        "status",
        "device_id",
        "device_owner",
    ] {
        assert_eq!(details[key], port.of("port")[key], "{key}");
    }
    let other = out.bed.port(&out.network, json!({})).await.id("port");
    let moved = out.change(&id, json!({"port_id": other})).await;
    assert_eq!(moved.of("floatingip")["port_id"], json!(other));
    assert_eq!(
        moved.of("floatingip")["fixed_ip_address"],
        out.address_of(&other).await
    );
    let noted = out.change(&id, json!({"description": "x"})).await;
    assert_eq!(noted.of("floatingip")["port_id"], json!(other), "it stays");
    assert_eq!(noted.of("floatingip")["description"], json!("x"));
    let free = out.change(&id, json!({"port_id": null})).await;
    for key in ["port_id", "fixed_ip_address", "router_id", "port_details"] {
        assert_eq!(free.of("floatingip")[key], Value::Null, "{key}");
    }
    out.change(&id, json!({"port_id": other})).await;
    let gone = out
        .bed
        .delete("demo", &format!("/v2.0/ports/{other}"))
        .await;
    assert_eq!(gone.code, 204, "a port goes with a floating IP on it");
    let left = out
        .bed
        .get("demo", &format!("/v2.0/floatingips/{id}"))
        .await;
    assert_eq!(left.of("floatingip")["port_id"], Value::Null);
}

#[tokio::test]
async fn what_it_leads_to_stays_where_it_is() {
    let out = Outside::start().await;
    let made = out.floating("demo", json!({"port_id": out.port})).await;
    let address = made.of("floatingip")["floating_ip_address"].clone();
    let second = out.floating("demo", json!({"port_id": out.port})).await;
    assert_eq!(second.kind(), "409 FloatingIPPortAlreadyAssociated");
    let router = format!("/v2.0/routers/{}", out.router);
    let interface = format!("{router}/remove_router_interface");
    let removed = out
        .bed
        .put("demo", &interface, json!({"subnet_id": out.subnet}))
        .await;
    assert_eq!(
        removed.said(),
        format!(
            "409 RouterInterfaceInUseByFloatingIP: Router interface for subnet {} on router {} \
             cannot be deleted, as it is required by one or more floating IPs.",
            out.subnet, out.router
        )
    );
    let cleared = json!({"router": {"external_gateway_info": null}});
    assert_eq!(
        out.bed.put("demo", &router, cleared).await.said(),
        format!(
            "409 RouterExternalGatewayInUseByFloatingIp: Gateway cannot be updated for router {}, \
             since a gateway to external network {} is required by one or more floating IPs.",
            out.router, out.external
        )
    );
    let port = format!("/v2.0/ports/{}", out.port);
    let moved = json!({"port": {"fixed_ips": [{
        "subnet_id": out.subnet, "ip_address": "10.0.1.200",
    }]}});
    assert_eq!(
        out.bed.put("demo", &port, moved).await.said(),
        format!(
            "400 BadRequest: Bad port request: Cannot update the fixed_ips of the port {}, because \
             its original fixed_ip has been associated to a floating ip.",
            out.port
        )
    );
    let held = "/v2.0/ports?device_owner=network:floatingip";
    let ports = out.bed.get("admin", held).await;
    assert_eq!(ports.of("ports")[0]["fixed_ips"][0]["ip_address"], address);
    let holder = ports.of("ports")[0]["id"].as_str().unwrap();
    assert_eq!(
        out.bed
            .delete("admin", &format!("/v2.0/ports/{holder}"))
            .await
            .kind(),
        "409 ServicePortInUse"
    );
    assert!(out.bed.ids("demo", held, "ports").await.is_empty());
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let out = Outside::start().await;
    let bad = |text: String| format!("400 BadRequest: Bad floatingip request: {text}.");
    let lonely = out.bed.network("lonely").await;
    let nowhere = "11111111-1111-1111-1111-111111111111";
    let bare = out.bed.port(&lonely, json!({})).await.id("port");
    let far = out.bed.subnet(&lonely, "10.0.7.0/24").await;
    let unreachable = out.bed.port(&lonely, json!({})).await.id("port");
    for (more, said) in [
        (
            json!({"floating_network_id": lonely}),
            bad(format!("Network {lonely} is not a valid external network")),
        ),
        (
            json!({"floating_network_id": nowhere}),
            format!("404 NetworkNotFound: Network {nowhere} could not be found."),
        ),
        (
            json!({"port_id": nowhere}),
            format!("404 PortNotFound: Port {nowhere} could not be found."),
        ),
        (
            json!({"port_id": bare}),
            bad(format!(
                "Cannot add floating IP to port {bare} that has no fixed IPv4 addresses"
            )),
        ),
        (
            json!({"fixed_ip_address": "10.0.1.7"}),
            bad("fixed_ip_address cannot be specified without a port_id".to_owned()),
        ),
        (
            json!({"port_id": out.port, "fixed_ip_address": "10.0.1.250"}),
            bad(format!(
                "Port {} does not have fixed ip 10.0.1.250",
                out.port
            )),
        ),
        (
            json!({"port_id": unreachable}),
            format!(
                "404 ExternalGatewayForFloatingIPNotFound: External network {} is not reachable \
                 from subnet {far}.  Therefore, cannot associate Port {unreachable} with a \
                 Floating IP.",
                out.external
            ),
        ),
        (
            json!({"floating_ip_address": "203.0.113.9"}),
            "403 PolicyNotAuthorized: (rule:create_floatingip and \
             rule:create_floatingip:floating_ip_address) is disallowed by policy"
                .to_owned(),
        ),
    ] {
        assert_eq!(
            out.floating("demo", more.clone()).await.said(),
            said,
            "{more}"
        );
    }
    let listed = out.bed.ids("demo", "/v2.0/floatingips", "floatingips");
    assert!(listed.await.is_empty(), "nothing is left of them");
    let reader = out.floating("reader", json!({})).await;
    assert_eq!(reader.kind(), "403 PolicyNotAuthorized");
}

#[tokio::test]
async fn an_administrator_chooses_address_and_subnet() {
    let out = Outside::start().await;
    let wish = json!({"floating_ip_address": "203.0.113.200", "subnet_id": out.external_subnet});
    let made = out.floating("admin", wish.clone()).await;
    let address = &made.of("floatingip")["floating_ip_address"];
    assert_eq!(address, &json!("203.0.113.200"));
    let again = out.floating("admin", wish).await;
    assert_eq!(again.kind(), "409 IpAddressAlreadyAllocated");
    let project = out.bed.cloud.project_id("demo");
    let given = out.floating("admin", json!({"project_id": project})).await;
    let path = format!("/v2.0/floatingips/{}", given.id("floatingip"));
    assert_eq!(out.bed.get("demo", &path).await.code, 200);
}

#[tokio::test]
async fn a_network_goes_with_the_floating_ips_that_lead_nowhere() {
    let bed = Bed::start().await;
    let (external, _) = bed.external("203.0.113.0/24").await;
    let body = json!({"floatingip": {"floating_network_id": external}});
    let id = bed
        .post("demo", "/v2.0/floatingips", body)
        .await
        .id("floatingip");
    let gone = bed
        .delete("admin", &format!("/v2.0/networks/{external}"))
        .await;
    assert_eq!(gone.code, 204, "{gone:?}");
    let left = bed.get("demo", &format!("/v2.0/floatingips/{id}")).await;
    assert_eq!(left.kind(), "404 FloatingIPNotFound");
}

#[tokio::test]
async fn limits_are_each_projects_own() {
    let bed = Bed::start_with(|config| {
        config.quota.router = 1;
        config.quota.floatingip = 1;
    })
    .await;
    let (external, _) = bed.external("203.0.113.0/24").await;
    let floating = json!({"floatingip": {"floating_network_id": external}});
    for (path, body, name) in [
        ("/v2.0/routers", json!({"router": {}}), "router"),
        ("/v2.0/floatingips", floating, "floatingip"),
    ] {
        let first = bed.post("demo", path, body.clone()).await;
        assert_eq!(first.code, 201, "{first:?}");
        assert_eq!(
            bed.post("demo", path, body.clone()).await.said(),
            format!("409 OverQuota: Quota exceeded for resources: ['{name}'].")
        );
        assert_eq!(bed.post("demo2", path, body.clone()).await.code, 201);
        let gone = bed
            .delete("demo", &format!("{path}/{}", first.id(name)))
            .await;
        assert_eq!(gone.code, 204);
        assert_eq!(bed.post("demo", path, body).await.code, 201);
    }
}
