//! What follows when a pod did not take a create: the answer, or the next pod.
//!
//! Pure. A try is an intent of its own, so whatever is left of one is healed as any
//! unfinished create is; here is only decided whether another one is worth it, and which
//! of several refusals the user is told.

use tricircle_pods::PodError;

/// How a try in a pod ended that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Any pod would say the same.
    Request,
    /// This pod has nothing of it; another one may take it.
    Here(Weight),
    /// The pod answered, and its answer does not say whether it has it.
    Unclear,
    /// No answer: nobody knows, and the pod may still be at work on it.
    Silent,
}

/// How much a refusal tells. Of several the user is told the weightiest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The pod is away or unwell.
    Away,
    /// Something the create needs exists in one pod only, and this is another.
    Elsewhere,
    /// The pod refused for a reason of its own.
    Refused,
    /// The project has no room there.
    Quota,
    /// What the pod has stands in the way.
    Conflict,
}

/// What else counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// A pod that fits has not been tried.
    pub pods_left: bool,
    /// The request has time for another try.
    pub time_left: bool,
    /// The try holds what there is only one of, as a port or an address that the user
    /// named: another one can have it only when this one has let it go.
    pub holds: bool,
}

/// What is done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The try is left to its job, and the user is told that nobody knows.
    Leave,
    /// The try is undone and the user is told.
    Undo,
    /// The try is undone and the next pod asked.
    UndoAndGoOn,
    /// The try is left to its job, which removes what it finds, and the next pod asked.
    AbandonAndGoOn,
}

impl Ended {
    /// Read from the answer to the create itself.
    pub fn of_create(error: &PodError) -> Self {
        match error {
            PodError::NoAnswer { .. } | PodError::Malformed { .. } => Self::Silent,
            // A proxy ran out of patience: what is behind it goes on.
            PodError::Status { code: 504, .. } => Self::Silent,
            PodError::Status { code: 501, .. } => Self::Here(Weight::Refused),
            PodError::Status { code, .. } if *code >= 500 => Self::Unclear,
            PodError::Status { code: 400, .. } => Self::Request,
            PodError::Status { code, message, .. } => match of_refusal(*code, message) {
                // Its policy forbids it, and pods are run alike.
                Weight::Refused if *code == 403 => Self::Request,
                weight => Self::Here(weight),
            },
            _ => Self::Here(Weight::Away),
        }
    }

    /// Read from the answer to a call that prepares the create and that is harmless, or
    /// is undone with it.
    pub fn of_preparation(error: &PodError) -> Self {
        match error {
            PodError::Status { code, message, .. } if *code < 500 => {
                Self::Here(of_refusal(*code, message))
            }
            _ => Self::Here(Weight::Away),
        }
    }

    /// What is done after a try that ended so.
    pub fn next(self, around: Around) -> Next {
        let another = around.pods_left && around.time_left;
        match self {
            Self::Request => Next::Undo,
            Self::Here(_) if another => Next::UndoAndGoOn,
            Self::Here(_) => Next::Undo,
            Self::Unclear if another && !around.holds => Next::AbandonAndGoOn,
            Self::Unclear | Self::Silent => Next::Leave,
        }
    }
}

fn of_refusal(code: u16, message: &str) -> Weight {
    match code {
        401 | 429 => Weight::Away,
        403 | 409 | 413 if speaks_of_a_limit(message) => Weight::Quota,
        409 => Weight::Conflict,
        _ => Weight::Refused,
    }
}

/// Nova, Neutron and Cinder have no code of their own for a quota, and each its words:
/// "Quota exceeded for cores", "Maximum number of ports exceeded", "is over a limit for",
/// "exceeds allowed gigabytes quota".
fn speaks_of_a_limit(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["quota", "exceed", "over a limit", "over limit", "overlimit"]
        .iter()
        .any(|word| message.contains(word))
}

