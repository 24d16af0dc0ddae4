//! Pods with fewer resources of the kind are better.

use super::Weigher;
use crate::{Candidate, Demand};

/// The weigher.
pub(crate) struct Spread;

impl Weigher for Spread {
    fn name(&self) -> &'static str {
        "spread"
    }

    fn weigh(&self, _demand: &Demand<'_>, candidate: &Candidate<'_>) -> f64 {
        let load = candidate.load as f64;
        -load
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn the_less_loaded_pod_is_better() {
        let (pod, group) = (pod(1, "az", Enabled), crate::Group::default());
        let of = |load| {
            let candidate = Candidate {
                load,
                ..candidate(&pod)
            };
            Spread.weigh(&demand(&group), &candidate)
        };
        assert!(of(0) > of(1) && of(1) > of(100));
    }
}
