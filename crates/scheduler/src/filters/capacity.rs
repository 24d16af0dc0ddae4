//! A pod that says that it is full is passed over, unless all are: then a pod may say so itself,
//! in the words and at the time that users know.

use super::{Filter, Says};
use crate::{Candidate, Demand, Room};

/// The filter.
pub(crate) struct Capacity;

impl Filter for Capacity {
    fn name(&self) -> &'static str {
        "capacity"
    }

    fn passes(&self, _demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
        candidate.room != Room::For(0)
    }

    fn says(&self) -> Says {
        Says::RatherNot
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::Group;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn what_is_not_known_is_not_full() {
        let (pod, group) = (pod(1, "az1", Enabled), Group::default());
        for (room, passes) in [
            (Room::Unknown, true),
            (Room::For(0), false),
            (Room::For(1), true),
        ] {
            let candidate = Candidate {
                room,
                ..candidate(&pod)
            };
            assert_eq!(Capacity.passes(&demand(&group), &candidate), passes);
        }
    }
}
