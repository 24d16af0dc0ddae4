//! Pods that the group of the server prefers are better, those that it avoids worse.

use super::Weigher;
use crate::{Candidate, Demand};

/// The weigher.
pub(crate) struct Group;

impl Weigher for Group {
    fn name(&self) -> &'static str {
        "group"
    }

    fn weigh(&self, demand: &Demand<'_>, candidate: &Candidate<'_>) -> f64 {
        let (id, group) = (&candidate.pod.pod.id, demand.group);
        let is = |pods: &std::collections::BTreeSet<String>| f64::from(u8::from(pods.contains(id)));
        is(&group.preferred) - is(&group.avoided)
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn preferred_before_others_before_avoided() {
        let set = |id: &str| [id.to_owned()].into();
        let group = crate::Group {
            allowed: None,
            preferred: set("pod-1"),
            avoided: set("pod-3"),
        };
        let pods = [1, 2, 3].map(|n| pod(n, "az", Enabled));
        let of = |n: usize| Group.weigh(&demand(&group), &candidate(&pods[n]));
        assert!(of(0) > of(1) && of(1) > of(2));
    }
}
