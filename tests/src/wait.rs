//! The one place where tests wait for something that nobody tells them about.
//!
//! What happens behind an HTTP API can only be asked for. [`until`] asks again and
//! again until there is an answer, with a deadline; nothing else in this package polls
//! or sleeps.

use std::time::Duration;

/// Between two questions: long enough to leave the CPU to those who are asked.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until the answer is [`Ok`], and fails the test with `what` and the last
/// [`Err`] when that takes longer than `limit`.
pub async fn until<T, F>(limit: Duration, what: &str, ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    match eventually(limit, ask).await {
        Ok(value) => value,
        Err(state) => panic!("{what}: not within {limit:?}; last: {state}"),
    }
}

/// The same for who has more to say than that it failed.
///
/// # Errors
/// The last [`Err`], when there is no [`Ok`] within `limit`.
pub async fn eventually<T, F>(limit: Duration, mut ask: impl FnMut() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, String>>,
{
    let deadline = tokio::time::Instant::now() + limit;
    let mut last = None;
    loop {
        // A question that hangs must not outlive the deadline either.
        match tokio::time::timeout_at(deadline, ask()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(state)) => last = Some(state),
            Err(_) => return Err(last.unwrap_or_else(|| "no answer at all".to_owned())),
        }
        // A question that waits for nothing is answered before its time can be over.
        if tokio::time::Instant::now() >= deadline {
            return Err(last.unwrap_or_default());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_that_waits_for_nothing_has_a_deadline_too() {
        let ask = || std::future::ready(Err::<(), _>("no".to_owned()));
        let limit = Duration::from_millis(120);
        assert_eq!(eventually(limit, ask).await, Err("no".to_owned()));
    }
}
