//! The operator lets the pod take new resources.

use tricircle_db::models::PodState;

use super::{Filter, Says};
use crate::{Candidate, Demand, NoPod};

/// The filter.
pub(crate) struct State;

impl Filter for State {
    fn name(&self) -> &'static str {
        "state"
    }

    fn passes(&self, _demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
        candidate.pod.pod.state == PodState::Enabled
    }

    fn says(&self) -> Says {
        Says::No(NoPod::NotEnabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Group;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn draining_and_disabled_pods_take_nothing_new() {
        let group = Group::default();
        for (state, passes) in [
            (PodState::Enabled, true),
            (PodState::Draining, false),
            (PodState::Disabled, false),
        ] {
            let pod = pod(1, "az1", state);
            assert_eq!(State.passes(&demand(&group), &candidate(&pod)), passes);
        }
    }
}
