//! What has to be true of a Tricircle, as functions over a world.
//!
//! | module | about |
//! | --- | --- |
//! | [`main_job`] | one network, servers in two pods, a volume; everything goes again |
//! | [`refusals`] | what is refused, and that it is refused in a pod's own words |
//! | [`interfaces`] | interfaces of servers come and go, their groups and addresses change |
//! | [`isolation`] | other projects, readers, no token, bad tokens |
//! | [`addresses`] | none given twice, none made up when they are used up |
//! | [`lists`] | pages over several pods |
//! | [`routers`] | one router in two pods, floating IPs; a port that moves between pods |
//! | [`two_ways_out`] | local routers in two pods, and one that joins what is behind them |
//! | [`surface`] | version documents, microversions, request ids |
//! | [`outages`] | a pod, Keystone or the broker is away (simulated worlds) |
//! | [`warmth`] | what a call costs that has been made before (simulated worlds) |
//! | [`malformed`] | a pod answers, but not as its API says (simulated worlds) |
//! | [`groups`] | security groups with members in two pods |
//! | [`faults`] | calls to pods that fail in every way, on simulated pods and, by a proxy, on real ones |
//! | [`crashes`] | kill -9 between two side effects (simulated worlds) |
//! | [`jobs`] | a worker that was stopped in a job and comes back (simulated worlds) |
//! | [`database`] | the database is away, or hangs (simulated worlds) |
//!
//! Each scenario removes what it created and, where it created something, ends with
//! the proof that nothing of it is left.

pub mod addresses;
pub mod crashes;
pub mod database;
pub mod faults;
pub mod groups;
pub mod interfaces;
pub mod isolation;
pub mod jobs;
pub mod lists;
pub mod main_job;
pub mod malformed;
pub mod outages;
pub mod refusals;
pub mod routers;
pub mod surface;
pub mod two_ways_out;
pub mod warmth;
