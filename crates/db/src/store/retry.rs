//! When an operation is run once more, and how long it may take.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::Instant;

use super::ATTEMPTS;
use crate::DbError;

/// What an operation does to the database, which decides what its failure leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)] // They are the words of the tables in `store/`.
pub(super) enum Effect {
    /// Nothing.
    read,
    /// All of it with one commit, which is the last thing sent.
    transaction,
    /// Statements that take effect one by one.
    write,
}

/// The runs of one operation.
pub(super) struct Retry {
    effect: Effect,
    patience: Duration,
    deadline: Instant,
    attempt: u32,
    lost: bool,
}

impl Retry {
    pub(super) fn new(effect: Effect, patience: Duration) -> Self {
        Self {
            effect,
            patience,
            deadline: Instant::now() + patience,
            attempt: 1,
            lost: false,
        }
    }

    /// Gives up on a database that takes too long. What was begun is rolled back with its
    /// connection; a commit that was sent may yet happen.
    pub(super) async fn within_time<T>(
        &self,
        operation: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        match tokio::time::timeout_at(self.deadline, operation).await {
            Ok(result) => result,
            Err(_) => {
                let why = format!("no answer within {:?}", self.patience);
                Err(match self.effect {
                    Effect::read => DbError::Unavailable(why),
                    Effect::transaction | Effect::write => DbError::Unknown(why),
                })
            }
        }
    }

    /// Whether the operation is to be run once more; if so, after a pause.
    pub(super) async fn again<T>(
        &mut self,
        result: Result<T, DbError>,
    ) -> ControlFlow<Result<T, DbError>> {
        let Err(error) = result else {
            return ControlFlow::Break(result);
        };
        let pause = match self.pause(&error) {
            Some(pause) if Instant::now() + pause < self.deadline => pause,
            _ => return ControlFlow::Break(Err(error)),
        };
        metrics::counter!("tricircle_db_retries_total").increment(1);
        tokio::time::sleep(pause).await;
        self.attempt += 1;
        ControlFlow::Continue(())
    }

    fn pause(&mut self, error: &DbError) -> Option<Duration> {
        match error {
            // Rolled back: random pauses, so that those who met do not meet again.
            DbError::Busy(_) if self.attempt < ATTEMPTS => {
                let most = 5 * 2_u32.pow(self.attempt);
                Some(Duration::from_millis(rand::random_range(1..=most).into()))
            }
            // A dead connection says nothing about the next one. Once: when that is dead
            // too, the database is away.
            DbError::Unavailable(_) if !self.lost && self.effect != Effect::write => {
                self.lost = true;
                Some(Duration::ZERO)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_left_no_trace_is_run_again_and_nothing_else() {
        let busy = || DbError::Busy(String::new());
        let away = || DbError::Unavailable(String::new());
        let unknown = || DbError::Unknown(String::new());
        for (effect, error, runs) in [
            (Effect::read, away(), 2),
            (Effect::transaction, away(), 2),
            (Effect::write, away(), 1),
            (Effect::write, busy(), ATTEMPTS),
            (Effect::read, busy(), ATTEMPTS),
            (Effect::transaction, unknown(), 1),
            (Effect::read, DbError::Stale("row"), 1),
        ] {
            let mut retry = Retry::new(effect, Duration::from_secs(5));
            let mut found = 1;
            let again = || match &error {
                DbError::Busy(_) => busy(),
                DbError::Unavailable(_) => away(),
                DbError::Unknown(_) => unknown(),
                _ => DbError::Stale("row"),
            };
            while retry.again::<()>(Err(again())).await.is_continue() {
                found += 1;
            }
            assert_eq!(found, runs, "{effect:?} {error}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_not_waited_for() {
        for (effect, unknown) in [(Effect::read, false), (Effect::transaction, true)] {
            let retry = Retry::new(effect, Duration::from_millis(10));
            let hangs = std::future::pending::<Result<(), DbError>>();
            let error = retry.within_time(hangs).await.unwrap_err();
            assert_eq!(matches!(error, DbError::Unknown(_)), unknown, "{error}");
        }
    }

    #[tokio::test]
    async fn nothing_is_run_again_when_the_time_is_over() {
        let mut retry = Retry::new(Effect::read, Duration::ZERO);
        let away = Err::<(), _>(DbError::Unavailable(String::new()));
        assert!(retry.again(away).await.is_break());
    }
}
