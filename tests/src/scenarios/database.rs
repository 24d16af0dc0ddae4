//! The database is away, or hangs: 503 for as long, and nothing else.

use serde_json::{Value, json};

use crate::http::Client;
use crate::simulated::Simulated;

/// Calls that need the database answer 503 while it is away. When it is back, the very
/// next ones work, in processes that were never restarted, and what was accepted before
/// gets done.
pub async fn away_and_back(world: &Simulated) {
    let before = world.inventory().await;
    let relay = world.database_relay.as_ref().unwrap();
    let demo = world.demo().await;
    let (network, _) = world
        .create_network_and_subnet(&demo, "net", "10.0.13.0/24")
        .await;
    let server = world
        .create_server(&demo, "vm", world.zone(0), &network)
        .await;
    demo.wait_server(&server, "ACTIVE").await;

    relay.cut();
    let new = json!({"network": {"name": world.name("lost")}});
    for _ in 0..2 {
        refused(&demo.network, "GET", "/networks", None).await;
        refused(&demo.network, "POST", "/networks", Some(&new)).await;
        let body = world.server_body("lost", world.zone(0), json!([{"uuid": network}]));
        refused(&demo.compute, "POST", "/servers", Some(&body)).await;
    }
    relay.mend();
    demo.network.get("/networks").await.expect(200);

    relay.hang();
    refused(&demo.network, "GET", "/networks", None).await;
    relay.mend();
    demo.network.get("/networks").await.expect(200);

    demo.delete_server(&server).await;
    relay.blink();
    demo.delete_network(&network).await;
    world.nothing_left_since(&before).await;
    world.assert_pods_clean();
}

async fn refused(client: &Client, method: &str, path: &str, body: Option<&Value>) {
    let answer = client.send(method, path, body).await;
    assert_eq!(answer.status, 503, "{method} {path}: {}", answer.text);
}
