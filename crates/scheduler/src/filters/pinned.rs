//! What it is attached to or made from is in the pod.

use super::{Filter, Says};
use crate::{Candidate, Demand, NoPod};

/// The filter.
pub(crate) struct Pinned;

impl Filter for Pinned {
    fn name(&self) -> &'static str {
        "pinned"
    }

    fn passes(&self, demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
        let here = |pod_id| candidate.pod.pod.id == pod_id;
        demand.pinned_to.is_none_or(here)
    }

    fn says(&self) -> Says {
        Says::No(NoPod::Pinned)
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::Group;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn only_the_pod_that_has_it_passes() {
        let (pod, group) = (pod(1, "az1", Enabled), Group::default());
        for (pinned_to, passes) in [(None, true), (Some("pod-1"), true), (Some("pod-2"), false)] {
            let demand = Demand {
                pinned_to,
                ..demand(&group)
            };
            assert_eq!(Pinned.passes(&demand, &candidate(&pod)), passes);
        }
    }
}
