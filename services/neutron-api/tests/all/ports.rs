//! Ports: addresses, MACs, groups, address pairs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::bed::Bed;

#[tokio::test]
async fn a_port_gets_an_address_a_mac_and_the_default_group() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let subnet = bed.subnet(&network, "10.7.0.0/24").await;
    let made = bed.port(&network, json!({"name": "p"})).await;
    assert_eq!(made.code, 201);
    let port = made.of("port");
    assert_eq!(port["fixed_ips"][0]["subnet_id"], json!(subnet));
    let mac = port["mac_address"].as_str().unwrap();
    assert!(mac.starts_with("fa:16:3e:"), "{mac}");
    let groups = bed.get("demo", "/v2.0/security-groups?name=default").await;
    let default = &groups.of("security_groups")[0]["id"];
    assert_eq!(port["security_groups"], json!([default]));
    for (key, value) in [
        ("status", json!("DOWN")),
        ("device_id", json!("")),
        ("device_owner", json!("")),
        ("admin_state_up", json!(true)),
        ("binding:vnic_type", json!("normal")),
        ("allowed_address_pairs", json!([])),
        ("extra_dhcp_opts", json!([])),
        ("port_security_enabled", json!(true)),
    ] {
        assert_eq!(port[key], value, "{key}");
    }
    assert!(port.get("binding:host_id").is_none(), "not for users");
}

#[tokio::test]
async fn addresses_are_given_once_and_end_in_a_conflict() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    bed.subnet(&network, "10.7.0.0/29").await;
    let mut given = BTreeSet::new();
    for _ in 0..5 {
        let port = bed.port(&network, json!({})).await;
        let ip = port.of("port")["fixed_ips"][0]["ip_address"].clone();
        assert!(given.insert(ip.to_string()), "{ip} was given twice");
    }
    let full = format!(
        "409 IpAddressGenerationFailure: No more IP addresses available on network {network}."
    );
    assert_eq!(bed.port(&network, json!({})).await.said(), full);
    let ports = bed.ids("demo", "/v2.0/ports", "ports").await;
    assert_eq!(
        bed.delete("demo", &format!("/v2.0/ports/{}", ports[0]))
            .await
            .code,
        204
    );
    assert_eq!(
        bed.port(&network, json!({})).await.code,
        201,
        "its address is free again"
    );
}

#[tokio::test]
async fn fixed_ips_are_checked() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let subnet = bed.subnet(&network, "10.7.0.0/24").await;
    let other = bed.network("m").await;
    bed.subnet(&other, "10.8.0.0/24").await;
    let none = "11111111-1111-1111-1111-111111111111";
    for (ips, said) in [
        (
            json!([{}]),
            "400 InvalidInput: Invalid input for operation: IP allocation requires subnet_id or \
             ip_address."
                .to_owned(),
        ),
        (
            json!([{"ip_address": "10.99.0.1"}]),
            "400 InvalidIpForNetwork: IP address 10.99.0.1 is not a valid IP for any of the \
             subnets on the specified network."
                .to_owned(),
        ),
        (
            json!([{"subnet_id": subnet, "ip_address": "10.99.0.1"}]),
            "400 InvalidIpForSubnet: IP address 10.99.0.1 is not a valid IP for the specified \
             subnet."
                .to_owned(),
        ),
        (
            json!([{"subnet_id": none}]),
            format!("404 SubnetNotFound: Subnet {none} could not be found."),
        ),
        (
            json!([{"ip_address": "10.7.0.255"}]),
            "400 InvalidIpForNetwork: IP address 10.7.0.255 is not a valid IP for any of the \
             subnets on the specified network."
                .to_owned(),
        ),
    ] {
        assert_eq!(
            bed.port(&network, json!({"fixed_ips": ips})).await.said(),
            said
        );
    }
    let named = json!({"fixed_ips": [{"ip_address": "10.7.0.77"}]});
    assert_eq!(bed.port(&network, named.clone()).await.code, 201);
    assert_eq!(
        bed.port(&network, named).await.said(),
        format!(
            "409 IpAddressAlreadyAllocated: IP address 10.7.0.77 already allocated in subnet \
             {subnet}"
        )
    );
    let none = bed.port(&network, json!({"fixed_ips": []})).await;
    assert_eq!(none.of("port")["fixed_ips"], json!([]));
    let twice = bed
        .port(
            &network,
            json!({"fixed_ips": [{"subnet_id": subnet}, {"subnet_id": subnet}]}),
        )
        .await;
    assert_eq!(twice.of("port")["fixed_ips"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_mac_is_given_once_on_a_network() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let mac = json!({"mac_address": "FA-16-3E-11-22-33"});
    let port = bed.port(&network, mac.clone()).await;
    assert_eq!(port.of("port")["mac_address"], json!("fa:16:3e:11:22:33"));
    assert_eq!(
        bed.port(&network, mac).await.said(),
        format!(
            "409 MacAddressInUse: Unable to complete operation for network {network}. The mac \
             address fa:16:3e:11:22:33 is in use."
        )
    );
}

#[tokio::test]
async fn port_security_goes_with_groups_and_pairs() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    bed.subnet(&network, "10.7.0.0/24").await;
    let pair = json!([{"ip_address": "10.7.0.5"}]);
    let open = bed
        .port(&network, json!({"port_security_enabled": false}))
        .await;
    assert_eq!(open.of("port")["security_groups"], json!([]));
    let both = json!({"port_security_enabled": false, "allowed_address_pairs": pair});
    assert_eq!(
        bed.port(&network, both).await.kind(),
        "409 AddressPairAndPortSecurityRequired"
    );
    let port = bed
        .port(&network, json!({"allowed_address_pairs": pair}))
        .await
        .id("port");
    let path = format!("/v2.0/ports/{port}");
    let put = async |more: Value| bed.put("demo", &path, json!({ "port": more })).await;
    assert_eq!(
        put(json!({"port_security_enabled": false})).await.kind(),
        "409 PortSecurityPortHasSecurityGroup"
    );
    put(json!({"security_groups": []})).await.of("port");
    assert_eq!(
        put(json!({"port_security_enabled": false})).await.kind(),
        "409 AddressPairAndPortSecurityRequired"
    );
    let changed = put(json!({"port_security_enabled": false, "allowed_address_pairs": []})).await;
    assert_eq!(changed.of("port")["port_security_enabled"], json!(false));
    let unknown = json!({"security_groups": ["11111111-1111-1111-1111-111111111111"]});
    assert_eq!(
        bed.port(&network, unknown).await.said(),
        "404 SecurityGroupNotFound: Security group 11111111-1111-1111-1111-111111111111 does not \
         exist"
    );
}

