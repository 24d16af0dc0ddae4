//! Pods with room for more of it are better; one that did not say comes behind all that have
//! some.

use super::Weigher;
use crate::{Candidate, Demand, Room};

/// The weigher.
pub(crate) struct Capacity;

impl Weigher for Capacity {
    fn name(&self) -> &'static str {
        "capacity"
    }

    fn weigh(&self, _demand: &Demand<'_>, candidate: &Candidate<'_>) -> f64 {
        match candidate.room {
            Room::Unknown => 0.0,
            Room::For(count) => count as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn known_room_comes_before_unknown() {
        let (pod, group) = (pod(1, "az", Enabled), crate::Group::default());
        let of = |room| {
            let candidate = Candidate {
                room,
                ..candidate(&pod)
            };
            Capacity.weigh(&demand(&group), &candidate)
        };
        assert!(of(Room::For(9)) > of(Room::For(1)));
        assert!(of(Room::For(1)) > of(Room::Unknown));
    }
}
