//! Requests as bytes. Whatever is on the wire, a pod gets one request with exactly the
//! path that the table decided about, or none.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tricircle_tests::Simulated;

use crate::access::Things;
use crate::bed::{Api, Bed};

const PATIENCE: Duration = Duration::from_secs(30);

/// Sends bytes and reads until the service closes the connection.
async fn exchange(address: &str, bytes: &[u8]) -> String {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The service may have answered and closed before it has read all.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let said = tokio::time::timeout(PATIENCE, talk).await;
    said.unwrap_or_else(|_| panic!("hangs: {}", String::from_utf8_lossy(bytes)))
}

/// The status codes of all answers on the connection.
fn statuses(answer: &str) -> Vec<u16> {
    answer
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|part| part[..3].parse().unwrap())
        .collect()
}

struct Wire {
    world: Simulated,
    bed: Bed,
    token: String,
    things: Things,
}

impl Wire {
    async fn open() -> Self {
        let world = Simulated::plain().await;
        let things = Things::make(&world).await;
        Self {
            bed: Bed::over(&world).await,
            token: world.login("demo", "demo").await.token,
            world,
            things,
        }
    }

    /// The statuses of the answers, and what the pods were asked meanwhile.
    async fn send(&self, line: &str, headers: &str, body: &str) -> (Vec<u16>, Vec<String>) {
        for pod in &self.world.pods {
            pod.clear_journal();
        }
        let bytes = format!(
            "{line}\r\nHost: top\r\nX-Auth-Token: {}\r\n{headers}\r\n{body}",
            self.token
        );
        let answer = exchange(self.bed.address(Api::Compute), bytes.as_bytes()).await;
        let calls = self.world.pods.iter().flat_map(|pod| pod.journal());
        let calls = calls.map(|call| format!("{} {}", call.method, call.path));
        (statuses(&answer), calls.collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_can_be_read_in_two_ways_is_refused() {
    let wire = Wire::open().await;
    let server = &wire.things.server;
    let action = format!("POST /v2.1/servers/{server}/action HTTP/1.1");
    let close = "Connection: close\r\nContent-Type: application/json\r\n";
    let hidden = "GET /v2.1/hidden HTTP/1.1\r\n\r\n";
    let chunked = format!("2\r\n{{}}\r\n0\r\n\r\n{hidden}");
    for (what, headers, body) in [
        (
            "length and chunks",
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            chunked.as_str(),
        ),
        (
            "chunks and length",
            "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
            &chunked,
        ),
        (
            "two lengths",
            "Content-Length: 2\r\nContent-Length: 40\r\n",
            "{}",
        ),
        (
            "one length twice",
            "Content-Length: 2\r\nContent-Length: 2\r\n",
            "{}",
        ),
        ("a list of lengths", "Content-Length: 2, 2\r\n", "{}"),
        ("a signed length", "Content-Length: +2\r\n", "{}"),
        ("a negative length", "Content-Length: -2\r\n", "{}"),
        ("a length in hex", "Content-Length: 0x2\r\n", "{}"),
        (
            "a huge length",
            "Content-Length: 99999999999999999999\r\n",
            "{}",
        ),
        (
            "another encoding",
            "Transfer-Encoding: gzip, chunked\r\n",
            &chunked,
        ),
        (
            "chunks twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            &chunked,
        ),
        (
            "an unknown encoding",
            "Transfer-Encoding: xchunked\r\n",
            &chunked,
        ),
        ("a folded header", "X-Folded: a\r\n b\r\n", ""),
        ("a blank before the colon", "Content-Length : 2\r\n", "{}"),
        ("a header without colon", "Nonsense\r\n", ""),
        ("a second host", "Host: other\r\n", ""),
        (
            "a bad chunk size",
            "Transfer-Encoding: chunked\r\n",
            "zz\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "a negative chunk",
            "Transfer-Encoding: chunked\r\n",
            "-2\r\n{}\r\n0\r\n\r\n",
        ),
    ] {
        let headers = format!("{close}{headers}");
        let (said, asked) = wire.send(&action, &headers, body).await;
        assert!(
            said.is_empty() || said == [400],
            "{what}: answered {said:?}"
        );
        assert!(asked.is_empty(), "{what}: the pods got {asked:?}");
    }
    for line in [
        format!("GET /v2.1/servers/{server} HTTP/1.1\r\nHost: two"),
        format!("GET  /v2.1/servers/{server} HTTP/1.1"),
        format!("GET /v2.1/servers/{server}\tx HTTP/1.1"),
        format!("GET /v2.1/servers/{server} HTTP/3.7"),
        "GET".to_owned(),
        "\u{0}\u{1}\u{2} / HTTP/1.1".to_owned(),
    ] {
        let (said, asked) = wire.send(&line, "Connection: close\r\n", "").await;
        assert!(said.is_empty() || said == [400], "{line}: {said:?}");
        assert!(asked.is_empty(), "{line}: the pods got {asked:?}");
    }
    wire.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_stays_one_request() {
    let wire = Wire::open().await;
    let server = &wire.things.server;
    let close = "Connection: close\r\nContent-Type: application/json\r\n";
    let action = format!("POST /v2.1/servers/{server}/action HTTP/1.1");
    let forwarded = [format!("POST /v2.1/servers/{server}/action")];
    let body = "f;name=\"a;b\"\r\n{\"lock\": null}\n\r\n0\r\nX-Trailer: x\r\n\r\n";
    let chunks = format!("{close}Transfer-Encoding: chunked\r\nTrailer: X-Trailer\r\n");
    let (said, asked) = wire.send(&action, &chunks, body).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said == [400] && asked.is_empty() || asked == forwarded,
        "{said:?} {asked:?}"
    );

    // Headers of this connection stop here, whatever they are.
    let show = format!("GET /v2.1/servers/{server} HTTP/1.1");
    let shown = vec![format!("GET /v2.1/servers/{server}")];
    for headers in [
        "Connection: close, X-Auth-Token\r\n",
        "Connection: close, Host, Content-Length\r\n",
        "Connection: close\r\nTE: trailers\r\nTrailer: X\r\nKeep-Alive: 5\r\n",
        "Connection: close, Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n",
        "Connection: close\r\nProxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\n",
        "Connection: close\r\nX-Forwarded-Host: other\r\nForwarded: host=other\r\n",
        "Connection: close\r\nExpect: 100-continue\r\n",
    ] {
        let (said, asked) = wire.send(&show, headers, "").await;
        assert_eq!(said.last(), Some(&200), "{headers}");
        assert_eq!(asked, shown, "{headers}");
    }
    wire.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_is_asked_for_the_path_that_was_decided_about() {
    let wire = Wire::open().await;
    let server = &wire.things.server;
    let close = "Connection: close\r\n";
    let shown = vec![format!("GET /v2.1/servers/{server}")];
    for target in [
        format!("/v2.1/servers/{server}"),
        format!("/v2.1/{}/servers/{server}", wire.things.project),
        format!("http://top/v2.1/servers/{server}"),
        format!("http://elsewhere:9/v2.1/servers/{server}"),
    ] {
        let line = format!("GET {target} HTTP/1.1");
        let (said, asked) = wire.send(&line, close, "").await;
        assert_eq!((said, asked), (vec![200], shown.clone()), "{target}");
    }
    for target in [
        format!("/v2.1//servers/{server}"),
        format!("/v2.1/servers//{server}"),
        format!("/v2.1/servers/../servers/{server}"),
        format!("/v2.1/servers/%2e%2e/servers/{server}"),
        format!("/v2.1/servers/.%2E/servers/{server}"),
        format!("/v2.1/servers/%2e/{server}"),
        format!("/v2.1/servers/x%2f..%2f{server}"),
        format!("/v2.1/servers/{server}%00"),
        format!("/v2.1/servers/{server}%2Fos-interface"),
        format!("/v2.1/servers/{server}/%2e%2e"),
        format!("/v2.1/servers/{server}%3Fx"),
        format!("/v2.1/servers/{server}%0d%0aX:%20y"),
        format!("/v2.1/servers/{server}%"),
        format!("/v2.1/servers/{server}%zz"),
        format!("/v2.1/servers/\\..\\{server}"),
        format!("/v2.1/servers/{server}%5c..%5cx"),
    ] {
        let line = format!("GET {target} HTTP/1.1");
        let (said, asked) = wire.send(&line, close, "").await;
        assert!(said == [404] || said == [400], "{target}: {said:?}");
        assert!(asked.is_empty(), "{target}: the pods got {asked:?}");
    }
    wire.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_the_limit_is_413_and_not_read() {
    let wire = Wire::open().await;
    let server = &wire.things.server;
    let own = "POST /v2.1/servers HTTP/1.1".to_owned();
    let inspected = format!("POST /v2.1/servers/{server}/action HTTP/1.1");
    let passed_on = format!("PUT /v2.1/servers/{server}/metadata HTTP/1.1");
    for line in [&own, &inspected, &passed_on] {
        // Announced: answered, and the connection given up, before a byte of it came.
        let announced = "Content-Type: application/json\r\nContent-Length: 1000000000\r\n";
        let (said, asked) = wire.send(line, announced, "").await;
        assert_eq!(said, [413], "{line}");
        assert!(asked.is_empty(), "{line}: the pods got {asked:?}");

        // Not announced: cut at the limit. A client that keeps sending is not waited for.
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
        let (said, _) = wire.send(line, chunked, &chunk.repeat(400)).await;
        // The answer may be lost when the connection is reset over unread bytes.
        assert!(said == [413] || said.is_empty(), "{line}: {said:?}");
        let (said, _) = wire.send(line, chunked, &chunk.repeat(8)).await;
        assert!(said == [413], "{line}: {said:?}");
    }
    wire.world.end().await;
}
