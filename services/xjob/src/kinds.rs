//! Every kind of job that there is.

use tricircle_jobs::Kinds;
use tricircle_runtime::Parts;
use tricircle_volume::{VolumeRecover, VolumeRemove, Volumes};

/// The kinds that this version of the worker runs. Jobs of other kinds are left to
/// workers that know them.
pub(crate) fn all(parts: &Parts) -> Kinds {
    let volumes = Volumes {
        store: parts.store.clone(),
        pods: parts.pods.clone(),
        jobs: parts.jobs(),
        config: parts.config.clone(),
    };
    Kinds::new()
        .with(VolumeRecover(volumes.clone()))
        .with(VolumeRemove(volumes))
}
