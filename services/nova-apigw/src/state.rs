//! What the handlers work with.

use tricircle_compute::Compute;

/// The use cases, through one worker's connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct State {
    /// Servers, flavors, keypairs.
    pub compute: Compute,
}
