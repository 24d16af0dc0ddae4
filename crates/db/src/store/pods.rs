//! Methods of [`Store`]: pods.

use super::*;
use crate::models::*;

store! {
    pods {
        /// Pod create.
        fn pod_create(pod: &Pod, zones: &[PodZone]) -> Pod;
        /// Pods all.
        fn pods_all() -> Vec<PodView>;
        /// Pod update.
        fn pod_update(id: &str, state: Option<PodState>, zones: Option<&[PodZone]>) -> bool;
        /// Pod delete.
        fn pod_delete(id: &str) -> PodRemoval;
        /// Binding create.
        fn binding_create(binding: &PodBinding) -> ();
        /// Bindings.
        fn bindings(project_id: Option<&str>, pod_id: Option<&str>, ended_too: bool) -> Vec<PodBinding>;
        /// Binding by id.
        fn binding_by_id(id: &str) -> Option<PodBinding>;
        /// Binding end.
        fn binding_end(id: &str) -> bool;
    }
}
