//! What the handlers work with.

use tricircle_volume::Volumes;

/// The use cases, through one worker's connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct State {
    /// Volumes.
    pub volumes: Volumes,
}
