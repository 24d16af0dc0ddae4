//! Filters, then weighers, as the configuration names them.

use std::cmp::Reverse;

use tricircle_config::Scheduler;
use tricircle_db::models::PodView;

use crate::filters::{self, Filter, Says};
use crate::weighers::{self, Weigher};
use crate::{Candidate, Demand, NoPod};

/// The filters and weighers of a configuration.
#[derive(Clone)]
pub struct Pipeline {
    filters: Vec<&'static dyn Filter>,
    weighers: Vec<(&'static dyn Weigher, f64)>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let filters: Vec<_> = self.filters.iter().map(|one| one.name()).collect();
        let weighers: Vec<_> = self.weighers.iter().map(|one| one.0.name()).collect();
        f.debug_struct("Pipeline")
            .field("filters", &filters)
            .field("weighers", &weighers)
            .finish()
    }
}

impl Pipeline {
    /// The one that is configured. Names are checked when the configuration is read; one
    /// that is not known here is left out.
    pub fn new(config: &Scheduler) -> Self {
        let weight = |name: &str| match name {
            "binding" => config.binding_weight,
            "capacity" => config.capacity_weight,
            "group" => config.group_weight,
            _ => config.spread_weight,
        };
        let filters = config.pod_filters.iter();
        let weighers = config.pod_weighers.iter();
        Self {
            filters: filters.filter_map(|name| filters::named(name)).collect(),
            weighers: weighers
                .filter_map(|name| Some((weighers::named(name)?, f64::from(weight(name)))))
                .collect(),
        }
    }

    /// Whether room decides anything, so that pods are worth asking for it.
    pub fn minds_room(&self) -> bool {
        let filters = self.filters.iter().map(|one| one.name());
        let weighers = self.weighers.iter().map(|one| one.0.name());
        filters.chain(weighers).any(|name| name == "capacity")
    }

    /// The pods that may take it at all, in no order.
    ///
    /// # Errors
    /// When none is left: the reason of the filter that left none.
    pub fn fitting<'a>(
        &self,
        demand: &Demand<'_>,
        candidates: Vec<Candidate<'a>>,
    ) -> Result<Vec<Candidate<'a>>, NoPod> {
        if candidates.is_empty() {
            return Err(NoPod::None);
        }
        self.filters.iter().try_fold(candidates, |left, filter| {
            let (kept, out): (Vec<_>, Vec<_>) = left
                .into_iter()
                .partition(|candidate| filter.passes(demand, candidate));
            match (kept.is_empty(), filter.says()) {
                (false, _) => Ok(kept),
                (true, Says::No(reason)) => Err(reason),
                (true, Says::RatherNot) => Ok(out),
            }
        })
    }

    /// Fitting pods, best first. Those that answer come before those that do not; then the
    /// weights decide, and the order of registration where they are equal, so that the
    /// answer is always the same.
    pub fn ordered<'a>(
        &self,
        demand: &Demand<'_>,
        candidates: Vec<Candidate<'a>>,
    ) -> Vec<&'a PodView> {
        let mut sums = vec![0.0; candidates.len()];
        for (weigher, weight) in &self.weighers {
            let verdicts = candidates.iter().map(|one| weigher.weigh(demand, one));
            for (sum, verdict) in sums.iter_mut().zip(on_one_scale(verdicts.collect())) {
                *sum += weight * verdict;
            }
        }
        let mut all: Vec<_> = candidates.into_iter().zip(sums).collect();
        all.sort_by(|(a, of_a), (b, of_b)| {
            Reverse(a.answers)
                .cmp(&Reverse(b.answers))
                .then(of_b.total_cmp(of_a))
                .then(a.pod.pod.ordinal.cmp(&b.pod.pod.ordinal))
        });
        all.into_iter()
            .map(|(candidate, _)| candidate.pod)
            .collect()
    }

    /// Both: the pods that fit, best first.
    ///
    /// # Errors
    /// As [`Pipeline::fitting`].
    pub fn place<'a>(
        &self,
        demand: &Demand<'_>,
        candidates: Vec<Candidate<'a>>,
    ) -> Result<Vec<&'a PodView>, NoPod> {
        let fitting = self.fitting(demand, candidates)?;
        Ok(self.ordered(demand, fitting))
    }
}

