//! Bounds of request bodies: their size, and how slowly they may come.

use std::any::Any;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
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
pub fn too_large() -> Fault {
    Fault::new(FaultKind::TooLarge, "Request is too large.").as_plain()
}

/// What is left of a body that was given up.
///
/// The server reads the rest of a chunked body that nobody holds any more, to use the
/// connection again, however long it is. While this is held until the answer is sent, it
/// closes the connection instead.
#[derive(Clone, Default)]
pub(crate) struct Unread(Rc<RefCell<Option<Box<dyn Any>>>>);

impl Unread {
    fn keep(&self, body: impl Any) {
        *self.0.borrow_mut() = Some(Box::new(body));
    }

    /// An answer's body that holds the rest of the request's, where there is one.
    pub(crate) fn held_by(self, body: BoxBody) -> BoxBody {
        if self.0.borrow().is_none() {
            return body;
        }
        BoxBody::new(Holding { body, _rest: self })
    }
}

struct Holding {
    body: BoxBody,
    _rest: Unread,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Refuses by the announced length, and puts a guard around bodies that come
/// without one, or slowly. What is given up of a body goes to `unread`.
pub(crate) fn bound(
    request: &mut ServiceRequest,
    max: usize,
    unread: &Unread,
) -> Result<(), Fault> {
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
                payload: Box::pin(guarded(payload, max, LONGEST_PAUSE, unread.clone())),
            });
        }
    }
    Ok(())
}

fn guarded<S>(
    body: S,
    max: usize,
    longest_pause: Duration,
    unread: Unread,
) -> impl Stream<Item = Result<Bytes, PayloadError>>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + 'static,
{
    let start = Some((Box::pin(body), 0_usize, unread));
    stream::unfold(start, move |state| async move {
        let (mut body, read, unread) = state?;
        match tokio::time::timeout(longest_pause, body.next()).await {
            Ok(None) => None,
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(Some(Ok(piece))) => {
                let read = read.saturating_add(piece.len());
                if read > max {
                    unread.keep(body);
                    Some((Err(PayloadError::Overflow), None))
                } else {
                    Some((Ok(piece), Some((body, read, unread))))
                }
            }
            Err(_elapsed) => {
                unread.keep(body);
                let stalled = std::io::Error::from(std::io::ErrorKind::TimedOut);
                Some((Err(PayloadError::Io(stalled)), None))
            }
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
        let all: Vec<_> = guarded(pieces(&[4, 4, 2]), 10, LONGEST_PAUSE, Unread::default())
            .collect()
            .await;
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(Result::is_ok));

        let unread = Unread::default();
        let cut: Vec<_> = guarded(pieces(&[4, 4, 3, 100]), 10, LONGEST_PAUSE, unread.clone())
            .collect()
            .await;
        assert_eq!(cut.len(), 3);
        assert!(matches!(cut.last(), Some(Err(PayloadError::Overflow))));
        assert!(unread.0.borrow().is_some(), "the rest is not let go");
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_given_up() {
        let stalled = pieces(&[4]).chain(stream::pending());
        let got: Vec<_> = guarded(stalled, 10, Duration::from_millis(5), Unread::default())
            .collect()
            .await;
        assert_eq!(got.len(), 2);
        assert!(matches!(got.last(), Some(Err(PayloadError::Io(_)))));
    }
}
