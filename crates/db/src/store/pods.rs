//! Methods of [`Store`]: pods.

use super::*;
use crate::models::*;

store! {
    pods {
        /// Pod create.
        transaction pod_create(pod: &Pod, zones: &[PodZone]) -> Pod;
        /// Pods all.
        read pods_all() -> Vec<PodView>;
        /// Pod update.
        transaction pod_update(id: &str, state: Option<PodState>, zones: Option<&[PodZone]>) -> bool;
        /// Pod MTU set.
        write pod_mtu_set(pod_id: &str, mtu: i32) -> ();
        /// Pod delete.
        transaction pod_delete(id: &str) -> PodRemoval;
        /// Binding create.
        write binding_create(binding: &PodBinding) -> ();
        /// Bindings.
        read bindings(project_id: Option<&str>, pod_id: Option<&str>, ended_too: bool) -> Vec<PodBinding>;
        /// Binding by id.
        read binding_by_id(id: &str) -> Option<PodBinding>;
        /// Binding end.
        write binding_end(id: &str) -> bool;
    }
}
