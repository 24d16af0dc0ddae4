//! The group of the server allows the pod.

use super::{Filter, Says};
use crate::{Candidate, Demand, NoPod};

/// The filter.
pub(crate) struct ServerGroup;

impl Filter for ServerGroup {
    fn name(&self) -> &'static str {
        "server_group"
    }

    fn passes(&self, demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
        let allowed = demand.group.allowed.as_ref();
        allowed.is_none_or(|pods| pods.contains(&candidate.pod.pod.id))
    }

    fn says(&self) -> Says {
        Says::No(NoPod::Group)
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::Group;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn a_group_may_allow_some_pods_all_or_none() {
        let pod = pod(1, "az1", Enabled);
        for (allowed, passes) in [
            (None, true),
            (Some(vec!["pod-1", "pod-2"]), true),
            (Some(vec!["pod-2"]), false),
            (Some(vec![]), false),
        ] {
            let allowed = allowed.map(|ids| ids.into_iter().map(str::to_owned).collect());
            let group = Group {
                allowed,
                ..Group::default()
            };
            assert_eq!(
                ServerGroup.passes(&demand(&group), &candidate(&pod)),
                passes
            );
        }
    }
}
