//! The flows: what is prepared, what a user does while the process dies, and what must be
//! possible afterwards.

use serde_json::json;
use tricircle_pod_sim::{Fault, Match, Service as PodService, Times};

use crate::http::{Client, list, string};
use crate::identity::Region;
use crate::resources::LIMIT;
use crate::simulated::Simulated;
use crate::wait::until;

/// A public key of no private one.
const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f crash-matrix";

/// Something that a user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// A server on a network that its pod does not have yet.
    CreateServer,
    /// A server whose create was answered and not heard: the job ends it.
    RecoverServer,
    /// Delete of a server.
    DeleteServer,
    /// A volume of a server's pod is attached to it.
    AttachVolume,
    /// A server gets an interface on a second network, which its pod does not have yet.
    AttachInterface,
    /// That interface comes off again.
    DetachInterface,
    /// A volume.
    CreateVolume,
    /// Delete of a volume.
    DeleteVolume,
    /// A network, with nothing in a pod.
    CreateNetwork,
    /// Delete of a network with a subnet that a pod has.
    DeleteNetwork,
}

/// What a flow plays with; ids are empty for what it has none of.
#[derive(Debug, Default)]
pub struct Stage {
    network: String,
    /// A second one, for a second interface.
    other: String,
    server: String,
    /// The port of the second interface.
    port: String,
    volume: String,
    /// Name of a flavor and a keypair of its own.
    flavor: String,
    group: String,
}

impl Flow {
    /// What is there before.
    pub async fn prepare(self, world: &Simulated) -> Stage {
        let demo = world.demo().await;
        let mut stage = Stage::default();
        let needs_network = !matches!(
            self,
            Self::CreateVolume | Self::DeleteVolume | Self::CreateNetwork
        );
        if needs_network {
            let made = world.create_network_and_subnet(&demo, "net", "10.0.9.0/24");
            stage.network = made.await.0;
        }
        if self == Self::CreateServer {
            // What a pod keeps after the first server is to be made for each one.
            stage.flavor = format!("f{}", uuid::Uuid::new_v4().simple());
            let flavor = &stage.flavor;
            let body = json!({"flavor": {
                "id": flavor, "name": flavor, "ram": 64, "vcpus": 1, "disk": 1,
            }});
            let admin = world.admin().await;
            admin.compute.post("/flavors", body).await.expect(200);
            let body = json!({"keypair": {"name": flavor, "public_key": PUBLIC_KEY}});
            let answer = demo.compute.post("/os-keypairs", body).await;
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
            let body = json!({"security_group": {"name": flavor}});
            let body = demo
                .network
                .post("/security-groups", body)
                .await
                .expect(201);
            stage.group = string(&body, "/security_group/id");
        }
        if matches!(
            self,
            Self::DeleteServer
                | Self::AttachVolume
                | Self::DeleteNetwork
                | Self::AttachInterface
                | Self::DetachInterface
        ) {
            let zone = world.zone(0);
            stage.server = world.create_server(&demo, "vm", zone, &stage.network).await;
            demo.wait_server(&stage.server, "ACTIVE").await;
        }
        if matches!(self, Self::DeleteVolume | Self::AttachVolume) {
            stage.volume = world.create_volume(&demo, "vol", world.zone(0)).await;
        }
        if self == Self::DeleteNetwork {
            demo.delete_server(&std::mem::take(&mut stage.server)).await;
        }
        if matches!(self, Self::AttachInterface | Self::DetachInterface) {
            let made = world.create_network_and_subnet(&demo, "net", "10.0.10.0/24");
            stage.other = made.await.0;
        }
        if self == Self::DetachInterface {
            let path = format!("/servers/{}/os-interface", stage.server);
            let body = json!({"interfaceAttachment": {"net_id": stage.other}});
            let body = demo.compute.post(&path, body).await.expect(200);
            stage.port = string(&body, "/interfaceAttachment/port_id");
        }
        stage
    }

    /// What the user does: the status of the answer, or that there was none.
    pub async fn act(self, world: &Simulated, stage: &Stage) -> Result<u16, ()> {
        let demo = world.demo().await;
        let zone = world.zone(0);
        let (client, method, path, body) = match self {
            Self::CreateServer | Self::RecoverServer => {
                let mut body = world.server_body("vm", zone, json!([{"uuid": stage.network}]));
                if self == Self::CreateServer {
                    body["server"]["flavorRef"] = json!(stage.flavor);
                    body["server"]["key_name"] = json!(stage.flavor);
                    body["server"]["security_groups"] = json!([{"name": stage.group}]);
                }
                (&demo.compute, "POST", "/servers".to_owned(), Some(body))
            }
            Self::DeleteServer => {
                let path = format!("/servers/{}", stage.server);
                (&demo.compute, "DELETE", path, None)
            }
            Self::AttachVolume => {
                let path = format!("/servers/{}/os-volume_attachments", stage.server);
                let body = json!({"volumeAttachment": {"volumeId": stage.volume}});
                (&demo.compute, "POST", path, Some(body))
            }
            Self::AttachInterface => {
                let path = format!("/servers/{}/os-interface", stage.server);
                let body = json!({"interfaceAttachment": {"net_id": stage.other}});
                (&demo.compute, "POST", path, Some(body))
            }
            Self::DetachInterface => {
                let path = format!("/servers/{}/os-interface/{}", stage.server, stage.port);
                (&demo.compute, "DELETE", path, None)
            }
            Self::CreateVolume => {
                let name = world.name("vol");
                let body = json!({"volume": {"name": name, "size": 1, "availability_zone": zone}});
                (&demo.volume, "POST", "/volumes".to_owned(), Some(body))
            }
            Self::DeleteVolume => {
                let path = format!("/volumes/{}", stage.volume);
                (&demo.volume, "DELETE", path, None)
            }
            Self::CreateNetwork => {
                let body = json!({"network": {"name": world.name("net")}});
                (&demo.network, "POST", "/networks".to_owned(), Some(body))
            }
            Self::DeleteNetwork => {
                let path = format!("/networks/{}", stage.network);
                (&demo.network, "DELETE", path, None)
            }
        };
        if self == Self::RecoverServer {
            let on_create = Match::service(PodService::Nova).method("POST");
            let on_create = on_create.path("/servers$").unwrap();
            let faults = world.pods[0].faults();
            faults.inject(on_create, Fault::DropReplyAfterCommit, Times::N(1));
        }
        let status = send(client, method, &path, body).await;
        match self {
            // That the answer is lost is how this flow begins.
            Self::RecoverServer => status.map(|_| 202),
            _ => status,
        }
    }

