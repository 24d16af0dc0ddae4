//! In which pod a new server or volume is placed. Pure functions over plain data.
//!
//! A [`Pipeline`] runs the pods through [filters], each of which says no to single pods
//! and has a reason for it, and puts those that are left in order by [weighers], whose
//! verdicts are brought to one scale and added up. Which of both, and with what weight,
//! is configuration. Callers try the pods in that order, so a pod that is put behind is
//! not lost. [specs/0020](../../../specs/0020-placement.md) says why so.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod binding;
pub mod filters;
mod pipeline;
#[cfg(test)]
mod testing;
pub mod weighers;

use std::collections::BTreeSet;

use tricircle_db::models::{PodView, ZoneService};

pub use binding::{bound_pods, follow, moved};
pub use pipeline::Pipeline;

/// Key of the extra spec by which a flavor asks for pods with a tag. It has a scope, so
/// the filters of a pod's Nova take no notice of it.
pub const AFFINITY_TAG: &str = "tricircle:affinity_tag";

/// What is to be placed.
#[derive(Debug, Clone)]
pub struct Demand<'a> {
    /// The API it belongs to.
    pub service: ZoneService,
    /// Zone that the user named, as the top calls it.
    pub zone: Option<&'a str>,
    /// Pod that it must be in, because of what it is attached to.
    pub pinned_to: Option<&'a str>,
    /// Pods that the project is bound to; empty: it is bound to none.
    pub bound_to: &'a [String],
    /// The tag that its pod must have.
    pub tag: Option<&'a str>,
    /// What the group says that it is to be a member of.
    pub group: &'a Group,
}

/// Pods by what a group of resources wishes for a new member: none where it has no wish.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// It must be in one of these.
    pub allowed: Option<BTreeSet<String>>,
    /// It is better in one of these.
    pub preferred: BTreeSet<String>,
    /// It is better in none of these.
    pub avoided: BTreeSet<String>,
}

/// A pod that might take it.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// The pod.
    pub pod: &'a PodView,
    /// How many resources of this kind Tricircle keeps there.
    pub load: i64,
    /// Whether its service answers, as far as is known.
    pub answers: bool,
    /// Whether it speaks the microversion of the request, as far as is known.
    pub speaks: bool,
    /// Whether the networks and ports that were asked for may be there.
    pub networks: bool,
    /// Room for it.
    pub room: Room,
}

/// Room that a pod has for what is to be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Room {
    /// Nobody asked, or the pod did not say.
    #[default]
    Unknown,
    /// For so many of them; 0: it is full.
    For(u64),
}

/// Why no pod is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPod {
    /// No pod is registered.
    #[error("no pod is registered")]
    None,
    /// No pod has the zone.
    #[error("the requested availability zone is not available")]
    Zone,
    /// The pods that fit take nothing new at the moment.
    #[error("no pod that fits takes new resources")]
    NotEnabled,
    /// What it is attached to is in a pod that does not fit.
    #[error("what it is attached to is in another pod")]
    Pinned,
    /// No pod that fits has the tag.
    #[error("no pod that fits has the affinity tag")]
    Tag,
    /// The pods that fit do not speak the microversion.
    #[error("no pod that fits speaks the microversion")]
    Version,
    /// The networks can be in none of the pods that fit.
    #[error("the networks can not be in the pods that fit")]
    Networks,
    /// Its group allows none of the pods that fit.
    #[error("its group allows none of the pods that fit")]
    Group,
}
