//! Routers, external networks and floating IPs, made through the top.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{PATIENCE, Stage};
use crate::http::{list, string};
use crate::identity::Region;
use crate::wait::until;

/// The gateway of external networks, which is the outside (see deploy/sandbox).
pub const OUTSIDE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// An address behind it, to which there is a way only by a default route.
pub const BEHIND: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// A floating IP.
#[derive(Debug, Clone)]
pub struct Floating {
    /// Its id at the top.
    pub id: String,
    /// The address that the outside knows.
    pub address: Ipv4Addr,
}

impl Stage {
    /// A router with interfaces on these subnets; its id.
    pub async fn router(&self, user: &Region, name: &str, subnets: &[&str]) -> String {
        let body = json!({"router": {"name": self.world.name(name)}});
        let body = user.network.post("/routers", body).await.expect(201);
        let router = string(&body, "/router/id");
        for subnet in subnets {
            self.interface(user, &router, subnet).await;
        }
        router
    }

    /// An interface of a router on a subnet.
    pub async fn interface(&self, user: &Region, router: &str, subnet: &str) {
        let path = format!("/routers/{router}/add_router_interface");
        let body = json!({ "subnet_id": subnet });
        user.network.put(&path, body).await.expect(200);
    }

    /// Takes a router's gateway and interfaces away, and then the router.
    pub async fn delete_router(&self, user: &Region, router: &str, subnets: &[&str]) {
        let path = format!("/routers/{router}");
        let body = json!({"router": {"external_gateway_info": {}}});
        user.network.put(&path, body).await.expect(200);
        for subnet in subnets {
            let path = format!("{path}/remove_router_interface");
            let body = json!({ "subnet_id": subnet });
            user.network.put(&path, body).await.expect(200);
        }
        user.network.delete(&path).await.expect(204);
    }

    /// An external network in the zone of a pod, with a subnet that leads to the outside,
    /// made by the administrator; its id.
    pub async fn external_network(&self, admin: &Region, pod: usize) -> String {
        let body = json!({"network": {
            "name": self.world.name("external"),
            "router:external": true,
            "provider:network_type": "flat",
            "provider:physical_network": "extern",
            "availability_zone_hints": [self.world.zone(pod)],
        }});
        let body = admin.network.post("/networks", body).await.expect(201);
        let network = string(&body, "/network/id");
        let further = json!({
            "gateway_ip": OUTSIDE.to_string(),
            "enable_dhcp": false,
            "allocation_pools": [{"start": "203.0.113.10", "end": "203.0.113.99"}],
        });
        admin
            .create_subnet(&network, "203.0.113.0/24", further)
            .await;
        network
    }

    /// Gives a router a gateway in an external network; the address that it got there.
    pub async fn set_gateway(&self, user: &Region, router: &str, network: &str) -> Ipv4Addr {
        let body = json!({"router": {"external_gateway_info": {"network_id": network}}});
        let path = format!("/routers/{router}");
        let body = user.network.put(&path, body).await.expect(200);
        let pointer = "/router/external_gateway_info/external_fixed_ips/0/ip_address";
        string(&body, pointer).parse().unwrap()
    }

    /// A floating IP of an external network, for a port.
    pub async fn floating_ip(&self, user: &Region, network: &str, port: &str) -> Floating {
        let body = json!({"floatingip": {
            "floating_network_id": network,
            "port_id": port,
            // Floating IPs have no names by which a sweep could find them.
            "description": self.world.tag,
        }});
        let body = user.network.post("/floatingips", body).await.expect(201);
        Floating {
            id: string(&body, "/floatingip/id"),
            address: string(&body, "/floatingip/floating_ip_address")
                .parse()
                .unwrap(),
        }
    }

    /// Gives a floating IP to another port, or to none.
    pub async fn associate(&self, user: &Region, floating: &Floating, port: Option<&str>) {
        let path = format!("/floatingips/{}", floating.id);
        let body = json!({"floatingip": {"port_id": port}});
        let body = user.network.put(&path, body).await.expect(200);
        assert_eq!(body["floatingip"]["port_id"], json!(port), "{body}");
    }

    /// Waits until a floating IP has a status.
    pub async fn wait_floating(&self, user: &Region, floating: &Floating, status: &str) {
        let path = format!("/floatingips/{}", floating.id);
        until(
            PATIENCE,
            &format!("{} {status}", floating.address),
            || async {
                let body = user.network.get(&path).await.expect(200);
                if body["floatingip"]["status"] == status {
                    Ok(())
                } else {
                    Err(body.to_string())
                }
            },
        )
        .await;
    }

    /// Deletes a floating IP.
    pub async fn delete_floating(&self, user: &Region, floating: &Floating) {
        let path = format!("/floatingips/{}", floating.id);
        user.network.delete(&path).await.expect(204);
    }

    /// Waits until a server shows exactly these addresses as floating.
    pub async fn wait_shown_floating(&self, user: &Region, server: &str, expected: &[Ipv4Addr]) {
        let what = format!("server {server} shows {expected:?}");
        until(PATIENCE, &what, || async {
            let body = user.server(server).await.expect(200);
            let shown = floating_addresses(&body["server"]);
            if shown == expected {
                Ok(())
            } else {
                Err(body["server"]["addresses"].to_string())
            }
        })
        .await;
    }
}

fn floating_addresses(server: &Value) -> Vec<Ipv4Addr> {
    let networks = server["addresses"].as_object();
    let all = networks.into_iter().flat_map(|networks| networks.values());
    all.flat_map(|addresses| list(addresses, ""))
        .filter(|address| address["OS-EXT-IPS:type"] == "floating")
        .map(|address| string(address, "/addr").parse().unwrap())
        .collect()
}
