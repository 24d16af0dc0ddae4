//! Which of the pods that fit is tried first.

use std::cmp::Reverse;

use crate::{Candidate, Demand};

/// Pods that answer come first, since a binding is a preference; then those that the
/// project is bound to; then those with the least load; then the order of their
/// registration, so that the answer is always the same.
pub(crate) fn order<'a>(
    demand: &Demand<'_>,
    mut candidates: Vec<Candidate<'a>>,
) -> Vec<Candidate<'a>> {
    candidates.sort_by_key(|candidate| {
        let bound = demand.bound_to.contains(&candidate.pod.pod.id);
        (
            Reverse(candidate.answers),
            Reverse(bound),
            candidate.load,
            candidate.pod.pod.ordinal,
        )
    });
    candidates
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::{AuthMode, Pod, PodState, PodView, PodZone, ZoneService};

    use crate::{Candidate, Demand, NoPod, place};

    fn pod(number: i32, zone: &str, state: PodState) -> PodView {
        let id = format!("pod-{number}");
        PodView {
            mtu: None,
            zones: vec![PodZone {
                pod_id: id.clone(),
                service: ZoneService::Compute,
                top_az: zone.to_owned(),
                bottom_az: "nova".to_owned(),
            }],
            pod: Pod {
                id,
                region_name: format!("Pod{number}"),
                ordinal: number,
                state,
                auth_mode: AuthMode::Shared,
                created_at: tricircle_db::now(),
                updated_at: tricircle_db::now(),
            },
        }
    }

    fn placed(
        zone: Option<&str>,
        pinned_to: Option<&str>,
        bound_to: &[&str],
        pods: &[(PodView, i64)],
    ) -> Result<Vec<i32>, NoPod> {
        placed_while(&[], zone, pinned_to, bound_to, pods)
    }

    fn placed_while(
        silent: &[&str],
        zone: Option<&str>,
        pinned_to: Option<&str>,
        bound_to: &[&str],
        pods: &[(PodView, i64)],
    ) -> Result<Vec<i32>, NoPod> {
        let bound_to: Vec<String> = bound_to.iter().map(|s| (*s).to_owned()).collect();
        let demand = Demand {
            service: ZoneService::Compute,
            zone,
            pinned_to,
            bound_to: &bound_to,
        };
        let candidates = pods
            .iter()
            .map(|(pod, load)| Candidate {
                pod,
                load: *load,
                answers: !silent.contains(&pod.pod.id.as_str()),
            })
            .collect();
        place(&demand, candidates).map(|list| list.iter().map(|view| view.pod.ordinal).collect())
    }

    #[test]
    fn pods_are_filtered_and_ordered() {
        use PodState::{Disabled, Draining, Enabled};
        let pods = [
            (pod(1, "az1", Enabled), 5),
            (pod(2, "az2", Enabled), 1),
            (pod(3, "az2", Draining), 0),
            (pod(4, "az4", Disabled), 0),
        ];
        assert_eq!(placed(None, None, &[], &pods), Ok(vec![2, 1]));
        assert_eq!(placed(None, None, &["pod-1"], &pods), Ok(vec![1, 2]));
        assert_eq!(placed(Some("az1"), None, &["pod-2"], &pods), Ok(vec![1]));
        assert_eq!(placed(Some("az2"), None, &[], &pods), Ok(vec![2]));
        assert_eq!(
            placed(Some("az4"), None, &[], &pods),
            Err(NoPod::NotEnabled)
        );
        assert_eq!(placed(Some("nowhere"), None, &[], &pods), Err(NoPod::Zone));
        assert_eq!(
            placed(Some("az2"), Some("pod-1"), &[], &pods),
            Err(NoPod::Pinned)
        );
        assert_eq!(placed(None, Some("pod-1"), &[], &pods), Ok(vec![1]));
        assert_eq!(placed(None, None, &[], &[]), Err(NoPod::None));
    }

    #[test]
    fn a_pod_that_does_not_answer_comes_last_and_is_still_one() {
        let pods = [
            (pod(1, "az1", PodState::Enabled), 5),
            (pod(2, "az2", PodState::Enabled), 1),
        ];
        let while_2_is_silent =
            |zone, bound: &[&str]| placed_while(&["pod-2"], zone, None, bound, &pods);
        assert_eq!(while_2_is_silent(None, &[]), Ok(vec![1, 2]));
        assert_eq!(while_2_is_silent(None, &["pod-2"]), Ok(vec![1, 2]));
        assert_eq!(while_2_is_silent(Some("az2"), &[]), Ok(vec![2]));
    }
}
