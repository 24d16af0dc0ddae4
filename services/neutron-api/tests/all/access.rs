//! Who sees and does what: projects are apart, readers only read.

use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn projects_do_not_know_of_each_other() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    bed.subnet(&network, "10.7.0.0/24").await;
    let port = bed.port(&network, json!({})).await.id("port");
    let group = bed
        .post(
            "demo",
            "/v2.0/security-groups",
            json!({"security_group": {"name": "g"}}),
        )
        .await
        .id("security_group");
    for (path, kind) in [
        (format!("/v2.0/networks/{network}"), "404 NetworkNotFound"),
        (format!("/v2.0/ports/{port}"), "404 PortNotFound"),
        (
            format!("/v2.0/security-groups/{group}"),
            "404 SecurityGroupNotFound",
        ),
    ] {
        assert_eq!(bed.get("demo2", &path).await.kind(), kind);
        assert_eq!(bed.delete("demo2", &path).await.kind(), kind);
        assert_eq!(bed.get("admin", &path).await.code, 200);
    }
    for (path, collection) in [
        ("/v2.0/networks", "networks"),
        ("/v2.0/subnets", "subnets"),
        ("/v2.0/ports", "ports"),
    ] {
        assert!(bed.ids("demo2", path, collection).await.is_empty());
        assert_eq!(bed.ids("admin", path, collection).await.len(), 1);
    }
    let foreign = json!({"port": {"network_id": network}});
    assert_eq!(
        bed.post("demo2", "/v2.0/ports", foreign).await.said(),
        format!("404 NetworkNotFound: Network {network} could not be found.")
    );
    let rule = json!({"security_group_rule": {"security_group_id": group, "direction": "ingress"}});
    assert_eq!(
        bed.post("demo2", "/v2.0/security-group-rules", rule)
            .await
            .kind(),
        "404 SecurityGroupNotFound"
    );
}

#[tokio::test]
async fn readers_read_and_nothing_else() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    let path = format!("/v2.0/networks/{network}");
    assert_eq!(bed.get("reader", &path).await.code, 200);
    assert_eq!(
        bed.ids("reader", "/v2.0/networks", "networks").await,
        std::slice::from_ref(&network)
    );
    let body = json!({"network": {"name": "x"}});
    for (method, path) in [
        ("POST", "/v2.0/networks"),
        ("PUT", path.as_str()),
        ("DELETE", path.as_str()),
    ] {
        let answer = bed
            .call("reader", method, path, Some(&body.to_string()))
            .await;
        assert_eq!(answer.kind(), "403 PolicyNotAuthorized", "{method}");
    }
    for (path, body) in [
        ("/v2.0/ports", json!({"port": {"network_id": network}})),
        (
            "/v2.0/subnets",
            json!({"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"}}),
        ),
        (
            "/v2.0/security-groups",
            json!({"security_group": {"name": "g"}}),
        ),
    ] {
        assert_eq!(
            bed.post("reader", path, body).await.kind(),
            "403 PolicyNotAuthorized",
            "{path}"
        );
    }
    assert_eq!(bed.ids("demo", "/v2.0/networks", "networks").await.len(), 1);
}

#[tokio::test]
async fn administrators_make_things_for_others() {
    let bed = Bed::start().await;
    let project = bed.cloud.project_id("demo");
    let body = json!({"network": {"name": "given", "tenant_id": project}});
    let id = bed
        .post("admin", "/v2.0/networks", body.clone())
        .await
        .id("network");
    assert_eq!(
        bed.get("demo", &format!("/v2.0/networks/{id}")).await.code,
        200
    );
    assert_eq!(bed.post("demo2", "/v2.0/networks", body).await.code, 400);
}
