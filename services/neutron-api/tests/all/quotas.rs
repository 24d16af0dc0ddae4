//! Quotas.

use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn creates_stop_at_the_limit() {
    let bed = Bed::start_with(|config| config.quota.network = 2).await;
    bed.network("a").await;
    let two = json!({"networks": [{}, {}]});
    assert_eq!(
        bed.post("demo", "/v2.0/networks", two).await.said(),
        "409 OverQuota: Quota exceeded for resources: ['network']."
    );
    let second = bed.network("b").await;
    assert_eq!(
        bed.post("demo", "/v2.0/networks", json!({"network": {}}))
            .await
            .kind(),
        "409 OverQuota"
    );
    let other = bed
        .post("demo2", "/v2.0/networks", json!({"network": {}}))
        .await;
    assert_eq!(other.code, 201, "limits are each project's own");
    bed.delete("demo", &format!("/v2.0/networks/{second}"))
        .await;
    bed.network("c").await;
}

#[tokio::test]
async fn administrators_set_limits_and_members_see_their_own() {
    let bed = Bed::start().await;
    let project = bed.cloud.project_id("demo");
    let path = format!("/v2.0/quotas/{project}");
    bed.network("a").await;
    let set = json!({"quota": {"network": 1}});
    assert_eq!(
        bed.put("demo", &path, set.clone()).await.said(),
        "403 PolicyNotAuthorized: rule:update_quota is disallowed by policy"
    );
    assert_eq!(
        bed.put("admin", &path, set).await.of("quota")["network"],
        json!(1)
    );
    assert_eq!(
        bed.get("demo", &path).await.of("quota")["network"],
        json!(1)
    );
    assert_eq!(bed.get("demo2", &path).await.code, 403);
    let defaults = bed.get("demo", &format!("{path}/default")).await;
    assert_eq!(defaults.of("quota")["network"], json!(100));
    let details = bed.get("demo", &format!("{path}/details.json")).await;
    assert_eq!(
        details.of("quota")["network"],
        json!({"limit": 1, "used": 1, "reserved": 0})
    );
    assert_eq!(
        bed.post("demo", "/v2.0/networks", json!({"network": {}}))
            .await
            .kind(),
        "409 OverQuota"
    );
    let all = bed.get("admin", "/v2.0/quotas").await;
    assert_eq!(all.of("quotas").as_array().unwrap().len(), 1);
    assert_eq!(bed.delete("admin", &path).await.code, 204);
    assert_eq!(
        bed.get("demo", &path).await.of("quota")["network"],
        json!(100)
    );
}
