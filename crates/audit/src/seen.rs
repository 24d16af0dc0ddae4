//! What an audit looks at, as plain data.

use std::time::Duration;

use tricircle_db::Timestamp;
use tricircle_db::models::{
    IpAllocation, Job, Realization, RealizationKind, Routing, RoutingKind, RowState,
};

/// Everything that one audit compares.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When the first rows were read. What changed since is not judged.
    pub began: Timestamp,
    /// How long something may be under way without a job that sees to its end.
    pub grace: Duration,
    /// The rows before the pods were asked.
    pub before: Rows,
    /// The pods.
    pub pods: Vec<PodSeen>,
    /// The rows after that.
    pub after: Rows,
}

/// The rows of the top at one time.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Routings in every state.
    pub routings: Vec<Routing>,
    /// Realizations.
    pub realizations: Vec<Realization>,
    /// Networks, subnets, ports, security groups, routers and floating IPs.
    pub things: Vec<Thing>,
    /// Addresses that are taken.
    pub addresses: Vec<IpAllocation>,
    /// Jobs that are not over.
    pub jobs: Vec<Job>,
}

/// A network, subnet, port, security group, router or floating IP of the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Which of them.
    pub kind: RealizationKind,
    /// Id.
    pub id: String,
    /// Owner.
    pub project_id: String,
    /// Whether users see it.
    pub state: RowState,
    /// When the row last changed.
    pub updated_at: Timestamp,
    /// The network of a subnet or port.
    pub network_id: Option<String>,
    /// The server, or intent of one, that a port is for; the router of an interface or
    /// gateway; empty otherwise.
    pub device_id: String,
    /// What kind of device that is.
    pub device_owner: String,
    /// A port that was made for a server and goes with it.
    pub created_by_gateway: bool,
}

/// What a service of a pod has, or why it could not be asked.
pub type Part<T> = Result<Vec<T>, String>;

/// One pod.
#[derive(Debug, Clone)]
pub struct PodSeen {
    /// Id of the pod.
    pub id: String,
    /// Name of its region.
    pub region: String,
    /// What it has, by kind.
    pub parts: Vec<(ObjectKind, Part<Object>)>,
}

/// A kind of object that is looked for in pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A Nova server.
    Server,
    /// A Cinder volume.
    Volume,
    /// A Neutron port.
    Port,
    /// A Neutron subnet.
    Subnet,
    /// A Neutron network.
    Network,
    /// A Neutron security group.
    SecurityGroup,
    /// A list of a security group's members in other pods.
    AddressGroup,
    /// A pod's part of a router.
    Router,
    /// A Neutron floating IP.
    FloatingIp,
    /// The port of a router's interface.
    RouterInterface,
    /// The port of a router on a bridge network.
    BridgePort,
    /// A port that stands for a server of another pod.
    FloatingTarget,
}

impl ObjectKind {
    /// All, in an order in which they can be removed.
    pub const ALL: [Self; 12] = [
        Self::Server,
        Self::Volume,
        Self::FloatingIp,
        Self::FloatingTarget,
        Self::RouterInterface,
        Self::BridgePort,
        Self::Router,
        Self::Port,
        Self::Subnet,
        Self::Network,
        Self::AddressGroup,
        Self::SecurityGroup,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Volume => "volume",
            Self::Port => "port",
            Self::Subnet => "subnet",
            Self::Network => "network",
            Self::SecurityGroup => "security_group",
            Self::AddressGroup => "address_group",
            Self::Router => "router",
            Self::FloatingIp => "floatingip",
            Self::RouterInterface => "router_interface",
            Self::BridgePort => "bridge_port",
            Self::FloatingTarget => "floating_target",
        }
    }

    /// The kind of its routing, of what pods own.
    pub fn routing(self) -> Option<RoutingKind> {
        match self {
            Self::Server => Some(RoutingKind::Server),
            Self::Volume => Some(RoutingKind::Volume),
            _ => None,
        }
    }

    /// Its collection in the Networking API, and what is between `tricircle:` and the id of
    /// the top in the mark of one. Servers and volumes have none.
    pub fn in_neutron(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Server | Self::Volume => return None,
            Self::Port => ("ports", ""),
            Self::Subnet => ("subnets", ""),
            Self::Network => ("networks", ""),
            Self::SecurityGroup => ("security-groups", ""),
            Self::AddressGroup => ("address-groups", ""),
            Self::Router => ("routers", ""),
            Self::FloatingIp => ("floatingips", ""),
            Self::RouterInterface => ("ports", "interface:"),
            Self::BridgePort => ("ports", "bridge:"),
            Self::FloatingTarget => ("ports", "target:"),
        })
    }

    /// Whether it is part of what the jobs of a router make and remove.
    pub fn is_of_router(self) -> bool {
        matches!(
            self,
            Self::Router
                | Self::FloatingIp
                | Self::RouterInterface
                | Self::BridgePort
                | Self::FloatingTarget
        )
    }

    /// The kind of its realization, of what the top owns.
    pub fn realization(self) -> Option<RealizationKind> {
        match self {
            Self::Port => Some(RealizationKind::Port),
            Self::Subnet => Some(RealizationKind::Subnet),
            Self::Network => Some(RealizationKind::Network),
            Self::SecurityGroup => Some(RealizationKind::SecurityGroup),
            Self::AddressGroup => Some(RealizationKind::AddressGroup),
            Self::Router => Some(RealizationKind::Router),
            Self::FloatingIp => Some(RealizationKind::FloatingIp),
            Self::RouterInterface => Some(RealizationKind::RouterInterface),
            Self::BridgePort => Some(RealizationKind::BridgePort),
            Self::FloatingTarget => Some(RealizationKind::FloatingTarget),
            Self::Server | Self::Volume => None,
        }
    }
}

/// An object in a pod, whether ours or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// Id in the pod.
    pub id: String,
    /// Name.
    pub name: String,
    /// Owner.
    pub project_id: String,
    /// Who made it, where that is shown.
    pub user_id: String,
    /// The mark: id at the top, or of the intent.
    pub mark: Option<String>,
    /// The device of a port; empty otherwise.
    pub device_id: String,
}
