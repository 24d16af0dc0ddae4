//! Which answers a user accepts, given what was wrong at the time.
//!
//! Strict where nothing was wrong: then only the answers that the call should have are
//! right. 503, 502 and 504 are excused by a trouble of what the call needs, the lack of
//! an answer by the death of the process that was asked, a 500 by nothing at all, unless
//! it is what the call's own pod says just then. The broker and the workers excuse
//! nothing: no call waits for them.

use crate::chaos::timeline::{PodTrouble, Trouble};
use crate::process::Service;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With this status.
    Status(u16),
    /// Without an answer, and why.
    NoAnswer(String),
}

/// Whom a call needs besides the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nobody.
    Top,
    /// One pod, by its place.
    Pod(usize),
    /// A pod that the caller does not know, or any of them.
    SomePod,
}

/// Whether a call ended as it may have.
///
/// # Errors
/// What is wrong with it.
pub fn judge(
    service: Service,
    needs: Needs,
    right: &[u16],
    outcome: &Outcome,
    troubles: &[Trouble],
) -> Result<(), String> {
    let status = match outcome {
        Outcome::Status(status) if right.contains(status) => return Ok(()),
        Outcome::Status(status) => *status,
        Outcome::NoAnswer(error) => {
            let killed = troubles.contains(&Trouble::Killed(service));
            return match killed {
                true => Ok(()),
                false => Err(format!("no answer from a living process: {error}")),
            };
        }
    };
    let excused = match status {
        // It read the request too late: it was stopped.
        408 => troubles.contains(&Trouble::Paused(service)),
        // A process that is stopped in a transaction holds its rows: whoever needs them is
        // told 503 when the wait is over.
        503 if troubles.iter().any(|t| matches!(t, Trouble::Paused(_))) => true,
        502..=504 => troubles.iter().any(|t| excuses(*t, service, needs)),
        // The pod's own words, passed on.
        500 => troubles.iter().any(|trouble| {
            matches!(trouble, Trouble::Pod(_, PodTrouble::Fails(500)))
                && excuses(*trouble, service, needs)
        }),
        _ => false,
    };
    if excused {
        return Ok(());
    }
    Err(format!("answered {status}, right would be {right:?}"))
}

fn excuses(trouble: Trouble, service: Service, needs: Needs) -> bool {
    match trouble {
        Trouble::Database | Trouble::Keystone => true,
        // A process that was stopped and goes on finds its deadlines over.
        Trouble::Paused(whose) | Trouble::Killed(whose) => whose == service,
        Trouble::Broker => false,
        Trouble::Pod(place, _) => match needs {
            Needs::Top => false,
            Needs::Pod(needed) => needed == place,
            Needs::SomePod => true,
        },
    }
}