/// The refusal that a user is told, of those that were collected: the first of the
/// weightiest.
pub fn most_telling<T>(refusals: Vec<(Weight, T)>) -> Option<T> {
    let heaviest = refusals.iter().map(|(weight, _)| *weight).max()?;
    let mut all = refusals.into_iter();
    let told = all.find(|(weight, _)| *weight == heaviest);
    told.map(|(_, refusal)| refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn status(code: u16, message: &str) -> PodError {
        PodError::Status {
            pod: "Pod1".to_owned(),
            code,
            message: message.to_owned(),
            fault: String::new(),
            body: Value::Null,
            retry_after: None,
        }
    }

    fn pod() -> String {
        "Pod1".to_owned()
    }

    #[test]
    fn answers_are_read() {
        use Ended::{Here, Request, Silent, Unclear};
        use Weight::{Away, Conflict, Quota, Refused};
        let why = String::new();
        let service = "compute";
        for (error, create, preparation) in [
            (PodError::NoAnswer { pod: pod() }, Silent, Here(Away)),
            (PodError::Malformed { pod: pod(), why }, Silent, Here(Away)),
            (PodError::Busy { pod: pod() }, Here(Away), Here(Away)),
            (PodError::Unknown(pod()), Here(Away), Here(Away)),
            (
                PodError::Down {
                    pod: pod(),
                    service,
                },
                Here(Away),
                Here(Away),
            ),
            (
                PodError::NoEndpoint {
                    pod: pod(),
                    service,
                },
                Here(Away),
                Here(Away),
            ),
            (status(500, ""), Unclear, Here(Away)),
            (status(501, ""), Here(Refused), Here(Away)),
            (status(502, ""), Unclear, Here(Away)),
            (status(503, ""), Unclear, Here(Away)),
            (status(504, ""), Silent, Here(Away)),
            (status(400, "no such image"), Request, Here(Refused)),
            (status(401, ""), Here(Away), Here(Away)),
            (
                status(403, "Quota exceeded for cores: Requested 1"),
                Here(Quota),
                Here(Quota),
            ),
            (
                status(403, "Maximum number of ports exceeded"),
                Here(Quota),
                Here(Quota),
            ),
            (
                status(
                    413,
                    "VolumeLimitExceeded: Maximum number of volumes allowed",
                ),
                Here(Quota),
                Here(Quota),
            ),
            (
                status(403, "Policy doesn't allow it to be performed."),
                Request,
                Here(Refused),
            ),
            (status(404, ""), Here(Refused), Here(Refused)),
            (status(406, ""), Here(Refused), Here(Refused)),
            (status(409, "in use"), Here(Conflict), Here(Conflict)),
            (
                status(409, "Quota exceeded for resources: ['port']."),
                Here(Quota),
                Here(Quota),
            ),
            (status(429, ""), Here(Away), Here(Away)),
        ] {
            assert_eq!(Ended::of_create(&error), create, "{error}");
            assert_eq!(Ended::of_preparation(&error), preparation, "{error}");
        }
    }

    #[test]
    fn another_pod_is_tried_where_that_can_help() {
        use Next::{AbandonAndGoOn, Leave, Undo, UndoAndGoOn};
        let here = Ended::Here(Weight::Quota);
        // (pods left, time left, holds) and what follows each end of a try.
        for ((pods_left, time_left, holds), of_here, of_unclear) in [
            ((true, true, false), UndoAndGoOn, AbandonAndGoOn),
            ((true, true, true), UndoAndGoOn, Leave),
            ((false, true, false), Undo, Leave),
            ((true, false, false), Undo, Leave),
            ((false, false, true), Undo, Leave),
        ] {
            let around = Around {
                pods_left,
                time_left,
                holds,
            };
            assert_eq!(here.next(around), of_here, "{around:?}");
            assert_eq!(Ended::Unclear.next(around), of_unclear, "{around:?}");
            assert_eq!(Ended::Silent.next(around), Leave, "{around:?}");
            assert_eq!(Ended::Request.next(around), Undo, "{around:?}");
        }
    }

    #[test]
    fn the_first_of_the_weightiest_is_told() {
        use Weight::{Away, Conflict, Elsewhere, Quota, Refused};
        for (refusals, told) in [
            (vec![], None),
            (vec![(Away, "a"), (Away, "b")], Some("a")),
            (vec![(Elsewhere, "a"), (Away, "b")], Some("a")),
            (vec![(Refused, "a"), (Quota, "b"), (Away, "c")], Some("b")),
            (vec![(Conflict, "a"), (Conflict, "b")], Some("a")),
            (vec![(Quota, "a"), (Conflict, "b")], Some("b")),
        ] {
            assert_eq!(most_telling(refusals), told);
        }
    }
}
