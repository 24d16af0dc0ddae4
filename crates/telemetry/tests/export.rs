//! Spans reach a collector.
#![allow(clippy::unwrap_used)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tracing_subscriber::layer::SubscriberExt;
use tricircle_config::OpenTelemetry;
use tricircle_telemetry::Traces;

/// Takes one call and returns its head and body.
async fn collect(listener: TcpListener) -> (String, Vec<u8>) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if read.len() >= end + 4 + length {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                socket.write_all(answer).await.unwrap();
                return (head, read[end + 4..].to_vec());
            }
        }
        assert_ne!(socket.read_buf(&mut read).await.unwrap(), 0);
    }
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_span_is_exported_with_its_id_and_no_messages() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = OpenTelemetry {
        endpoint: format!("http://{}", listener.local_addr().unwrap()),
        ..OpenTelemetry::default()
    };
    let collected = tokio::spawn(collect(listener));
    let traces = Traces::new(&options, "nova-apigw").unwrap().unwrap();
    let subscriber = tracing_subscriber::registry().with(traces.layer());
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("request", req.id = "req-1234");
        span.in_scope(|| {
            tracing::info!("what was said");
            tracing::debug_span!("detail").in_scope(|| {});
        });
    });
    traces.finish().await;

    let (head, body) = collected.await.unwrap();
    assert!(head.starts_with("post /v1/traces "), "{head}");
    for expected in ["nova-apigw", "request", "req.id", "req-1234"] {
        assert!(contains(&body, expected), "{expected} is missing");
    }
    for unwanted in ["what was said", "detail"] {
        assert!(!contains(&body, unwanted), "{unwanted} is there");
    }
}

#[tokio::test]
async fn without_an_endpoint_there_is_nothing() {
    let traces = Traces::new(&OpenTelemetry::default(), "nova-apigw").unwrap();
    assert!(traces.is_none());
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_refused() {
    let options = OpenTelemetry {
        endpoint: "not a url".to_owned(),
        ..OpenTelemetry::default()
    };
    assert!(Traces::new(&options, "nova-apigw").is_err());
}
