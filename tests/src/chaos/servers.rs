//! What sessions do with servers and volumes.

use serde_json::{Value, json};

use crate::chaos::book::{Holder, Kind, Standing, Thing};
use crate::chaos::user::{User, right};
use crate::chaos::verdict::Needs;
use crate::identity::Api;

/// Servers and volumes that a project has at a time.
const MOST_SERVERS: usize = 10;
const MOST_VOLUMES: usize = 8;

/// What a server is to be attached to.
struct Attached {
    networks: Vec<Value>,
    uses: Vec<String>,
}

impl User {
    /// A server on one to three networks, or on ports that were made before, mostly in a
    /// zone of the user's choice.
    pub(super) async fn create_server(&mut self) {
        if self.book().there(Kind::Server).len() >= MOST_SERVERS {
            return;
        }
        let Some(attached) = self.attachments() else {
            return;
        };
        let pod = self
            .dice
            .percent(80)
            .then(|| self.dice.below(self.offer.zones.len()));
        let name = self.name(Kind::Server);
        let mut server = json!({
            "name": name, "flavorRef": self.offer.flavor, "imageRef": self.offer.image,
            "networks": attached.networks,
        });
        if let Some(place) = pod {
            server["availability_zone"] = json!(self.offer.zones[place]);
        }
        let needs = pod.map_or(Needs::SomePod, Needs::Pod);
        let ports: Vec<String> = self.ports_among(&attached.uses);
        let ticket = self.book().begin(&attached.uses, &ports);
        let body = json!({ "server": server });
        let reply = self
            .call(
                "create server",
                needs,
                Api::Compute,
                ("POST", "/servers"),
                Some(body),
            )
            .await;
        let disturbed = self.end(ticket);
        self.expect(&reply, &right(&[202], disturbed, &[400, 404, 409]));
        let id = self.keep(&reply, "server", Kind::Server, &name, &attached.uses);
        if let Some(id) = id
            && let Some(thing) = self.book().thing_mut(&id)
        {
            thing.pod = pod;
        }
    }

    /// Networks that have a subnet, or a port that no server has.
    fn attachments(&mut self) -> Option<Attached> {
        let mut attached = Attached {
            networks: Vec::new(),
            uses: Vec::new(),
        };
        for _ in 0..=self.dice.below(3) {
            let port = self.dice.percent(25).then(|| self.a_free_port()).flatten();
            let (entry, used) = match port {
                Some(port) => (
                    json!({"port": port.id}),
                    vec![port.id, port.uses[0].clone()],
                ),
                None => {
                    let network = self.a_network()?;
                    (json!({"uuid": network}), vec![network])
                }
            };
            // The same network or port twice is another test's subject.
            if used.iter().all(|id| !attached.uses.contains(id)) {
                attached.networks.push(entry);
                attached.uses.extend(used);
            }
        }
        Some(attached)
    }

    fn a_free_port(&mut self) -> Option<Thing> {
        let ports: Vec<Thing> = {
            let book = self.book();
            let ports = book.there(Kind::Port).into_iter();
            ports
                .filter(|port| book.in_use(&port.id) == crate::chaos::book::InUse::No)
                .collect()
        };
        self.dice.pick(&ports).cloned()
    }

    /// Only one server can have a port: those are taken, not only used.
    fn ports_among(&self, ids: &[String]) -> Vec<String> {
        let book = self.book();
        let is_port = |id: &&String| book.thing(id).is_some_and(|thing| thing.kind == Kind::Port);
        ids.iter().filter(is_port).cloned().collect()
    }

