//! What has to be true of a Tricircle, as functions over a world.
//!
//! | module | about |
//! | --- | --- |
//! | [`main_job`] | one network, servers in two pods, a volume; everything goes again |
//! | [`refusals`] | what is refused, and that it is refused in a pod's own words |
//! | [`isolation`] | other projects, readers, no token, bad tokens |
//! | [`addresses`] | none given twice, none made up when they are used up |
//! | [`lists`] | pages over several pods |
//! | [`surface`] | version documents, microversions, request ids |
//! | [`outages`] | a pod, Keystone or the broker is away (simulated worlds) |
//! | [`warmth`] | what a call costs that has been made before (simulated worlds) |
//! | [`faults`] | calls to pods that fail in every way, on simulated pods and, by a proxy, on real ones |
//! | [`crashes`] | kill -9 between two side effects (simulated worlds) |
//!
//! Each scenario removes what it created and, where it created something, ends with
//! the proof that nothing of it is left.

pub mod addresses;
pub mod crashes;
pub mod faults;
pub mod isolation;
pub mod lists;
pub mod main_job;
pub mod outages;
pub mod refusals;
pub mod surface;
pub mod warmth;
