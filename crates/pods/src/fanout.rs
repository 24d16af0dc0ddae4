//! The same question to many pods.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::{PodEntry, PodError};

/// What one pod said.
#[derive(Debug)]
pub struct PodAnswer<T> {
    /// The pod.
    pub pod: Arc<PodEntry>,
    /// Its answer, or why there is none.
    pub result: Result<T, PodError>,
}

/// Asks all `pods` at once and returns when each has answered or its time is up:
/// the slowest decides, and none takes longer than `deadline`. Answers come in the
/// pods' order.
pub async fn fan_out<T, F, Fut>(
    pods: impl IntoIterator<Item = Arc<PodEntry>>,
    deadline: Duration,
    ask: F,
) -> Vec<PodAnswer<T>>
where
    F: Fn(Arc<PodEntry>) -> Fut,
    Fut: Future<Output = Result<T, PodError>>,
{
    let mut asked: FuturesUnordered<_> = pods
        .into_iter()
        .enumerate()
        .map(|(place, pod)| {
            let answer = ask(pod.clone());
            async move {
                let result = match tokio::time::timeout(deadline, answer).await {
                    Ok(result) => result,
                    Err(_) => Err(PodError::NoAnswer {
                        pod: pod.region().to_owned(),
                    }),
                };
                if let Err(error) = &result {
                    metrics::counter!(
                        "tricircle_fan_out_failures_total", "pod" => pod.region().to_owned()
                    )
                    .increment(1);
                    match error {
                        // Said once, when it went down.
                        PodError::Down { .. } => {
                            tracing::debug!(pod.name = pod.region(), %error, "a pod is left out");
                        }
                        _ => tracing::warn!(
                            pod.name = pod.region(), %error, "a pod is left out of an answer"
                        ),
                    }
                }
                (place, PodAnswer { pod, result })
            }
        })
        .collect();
    let mut answers = Vec::with_capacity(asked.len());
    while let Some(answer) = asked.next().await {
        answers.push(answer);
    }
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
