//! Work that is not cut in half by a client that goes away.

use tracing::Instrument;
use tricircle_api::{Fault, chain};

/// Runs to its end even when the request's own future is dropped, and logs under the
/// request's id all the same.
pub async fn detached<T: 'static>(
    work: impl Future<Output = Result<T, Fault>> + 'static,
) -> Result<T, Fault> {
    actix_web::rt::spawn(work.in_current_span())
        .await
        .map_err(|error| Fault::internal(chain(&error)))?
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[actix_web::test]
    async fn the_work_goes_on_without_its_request_and_in_its_span() {
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
        let span = tracing::info_span!("request", req.id = "req-1");
        let (id, seen) = (span.id(), Rc::new(Cell::new(None)));
        assert!(id.is_some());
        let (begin, begun) = tokio::sync::oneshot::channel::<()>();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let work = {
            let seen = Rc::clone(&seen);
            async move {
                begun.await.unwrap();
                seen.set(tracing::Span::current().id());
                end.send(()).unwrap();
                Ok(())
            }
        };
        {
            let mut request = Box::pin(detached(work).instrument(span));
            let first = std::future::poll_fn(|context| {
                std::task::Poll::Ready(request.as_mut().poll(context).is_pending())
            });
            assert!(first.await, "it waits");
        }
        begin.send(()).unwrap();
        ended.await.unwrap();
        assert_eq!(seen.take(), id);
    }
}
