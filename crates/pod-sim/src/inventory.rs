//! What exists in a pod, for invariants: "nothing of ours is left".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::neutron::{Table, text};
use crate::state::PodState;

/// One thing in a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The bottom id.
    pub id: String,
    /// The name; empty if it has none.
    pub name: String,
    /// The description; empty if it has none.
    pub description: String,
    /// The project that owns it; empty if no project does.
    pub project_id: String,
    /// The status as its API shows it; empty if it has none.
    pub status: String,
    /// For network resources the whole object as an administrator sees it; for
    /// servers their hints, tags, metadata and port ids; for volumes their size
    /// and the servers that they are attached to.
    pub detail: Value,
}

/// All that exists in a pod. Deleted servers are not in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// Servers in every state but DELETED.
    pub servers: Vec<Item>,
    /// Ports.
    pub ports: Vec<Item>,
    /// Networks.
    pub networks: Vec<Item>,
    /// Subnets.
    pub subnets: Vec<Item>,
    /// Security groups, each project's `default` included.
    pub security_groups: Vec<Item>,
    /// Routers.
    pub routers: Vec<Item>,
    /// Floating IPs.
    pub floatingips: Vec<Item>,
    /// Address groups.
    #[serde(default)]
    pub address_groups: Vec<Item>,
    /// Volumes.
    pub volumes: Vec<Item>,
    /// Volume snapshots.
    pub snapshots: Vec<Item>,
    /// Flavors.
    pub flavors: Vec<Item>,
    /// Keypairs; the id is the user's id, a slash and the name.
    pub keypairs: Vec<Item>,
}

impl Inventory {
    /// Whether there is no server, port, network, subnet, router, floating IP,
    /// address group, volume, snapshot, and no security group but `default` ones.
    pub fn is_clean(&self) -> bool {
        self.leftovers().is_empty()
    }

    /// `kind id name` of everything that `is_clean` minds.
    pub fn leftovers(&self) -> Vec<String> {
        let groups: Vec<Item> = self
            .security_groups
            .iter()
            .filter(|group| group.name != "default")
            .cloned()
            .collect();
        [
            ("server", &self.servers),
            ("port", &self.ports),
            ("network", &self.networks),
            ("subnet", &self.subnets),
            ("router", &self.routers),
            ("floatingip", &self.floatingips),
            ("address group", &self.address_groups),
            ("volume", &self.volumes),
            ("snapshot", &self.snapshots),
            ("security group", &groups),
        ]
        .iter()
        .flat_map(|(kind, items)| {
            items
                .iter()
                .map(move |item| format!("{kind} {} {}", item.id, item.name))
        })
        .collect()
    }

    pub(crate) fn of(pod: &PodState) -> Self {
        Inventory {
            servers: servers(pod),
            ports: network_items(&pod.neutron.ports),
            networks: network_items(&pod.neutron.networks),
            subnets: network_items(&pod.neutron.subnets),
            security_groups: network_items(&pod.neutron.security_groups),
            routers: network_items(&pod.neutron.routers),
            floatingips: network_items(&pod.neutron.floatingips),
            address_groups: network_items(&pod.neutron.address_groups),
            volumes: volumes(pod),
            snapshots: pod
                .cinder
                .snapshots
                .values()
                .map(|s| Item {
                    id: s.id.clone(),
                    name: s.name.clone().unwrap_or_default(),
                    description: s.description.clone().unwrap_or_default(),
                    project_id: s.project_id.clone(),
                    status: s.status.clone(),
                    detail: json!({"volume_id": s.volume_id}),
                })
                .collect(),
            flavors: flavors(pod),
            keypairs: pod
                .nova
                .keypairs
                .iter()
                .map(|((user, name), pair)| Item {
                    id: format!("{user}/{name}"),
                    name: name.clone(),
                    description: String::new(),
                    project_id: String::new(),
                    status: String::new(),
                    detail: json!({"public_key": pair.public_key}),
                })
                .collect(),
        }
    }
}

fn servers(pod: &PodState) -> Vec<Item> {
    pod.nova
        .servers
        .values()
        .filter(|s| !s.is_deleted())
        .map(|s| Item {
            id: s.id.clone(),
            name: s.name.clone(),
            description: s.description.clone().unwrap_or_default(),
            project_id: s.project_id.clone(),
            status: s.status().to_owned(),
            detail: json!({
                "scheduler_hints": s.scheduler_hints, "tags": s.tags, "metadata": s.metadata,
                "ports": s.nics.iter().map(|nic| &nic.port_id).collect::<Vec<_>>(),
                "user_id": s.user_id, "flavor": s.flavor.id, "image": s.image,
            }),
        })
        .collect()
}

fn network_items(table: &Table) -> Vec<Item> {
    table
        .values()
        .map(|object| Item {
            id: text(object, "id").to_owned(),
            name: text(object, "name").to_owned(),
            description: text(object, "description").to_owned(),
            project_id: text(object, "project_id").to_owned(),
            status: text(object, "status").to_owned(),
            detail: Value::Object(object.clone()),
        })
        .collect()
}

fn volumes(pod: &PodState) -> Vec<Item> {
    pod.cinder
        .volumes
        .values()
        .map(|v| Item {
            id: v.id.clone(),
            name: v.name.clone().unwrap_or_default(),
            description: v.description.clone().unwrap_or_default(),
            project_id: v.project_id.clone(),
            status: v.status.clone(),
            detail: json!({
                "size": v.size,
                "servers": v.attachments.iter().map(|a| &a.server_id).collect::<Vec<_>>(),
            }),
        })
        .collect()
}

fn flavors(pod: &PodState) -> Vec<Item> {
    pod.nova
        .flavors
        .values()
        .map(|f| Item {
            id: f.id.clone(),
            name: f.name.clone(),
            description: f.description.as_str().unwrap_or_default().to_owned(),
            project_id: String::new(),
            status: String::new(),
            detail: json!({
                "vcpus": f.vcpus, "ram": f.ram, "disk": f.disk,
                "extra_specs": f.extra_specs, "is_public": f.is_public,
            }),
        })
        .collect()
}
