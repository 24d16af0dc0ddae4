//! A pod answers, but not as its API says: users get a fault of the API they use, other
//! pods' answers do not suffer, and nothing breaks.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::http::list;
use crate::simulated::Simulated;

/// What the pod says to every request.
#[derive(Debug, Clone)]
enum Says {
    /// A proper answer with this JSON.
    Json(Vec<u8>),
    /// These bytes, and the connection is closed.
    Raw(Vec<u8>),
    /// A proper head, and then this without end.
    Endless(&'static [u8]),
}

/// What is wrong, by name.
fn evils() -> Vec<(&'static str, Says)> {
    let json = |text: &str| Says::Json(text.as_bytes().to_vec());
    let raw = |text: &str| Says::Raw(text.as_bytes().to_vec());
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let nested = format!("{{\"servers\": {0}, \"server\": {0}}}", "[".repeat(100_000));
    vec![
        (
            "wrong types",
            json(r#"{"servers": {"a": 1}, "server": [], "#),
        ),
        ("no json", json("Hello")),
        ("cut off", json(r#"{"servers": [{"id": "#)),
        ("nested too deeply", json(&nested)),
        (
            "no UTF-8",
            Says::Json(b"{\"servers\": \"\xff\xfe\", \"server\": \"\xff\"}".to_vec()),
        ),
        (
            "an HTML page",
            raw("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\n<b/>"),
        ),
        (
            "a status that is none",
            raw("HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}"),
        ),
        (
            "a body without end",
            Says::Endless(b"[[1,2,3],[1,2,3],[1,2,3],[1,2,3],[1,2,3],"),
        ),
        (
            "a body shorter than it says",
            raw(&format!("{head}Content-Length: 100\r\n\r\n{{}}")),
        ),
        (
            "two lengths",
            raw(&format!(
                "{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"
            )),
        ),
        ("no HTTP", raw("\u{0}\u{1}\u{2}garbage\r\n\r\n")),
        (
            "a head without end",
            raw(&format!("{head}X: {}", "x".repeat(1 << 20))),
        ),
    ]
}

/// Lists that are well-formed JSON and still no lists; the pod is left out of the answer.
const ODD_LISTS: [&str; 5] = [
    r#"{"servers": {"a": 1}}"#,
    r#"{"servers": [1, null, "x", [], {}]}"#,
    r#"{"servers": [{"name": "without id", "created": 7}]}"#,
    r#"{"servers": [{"id": ["no", "text"]}], "servers_links": 5}"#,
    "[]",
];

/// A pod whose Nova answers each of these, one after the other.
pub async fn a_malformed_pod(world: &Simulated) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.11.0/24")
        .await;
    let mut servers = Vec::new();
    for place in [0, 1] {
        let zone = world.zone(place);
        let id = world.create_server(&demo, "vm", zone, &network).await;
        demo.wait_server(&id, "ACTIVE").await;
        servers.push(id);
    }
    let [kept, lost] = [servers[0].as_str(), servers[1].as_str()];

    let says = Arc::new(Mutex::new(Says::Json(b"{\"servers\": []}".to_vec())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2.1", listener.local_addr().unwrap());
    let evil = tokio::spawn(answer_all(listener, says.clone()));
    let region = world.pods[1].name();
    let move_to = async |url: &str| {
        world.cloud.register_endpoint(region, "compute", url);
        world.parts.pods.refresh().await.unwrap();
    };
    move_to(&url).await;
    let compute = demo.compute.version("compute 2.60");
    let kept_is_listed = async |what: &str| {
        let body = compute.get("/servers/detail").await.expect(200);
        let ids: Vec<_> = list(&body, "/servers").iter().map(|s| &s["id"]).collect();
        assert_eq!(ids, [kept], "{what}");
    };

    for (what, evil) in evils() {
        *says.lock().unwrap() = evil;
        kept_is_listed(what).await;
        for path in ["", "/metadata"] {
            let answer = compute.get(&format!("/servers/{lost}{path}")).await;
            assert!(
                matches!(answer.status, 502 | 503),
                "{what}: {} {}",
                answer.status,
                answer.text
            );
            let fault = answer
                .body
                .as_object()
                .and_then(|body| body.values().next());
            assert!(fault.is_some_and(|f| f["message"].is_string()), "{what}");
            assert!(answer.headers.contains_key("x-openstack-request-id"));
        }
        // A proper answer, so that the pod is not given up before the next question.
        *says.lock().unwrap() = Says::Json(b"{\"servers\": []}".to_vec());
        kept_is_listed("nothing wrong").await;
    }
    for text in ODD_LISTS {
        *says.lock().unwrap() = Says::Json(text.as_bytes().to_vec());
        kept_is_listed(text).await;
    }

    move_to(&world.pods[1].nova_url()).await;
    evil.abort();
    for server in &servers {
        demo.delete_server(server).await;
    }
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
}

async fn answer_all(listener: TcpListener, says: Arc<Mutex<Says>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let says = says.lock().unwrap().clone();
        // Whoever asks may hang up at any time.
        tokio::spawn(async move { answer_one(stream, says).await.ok() });
    }
}

/// One request on a connection, which is closed after the answer.
async fn answer_one(mut stream: TcpStream, says: Says) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await? {
            0 => return Ok(()),
            n => request.extend_from_slice(&part[..n]),
        }
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    match says {
        Says::Json(body) => {
            let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Says::Raw(bytes) => stream.write_all(&bytes).await?,
        Says::Endless(part) => {
            stream.write_all(format!("{head}\r\n").as_bytes()).await?;
            let many = part.repeat(1000);
            loop {
                stream.write_all(&many).await?;
            }
        }
    }
    stream.shutdown().await
}
