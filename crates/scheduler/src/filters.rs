//! What rules a pod out.

use tricircle_db::models::PodState;

use crate::{Candidate, Demand, NoPod};

type Filter = fn(&Demand<'_>, &Candidate<'_>) -> bool;

/// In the order in which they are asked; the first that leaves none gives the reason.
const FILTERS: &[(Filter, NoPod)] = &[
    (has_zone, NoPod::Zone),
    (is_pinned_here, NoPod::Pinned),
    (is_enabled, NoPod::NotEnabled),
];

pub(crate) fn apply<'a>(
    demand: &Demand<'_>,
    candidates: Vec<Candidate<'a>>,
) -> Result<Vec<Candidate<'a>>, NoPod> {
    if candidates.is_empty() {
        return Err(NoPod::None);
    }
    FILTERS
        .iter()
        .try_fold(candidates, |left, (filter, reason)| {
            let left: Vec<_> = left.into_iter().filter(|pod| filter(demand, pod)).collect();
            if left.is_empty() {
                Err(reason.clone())
            } else {
                Ok(left)
            }
        })
}

fn has_zone(demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
    demand
        .zone
        .is_none_or(|zone| candidate.pod.bottom_az(demand.service, zone).is_some())
}

fn is_pinned_here(demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
    demand
        .pinned_to
        .is_none_or(|pod_id| candidate.pod.pod.id == pod_id)
}

fn is_enabled(_: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
    candidate.pod.pod.state == PodState::Enabled
}
