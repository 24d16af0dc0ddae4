//! Pods to place things in.

use tricircle_config::Scheduler;
use tricircle_db::models::{AuthMode, Pod, PodState, PodView, PodZone, ZoneService};

use crate::{Candidate, Demand, Group, NoPod, Pipeline, Room};

/// A pod with one zone.
pub(crate) fn pod(number: i32, zone: &str, state: PodState) -> PodView {
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
            affinity_tag: String::new(),
            created_at: tricircle_db::now(),
            updated_at: tricircle_db::now(),
        },
    }
}

/// A candidate with nothing against it.
pub(crate) fn candidate(pod: &PodView) -> Candidate<'_> {
    Candidate {
        pod,
        load: 0,
        answers: true,
        speaks: true,
        networks: true,
        room: Room::Unknown,
    }
}

/// A demand for nothing in particular.
pub(crate) fn demand(group: &Group) -> Demand<'_> {
    Demand {
        service: ZoneService::Compute,
        zone: None,
        pinned_to: None,
        bound_to: &[],
        tag: None,
        group,
    }
}

/// Pods, numbered from 1, with their loads.
pub(crate) struct Bed {
    pods: Vec<(PodView, i64)>,
    /// Those that do not answer.
    pub(crate) silent: Vec<&'static str>,
    /// What room each has; unknown where there is no entry.
    pub(crate) room: Vec<Room>,
}

impl Bed {
    pub(crate) fn new(pods: &[(&str, PodState, i64)]) -> Self {
        let pods = (1..).zip(pods);
        Self {
            pods: pods
                .map(|(n, (zone, state, load))| (pod(n, zone, *state), *load))
                .collect(),
            silent: Vec::new(),
            room: Vec::new(),
        }
    }

    /// The numbers of the pods that fit, best first, by the default configuration.
    pub(crate) fn place(
        &self,
        zone: Option<&str>,
        pinned_to: Option<&str>,
        bound_to: &[&str],
    ) -> Result<Vec<i32>, NoPod> {
        let bound_to: Vec<String> = bound_to.iter().map(|id| (*id).to_owned()).collect();
        let group = Group::default();
        let demand = Demand {
            zone,
            pinned_to,
            bound_to: &bound_to,
            ..demand(&group)
        };
        let candidates = self
            .pods
            .iter()
            .enumerate()
            .map(|(n, (pod, load))| Candidate {
                load: *load,
                answers: !self.silent.contains(&pod.pod.id.as_str()),
                room: self.room.get(n).copied().unwrap_or_default(),
                ..candidate(pod)
            });
        Pipeline::new(&Scheduler::default())
            .place(&demand, candidates.collect())
            .map(|list| list.iter().map(|view| view.pod.ordinal).collect())
    }
}
