//! The external networks, which an administrator makes before users come and removes when
//! they have gone.

use serde_json::json;

use crate::chaos::calm::{LIMIT, report};
use crate::chaos::user::User;
use crate::http::string;
use crate::simulated::Simulated;
use crate::wait::eventually;

/// How many, each in a pod of its own.
const OUTSIDES: usize = 2;

/// Makes them; their ids.
pub async fn create(world: &Simulated) -> Vec<String> {
    let admin = world.admin().await.network;
    let mut ids = Vec::new();
    for place in 0..OUTSIDES.min(world.world.pods.len()) {
        let body = json!({"network": {
            "name": format!("{}-outside-{place}", world.tag),
            "router:external": true,
            "provider:network_type": "flat",
            "provider:physical_network": format!("outside{place}"),
            "availability_zone_hints": [world.world.pods[place].zone],
        }});
        let made = admin.post("/networks", body).await.expect(201);
        let network = string(&made, "/network/id");
        let body = json!({"subnet": {
            "network_id": network, "ip_version": 4, "enable_dhcp": false,
            "cidr": format!("203.0.{}.0/24", 112 + place),
        }});
        admin.post("/subnets", body).await.expect(201);
        ids.push(network);
    }
    ids
}

/// Removes them: no port may be left on them.
pub async fn remove(world: &Simulated, users: &[User]) {
    let admin = world.admin().await.network;
    for id in &users[0].offer.outsides {
        let ended = eventually(LIMIT, || async {
            let answer = admin.delete(&format!("/networks/{id}")).await;
            match answer.status {
                204 | 404 => Ok(()),
                status => Err(format!("external network {id}: {status} {}", answer.text)),
            }
        })
        .await;
        report(users, ended, "removing external networks");
    }
}
