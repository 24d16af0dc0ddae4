//! What a network or a router consists of, where each part of it is, and what is still to
//! be done for it. Pure, over rows.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tricircle_db::models::{Job, Realization, RealizationKind, RealizationState, RowState};

use crate::handlers::jobs;
use crate::listing::moment;
use crate::regions::Regions;

/// A part of it, as the top has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) kind: RealizationKind,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: RowState,
    /// What pods are sent names this revision, where they are sent a revision.
    pub(crate) revision: Option<i64>,
}

/// The ids that jobs about these parts are about: the parts', and those of unfinished
/// realizations.
pub(crate) fn job_resources(parts: &[Part], realizations: &[Realization]) -> Vec<String> {
    let parts = parts.iter().map(|part| part.id.clone());
    let rows = realizations.iter().map(|row| row.id.clone());
    let all: BTreeSet<String> = parts.chain(rows).collect();
    all.into_iter().collect()
}

/// The first of `parts` is what was asked for. Realizations come sorted by pod.
pub(crate) fn topology(
    parts: &[Part],
    realizations: &[Realization],
    live_jobs: &[Job],
    regions: &Regions,
) -> Value {
    let mut pods: Vec<Value> = Vec::new();
    for of_pod in realizations.chunk_by(|a, b| a.pod_id == b.pod_id) {
        let Some(first) = of_pod.first() else {
            continue;
        };
        let rows: Vec<Value> = of_pod.iter().map(|row| realized(row, parts)).collect();
        let waiting = live_jobs.iter().filter(|job| job.pod_id == first.pod_id);
        pods.push(json!({
            "pod_id": first.pod_id,
            "region_name": regions.of(&first.pod_id),
            "in_step": rows.iter().all(|row| row["in_step"] != false),
            "jobs": waiting.count(),
            "realizations": rows,
        }));
    }
    let whole = parts.first();
    json!({
        "resource_type": whole.map(|part| part.kind),
        "id": whole.map(|part| &part.id),
        "name": whole.map(|part| &part.name),
        "state": whole.map(|part| part.state),
        "parts": parts.iter().map(shown).collect::<Vec<_>>(),
        "pods": pods,
        "jobs": live_jobs.iter().map(|job| jobs::shown(job, regions)).collect::<Vec<_>>(),
    })
}

fn shown(part: &Part) -> Value {
    json!({
        "resource_type": part.kind,
        "id": part.id,
        "name": part.name,
        "state": part.state,
    })
}

fn realized(row: &Realization, parts: &[Part]) -> Value {
    json!({
        "resource_type": row.kind,
        "top_id": row.top_id,
        "bottom_id": row.bottom_id,
        "state": row.state,
        "in_step": in_step(row, parts),
        "updated_at": moment(row.updated_at),
    })
}

/// Whether the pod has what the top has; `null` where it is not sent by revision.
fn in_step(row: &Realization, parts: &[Part]) -> Option<bool> {
    let of_row = |part: &&Part| part.kind == row.kind && part.id == row.top_id;
    let part = parts.iter().find(of_row);
    if row.state != RealizationState::Present || part.is_some_and(|p| p.state != RowState::Live) {
        return Some(false);
    }
    let revision = part?.revision?;
    Some(row.digest == format!("r{revision}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: RealizationKind, id: &str, revision: Option<i64>) -> Part {
        Part {
            kind,
            id: id.to_owned(),
            name: format!("the {id}"),
            state: RowState::Live,
            revision,
        }
    }

    fn row(kind: RealizationKind, top_id: &str, pod: &str, digest: &str) -> Realization {
        Realization {
            state: RealizationState::Present,
            bottom_id: Some(format!("{top_id}-in-{pod}")),
            digest: digest.to_owned(),
            ..Realization::intent(kind, top_id, pod, "p")
        }
    }

    #[test]
    fn each_pod_has_its_rows_and_says_whether_it_has_the_tops_state() {
        use RealizationKind::{Network, Router, Subnet};
        let mut parts = [
            part(Network, "n", Some(3)),
            part(Subnet, "s", Some(1)),
            part(Router, "r", None),
        ];
        let rows = [
            row(Network, "n", "pod-1", "r3"),
            row(Subnet, "s", "pod-1", "r1"),
            row(Router, "r", "pod-1", "whatever"),
            row(Network, "n", "pod-2", "r2"),
            Realization::intent(Subnet, "s", "pod-2", "p"),
        ];
        let regions: Regions = [("pod-1".to_owned(), "Pod1".to_owned())]
            .into_iter()
            .collect();
        let body = topology(&parts, &rows, &[], &regions);
        assert_eq!(body["resource_type"], "network");
        assert_eq!(body["name"], "the n");
        let pods = body["pods"].as_array().unwrap();
        assert_eq!(pods.len(), 2);
        assert_eq!(pods[0]["region_name"], "Pod1");
        assert_eq!(pods[0]["in_step"], true);
        assert_eq!(pods[0]["realizations"][2]["in_step"], json!(null));
        assert_eq!(pods[1]["in_step"], false);
        assert_eq!(
            pods[1]["realizations"][0]["in_step"], false,
            "an older revision"
        );
        assert_eq!(
            pods[1]["realizations"][1]["in_step"], false,
            "not there yet"
        );
        assert_eq!(pods[1]["realizations"][0]["bottom_id"], "n-in-pod-2");

        parts[0].state = RowState::Deleting;
        let body = topology(&parts, &rows, &[], &regions);
        assert_eq!(body["pods"][0]["in_step"], false, "it is to go");
        let wanted = job_resources(&parts, &rows);
        assert_eq!(wanted.len(), 3 + 5);
        assert!(
            wanted.contains(&rows[4].id),
            "the job that settles it names the row"
        );
    }
}
