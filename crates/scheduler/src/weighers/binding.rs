//! Pods that the project is bound to are better.

use super::Weigher;
use crate::{Candidate, Demand};

/// The weigher.
pub(crate) struct Binding;

impl Weigher for Binding {
    fn name(&self) -> &'static str {
        "binding"
    }

    fn weigh(&self, demand: &Demand<'_>, candidate: &Candidate<'_>) -> f64 {
        let bound = demand.bound_to.contains(&candidate.pod.pod.id);
        f64::from(u8::from(bound))
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn bound_pods_are_better() {
        let group = crate::Group::default();
        let bound = ["pod-2".to_owned()];
        let demand = Demand {
            bound_to: &bound,
            ..demand(&group)
        };
        let pods = [pod(1, "az", Enabled), pod(2, "az", Enabled)];
        let [one, two] = [&pods[0], &pods[1]].map(|pod| Binding.weigh(&demand, &candidate(pod)));
        assert!(two > one);
    }
}
