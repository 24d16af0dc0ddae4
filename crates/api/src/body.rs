//! Bounds of request bodies: their size, and how slowly they may come.

use std::time::Duration;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use crate::{Fault, FaultKind};

/// The longest pause between two pieces of a body.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The answer to a body that is too large.
pub(crate) fn too_large() -> Fault {
    Fault::new(FaultKind::TooLarge, "Request is too large.").as_plain()
}

/// Refuses by the announced length, and puts a guard around bodies that come
/// without one, or slowly.
pub(crate) fn bound(request: &mut ServiceRequest, max: usize) -> Result<(), Fault> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let may_have_body = !matches!(*request.method(), Method::GET | Method::HEAD);
    if announced.is_some_and(|length| length > 0)
        || chunked
        || (announced.is_none() && may_have_body)
    {
        let payload = request.extract::<actix_web::web::Payload>();
        // The extractor is ready at once: it only moves the stream out.
        if let Some(Ok(payload)) = futures_util::FutureExt::now_or_never(payload) {
            request.set_payload(Payload::Stream {
                payload: Box::pin(guarded(payload, max, LONGEST_PAUSE)),
            });
        }
    }
    Ok(())
}

fn guarded<S>(
    body: S,
    max: usize,
    longest_pause: Duration,
) -> impl Stream<Item = Result<Bytes, PayloadError>>
where
    S: Stream<Item = Result<Bytes, PayloadError>>,
{
    stream::unfold(Some((Box::pin(body), 0_usize)), move |state| async move {
        let (mut body, read) = state?;
        match tokio::time::timeout(longest_pause, body.next()).await {
            Ok(None) => None,
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(Some(Ok(piece))) => {
                let read = read.saturating_add(piece.len());
                if read > max {
                    Some((Err(PayloadError::Overflow), None))
                } else {
                    Some((Ok(piece), Some((body, read))))
                }
            }
            Err(_elapsed) => Some((
                Err(PayloadError::Io(std::io::Error::from(
                    std::io::ErrorKind::TimedOut,
                ))),
                None,
            )),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(sizes: &[usize]) -> impl Stream<Item = Result<Bytes, PayloadError>> + use<> {
        let sizes = sizes.to_vec();
        stream::iter(sizes.into_iter().map(|n| Ok(Bytes::from(vec![b'x'; n]))))
    }

    #[tokio::test]
    async fn a_body_is_cut_at_the_bound_whatever_was_announced() {
        let all: Vec<_> = guarded(pieces(&[4, 4, 2]), 10, LONGEST_PAUSE)
            .collect()
            .await;
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(Result::is_ok));

        let cut: Vec<_> = guarded(pieces(&[4, 4, 3, 100]), 10, LONGEST_PAUSE)
            .collect()
            .await;
        assert_eq!(cut.len(), 3);
        assert!(matches!(cut.last(), Some(Err(PayloadError::Overflow))));
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_given_up() {
        let stalled = pieces(&[4]).chain(stream::pending());
        let got: Vec<_> = guarded(stalled, 10, Duration::from_millis(5))
            .collect()
            .await;
        assert_eq!(got.len(), 2);
        assert!(matches!(got.last(), Some(Err(PayloadError::Io(_)))));
    }
}
