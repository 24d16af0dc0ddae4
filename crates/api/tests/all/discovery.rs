//! What is answered without a token.

use serde_json::json;
use tricircle_api::FaultStyle;

use crate::bench::{Bench, answer};

#[tokio::test]
async fn nova_documents_name_the_range_and_link_to_the_asked_host() {
    let bench = Bench::start(FaultStyle::Nova).await;
    let host = bench.running.url();
    let root = bench.get("/").await;
    assert_eq!(root.status, 200);
    assert_eq!(
        root.json(),
        json!({"versions": [{
            "id": "v2.1", "status": "CURRENT", "version": "2.50", "min_version": "2.1",
            "updated": "2013-07-23T11:33:21Z",
            "links": [{"rel": "self", "href": format!("{host}/v2.1/")}],
        }]})
    );
    for path in ["/v2.1", "/v2.1/"] {
        let version = bench.get(path).await;
        assert_eq!(version.status, 200);
        assert_eq!(version.json()["version"]["version"], "2.50");
        assert_eq!(version.header("openstack-api-version"), Some("compute 2.1"));
    }
    let choices = bench.get("/foo").await;
    assert_eq!(choices.status, 300);
    assert_eq!(
        choices.json()["choices"][0]["links"][0]["href"],
        format!("{host}/v2.1/foo")
    );
}

#[tokio::test]
async fn cinder_answers_300_at_its_root() {
    let bench = Bench::start(FaultStyle::Cinder).await;
    let root = bench.get("/").await;
    assert_eq!(root.status, 300);
    assert_eq!(root.json()["versions"][0]["version"], "3.50");
    assert_eq!(bench.get("/v3/").await.status, 200);
    assert_eq!(bench.get("/foo").await.status, 404);
}

#[tokio::test]
async fn neutron_and_admin_list_their_resources() {
    let bench = Bench::start(FaultStyle::Neutron).await;
    assert_eq!(bench.get("/").await.json()["versions"][0]["id"], "v2.0");
    let listed = bench.get("/v2.0/").await.json();
    let host = bench.running.url();
    assert_eq!(
        listed["resources"][0],
        json!({"name": "network", "collection": "networks",
               "links": [{"rel": "self", "href": format!("{host}/v2.0/networks")}]})
    );
    let bench = Bench::start(FaultStyle::Admin).await;
    assert_eq!(bench.get("/v1.0").await.json()["version"]["id"], "v1.0");
}

#[tokio::test]
async fn links_follow_a_proxy_only_where_it_is_trusted() {
    let asked = |bench: &Bench| {
        let request = bench
            .request("GET", "/")
            .header("X-Forwarded-Proto", "https")
            .header("X-Forwarded-Host", "cloud.example")
            .header("X-Forwarded-Prefix", "/compute/");
        answer(request)
    };
    let href = |text: &str| {
        let document: serde_json::Value = serde_json::from_str(text).unwrap();
        document["versions"][0]["links"][0]["href"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let plain = Bench::start(FaultStyle::Nova).await;
    let got = asked(&plain).await;
    assert_eq!(href(&got.text), format!("{}/v2.1/", plain.running.url()));

    let trusting = Bench::start_with(FaultStyle::Nova, |mut config| {
        config.default.use_forwarded_headers = true;
        config
    })
    .await;
    assert_eq!(
        href(&asked(&trusting).await.text),
        "https://cloud.example/compute/v2.1/"
    );

    let configured = Bench::start_with(FaultStyle::Nova, |mut config| {
        config.nova_apigw.public_endpoint = "https://api.example/compute/".to_owned();
        config
    })
    .await;
    assert_eq!(
        href(&asked(&configured).await.text),
        "https://api.example/compute/v2.1/"
    );
}

#[tokio::test]
async fn health_is_told_plainly_and_in_detail() {
    let bench = Bench::start(FaultStyle::Nova).await;
    let plain = bench.get("/healthcheck").await;
    assert_eq!((plain.status, plain.text.as_str()), (200, "OK"));
    let detailed = || {
        answer(
            bench
                .request("GET", "/healthcheck")
                .header("Accept", "application/json"),
        )
    };
    let well = detailed().await;
    assert_eq!(well.status, 200);
    assert_eq!(
        well.json()["checks"],
        json!([
            {"name": "keystone", "required": true, "ok": true},
            {"name": "broker", "required": false, "ok": false},
        ])
    );
    bench.cloud.stop_keystone().await;
    let unwell = detailed().await;
    assert_eq!(unwell.status, 503);
    assert_eq!(unwell.json()["healthy"], false);
    assert_eq!(bench.get("/healthcheck").await.status, 200);
}

#[tokio::test]
async fn metrics_count_by_pattern_and_status() {
    let bench = Bench::start(FaultStyle::Neutron).await;
    answer(bench.as_demo("GET", "/v2.0/fails/one").await).await;
    answer(bench.as_demo("GET", "/v2.0/fails/two").await).await;
    let page = bench.get("/metrics").await;
    assert_eq!(page.status, 200);
    let line = page
        .text
        .lines()
        .find(|line| {
            line.starts_with("tricircle_http_requests_total")
                && line.contains("route=\"/v2.0/fails/{how}\"")
                && line.contains("status=\"404\"")
        })
        .unwrap_or_else(|| panic!("{}", page.text));
    let count: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(count >= 2, "{line}");
    assert!(!page.text.contains("fails/one"), "a path became a label");
    assert!(
        page.text
            .contains("tricircle_http_request_duration_seconds_bucket")
    );
}