    /// A volume in a zone.
    pub(super) async fn create_volume(&mut self) {
        if self.book().there(Kind::Volume).len() >= MOST_VOLUMES {
            return;
        }
        // Where a server is, so that there is something to attach.
        let servers = self.book().there(Kind::Server);
        let near = self.dice.pick(&servers).and_then(|server| server.pod);
        let pod = near.unwrap_or_else(|| self.dice.below(self.offer.zones.len()));
        let name = self.name(Kind::Volume);
        let body = json!({"volume": {
            "name": name, "size": 1, "availability_zone": self.offer.zones[pod],
        }});
        let reply = self
            .call(
                "create volume",
                Needs::Pod(pod),
                Api::Volume,
                ("POST", "/volumes"),
                Some(body),
            )
            .await;
        self.expect(&reply, &[202]);
        let id = self.keep(&reply, "volume", Kind::Volume, &name, &[]);
        if let Some(id) = id
            && let Some(thing) = self.book().thing_mut(&id)
        {
            thing.pod = Some(pod);
        }
    }

    /// Attaches a volume to a server of its pod.
    pub(super) async fn attach(&mut self) {
        let servers = self.book().there(Kind::Server);
        let volumes = self.book().there(Kind::Volume);
        let pairs: Vec<(&Thing, &Thing)> = volumes
            .iter()
            .filter(|volume| volume.ready && volume.holder == Holder::Nobody)
            .flat_map(|volume| servers.iter().map(move |server| (volume, server)))
            .filter(|(volume, server)| server.ready && server.pod == volume.pod)
            .collect();
        let Some((volume, server)) = self.dice.pick(&pairs).copied() else {
            return;
        };
        let path = format!("/servers/{}/os-volume_attachments", server.id);
        let body = json!({"volumeAttachment": {"volumeId": volume.id}});
        let taken = std::slice::from_ref(&volume.id);
        let ticket = self.book().begin(std::slice::from_ref(&server.id), taken);
        let needs = volume.pod.map_or(Needs::SomePod, Needs::Pod);
        let reply = self
            .call("attach", needs, Api::Compute, ("POST", &path), Some(body))
            .await;
        let disturbed = self.end(ticket);
        self.expect(&reply, &right(&[200], disturbed, &[400, 404, 409]));
        self.hold(&volume.id, &reply, Holder::Server(server.id.clone()));
    }

    /// Detaches a volume.
    pub(super) async fn detach(&mut self) {
        let volumes = self.book().there(Kind::Volume);
        let held: Vec<(&Thing, &String)> = volumes
            .iter()
            .filter_map(|volume| match &volume.holder {
                Holder::Server(server) => Some((volume, server)),
                _ => None,
            })
            .collect();
        let Some((volume, server)) = self.dice.pick(&held).copied() else {
            return;
        };
        let path = format!("/servers/{server}/os-volume_attachments/{}", volume.id);
        let taken = std::slice::from_ref(&volume.id);
        let ticket = self.book().begin(std::slice::from_ref(server), taken);
        let needs = volume.pod.map_or(Needs::SomePod, Needs::Pod);
        let reply = self
            .call("detach", needs, Api::Compute, ("DELETE", &path), None)
            .await;
        let there = self
            .book()
            .thing(server)
            .is_some_and(|server| server.standing == Standing::There);
        // A delete of the server that was not answered may have been done.
        let disturbed = self.end(ticket) || !there;
        self.expect(&reply, &right(&[202], disturbed, &[400, 404, 409]));
        self.hold(&volume.id, &reply, Holder::Nobody);
    }

    /// Notes who has a volume after an attach or detach.
    fn hold(&self, volume: &str, reply: &crate::chaos::user::Reply, holder: Holder) {
        let mut book = self.book();
        // The server may have been deleted meanwhile, which frees the volume in the end.
        let stays = match &holder {
            Holder::Server(server) => book
                .thing(server)
                .is_some_and(|server| server.standing == Standing::There),
            _ => true,
        };
        let Some(volume) = book.thing_mut(volume) else {
            return;
        };
        if reply.ok() && stays {
            volume.holder = holder;
        } else if !reply.refused() || !stays {
            volume.holder = Holder::Unclear;
        }
    }
}
