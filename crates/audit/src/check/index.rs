//! Both readings of the rows, and the pods, so that they can be asked.

use std::collections::{HashMap, HashSet};

use tricircle_db::Timestamp;
use tricircle_db::models::{Job, Realization, RealizationKind, Routing, RoutingKind};

use crate::{Object, ObjectKind, PodSeen, Seen, Thing};

/// `Seen`, by what it is looked for.
pub(super) struct Index<'a> {
    pub seen: &'a Seen,
    /// Rows that both readings have alike, and that are older than the audit.
    pub routings: Vec<&'a Routing>,
    pub realizations: Vec<&'a Realization>,
    pub things: Vec<&'a Thing>,
    /// Rows of either reading; of two the later one.
    routing_by_id: HashMap<&'a str, &'a Routing>,
    routing_by_top: HashMap<(RoutingKind, &'a str), &'a Routing>,
    realization_of: HashMap<(RealizationKind, &'a str, &'a str), &'a Realization>,
    thing_by_id: HashMap<(RealizationKind, &'a str), &'a Thing>,
    jobs: HashSet<(&'a str, &'a str)>,
    objects: HashMap<ObjectKind, HashMap<&'a str, HashMap<&'a str, &'a Object>>>,
}

impl<'a> Index<'a> {
    pub fn new(seen: &'a Seen) -> Self {
        let (before, after) = (&seen.before, &seen.after);
        let jobs = before.jobs.iter().chain(&after.jobs);
        let mut objects: HashMap<_, HashMap<_, _>> = HashMap::new();
        for pod in &seen.pods {
            for (kind, part) in &pod.parts {
                if let Ok(list) = part {
                    let by_id = list.iter().map(|object| (object.id.as_str(), object));
                    let of_kind = objects.entry(*kind).or_default();
                    of_kind.insert(pod.id.as_str(), by_id.collect());
                }
            }
        }
        let routings = || before.routings.iter().chain(&after.routings);
        let realizations = before.realizations.iter().chain(&after.realizations);
        let things = before.things.iter().chain(&after.things);
        Self {
            seen,
            routings: unchanged(&before.routings, &after.routings, seen.began, |row| {
                (&row.id, row.updated_at)
            }),
            realizations: unchanged(
                &before.realizations,
                &after.realizations,
                seen.began,
                |row| (&row.id, row.updated_at),
            ),
            things: unchanged(&before.things, &after.things, seen.began, |row| {
                (&row.id, row.updated_at)
            }),
            routing_by_id: routings().map(|row| (row.id.as_str(), row)).collect(),
            routing_by_top: routings()
                .filter_map(|row| Some(((row.kind, row.top_id.as_deref()?), row)))
                .collect(),
            realization_of: realizations
                .map(|row| ((row.kind, row.top_id.as_str(), row.pod_id.as_str()), row))
                .collect(),
            thing_by_id: things
                .map(|row| ((row.kind, row.id.as_str()), row))
                .collect(),
            jobs: jobs
                .map(|job| (job.kind.as_str(), job.resource_id.as_str()))
                .collect(),
            objects,
        }
    }

    /// Whether one of these kinds has a live job for this.
    pub fn has_job(&self, kinds: &[&str], resource_id: &str) -> bool {
        let mut kinds = kinds.iter();
        kinds.any(|kind| self.jobs.contains(&(*kind, resource_id)))
    }

    /// The objects of a kind in a pod; `None` when it was not checked.
    pub fn objects(&self, pod_id: &str, kind: ObjectKind) -> Option<&HashMap<&'a str, &'a Object>> {
        self.objects.get(&kind)?.get(pod_id)
    }

    pub fn routing(&self, id: &str) -> Option<&'a Routing> {
        self.routing_by_id.get(id).copied()
    }

    pub fn routing_of(&self, kind: RoutingKind, top_id: &str) -> Option<&'a Routing> {
        self.routing_by_top.get(&(kind, top_id)).copied()
    }

    pub fn realization(
        &self,
        kind: RealizationKind,
        top_id: &str,
        pod_id: &str,
    ) -> Option<&'a Realization> {
        self.realization_of.get(&(kind, top_id, pod_id)).copied()
    }

    pub fn thing(&self, kind: RealizationKind, id: &str) -> Option<&'a Thing> {
        // A list of members is its group's.
        let kind = match kind {
            RealizationKind::AddressGroup => RealizationKind::SecurityGroup,
            kind => kind,
        };
        self.thing_by_id.get(&(kind, id)).copied()
    }

    pub fn pod(&self, id: &str) -> Option<&'a PodSeen> {
        self.seen.pods.iter().find(|pod| pod.id == id)
    }

    pub fn region(&self, pod_id: &str) -> String {
        let pod = self.pod(pod_id);
        pod.map_or_else(|| pod_id.to_owned(), |pod| pod.region.clone())
    }

    /// Whether something was last touched too long ago to be under way.
    pub fn is_old(&self, updated_at: Timestamp) -> bool {
        let age = (self.seen.began - updated_at).to_std();
        age.is_ok_and(|age| age >= self.seen.grace)
    }

    /// Jobs of the second reading.
    pub fn jobs(&self) -> impl Iterator<Item = &'a Job> {
        self.seen.after.jobs.iter()
    }
}

/// The rows that were there before and are still the same.
fn unchanged<'a, T>(
    before: &'a [T],
    after: &'a [T],
    began: Timestamp,
    key: impl Fn(&'a T) -> (&'a String, Timestamp),
) -> Vec<&'a T> {
    let old: HashSet<_> = before.iter().map(&key).collect();
    let same = after.iter().filter(|row| {
        let key = key(row);
        key.1 <= began && old.contains(&key)
    });
    same.collect()
}
