//! The networks and ports of the server may be in the pod: a network of one pod only is there,
//! and the zones that networks are kept to include the server's.

use super::{Filter, Says};
use crate::{Candidate, Demand, NoPod};

/// The filter.
pub(crate) struct Networks;

impl Filter for Networks {
    fn name(&self) -> &'static str {
        "networks"
    }

    fn passes(&self, _demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
        candidate.networks
    }

    fn says(&self) -> Says {
        Says::No(NoPod::Networks)
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::Group;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn a_pod_without_the_networks_does_not_pass() {
        let (pod, group) = (pod(1, "az1", Enabled), Group::default());
        for networks in [true, false] {
            let candidate = Candidate {
                networks,
                ..candidate(&pod)
            };
            assert_eq!(Networks.passes(&demand(&group), &candidate), networks);
        }
    }
}
