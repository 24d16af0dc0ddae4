//! Where resources are: routings (a pod owns the resource) and realizations (the
//! top owns it and made it in a pod).

use diesel::prelude::{Insertable, Queryable, Selectable};

use super::text_enum;
use crate::Timestamp;
use crate::schema::{pod_realizations, resource_routings};

text_enum!(
    /// A kind of resource that pods own.
    RoutingKind {
        /// A Nova server.
        Server = "server",
        /// A Cinder volume.
        Volume = "volume",
        /// A Cinder snapshot.
        Snapshot = "snapshot",
        /// A Cinder backup.
        Backup = "backup",
    }
);

text_enum!(
    /// Where the life of a routed resource stands.
    RoutingState {
        /// An intent: the pod was or will be asked; there may be no top id yet.
        Creating = "creating",
        /// The pod has it.
        Active = "active",
        /// A job undoes or adopts an unfinished create.
        Recovering = "recovering",
        /// A delete was accepted.
        Deleting = "deleting",
        /// It is gone; the row is kept for a while.
        Deleted = "deleted",
        /// The create failed and everything made for it was removed.
        Failed = "failed",
    }
);

/// top id → pod and bottom id, with what a list needs when the pod is away.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = resource_routings)]
pub struct Routing {
    /// UUID of the row; of a create it is the *intent id*.
    pub id: String,
    /// What it is.
    pub kind: RoutingKind,
    /// Id that users see; none until the pod answered.
    pub top_id: Option<String>,
    /// The pod that owns it.
    pub pod_id: String,
    /// Id in the pod; equal to `top_id` for servers and volumes.
    pub bottom_id: Option<String>,
    /// Owner.
    pub project_id: String,
    /// Who made it; empty when found in a pod.
    pub user_id: String,
    /// Name at creation.
    pub name: String,
    /// Where its life stands.
    pub state: RoutingState,
    /// Zone at the top.
    pub availability_zone: Option<String>,
    /// Flavor id (servers) or volume type (volumes).
    pub flavor_id: Option<String>,
    /// Image id; none when booted from a volume.
    pub image_id: Option<String>,
    /// Processors, for quotas.
    pub vcpus: i32,
    /// Memory in MiB, for quotas.
    pub ram_mb: i32,
    /// Size in GiB of a volume.
    pub size_gb: i32,
    /// Reservation of a multi-create.
    pub reservation_id: Option<String>,
    /// Request that made it.
    pub request_id: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
    /// When it went.
    pub deleted_at: Option<Timestamp>,
}

text_enum!(
    /// A kind of thing that the top owns and makes in pods.
    RealizationKind {
        /// Network.
        Network = "network",
        /// Subnet.
        Subnet = "subnet",
        /// Port.
        Port = "port",
        /// Router: the part of it that is in this pod.
        Router = "router",
        /// Interface of a router on a subnet; its top id is the interface's port.
        RouterInterface = "router_interface",
        /// Interface of a router on its project's bridge network; its top id is the router.
        BridgePort = "bridge_port",
        /// What stands for a server's port in the pod that has its floating IP, where the
        /// server is in another; its top id is the port.
        FloatingTarget = "floating_target",
        /// Floating IP.
        FloatingIp = "floatingip",
        /// Security group.
        SecurityGroup = "security_group",
        /// Rule of a security group.
        SecurityGroupRule = "security_group_rule",
        /// Address group that tells a pod of the members of a security group in other pods;
        /// its top id is the security group.
        AddressGroup = "address_group",
        /// Flavor.
        Flavor = "flavor",
        /// Keypair; its top id is `user id/name`.
        Keypair = "keypair",
        /// Volume type.
        VolumeType = "volume_type",
    }
);

text_enum!(
    /// Whether the pod has it.
    RealizationState {
        /// An intent: it may or may not be there.
        Creating = "creating",
        /// The pod has it as the digest says.
        Present = "present",
        /// It is being removed.
        Deleting = "deleting",
    }
);

/// A thing of the top in one pod.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = pod_realizations)]
pub struct Realization {
    /// UUID of the row.
    pub id: String,
    /// What it is.
    pub kind: RealizationKind,
    /// Id at the top.
    pub top_id: String,
    /// The pod.
    pub pod_id: String,
    /// Id in the pod; none until it is known.
    pub bottom_id: Option<String>,
    /// Owner.
    pub project_id: String,
    /// Whether the pod has it.
    pub state: RealizationState,
    /// Digest of what was last sent; empty: nothing yet.
    pub digest: String,
    /// What else this kind needs to remember, as a JSON object (e.g. the gateway
    /// address of a subnet in this pod).
    pub data: String,
    /// When the intent was written.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl Realization {
    /// A fresh intent.
    pub fn intent(kind: RealizationKind, top_id: &str, pod_id: &str, project_id: &str) -> Self {
        let now = crate::now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            kind,
            top_id: top_id.to_owned(),
            pod_id: pod_id.to_owned(),
            bottom_id: None,
            project_id: project_id.to_owned(),
            state: RealizationState::Creating,
            digest: String::new(),
            data: "{}".to_owned(),
            created_at: now,
            updated_at: now,
        }
    }
}

/// Which routings to list; `None` and empty mean "any".
#[derive(Debug, Clone, Default)]
pub struct RoutingFilter {
    /// Kind.
    pub kind: Option<RoutingKind>,
    /// Owner.
    pub project_id: Option<String>,
    /// Pod.
    pub pod_id: Option<String>,
    /// States.
    pub states: Vec<RoutingState>,
    /// Most rows to return.
    pub limit: Option<i64>,
}

/// Instances, processors and memory that a project has or has asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoutingUsage {
    /// Number of resources.
    pub count: i64,
    /// Sum of processors.
    pub vcpus: i64,
    /// Sum of memory in MiB.
    pub ram_mb: i64,
    /// Sum of sizes in GiB.
    pub size_gb: i64,
}

/// How much a project may have; a negative number is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageLimits {
    /// Number of resources.
    pub count: i64,
    /// Sum of processors.
    pub vcpus: i64,
    /// Sum of memory in MiB.
    pub ram_mb: i64,
    /// Sum of sizes in GiB.
    pub size_gb: i64,
}

impl UsageLimits {
    /// No limit at all.
    pub const NONE: Self = Self {
        count: -1,
        vcpus: -1,
        ram_mb: -1,
        size_gb: -1,
    };

    /// Whether `wanted` may be added to `used`.
    pub fn allow(&self, used: RoutingUsage, wanted: RoutingUsage) -> bool {
        let fits = |limit: i64, used: i64, wanted: i64| limit < 0 || used + wanted <= limit;
        fits(self.count, used.count, wanted.count)
            && fits(self.vcpus, used.vcpus, wanted.vcpus)
            && fits(self.ram_mb, used.ram_mb, wanted.ram_mb)
            && fits(self.size_gb, used.size_gb, wanted.size_gb)
    }
}

/// How the beginning of a create ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentOutcome {
    /// The intent is written.
    Begun,
    /// The project uses this much already; nothing was written.
    OverQuota(RoutingUsage),
}
