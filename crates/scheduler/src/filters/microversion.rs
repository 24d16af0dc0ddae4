//! The pod speaks the microversion of the request. The top offers what all pods speak, so this
//! is for a pod that was upgraded, or went back, since.

use super::{Filter, Says};
use crate::{Candidate, Demand, NoPod};

/// The filter.
pub(crate) struct Microversion;

impl Filter for Microversion {
    fn name(&self) -> &'static str {
        "microversion"
    }

    fn passes(&self, _demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
        candidate.speaks
    }

    fn says(&self) -> Says {
        Says::No(NoPod::Version)
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::Group;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn a_pod_that_does_not_speak_it_does_not_pass() {
        let (pod, group) = (pod(1, "az1", Enabled), Group::default());
        for speaks in [true, false] {
            let candidate = Candidate {
                speaks,
                ..candidate(&pod)
            };
            assert_eq!(Microversion.passes(&demand(&group), &candidate), speaks);
        }
    }
}
