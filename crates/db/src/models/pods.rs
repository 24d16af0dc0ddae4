//! Pods, their availability zones, and which project is bound to which.

use diesel::prelude::{Insertable, Queryable, Selectable};

use super::text_enum;
use crate::Timestamp;
use crate::schema::{pod_availability_zones, pod_bindings, pods};

text_enum!(
    /// What the operator wants of a pod.
    PodState {
        /// Takes new resources and serves those it has.
        Enabled = "enabled",
        /// Serves what it has and takes nothing new.
        Draining = "draining",
        /// Is not called at all.
        Disabled = "disabled",
    }
);

text_enum!(
    /// How a user's token becomes one that is good in the pod.
    AuthMode {
        /// The pod trusts the same Keystone as the top.
        Shared = "shared",
        /// Keystone-to-Keystone federation.
        K2k = "k2k",
    }
);

text_enum!(
    /// The API that an availability zone belongs to.
    ZoneService {
        /// Nova.
        Compute = "compute",
        /// Cinder.
        Volume = "volume",
        /// Neutron.
        Network = "network",
    }
);

/// One OpenStack instance: a region of Keystone.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = pods)]
pub struct Pod {
    /// UUID.
    pub id: String,
    /// Name of its region in Keystone's catalog.
    pub region_name: String,
    /// Small number, never given to another pod; part of integer ids.
    pub ordinal: i32,
    /// What the operator wants of it.
    pub state: PodState,
    /// How users are known there.
    pub auth_mode: AuthMode,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

/// A zone that users name, and what it is called in the pod.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = pod_availability_zones)]
pub struct PodZone {
    /// The pod.
    pub pod_id: String,
    /// The API it is for.
    pub service: ZoneService,
    /// Name at the top.
    pub top_az: String,
    /// Name in the pod; empty: the pod's default zone, nothing is sent.
    pub bottom_az: String,
}

/// A pod with its zones: what placement and routing work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodView {
    /// The row.
    pub pod: Pod,
    /// All its zones.
    pub zones: Vec<PodZone>,
    /// The largest MTU that a network on a physical network may have there, where that
    /// is known.
    pub mtu: Option<i32>,
}

impl PodView {
    /// The pod's own name of a zone of the top, if the pod has that zone.
    pub fn bottom_az(&self, service: ZoneService, top_az: &str) -> Option<&str> {
        self.zones
            .iter()
            .find(|zone| zone.service == service && zone.top_az == top_az)
            .map(|zone| zone.bottom_az.as_str())
    }

    /// The zone of the top that a zone of the pod belongs to. A pod's zone that
    /// nobody mapped belongs to the pod's first zone of that service.
    pub fn top_az(&self, service: ZoneService, bottom_az: &str) -> Option<&str> {
        let mut of_service = self.zones.iter().filter(|zone| zone.service == service);
        of_service
            .clone()
            .find(|zone| zone.bottom_az == bottom_az)
            .or_else(|| of_service.next())
            .map(|zone| zone.top_az.as_str())
    }
}

/// A project is placed in this pod as long as the binding lasts.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = pod_bindings)]
pub struct PodBinding {
    /// UUID.
    pub id: String,
    /// The project.
    pub project_id: String,
    /// The pod.
    pub pod_id: String,
    /// Since when.
    pub started_at: Timestamp,
    /// Until when; none: in force.
    pub ended_at: Option<Timestamp>,
    /// Empty while in force, else the id: keeps the active ones unique.
    #[serde(skip)]
    pub active_slot: String,
}

/// How the removal of a pod ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodRemoval {
    /// It is gone.
    Removed,
    /// There was no such pod.
    NotFound,
    /// So many routings, realizations or bindings still name it.
    InUse(i64),
}
