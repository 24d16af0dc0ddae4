//! The bus within one process: for the all-in-one program, for tests, and for
//! installations that let other processes find their jobs by polling.

use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::subscription::BACKLOG;
use crate::{JobBus, Subscription, Wake};

/// Wake-ups by a channel in memory.
#[derive(Debug)]
pub struct LocalBus {
    // `None` once closed: dropping the sender ends the subscriptions.
    sender: Mutex<Option<broadcast::Sender<Wake>>>,
}

impl LocalBus {
    /// A bus without subscribers.
    pub fn new() -> Self {
        Self {
            sender: Mutex::new(Some(broadcast::channel(BACKLOG).0)),
        }
    }

    fn sender(&self) -> Option<broadcast::Sender<Wake>> {
        // A poisoned lock holds a sender that is as good as before.
        match self.sender.lock() {
            Ok(sender) => sender.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl JobBus for LocalBus {
    fn wake(&self, wake: Wake) {
        if let Some(sender) = self.sender() {
            metrics::counter!("tricircle_bus_publishes_total").increment(1);
            // No subscriber: nobody in this process runs jobs.
            let _ = sender.send(wake);
        }
    }

    fn subscribe(&self) -> Subscription {
        match self.sender() {
            Some(sender) => Subscription::new(sender.subscribe()),
            None => Subscription::ended(),
        }
    }

    fn is_connected(&self) -> bool {
        self.sender().is_some()
    }

    async fn wait_connected(&self, connected: bool) {
        if self.is_connected() != connected {
            // A local bus never comes back, and closes only by its owner.
            std::future::pending::<()>().await;
        }
    }

    async fn close(&self) {
        match self.sender.lock() {
            Ok(mut sender) => drop(sender.take()),
            Err(poisoned) => drop(poisoned.into_inner().take()),
        }
    }
}
