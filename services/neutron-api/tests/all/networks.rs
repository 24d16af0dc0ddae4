//! Networks: segments, sharing, revisions, deletes.

use serde_json::{Value, json};

use crate::bed::Bed;

#[tokio::test]
async fn a_network_has_the_attributes_of_neutrons() {
    let bed = Bed::start().await;
    let made = bed
        .post("demo", "/v2.0/networks", json!({"network": {"name": "n"}}))
        .await;
    assert_eq!(made.code, 201);
    let network = made.of("network");
    let project = bed.cloud.project_id("demo");
    for (key, value) in [
        ("name", json!("n")),
        ("tenant_id", json!(project)),
        ("project_id", json!(project)),
        ("admin_state_up", json!(true)),
        ("mtu", json!(1500)),
        ("status", json!("ACTIVE")),
        ("subnets", json!([])),
        ("shared", json!(false)),
        ("router:external", json!(false)),
        ("port_security_enabled", json!(true)),
        ("revision_number", json!(1)),
    ] {
        assert_eq!(network[key], value, "{key}");
    }
    assert!(
        network.get("provider:network_type").is_none(),
        "not for users"
    );
    let id = network["id"].as_str().unwrap();
    let seen = bed.get("admin", &format!("/v2.0/networks/{id}")).await;
    assert_eq!(seen.of("network")["provider:network_type"], json!("vlan"));
    let vlan = seen.of("network")["provider:segmentation_id"]
        .as_i64()
        .unwrap();
    assert!((100..=199).contains(&vlan), "from the configured range");
}

#[tokio::test]
async fn no_segment_is_given_twice() {
    let bed = Bed::start_with(|config| {
        config.tricircle.network_vlan_ranges = vec!["physnet1:5:7".parse().unwrap()];
        config.tricircle.tenant_network_types = vec!["vlan".to_owned()];
    })
    .await;
    for _ in 0..3 {
        bed.network("n").await;
    }
    let answer = bed
        .get("admin", "/v2.0/networks?sort_key=name&sort_dir=asc")
        .await;
    let mut vlans: Vec<i64> = answer
        .of("networks")
        .as_array()
        .unwrap()
        .iter()
        .map(|network| network["provider:segmentation_id"].as_i64().unwrap())
        .collect();
    vlans.sort_unstable();
    assert_eq!(vlans, [5, 6, 7]);
    let more = bed
        .post("demo", "/v2.0/networks", json!({"network": {}}))
        .await;
    assert_eq!(more.kind(), "503 NoNetworkAvailable");
    let named = json!({"network": {
        "provider:network_type": "vlan", "provider:physical_network": "physnet1",
        "provider:segmentation_id": 6,
    }});
    let taken = bed.post("admin", "/v2.0/networks", named).await;
    assert_eq!(taken.kind(), "409 VlanIdInUse");
}

#[tokio::test]
async fn administrators_name_segments_and_users_do_not() {
    let bed = Bed::start().await;
    let network = |more: Value| json!({ "network": more });
    let invalid = |text: &str| format!("400 InvalidInput: Invalid input for operation: {text}.");
    for (body, said) in [
        (
            json!({"provider:network_type": "bogus"}),
            invalid("network_type value 'bogus' not supported"),
        ),
        (
            json!({"provider:network_type": "vlan", "provider:segmentation_id": 5}),
            invalid("segmentation_id requires physical_network for VLAN provider network"),
        ),
        (
            json!({"provider:network_type": "vlan", "provider:physical_network": "bogus"}),
            invalid("physical_network 'bogus' unknown for VLAN provider network"),
        ),
        (
            json!({"provider:network_type": "vlan", "provider:physical_network": "physnet1",
                "provider:segmentation_id": 5000}),
            invalid("segmentation_id out of range (1 through 4094)"),
        ),
        (
            json!({"provider:network_type": "local", "provider:physical_network": "physnet1"}),
            invalid("physical_network prohibited for local provider network"),
        ),
        (
            json!({"provider:physical_network": "physnet1"}),
            invalid("network_type required"),
        ),
    ] {
        let answer = bed.post("admin", "/v2.0/networks", network(body)).await;
        assert_eq!(answer.said(), said);
    }
    for (body, rule) in [
        (json!({"shared": true}), "shared"),
        (json!({"router:external": true}), "router:external"),
        (
            json!({"provider:network_type": "vlan"}),
            "provider:network_type",
        ),
    ] {
        let answer = bed.post("demo", "/v2.0/networks", network(body)).await;
        assert_eq!(
            answer.said(),
            format!(
                "403 PolicyNotAuthorized: (rule:create_network and rule:create_network:{rule}) is \
                 disallowed by policy"
            )
        );
    }
}

