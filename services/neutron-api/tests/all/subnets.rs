//! Subnets: what they become, what is refused.

use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

async fn subnet(bed: &Bed, network: &str, more: Value) -> Answer {
    let mut subnet = json!({"network_id": network, "ip_version": 4, "cidr": "10.7.0.0/24"});
    for (key, value) in more.as_object().unwrap() {
        subnet[key] = value.clone();
    }
    bed.post("demo", "/v2.0/subnets", json!({ "subnet": subnet }))
        .await
}

#[tokio::test]
async fn gateway_and_pools_are_filled_in() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let made = subnet(&bed, &network, json!({"cidr": "10.7.0.5/24"})).await;
    assert_eq!(made.code, 201);
    let made = made.of("subnet");
    for (key, value) in [
        ("cidr", json!("10.7.0.0/24")),
        ("gateway_ip", json!("10.7.0.1")),
        (
            "allocation_pools",
            json!([{"start": "10.7.0.2", "end": "10.7.0.254"}]),
        ),
        ("enable_dhcp", json!(true)),
        ("dns_nameservers", json!([])),
        ("host_routes", json!([])),
        ("ipv6_ra_mode", Value::Null),
        ("subnetpool_id", Value::Null),
    ] {
        assert_eq!(made[key], value, "{key}");
    }
    assert!(made.get("shared").is_none() && made.get("prefixlen").is_none());
    let seen = bed.get("demo", &format!("/v2.0/networks/{network}")).await;
    assert_eq!(seen.of("network")["subnets"], json!([made["id"]]));
}

#[tokio::test]
async fn what_neutron_refuses_is_refused() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let invalid = |text: &str| format!("400 InvalidInput: Invalid input for operation: {text}.");
    let many: Vec<String> = (1..8).map(|n| format!("1.1.1.{n}")).collect();
    for (more, said) in [
        (
            json!({"network_id": "11111111-1111-1111-1111-111111111111"}),
            "404 NetworkNotFound: Network 11111111-1111-1111-1111-111111111111 could not be found."
                .to_owned(),
        ),
        (
            json!({"ip_version": 6}),
            invalid("cidr '10.7.0.0/24' does not match the ip_version '6'"),
        ),
        (
            json!({"gateway_ip": "10.7.0.0"}),
            invalid("Gateway is not valid on subnet"),
        ),
        (
            json!({"gateway_ip": "fe80::1"}),
            invalid("gateway_ip 'fe80::1' does not match the ip_version '4'"),
        ),
        (
            json!({"allocation_pools": [{"start": "10.7.0.1", "end": "10.7.0.20"}]}),
            "409 GatewayConflictWithAllocationPools: Gateway ip 10.7.0.1 conflicts with allocation \
             pool 10.7.0.1-10.7.0.20."
                .to_owned(),
        ),
        (
            json!({"allocation_pools": [{"start": "10.8.0.30", "end": "10.8.0.40"}]}),
            "400 OutOfBoundsAllocationPool: The allocation pool 10.8.0.30-10.8.0.40 spans beyond \
             the subnet cidr 10.7.0.0/24."
                .to_owned(),
        ),
        (
            json!({"dns_nameservers": many}),
            "400 DNSNameServersExhausted: Unable to complete operation for new subnet. The number \
             of DNS nameservers exceeds the limit 5."
                .to_owned(),
        ),
        (
            json!({"host_routes": [{"destination": "fe80::/64", "nexthop": "10.7.0.9"}]}),
            invalid("destination 'fe80::/64' does not match the ip_version '4'"),
        ),
        (
            json!({"ipv6_ra_mode": "slaac"}),
            invalid("ipv6_ra_mode is not valid when ip_version is 4"),
        ),
        (
            json!({"prefixlen": 24}),
            "400 BadRequest: Bad subnets request: cidr and prefixlen must not be supplied \
             together."
                .to_owned(),
        ),
        (
            json!({"subnetpool_id": "11111111-1111-1111-1111-111111111111"}),
            "404 SubnetPoolNotFound: Subnet pool 11111111-1111-1111-1111-111111111111 could not \
             be found."
                .to_owned(),
        ),
    ] {
        let answer = subnet(&bed, &network, more).await;
        assert_eq!(answer.said(), said);
    }
    let bare = json!({"subnet": {"network_id": network, "ip_version": 4}});
    assert_eq!(
        bed.post("demo", "/v2.0/subnets", bare).await.said(),
        "400 BadRequest: Bad subnets request: a subnetpool must be specified in the absence of a \
         cidr."
    );
    assert!(bed.ids("demo", "/v2.0/subnets", "subnets").await.is_empty());
}

#[tokio::test]
async fn subnets_of_a_network_do_not_overlap() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    bed.subnet(&network, "10.7.0.0/24").await;
    let again = subnet(&bed, &network, json!({"cidr": "10.7.0.0/16"})).await;
    assert_eq!(
        again.said(),
        format!(
            "400 InvalidInput: Invalid input for operation: Requested subnet with cidr: \
             10.7.0.0/16 for network: {network} overlaps with another subnet."
        )
    );
    let pair = json!({"subnets": [
        {"network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24"},
        {"network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24"},
    ]});
    assert_eq!(bed.post("demo", "/v2.0/subnets", pair).await.code, 400);
    assert_eq!(bed.ids("demo", "/v2.0/subnets", "subnets").await.len(), 1);
    let elsewhere = bed.network("m").await;
    bed.subnet(&elsewhere, "10.7.0.0/24").await;
}

#[tokio::test]
async fn updates_check_gateway_and_pools_together() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let id = bed.subnet(&network, "10.7.0.0/24").await;
    let path = format!("/v2.0/subnets/{id}");
    let put = async |more: Value| bed.put("demo", &path, json!({ "subnet": more })).await;
    assert_eq!(
        put(json!({"gateway_ip": "10.7.0.9"})).await.kind(),
        "409 GatewayConflictWithAllocationPools"
    );
    let moved = put(json!({
        "gateway_ip": "10.7.0.254",
        "allocation_pools": [{"start": "10.7.0.2", "end": "10.7.0.200"}],
    }))
    .await;
    assert_eq!(moved.of("subnet")["gateway_ip"], json!("10.7.0.254"));
    assert_eq!(
        put(json!({"gateway_ip": null})).await.of("subnet")["gateway_ip"],
        Value::Null
    );
    let listed = put(json!({"dns_nameservers": ["9.9.9.9"], "enable_dhcp": false})).await;
    assert_eq!(listed.of("subnet")["dns_nameservers"], json!(["9.9.9.9"]));
    assert_eq!(listed.of("subnet")["enable_dhcp"], json!(false));
    assert_eq!(
        put(json!({"cidr": "10.8.0.0/24"})).await.said(),
        "400 HTTPBadRequest: Cannot update read-only attribute cidr"
    );
}

#[tokio::test]
async fn a_subnet_with_addresses_in_use_stays() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let id = bed.subnet(&network, "10.7.0.0/24").await;
    let path = format!("/v2.0/subnets/{id}");
    let port = bed.port(&network, json!({})).await.id("port");
    assert_eq!(
        bed.delete("demo", &path).await.said(),
        format!(
            "409 SubnetInUse: Unable to complete operation on subnet {id}: One or more ports have \
             an IP allocation from this subnet."
        )
    );
    bed.delete("demo", &format!("/v2.0/ports/{port}")).await;
    assert_eq!(bed.delete("demo", &path).await.code, 204);
    assert_eq!(bed.get("demo", &path).await.kind(), "404 SubnetNotFound");
}
