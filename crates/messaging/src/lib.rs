//! The wake-up bus of the job engine.
//!
//! The job table is the truth; a wake-up only saves a worker the wait until
//! its next poll. Everything here follows from that:
//!
//! - [`JobBus::wake`] never waits and never fails. An API request must not
//!   become slower, nor fail, because a broker is slow or gone. A wake-up that
//!   can not be delivered is counted and forgotten.
//! - A wake-up may be lost, repeated or late. Whoever receives one looks into
//!   the table. After a time in which wake-ups may have been lost the bus says
//!   [`Wake::LookAtAll`], so that nobody has to guess.
//! - A bus can be made while its broker is away, and finds it later.
//!
//! [`connect`] picks the implementation from the transport URL: [`AmqpBus`]
//! between processes, [`LocalBus`] within one. Both pass the same tests.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod amqp;
mod broker_url;
mod local;
mod session;
mod subscription;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use amqp::{AmqpBus, DEFAULT_QUEUE};
pub use broker_url::{BrokerUrls, UrlError};
pub use local::LocalBus;
pub use subscription::Subscription;

/// Why a worker should look into the job table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wake {
    /// This job is ready.
    Job {
        /// The id of its row.
        id: Uuid,
        /// Its kind, so that a worker that does not know it need not look.
        kind: String,
    },
    /// Wake-ups may have been lost; any job may be ready.
    LookAtAll,
}

impl Wake {
    /// The wake-up for one job.
    pub fn job(id: Uuid, kind: impl Into<String>) -> Self {
        Self::Job {
            id,
            kind: kind.into(),
        }
    }
}

/// Carries wake-ups from those who write jobs to those who run them.
#[async_trait]
pub trait JobBus: Send + Sync {
    /// Sends a wake-up on its way and returns at once. Call it after the
    /// transaction that wrote the job has been committed.
    fn wake(&self, wake: Wake);

    /// Receives the wake-ups from now on. Of several processes one gets each
    /// wake-up; of several subscriptions within a process all do.
    fn subscribe(&self) -> Subscription;

    /// Whether wake-ups can be delivered now; for health checks. A bus that is
    /// not connected slows jobs down and loses none.
    fn is_connected(&self) -> bool;

    /// Waits until [`Self::is_connected`] is what is asked for.
    async fn wait_connected(&self, connected: bool);

    /// Delivers what is on its way, as far as that is quickly possible, and
    /// leaves the broker in order. Afterwards `wake` does nothing.
    async fn close(&self);
}

/// Makes the bus that a `transport_url` asks for: none (or oslo.messaging's
/// `fake://`) means within this process. The URL is checked here; whether the
/// broker is there is not. Must be called within a tokio runtime.
pub fn connect(transport_url: &str) -> Result<Arc<dyn JobBus>, UrlError> {
    let url = transport_url.trim();
    if url.is_empty() || url.starts_with("fake:") {
        return Ok(Arc::new(LocalBus::new()));
    }
    let brokers = BrokerUrls::parse(url)?;
    Ok(Arc::new(AmqpBus::start(brokers, DEFAULT_QUEUE)))
}
