//! An operation on SQLite that was begun is brought to its end, even when nobody
//! waits for it any more.
//!
//! A request's future is dropped when its client goes away, a job's when its lease is
//! lost. diesel-async runs each statement on another thread and, when it is dropped in
//! the middle of one, waits for that thread in a way that panics on a single-threaded
//! runtime, which an actix worker is. So the remaining statements, some milliseconds of
//! work, are run here instead, on the thread that drops: the operation happens as a
//! whole, and the connection goes back to the pool clean.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use tokio::task::coop::{Unconstrained, unconstrained};

/// Awaits an operation, and brings it to its end when dropped.
pub(crate) struct Finish<F: Future> {
    // Without tokio's budget: it is not renewed while a destructor runs.
    operation: Pin<Box<Unconstrained<F>>>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    New,
    Begun,
    Ended,
}

/// The operation is finished once it is begun.
pub(crate) fn finish<F: Future>(operation: F) -> Finish<F> {
    Finish {
        operation: Box::pin(unconstrained(operation)),
        state: State::New,
    }
}

impl<F: Future> Future for Finish<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.state = State::Begun;
        let poll = self.operation.as_mut().poll(context);
        if poll.is_ready() {
            self.state = State::Ended;
        }
        poll
    }
}

impl<F: Future> Drop for Finish<F> {
    fn drop(&mut self) {
        if self.state != State::Begun {
            return;
        }
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        while self.operation.as_mut().poll(&mut context).is_pending() {
            std::thread::park();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_was_begun_is_finished_and_what_was_not_is_not() {
        for begun in [true, false] {
            let done = AtomicBool::new(false);
            let mut operation = Box::pin(finish(async {
                let thread = tokio::task::spawn_blocking(|| 7);
                done.store(thread.await.is_ok_and(|n| n == 7), Ordering::SeqCst);
            }));
            if begun {
                let first = std::future::poll_fn(|cx| Poll::Ready(operation.as_mut().poll(cx)));
                let _ = first.await;
            }
            drop(operation);
            assert_eq!(done.load(Ordering::SeqCst), begun);
        }
    }
}