#[tokio::test]
async fn bulk_creates_make_all_or_none() {
    let bed = Bed::start_with(|config| {
        config.tricircle.network_vlan_ranges = vec!["physnet1:5:6".parse().unwrap()];
        config.tricircle.tenant_network_types = vec!["vlan".to_owned()];
    })
    .await;
    let three = json!({"networks": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
    let answer = bed.post("demo", "/v2.0/networks", three).await;
    assert_eq!(answer.kind(), "503 NoNetworkAvailable");
    assert!(
        bed.ids("demo", "/v2.0/networks", "networks")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn updates_count_revisions_and_honour_if_match() {
    let bed = Bed::start().await;
    let id = bed.network("n").await;
    let path = format!("/v2.0/networks/{id}");
    let renamed = bed
        .put("demo", &path, json!({"network": {"name": "m"}}))
        .await;
    assert_eq!(renamed.of("network")["name"], json!("m"));
    assert_eq!(renamed.of("network")["revision_number"], json!(2));
    let body = json!({"network": {"name": "x"}}).to_string();
    let old = [("If-Match", "revision_number=1")];
    let answer = bed.call_with("demo", "PUT", &path, Some(&body), &old).await;
    assert_eq!(
        answer.said(),
        "412 RevisionNumberConstraintFailed: Constrained to 1, but current revision is 2"
    );
    let answer = bed.call_with("demo", "DELETE", &path, None, &old).await;
    assert_eq!(answer.code, 412);
    let current = [("If-Match", "revision_number=2")];
    let answer = bed
        .call_with("demo", "PUT", &path, Some(&body), &current)
        .await;
    assert_eq!(answer.of("network")["revision_number"], json!(3));
    let status = bed
        .put("demo", &path, json!({"network": {"status": "x"}}))
        .await;
    assert_eq!(
        status.said(),
        "400 HTTPBadRequest: Cannot update read-only attribute status"
    );
}

#[tokio::test]
async fn a_network_in_use_stays_and_an_unused_one_is_gone_for_users() {
    let bed = Bed::start().await;
    let id = bed.network("n").await;
    let path = format!("/v2.0/networks/{id}");
    let port = bed.port(&id, json!({})).await.id("port");
    assert_eq!(
        bed.delete("demo", &path).await.said(),
        format!(
            "409 NetworkInUse: Unable to complete operation on network {id}. There are one or \
             more ports still in use on the network, id for these ports is: {port}."
        )
    );
    assert_eq!(
        bed.delete("demo", &format!("/v2.0/ports/{port}"))
            .await
            .code,
        204
    );
    assert_eq!(bed.delete("demo", &path).await.code, 204);
    assert_eq!(bed.get("demo", &path).await.kind(), "404 NetworkNotFound");
    assert_eq!(
        bed.delete("demo", &path).await.kind(),
        "404 NetworkNotFound"
    );
    let jobs = bed.database.store.jobs(&Default::default()).await.unwrap();
    assert!(
        jobs.iter()
            .any(|job| job.kind == "network_remove" && job.resource_id == id),
        "the pods get cleaned: {jobs:?}"
    );
}

#[tokio::test]
async fn a_shared_network_is_for_all_to_use_and_its_owners_to_change() {
    let bed = Bed::start().await;
    let body = json!({"network": {"name": "s", "shared": true}});
    let id = bed
        .post("admin", "/v2.0/networks", body)
        .await
        .id("network");
    let path = format!("/v2.0/networks/{id}");
    assert_eq!(
        bed.ids("demo", "/v2.0/networks", "networks").await,
        std::slice::from_ref(&id)
    );
    assert_eq!(bed.get("demo", &path).await.code, 200);
    let rename = json!({"network": {"name": "x"}});
    assert_eq!(
        bed.put("demo", &path, rename).await.said(),
        "403 PolicyNotAuthorized: rule:update_network is disallowed by policy"
    );
    assert_eq!(
        bed.delete("demo", &path).await.kind(),
        "403 PolicyNotAuthorized"
    );
    let subnet = json!({"subnet": {"network_id": id, "ip_version": 4, "cidr": "10.0.0.0/24"}});
    assert_eq!(
        bed.post("demo", "/v2.0/subnets", subnet).await.said(),
        "403 PolicyNotAuthorized: rule:create_subnet is disallowed by policy"
    );
    assert_eq!(bed.port(&id, json!({})).await.code, 201);
    let mac = bed
        .port(&id, json!({"mac_address": "fa:16:3e:01:02:03"}))
        .await;
    assert_eq!(
        mac.said(),
        "403 PolicyNotAuthorized: (rule:create_port and rule:create_port:mac_address) is \
         disallowed by policy"
    );
    let unshare = json!({"network": {"shared": false}});
    assert_eq!(
        bed.put("admin", &path, unshare).await.said(),
        "409 InvalidSharedSetting: Unable to reconfigure sharing settings for network s. Multiple \
         projects are using it."
    );
}
