//! The receiving end, the same for every bus.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::Wake;

/// How many wake-ups wait for a subscriber that is busy. More are not lost
/// silently: they become one [`Wake::LookAtAll`].
pub(crate) const BACKLOG: usize = 1024;

/// Wake-ups for one subscriber. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Wake>);

impl Subscription {
    pub(crate) fn new(receiver: broadcast::Receiver<Wake>) -> Self {
        Self(receiver)
    }

    /// The subscription to a bus that is closed: ends at once.
    pub(crate) fn ended() -> Self {
        Self(broadcast::channel(1).1)
    }

    /// The next wake-up; `None` when the bus is closed. Cancelling the call
    /// loses nothing.
    pub async fn next(&mut self) -> Option<Wake> {
        match self.0.recv().await {
            Ok(wake) => Some(wake),
            Err(RecvError::Lagged(_)) => Some(Wake::LookAtAll),
            Err(RecvError::Closed) => None,
        }
    }
}
