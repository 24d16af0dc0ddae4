//! Which of the pods that fit is tried first, one consideration a file.

mod binding;
mod capacity;
mod group;
mod spread;

use crate::{Candidate, Demand};

/// One consideration. Its verdicts count relative to each other only.
pub trait Weigher: Sync {
    /// Its name in the configuration.
    fn name(&self) -> &'static str;

    /// How good the pod is; more is better.
    fn weigh(&self, demand: &Demand<'_>, candidate: &Candidate<'_>) -> f64;
}

/// All there are.
pub static ALL: [&dyn Weigher; 4] = [
    &binding::Binding,
    &group::Group,
    &capacity::Capacity,
    &spread::Spread,
];

/// The weigher of a name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Weigher> {
    ALL.iter().find(|weigher| weigher.name() == name).copied()
}
