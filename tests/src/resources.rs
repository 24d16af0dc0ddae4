//! What users do, in one line each: create, wait until it is ready, delete, wait until
//! it is gone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, list, string};
use crate::identity::Region;
use crate::wait::until;
use crate::world::World;

/// The longest that anything which was accepted may take here: more than the slowest
/// machine needs, less than anybody's patience.
pub const LIMIT: Duration = Duration::from_secs(60);

impl World {
    /// The body of a create with the image and flavor that every cloud here has.
    pub fn server_body(&self, name: &str, zone: &str, networks: Value) -> Value {
        json!({"server": {
            "name": self.name(name), "flavorRef": self.flavor, "imageRef": self.image,
            "availability_zone": zone, "networks": networks,
        }})
    }

    /// Creates a server on one network and gives its id; it is not ready yet.
    pub async fn create_server(
        &self,
        region: &Region,
        name: &str,
        zone: &str,
        network: &str,
    ) -> String {
        let body = self.server_body(name, zone, json!([{"uuid": network}]));
        let body = region.compute.post("/servers", body).await.expect(202);
        string(&body, "/server/id")
    }

    /// Creates a network; its id.
    pub async fn create_network(&self, region: &Region, name: &str) -> String {
        let body = json!({"network": {"name": self.name(name)}});
        let body = region.network.post("/networks", body).await.expect(201);
        string(&body, "/network/id")
    }

    /// A network with a subnet in it; both ids.
    pub async fn create_network_and_subnet(
        &self,
        region: &Region,
        name: &str,
        cidr: &str,
    ) -> (String, String) {
        let network = self.create_network(region, name).await;
        let subnet = region.create_subnet(&network, cidr, json!({})).await;
        (network, subnet)
    }

    /// Creates a volume of 1 GiB in a zone and waits until it is available.
    pub async fn create_volume(&self, region: &Region, name: &str, zone: &str) -> String {
        let body = json!({"volume": {
            "name": self.name(name), "size": 1, "availability_zone": zone,
        }});
        let body = region.volume.post("/volumes", body).await.expect(202);
        let id = string(&body, "/volume/id");
        region.wait_volume(&id, "available").await;
        id
    }
}

impl Region {
    /// Creates an IPv4 subnet with these further attributes; its id.
    pub async fn create_subnet(&self, network: &str, cidr: &str, further: Value) -> String {
        let mut subnet = json!({"network_id": network, "ip_version": 4, "cidr": cidr});
        for (key, value) in further.as_object().into_iter().flatten() {
            subnet[key] = value.clone();
        }
        let body = json!({ "subnet": subnet });
        let body = self.network.post("/subnets", body).await.expect(201);
        string(&body, "/subnet/id")
    }

    /// A server as it is shown.
    pub async fn server(&self, id: &str) -> Answer {
        self.compute.get(&format!("/servers/{id}")).await
    }

    /// Waits until a server has a status; the server. ERROR fails at once.
    pub async fn wait_server(&self, id: &str, status: &str) -> Value {
        until(LIMIT, &format!("server {id} {status}"), || async {
            let answer = self.server(id).await;
            let reached = answer.body["server"]["status"] == status;
            if reached {
                return Ok(answer.body["server"].clone());
            }
            assert_ne!(
                answer.body["server"]["status"], "ERROR",
                "{}: {}",
                answer.call, answer.text
            );
            Err(format!("{} {}", answer.status, answer.text))
        })
        .await
    }

    /// Waits until a volume has a status; the volume. `error` fails at once.
    pub async fn wait_volume(&self, id: &str, status: &str) -> Value {
        until(LIMIT, &format!("volume {id} {status}"), || async {
            let answer = self.volume.get(&format!("/volumes/{id}")).await;
            let reached = answer.body["volume"]["status"] == status;
            if reached {
                return Ok(answer.body["volume"].clone());
            }
            assert_ne!(
                answer.body["volume"]["status"], "error",
                "{}: {}",
                answer.call, answer.text
            );
            Err(format!("{} {}", answer.status, answer.text))
        })
        .await
    }

    /// Deletes a server and waits until it, and its ports, are gone.
    pub async fn delete_server(&self, id: &str) {
        self.compute
            .delete(&format!("/servers/{id}"))
            .await
            .expect(204);
        self.wait_server_gone(id).await;
    }

    /// Waits until a server and its ports are gone.
    pub async fn wait_server_gone(&self, id: &str) {
        until(LIMIT, &format!("server {id} gone"), || async {
            let answer = self.server(id).await;
            gone(&answer)
        })
        .await;
        until(LIMIT, &format!("ports of server {id} gone"), || async {
            let ports = self.ports_of(id).await;
            if ports.is_empty() {
                Ok(())
            } else {
                Err(format!("{ports:?}"))
            }
        })
        .await;
    }

    /// Deletes a volume and waits until it is gone.
    pub async fn delete_volume(&self, id: &str) {
        let path = format!("/volumes/{id}");
        self.volume.delete(&path).await.expect(202);
        until(LIMIT, &format!("volume {id} gone"), || async {
            gone(&self.volume.get(&path).await)
        })
        .await;
    }

    /// Deletes a network. Its subnets, and what pods have of it, go with it.
    pub async fn delete_network(&self, id: &str) {
        let path = format!("/networks/{id}");
        self.network.delete(&path).await.expect(204);
        assert_eq!(self.network.get(&path).await.status, 404);
    }

    /// The ports of a server.
    pub async fn ports_of(&self, server: &str) -> Vec<Value> {
        let path = format!("/ports?device_id={server}");
        let body = self.network.get(&path).await.expect(200);
        list(&body, "/ports").clone()
    }
}

fn gone(answer: &Answer) -> Result<(), String> {
    match answer.status {
        404 => Ok(()),
        200 => Err(answer.text.clone()),
        _ => panic!("{}: {} {}", answer.call, answer.status, answer.text),
    }
}
