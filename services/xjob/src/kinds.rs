//! Every kind of job that there is.

use tricircle_jobs::Kinds;

use crate::Parts;

/// The kinds that this version of the worker runs. Jobs of other kinds are left to
/// workers that know them.
pub(crate) fn all(_parts: &Parts) -> Kinds {
    Kinds::new()
}