/// Between 0 for the least and 1 for the greatest; all 0 where they are equal.
fn on_one_scale(verdicts: Vec<f64>) -> Vec<f64> {
    let least = verdicts.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = verdicts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = greatest - least;
    let scaled = verdicts.into_iter().map(|verdict| {
        if span > 0.0 {
            (verdict - least) / span
        } else {
            0.0
        }
    });
    scaled.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tricircle_db::models::PodState::{self, Disabled, Draining, Enabled};

    use super::*;
    use crate::Room;
    use crate::testing::{Bed, pod};

    #[test]
    fn every_configured_name_is_known() {
        let config = Scheduler::default();
        let pipeline = Pipeline::new(&config);
        assert_eq!(pipeline.filters.len(), config.pod_filters.len());
        assert_eq!(pipeline.weighers.len(), config.pod_weighers.len());
        let all: Vec<&str> = filters::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(all, tricircle_config::POD_FILTERS);
        let all: Vec<&str> = weighers::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(all, tricircle_config::POD_WEIGHERS);
        assert!(pipeline.minds_room());
    }

    #[test]
    fn pods_are_filtered_and_ordered() {
        let bed = Bed::new(&[
            ("az1", Enabled, 5),
            ("az2", Enabled, 1),
            ("az2", Draining, 0),
            ("az4", Disabled, 0),
        ]);
        let placed = |zone, pinned_to, bound: &[&str]| bed.place(zone, pinned_to, bound);
        assert_eq!(placed(None, None, &[]), Ok(vec![2, 1]));
        assert_eq!(placed(None, None, &["pod-1"]), Ok(vec![1, 2]));
        assert_eq!(placed(Some("az1"), None, &["pod-2"]), Ok(vec![1]));
        assert_eq!(placed(Some("az2"), None, &[]), Ok(vec![2]));
        assert_eq!(placed(Some("az4"), None, &[]), Err(NoPod::NotEnabled));
        assert_eq!(placed(Some("nowhere"), None, &[]), Err(NoPod::Zone));
        assert_eq!(placed(Some("az2"), Some("pod-1"), &[]), Err(NoPod::Pinned));
        assert_eq!(placed(None, Some("pod-1"), &[]), Ok(vec![1]));
        assert_eq!(Bed::new(&[]).place(None, None, &[]), Err(NoPod::None));
    }

    #[test]
    fn a_pod_that_does_not_answer_comes_last_and_is_still_one() {
        let mut bed = Bed::new(&[("az1", Enabled, 5), ("az2", Enabled, 1)]);
        bed.silent = vec!["pod-2"];
        assert_eq!(bed.place(None, None, &[]), Ok(vec![1, 2]));
        assert_eq!(bed.place(None, None, &["pod-2"]), Ok(vec![1, 2]));
        assert_eq!(bed.place(Some("az2"), None, &[]), Ok(vec![2]));
    }

    #[test]
    fn a_full_pod_is_passed_over_unless_all_are() {
        let mut bed = Bed::new(&[("az1", Enabled, 0), ("az1", Enabled, 9)]);
        bed.room = vec![Room::For(0), Room::For(3)];
        assert_eq!(bed.place(None, None, &["pod-1"]), Ok(vec![2]));
        bed.room = vec![Room::For(0), Room::Unknown];
        assert_eq!(bed.place(None, None, &[]), Ok(vec![2]));
        bed.room = vec![Room::For(0), Room::For(0)];
        assert_eq!(bed.place(None, None, &[]), Ok(vec![1, 2]));
    }

    #[test]
    fn verdicts_come_to_one_scale() {
        assert_eq!(on_one_scale(vec![]), Vec::<f64>::new());
        assert_eq!(on_one_scale(vec![7.0, 7.0]), [0.0, 0.0]);
        assert_eq!(on_one_scale(vec![-10.0, 10.0, 0.0]), [0.0, 1.0, 0.5]);
    }

    fn states() -> impl Strategy<Value = PodState> {
        prop_oneof![Just(Enabled), Just(Draining), Just(Disabled)]
    }

    fn rooms() -> impl Strategy<Value = Room> {
        prop_oneof![Just(Room::Unknown), (0_u64..9).prop_map(Room::For)]
    }

    proptest! {
        /// Whatever the pods: what is placed fits, is placed once, is the same in any order
        /// of the pods, and a pod that answers is never behind one that does not.
        #[test]
        fn what_is_placed_fits(
            pods in prop::collection::vec((0_u8..3, states(), 0_i64..9, any::<bool>(), rooms()), 0..9),
            zone in prop::option::of(0_u8..3),
            turn in 0_usize..9,
        ) {
            let views: Vec<_> = (1..).zip(&pods)
                .map(|(n, (zone, state, ..))| pod(n, &format!("az{zone}"), *state))
                .collect();
            let mut candidates: Vec<Candidate<'_>> = views.iter().zip(&pods)
                .map(|(pod, (_, _, load, answers, room))| Candidate {
                    pod, load: *load, answers: *answers, speaks: true, networks: true, room: *room,
                })
                .collect();
            let zone = zone.map(|zone| format!("az{zone}"));
            let group = crate::Group::default();
            let demand = Demand {
                service: tricircle_db::models::ZoneService::Compute,
                zone: zone.as_deref(), pinned_to: None, bound_to: &[], tag: None, group: &group,
            };
            let pipeline = Pipeline::new(&Scheduler::default());
            let fits = |candidate: &Candidate<'_>| {
                candidate.pod.pod.state == Enabled && zone.as_deref().is_none_or(|zone| {
                    candidate.pod.bottom_az(demand.service, zone).is_some()
                })
            };
            let expected = candidates.iter().filter(|one| fits(one)).count();
            let placed = pipeline.place(&demand, candidates.clone());
            let turn = turn.min(candidates.len());
            candidates.rotate_left(turn);
            let turned = pipeline.place(&demand, candidates.clone());
            prop_assert_eq!(&placed, &turned);
            let Ok(placed) = placed else {
                prop_assert_eq!(expected, 0);
                return Ok(());
            };
            prop_assert!(!placed.is_empty() && placed.len() <= expected);
            let of = |view: &PodView| candidates.iter().find(|one| one.pod.pod.id == view.pod.id).unwrap();
            prop_assert!(placed.iter().all(|view| fits(of(view))));
            let mut ids: Vec<_> = placed.iter().map(|view| &view.pod.id).collect();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), placed.len());
            let answers: Vec<bool> = placed.iter().map(|view| of(view).answers).collect();
            prop_assert!(answers.is_sorted_by(|a, b| a >= b));
            let full = placed.iter().filter(|view| of(view).room == Room::For(0)).count();
            prop_assert!(full == 0 || full == placed.len(), "a full one among others");
        }
    }
}