#[tokio::test]
async fn an_update_keeps_the_addresses_that_it_names() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let subnet = bed.subnet(&network, "10.7.0.0/24").await;
    let made = bed.port(&network, json!({})).await;
    let ips = made.of("port")["fixed_ips"].clone();
    let path = format!("/v2.0/ports/{}", made.id("port"));
    let put = async |more: Value| bed.put("demo", &path, json!({ "port": more })).await;
    assert_eq!(
        put(json!({"fixed_ips": ips})).await.of("port")["fixed_ips"],
        ips
    );
    let more = json!([ips[0], {"ip_address": "10.7.0.50"}]);
    let grown = put(json!({ "fixed_ips": more })).await;
    assert_eq!(grown.of("port")["fixed_ips"].as_array().unwrap().len(), 2);
    let moved = put(json!({"fixed_ips": [{"ip_address": "10.7.0.50"}]})).await;
    assert_eq!(
        moved.of("port")["fixed_ips"],
        json!([{"subnet_id": subnet, "ip_address": "10.7.0.50"}])
    );
    let named = put(json!({"name": "x", "device_id": "d"})).await;
    assert_eq!(named.of("port")["device_id"], json!("d"));
    let host = put(json!({"binding:host_id": "h"})).await;
    assert_eq!(host.kind(), "403 PolicyNotAuthorized");
}

#[tokio::test]
async fn dhcp_options_change_one_by_one() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let option = |name: &str, value: Value| json!({"opt_name": name, "opt_value": value});
    let made = bed
        .port(
            &network,
            json!({"extra_dhcp_opts": [option("a", json!("1")), option("b", json!("2"))]}),
        )
        .await;
    let path = format!("/v2.0/ports/{}", made.id("port"));
    let change =
        json!({"port": {"extra_dhcp_opts": [option("a", Value::Null), option("c", json!("3"))]}});
    let changed = bed.put("demo", &path, change).await;
    assert_eq!(
        changed.of("port")["extra_dhcp_opts"],
        json!([
            {"opt_name": "b", "opt_value": "2", "ip_version": 4},
            {"opt_name": "c", "opt_value": "3", "ip_version": 4},
        ])
    );
}

#[tokio::test]
async fn bulk_creates_choose_different_addresses() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    bed.subnet(&network, "10.7.0.0/29").await;
    let ports: Vec<Value> = (0..5).map(|_| json!({"network_id": network})).collect();
    let made = bed
        .post("demo", "/v2.0/ports", json!({ "ports": ports }))
        .await;
    let ips: BTreeSet<String> = made
        .of("ports")
        .as_array()
        .unwrap()
        .iter()
        .map(|port| port["fixed_ips"][0]["ip_address"].to_string())
        .collect();
    assert_eq!(ips.len(), 5);
    let more = json!({"ports": [{"network_id": network}]});
    assert_eq!(
        bed.post("demo", "/v2.0/ports", more).await.kind(),
        "409 IpAddressGenerationFailure"
    );
}
