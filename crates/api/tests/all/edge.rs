//! What happens to every request and every answer.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tricircle_api::FaultStyle;

use crate::bench::{Bench, answer};

const CALLERS_ID: &str = "req-11111111-1111-4111-8111-11111111abcd";

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_and_keeps_the_callers_apart() {
    let bench = Bench::start(FaultStyle::Nova).await;
    let request = bench.as_demo("GET", "/v2.1/echo").await;
    let got = answer(request.header("X-Openstack-Request-Id", CALLERS_ID)).await;
    assert_eq!(got.json()["global"], CALLERS_ID);
    let own = got.header("x-openstack-request-id").unwrap();
    assert!(own.starts_with("req-") && own != CALLERS_ID);
    assert_eq!(got.header("x-compute-request-id"), Some(own));

    let request = bench.as_demo("GET", "/v2.1/echo").await;
    let bad = answer(request.header("X-Openstack-Request-Id", "req-x; evil")).await;
    assert_eq!(bad.json()["global"], json!(null));

    let bench = Bench::start(FaultStyle::Neutron).await;
    let got = bench.get("/v2.0/networks").await;
    assert!(got.header("x-openstack-request-id").is_some());
    assert_eq!(got.header("x-compute-request-id"), None);
}

#[tokio::test]
async fn faults_are_told_in_the_services_format_without_their_cause() {
    let bench = Bench::start(FaultStyle::Neutron).await;
    let got = answer(bench.as_demo("GET", "/v2.0/fails/x").await).await;
    assert_eq!(got.status, 404);
    assert_eq!(
        got.json(),
        json!({"NeutronError": {"type": "ThingNotFound",
            "message": "Thing x could not be found.", "detail": ""}})
    );
    let bench = Bench::start(FaultStyle::Nova).await;
    let inside = answer(bench.as_demo("GET", "/v2.1/fails/inside").await).await;
    assert_eq!(inside.status, 500);
    assert!(inside.json()["computeFault"]["code"] == 500 && !inside.text.contains("secret"));
    let pod = answer(bench.as_demo("GET", "/v2.1/fails/pod").await).await;
    assert_eq!(pod.status, 503);
    assert!(pod.text.contains("Pod1") && !pod.text.contains("10.0.0.7"));
    let limit = answer(bench.as_demo("GET", "/v2.1/fails/limit").await).await;
    assert_eq!(limit.header("retry-after"), Some("3"));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_as_the_service_does() {
    let bench = Bench::start(FaultStyle::Nova).await;
    for (method, path) in [("GET", "/v2.1/nothing"), ("PATCH", "/v2.1/echo")] {
        let got = answer(bench.as_demo(method, path).await).await;
        assert_eq!(got.status, 404);
        assert_eq!(got.json()["code"], "404 Not Found", "{method} {path}");
    }
    let bench = Bench::start(FaultStyle::Neutron).await;
    let got = answer(bench.as_demo("GET", "/v2.0/nothing").await).await;
    assert_eq!(got.json()["NeutronError"]["type"], "HTTPNotFound");
    let got = answer(bench.as_demo("PATCH", "/v2.0/echo").await).await;
    assert_eq!(got.status, 405);
    assert_eq!(got.json()["NeutronError"]["type"], "HTTPMethodNotAllowed");
    let bench = Bench::start(FaultStyle::Admin).await;
    let got = answer(bench.as_demo("PATCH", "/v1.0/echo").await).await;
    assert_eq!(got.json()["error"]["code"], 405);
}

#[tokio::test]
async fn a_broken_body_is_a_400_in_the_services_words() {
    for (style, path, message) in [
        (FaultStyle::Nova, "/v2.1/echo", "Malformed request body"),
        (
            FaultStyle::Neutron,
            "/v2.0/echo",
            "Body contains invalid data",
        ),
    ] {
        let bench = Bench::start(style).await;
        let request = bench.as_demo("POST", path).await;
        let got = answer(
            request
                .header("Content-Type", "application/json")
                .body("{bad"),
        )
        .await;
        assert_eq!(got.status, 400);
        assert!(got.text.contains(message), "{}", got.text);
        let request = bench.as_demo("POST", path).await;
        let got = answer(request.json(&json!({"a": 1}))).await;
        assert_eq!(got.json(), json!({"a": 1}));
    }
}

#[tokio::test]
async fn a_large_body_is_413_by_its_length_and_while_it_is_read() {
    let bench = Bench::start(FaultStyle::Nova).await;
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(120_000));
    let request = bench.as_demo("POST", "/v2.1/echo").await;
    assert_eq!(answer(request.body(large.clone())).await.status, 413);

    // In chunks, so that nothing announces the length.
    let token = bench.cloud.token("demo", "demo").await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(bench.running.addr())
        .await
        .unwrap();
    let head = format!(
        "POST /v2.1/echo HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0_u8; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 413");
}

#[tokio::test]
async fn stopping_is_told_to_the_balancer_and_ends_the_service() {
    let bench = Bench::start(FaultStyle::Nova).await;
    assert_eq!(bench.get("/healthcheck").await.status, 200);
    let Bench {
        running, shutdown, ..
    } = bench;
    let addr = running.addr();
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(10), running.wait())
        .await
        .expect("the service stops when told");
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
