//! In which pod a new server or volume is placed. Pure functions over plain data.
//!
//! [`place`] runs the pods through a chain of filters, each of which can say no and
//! why, and puts those that are left in order by weighers. Callers try them in that
//! order.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod filters;
mod weighers;

use tricircle_db::models::{PodView, ZoneService};

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
}

/// Why no pod is left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
}

/// The pods that fit, best first.
pub fn place<'a>(
    demand: &Demand<'_>,
    candidates: Vec<Candidate<'a>>,
) -> Result<Vec<&'a PodView>, NoPod> {
    let fitting = filters::apply(demand, candidates)?;
    Ok(weighers::order(demand, fitting)
        .into_iter()
        .map(|candidate| candidate.pod)
        .collect())
}
