//! Two users' wishes that exclude each other, at the same moment.

use serde_json::json;

use crate::http::string;
use crate::world::World;

/// How often the race is run: who is faster is chance.
const RACES: usize = 3;

/// Two servers in two zones on one network that lives in one pod only: one comes, the
/// other is refused with the reason, and nothing of it is left.
pub async fn for_a_local_network(world: &World) {
    let before = world.inventory().await;
    let (demo, admin) = (world.demo().await, world.admin().await);
    for race in 0..RACES {
        let body = json!({"network": {
            "name": world.name("local"), "project_id": demo.project_id,
            "provider:network_type": "local",
        }});
        let body = admin.network.post("/networks", body).await.expect(201);
        let network = string(&body, "/network/id");
        let cidr = format!("10.0.{}.0/24", 20 + race);
        demo.create_subnet(&network, &cidr, json!({})).await;

        let create = |place: usize| {
            let body = world.server_body("vm", world.zone(place), json!([{"uuid": network}]));
            let compute = &demo.compute;
            async move { compute.post("/servers", body).await }
        };
        let (one, two) = tokio::join!(create(0), create(1));
        let (winner, loser, place) = match one.status {
            202 => (one, two, 0),
            _ => (two, one, 1),
        };
        assert_eq!(winner.status, 202, "{} {}", winner.text, loser.text);
        assert_eq!(loser.status, 400, "{} {}", winner.text, loser.text);
        let message = loser.string("/badRequest/message");
        let region = &world.pods[place].region;
        for part in ["local", &network, region.as_str()] {
            assert!(message.contains(part), "it says why: {message}");
        }

        let server = winner.string("/server/id");
        demo.wait_server(&server, "ACTIVE").await;
        let path = format!("/ports?network_id={network}&fields=device_id");
        let ports = demo.network.get(&path).await.expect(200);
        assert_eq!(
            ports["ports"],
            json!([{"device_id": server}]),
            "no other port"
        );
        let path = format!("/servers/{server}");
        let pod = world.pod(place, "demo", "demo").await;
        pod.compute.get(&path).await.expect(200);

        demo.delete_server(&server).await;
        demo.delete_network(&network).await;
    }
    world.nothing_left_since(&before).await;
}
