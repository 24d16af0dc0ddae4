//! A pod has the zone that was named, if one was.

use super::{Filter, Says};
use crate::{Candidate, Demand, NoPod};

/// The filter.
pub(crate) struct Zone;

impl Filter for Zone {
    fn name(&self) -> &'static str {
        "zone"
    }

    fn passes(&self, demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
        let has = |zone| candidate.pod.bottom_az(demand.service, zone).is_some();
        demand.zone.is_none_or(has)
    }

    fn says(&self) -> Says {
        Says::No(NoPod::Zone)
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;
    use tricircle_db::models::ZoneService::{Compute, Volume};

    use super::*;
    use crate::Group;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn zones_are_those_of_the_service() {
        let (pod, group) = (pod(1, "az1", Enabled), Group::default());
        for (service, zone, passes) in [
            (Compute, None, true),
            (Compute, Some("az1"), true),
            (Compute, Some("az2"), false),
            (Volume, Some("az1"), false),
        ] {
            let demand = Demand {
                service,
                zone,
                ..demand(&group)
            };
            assert_eq!(Zone.passes(&demand, &candidate(&pod)), passes, "{zone:?}");
        }
    }
}
