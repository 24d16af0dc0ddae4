//! A flavor may ask for pods with a tag. One that asks for none may be in any pod.

use super::{Filter, Says};
use crate::{Candidate, Demand, NoPod};

/// The filter.
pub(crate) struct AffinityTag;

impl Filter for AffinityTag {
    fn name(&self) -> &'static str {
        "affinity_tag"
    }

    fn passes(&self, demand: &Demand<'_>, candidate: &Candidate<'_>) -> bool {
        let has = |tag| candidate.pod.pod.affinity_tag == tag;
        demand.tag.is_none_or(has)
    }

    fn says(&self) -> Says {
        Says::No(NoPod::Tag)
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::PodState::Enabled;

    use super::*;
    use crate::Group;
    use crate::testing::{candidate, demand, pod};

    #[test]
    fn tags_are_compared_whole() {
        let group = Group::default();
        for (of_pod, asked, passes) in [
            ("", None, true),
            ("gpu", None, true),
            ("gpu", Some("gpu"), true),
            ("gpu", Some("GPU"), false),
            ("", Some("gpu"), false),
        ] {
            let mut pod = pod(1, "az1", Enabled);
            pod.pod.affinity_tag = of_pod.to_owned();
            let demand = Demand {
                tag: asked,
                ..demand(&group)
            };
            assert_eq!(AffinityTag.passes(&demand, &candidate(&pod)), passes);
        }
    }
}
