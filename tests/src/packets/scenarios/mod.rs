//! What packets have to show.
//!
//! | module | about |
//! | --- | --- |
//! | [`vlan`] | one network in two pods |
//! | [`routed`] | networks of two pods behind one router |
//! | [`outside`] | external networks: SNAT and floating IPs |
//! | [`members`] | security groups whose members are in several pods |

pub mod members;
pub mod outside;
pub mod routed;
pub mod vlan;
