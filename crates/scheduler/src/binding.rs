//! Which pods a project is bound to, and when a binding goes elsewhere.
//!
//! A binding is a preference that an administrator wrote down. When the pod takes nothing
//! new any more, the project's next resource goes to another pod, and the binding follows:
//! the old one ends, and stays as history.

use tricircle_db::models::{PodBinding, PodState, PodView};
use tricircle_db::{DbError, Store};

/// The ids of the pods that bindings name.
pub fn bound_pods(bindings: &[PodBinding]) -> Vec<String> {
    bindings.iter().map(|one| one.pod_id.clone()).collect()
}

/// The binding that follows a resource to the pod that took it: none while one of the
/// pods that the project is bound to takes new resources.
pub fn moved<'a>(
    bindings: &'a [PodBinding],
    pods: &[&PodView],
    taken_by: &str,
) -> Option<&'a PodBinding> {
    let takes_new = |id: &str| {
        pods.iter()
            .any(|view| view.pod.id == id && view.pod.state == PodState::Enabled)
    };
    let mut bound = bindings.iter();
    match bound.any(|one| one.pod_id == taken_by || takes_new(&one.pod_id)) {
        true => None,
        false => bindings.first(),
    }
}

/// Moves the binding of a project that [`moved`] names to the pod that took its resource.
///
/// # Errors
/// Of the store. The next resource of the project tries again.
pub async fn follow(
    store: &Store,
    project_id: &str,
    pods: &[&PodView],
    taken_by: &str,
) -> Result<(), DbError> {
    let bindings = store.bindings(Some(project_id), None, false).await?;
    let Some(old) = moved(&bindings, pods, taken_by) else {
        return Ok(());
    };
    let new = PodBinding {
        id: uuid::Uuid::new_v4().to_string(),
        project_id: project_id.to_owned(),
        pod_id: taken_by.to_owned(),
        started_at: tricircle_db::now(),
        ended_at: None,
        active_slot: String::new(),
    };
    if store.binding_move(&old.id, &new).await? {
        tracing::info!(
            project.id = project_id,
            from.pod = old.pod_id,
            to.pod = taken_by,
            "a binding follows its project to another pod"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pod;

    fn binding(pod_id: &str) -> PodBinding {
        PodBinding {
            id: format!("b-{pod_id}"),
            project_id: "p".to_owned(),
            pod_id: pod_id.to_owned(),
            started_at: tricircle_db::now(),
            ended_at: None,
            active_slot: String::new(),
        }
    }

    #[test]
    fn a_binding_follows_when_its_pod_takes_nothing_new() {
        use PodState::{Disabled, Draining, Enabled};
        for (state, bound, taken_by, moves) in [
            (Enabled, &["pod-1"][..], "pod-2", None),
            (Draining, &["pod-1"], "pod-2", Some("b-pod-1")),
            (Disabled, &["pod-1"], "pod-2", Some("b-pod-1")),
            (Draining, &[], "pod-2", None),
            (Draining, &["pod-1", "pod-2"], "pod-2", None),
            (Draining, &["pod-1", "pod-3"], "pod-2", None),
            (Draining, &["gone"], "pod-2", Some("b-gone")),
        ] {
            let pods = [
                pod(1, "az", state),
                pod(2, "az", Enabled),
                pod(3, "az", Enabled),
            ];
            let pods: Vec<&PodView> = pods.iter().collect();
            let bindings: Vec<_> = bound.iter().map(|id| binding(id)).collect();
            let moved = moved(&bindings, &pods, taken_by).map(|one| one.id.as_str());
            assert_eq!(moved, moves, "{state:?} {bound:?}");
        }
    }
}
