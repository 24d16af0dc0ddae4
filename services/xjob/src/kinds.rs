//! Every kind of job that there is.

use tricircle_compute::{Compute, InterfaceSettle, ServerRecover, ServerRemove};
use tricircle_jobs::Kinds;
use tricircle_network::Network;
use tricircle_runtime::Parts;
use tricircle_volume::{VolumeRecover, VolumeRemove, Volumes};

/// The kinds that this version of the worker runs. Jobs of other kinds are left to
/// workers that know them.
pub fn all(parts: &Parts) -> Kinds {
    let network = Network::new(
        parts.store.clone(),
        parts.pods.clone(),
        parts.config.clone(),
        parts.jobs(),
    );
    let compute = Compute {
        store: parts.store.clone(),
        pods: parts.pods.clone(),
        network: network.clone(),
        jobs: parts.jobs(),
        config: parts.config.clone(),
    };
    let volumes = Volumes {
        store: parts.store.clone(),
        pods: parts.pods.clone(),
        jobs: parts.jobs(),
        config: parts.config.clone(),
    };
    network
        .job_kinds()
        .with(ServerRecover(compute.clone()))
        .with(ServerRemove(compute.clone()))
        .with(InterfaceSettle(compute))
        .with(VolumeRecover(volumes.clone()))
        .with(VolumeRemove(volumes))
}
