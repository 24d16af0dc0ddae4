//! What rules a pod out, one reason a file.

mod affinity_tag;
mod capacity;
mod microversion;
mod networks;
mod pinned;
mod server_group;
mod state;
mod zone;

use crate::{Candidate, Demand, NoPod};

/// What it means when no pod passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// There is no pod, for this reason.
    No(NoPod),
    /// It was a preference: all stay.
    RatherNot,
}

/// One reason against a pod.
pub trait Filter: Sync {
    /// Its name in the configuration.
    fn name(&self) -> &'static str;

    /// Whether the pod may take it.
    fn passes(&self, demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool;

    /// What it means when none may.
    fn says(&self) -> Says;
}

/// All there are, in the order in which they are asked by default: the first that leaves
/// none gives the reason, so what users can change comes first.
pub static ALL: [&dyn Filter; 8] = [
    &zone::Zone,
    &pinned::Pinned,
    &state::State,
    &microversion::Microversion,
    &affinity_tag::AffinityTag,
    &server_group::ServerGroup,
    &networks::Networks,
    &capacity::Capacity,
];

/// The filter of a name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Filter> {
    ALL.iter().find(|filter| filter.name() == name).copied()
}
