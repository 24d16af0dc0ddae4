//! What the end of a run means for its job: one pure function.

use std::time::Duration;

use tricircle_db::models::JobOutcome;

use crate::JobError;

/// The longest pause that a pod's `Retry-After` is granted.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// What is known when a run ends.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// Whether the run was taking back what earlier ones did.
    pub undoing: bool,
    /// Whether the kind can take things back.
    pub has_undo: bool,
    /// Whether the job's time is over ([`crate::JobKind::give_up_after`]).
    pub given_up: bool,
    /// Failed runs before this one.
    pub attempts: u32,
    /// Pause after the first failure.
    pub retry_base: Duration,
    /// Longest pause.
    pub retry_max: Duration,
    /// A random number between 0 and 1, so that jobs which failed together do not
    /// come back together.
    pub jitter: f64,
}

/// What to do with the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Write this end of the run.
    Settle(JobOutcome),
    /// Turn around for this reason and undo, in the same run.
    TurnBack(String),
    /// Leave the row alone: it is somebody else's.
    LetGo,
}

/// Decides.
pub fn verdict(end: &Result<(), JobError>, at: &Circumstances) -> Verdict {
    use JobOutcome::{Cancelled, Done, Failed, Retry, Stuck, Undone, Waiting};
    let settle = Verdict::Settle;
    let error = match end {
        Ok(()) | Err(JobError::Gone(_)) => {
            return settle(if at.undoing { Undone } else { Done });
        }
        Err(JobError::LeaseLost) => return Verdict::LetGo,
        Err(error) => error,
    };
    let text = error.to_string();
    match error {
        JobError::Cancelled if at.has_undo && !at.undoing => Verdict::TurnBack(text),
        JobError::Cancelled => settle(Cancelled),
        JobError::Permanent(_) if at.undoing => settle(Stuck(text)),
        JobError::Permanent(_) if at.has_undo => Verdict::TurnBack(text),
        JobError::Permanent(_) => settle(Failed(text)),
        // Undoing has no end but success or a human.
        _ if at.given_up && !at.undoing && at.has_undo => Verdict::TurnBack(text),
        _ if at.given_up && !at.undoing => settle(Failed(text)),
        JobError::PodDown { pod_id, .. } => settle(Waiting {
            pod_id: pod_id.clone(),
            at_most: at.retry_max,
            error: text,
        }),
        JobError::Transient { retry_after, .. } => {
            let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
            settle(Retry(pause(at).max(asked), text))
        }
        JobError::Gone(_) | JobError::LeaseLost => Verdict::LetGo,
    }
}

/// The pause before the next try: doubled with each failure up to the longest, of
/// which a random part between a half and all is taken.
fn pause(at: &Circumstances) -> Duration {
    let doubled = at
        .retry_base
        .saturating_mul(2u32.saturating_pow(at.attempts))
        .min(at.retry_max);
    doubled.mul_f64(0.5 + at.jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at() -> Circumstances {
        Circumstances {
            undoing: false,
            has_undo: false,
            given_up: false,
            attempts: 0,
            retry_base: SECOND,
            retry_max: SECOND * 10,
            jitter: 1.0,
        }
    }

    fn settled(outcome: JobOutcome) -> Verdict {
        Verdict::Settle(outcome)
    }

    #[test]
    fn each_end_has_its_verdict() {
        let forward = at();
        let steps = Circumstances {
            has_undo: true,
            ..at()
        };
        let back = Circumstances {
            undoing: true,
            ..steps
        };
        let late = |circumstances| Circumstances {
            given_up: true,
            ..circumstances
        };
        let why = || "why".to_owned();
        let permanent = || Err(JobError::permanent("why"));
        let transient = || Err(JobError::transient("why"));
        let down = || Err(JobError::pod_down("p", "why"));
        let waiting = || {
            settled(JobOutcome::Waiting {
                pod_id: "p".to_owned(),
                at_most: SECOND * 10,
                error: why(),
            })
        };
        let cancelled = || "the job was cancelled".to_owned();
        let table = [
            (Ok(()), forward, settled(JobOutcome::Done)),
            (Ok(()), back, settled(JobOutcome::Undone)),
            (
                Err(JobError::gone("why")),
                forward,
                settled(JobOutcome::Done),
            ),
            (
                Err(JobError::gone("why")),
                back,
                settled(JobOutcome::Undone),
            ),
            (permanent(), forward, settled(JobOutcome::Failed(why()))),
            (permanent(), steps, Verdict::TurnBack(why())),
            (permanent(), back, settled(JobOutcome::Stuck(why()))),
            (
                transient(),
                forward,
                settled(JobOutcome::Retry(SECOND, why())),
            ),
            (
                transient(),
                late(forward),
                settled(JobOutcome::Failed(why())),
            ),
            (transient(), late(steps), Verdict::TurnBack(why())),
            (
                transient(),
                late(back),
                settled(JobOutcome::Retry(SECOND, why())),
            ),
            (down(), forward, waiting()),
            (down(), late(back), waiting()),
            (down(), late(steps), Verdict::TurnBack(why())),
            (
                Err(JobError::Cancelled),
                forward,
                settled(JobOutcome::Cancelled),
            ),
            (
                Err(JobError::Cancelled),
                steps,
                Verdict::TurnBack(cancelled()),
            ),
            (Err(JobError::LeaseLost), forward, Verdict::LetGo),
            (Err(JobError::LeaseLost), back, Verdict::LetGo),
        ];
        for (end, circumstances, expected) in table {
            let found = verdict(&end, &circumstances);
            assert_eq!(found, expected, "{end:?} at {circumstances:?}");
        }
    }

    #[test]
    fn pauses_grow_to_a_limit_and_never_vanish() {
        let pauses: Vec<_> = [0, 1, 2, 3, 4, 200]
            .map(|attempts| pause(&Circumstances { attempts, ..at() }).as_secs())
            .into();
        assert_eq!(pauses, [1, 2, 4, 8, 10, 10]);
        let least = pause(&Circumstances {
            jitter: 0.0,
            ..at()
        });
        assert_eq!(least, SECOND / 2);
    }

    #[test]
    fn a_pod_that_asks_for_a_longer_pause_gets_it_within_reason() {
        for (asked, given) in [(0, 1), (30, 30), (1_000_000, 3_600)] {
            let end = Err(JobError::Transient {
                message: String::new(),
                retry_after: Some(SECOND * asked),
            });
            let wanted = settled(JobOutcome::Retry(SECOND * given, String::new()));
            assert_eq!(verdict(&end, &at()), wanted);
        }
    }
}
