//! Making, changing and deleting networks, subnets, ports and groups at the top.
//!
//! Choosing (segment, addresses, MAC) is pure; the row's keys decide who wins a race,
//! and the loser chooses again. A delete is accepted by one transaction that hides the
//! row and writes the job that cleans the pods; the row goes when every pod is clean.

mod delete;
mod network;
mod port;
mod subnet;

pub use port::PortDraft;

/// How often a choice that somebody else took is made again.
pub(crate) const ROUNDS: usize = 16;
