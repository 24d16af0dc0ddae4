//! Microversions in and out.

use serde_json::json;
use tricircle_api::{FaultStyle, Microversion, VersionRange};

use crate::bench::{Bench, answer};

#[tokio::test]
async fn nova_answers_tell_the_effective_version_also_on_faults() {
    let bench = Bench::start(FaultStyle::Nova).await;
    for path in ["/v2.1/echo", "/v2.1/fails/x", "/v2.1/nothing"] {
        let request = bench.as_demo("GET", path).await;
        let got = answer(request.header("OpenStack-API-Version", "compute 2.30")).await;
        assert_eq!(
            got.header("openstack-api-version"),
            Some("compute 2.30"),
            "{path}"
        );
        assert_eq!(got.header("x-openstack-nova-api-version"), Some("2.30"));
        assert_eq!(
            got.headers_of("vary"),
            ["OpenStack-API-Version", "X-OpenStack-Nova-API-Version"]
        );
    }
}

#[tokio::test]
async fn a_version_out_of_range_is_406_and_a_broken_one_400() {
    let bench = Bench::start(FaultStyle::Nova).await;
    let ask = |version: &'static str| {
        let bench = &bench;
        async move {
            let request = bench.as_demo("GET", "/v2.1/echo").await;
            answer(request.header("X-OpenStack-Nova-API-Version", version)).await
        }
    };
    let refused = ask("2.51").await;
    assert_eq!(refused.status, 406);
    assert_eq!(
        refused.json(),
        json!({"computeFault": {"code": 406, "message":
            "Version 2.51 is not supported by the API. Minimum is 2.1 and maximum is 2.50."}})
    );
    assert_eq!(refused.header("x-openstack-nova-api-version"), Some("2.51"));
    let broken = ask("abc").await;
    assert_eq!(broken.status, 400);
    assert_eq!(broken.header("openstack-api-version"), None);

    // The range follows the pods.
    bench.versions.set(VersionRange {
        min: Microversion::new(2, 1),
        max: Microversion::new(2, 90),
    });
    assert_eq!(ask("2.51").await.status, 200);
    assert_eq!(ask("latest").await.json()["version"], "2.90");
}

#[tokio::test]
async fn cinder_has_one_header() {
    let bench = Bench::start(FaultStyle::Cinder).await;
    let request = bench.as_demo("GET", "/v3/echo").await;
    let got = answer(request.header("OpenStack-API-Version", "volume 3.5")).await;
    assert_eq!(got.json()["version"], "3.5");
    assert_eq!(got.header("openstack-api-version"), Some("volume 3.5"));
    assert_eq!(got.headers_of("vary"), ["OpenStack-API-Version"]);
    assert_eq!(got.header("x-openstack-nova-api-version"), None);
}