    /// What the user can do when the dust has settled. Nothing is left of it.
    pub async fn finish(self, world: &Simulated, stage: Stage) {
        let demo = world.demo().await;
        let servers = named(&demo.compute, "/servers", &world.name("vm")).await;
        assert!(servers.len() <= 1, "{self:?}: a server twice: {servers:?}");
        assert_eq!(world.servers_in(0, "vm"), servers, "{self:?}");
        for server in &servers {
            demo.wait_server(server, "ACTIVE").await;
            let ports = demo.ports_of(server).await.len();
            match self {
                Self::AttachInterface | Self::DetachInterface => {
                    let path = format!("/servers/{server}/os-interface");
                    let body = demo.compute.get(&path).await.expect(200);
                    let there = list(&body, "/interfaceAttachments").len();
                    assert_eq!(there, ports, "{self:?}: {body}");
                    assert!((1..=2).contains(&ports), "{self:?}: {ports}");
                }
                _ => assert_eq!(ports, 1, "{self:?}"),
            }
        }
        if self == Self::RecoverServer {
            assert_eq!(servers.len(), 1, "what the pod made is the user's");
        }
        let volumes = named(&demo.volume, "/volumes", &world.name("vol")).await;
        assert!(volumes.len() <= 1, "{self:?}: a volume twice: {volumes:?}");
        match self {
            Self::AttachVolume => detach(&demo, &stage).await,
            Self::DeleteNetwork => {
                let path = format!("/networks/{}", stage.network);
                let status = demo.network.get(&path).await.status;
                if status == 200 {
                    demo.delete_network(&stage.network).await;
                }
            }
            _ => {}
        }
        for server in servers {
            demo.delete_server(&server).await;
        }
        for volume in volumes {
            demo.delete_volume(&volume).await;
        }
        for network in named(&demo.network, "/networks", &world.name("net")).await {
            assert!(ports_on(&demo, &network).await.is_empty(), "{self:?}");
            demo.delete_network(&network).await;
        }
        if self == Self::CreateServer {
            let path = format!("/security-groups/{}", stage.group);
            demo.network.delete(&path).await.expect(204);
            let path = format!("/os-keypairs/{}", stage.flavor);
            let status = demo.compute.delete(&path).await.status;
            assert!(matches!(status, 202 | 204), "{status}");
            let path = format!("/flavors/{}", stage.flavor);
            world.admin().await.compute.delete(&path).await.expect(202);
        }
    }
}

/// Detaches the volume where it came to be attached.
async fn detach(demo: &Region, stage: &Stage) {
    let path = format!("/servers/{}/os-volume_attachments", stage.server);
    let body = demo.compute.get(&path).await.expect(200);
    if list(&body, "/volumeAttachments").is_empty() {
        return;
    }
    demo.wait_volume(&stage.volume, "in-use").await;
    let path = format!("{path}/{}", stage.volume);
    demo.compute.delete(&path).await.expect(202);
    demo.wait_volume(&stage.volume, "available").await;
}

async fn send(
    client: &Client,
    method: &str,
    path: &str,
    body: Option<serde_json::Value>,
) -> Result<u16, ()> {
    let body = body.map(|body| body.to_string());
    let answer = client.try_raw(method, path, body).await;
    answer.map(|answer| answer.status).map_err(drop)
}

/// Ids of what has this name.
async fn named(client: &Client, path: &str, name: &str) -> Vec<String> {
    // A service that has just been started may not know its pods yet.
    let body = until(LIMIT, path, || async {
        let answer = client.get(path).await;
        match answer.status {
            200 => Ok(answer.body),
            _ => Err(answer.text),
        }
    })
    .await;
    let with_name = list(&body, path).iter().filter(|one| one["name"] == *name);
    with_name.map(|one| string(one, "/id")).collect()
}

async fn ports_on(demo: &Region, network: &str) -> Vec<String> {
    let path = format!("/ports?network_id={network}");
    let body = demo.network.get(&path).await.expect(200);
    list(&body, "/ports")
        .iter()
        .map(|p| string(p, "/id"))
        .collect()
}
