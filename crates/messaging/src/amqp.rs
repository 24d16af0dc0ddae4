//! The bus over RabbitMQ.
//!
//! One task per bus owns the connection, and connects again for ever. lapin
//! could do that by itself, but only to the one broker it was given, and not
//! for a channel that the broker closed; going through the brokers of the
//! cluster in turn with a fresh channel each time covers both, and there is no
//! state worth replaying. Publishers hand their wake-up to that task through a
//! bounded queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::broker_url::{BrokerUrls, address};
use crate::session::{Ended, Session};
use crate::subscription::BACKLOG;
use crate::{JobBus, Subscription, Wake};

/// The queue of a deployment. Deployments that share a broker differ in vhost.
pub const DEFAULT_QUEUE: &str = "tricircle.jobs";

/// The first wait before the next try to connect; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long closing may take before the connection is just dropped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the task and the handle share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Whether there are subscribers, so that the task consumes.
    pub wanted: watch::Sender<bool>,
    /// Whether the session stands.
    pub connected: watch::Sender<bool>,
    /// Whether wake-ups were lost since the last [`Wake::LookAtAll`] was sent.
    pub lost: Arc<AtomicBool>,
    /// Ends the task.
    pub stop: CancellationToken,
}

impl Shared {
    /// Counts a wake-up that will not arrive.
    pub fn lose(&self, reason: &'static str) {
        self.lost.store(true, Ordering::Relaxed);
        metrics::counter!("tricircle_bus_publish_failures_total", "reason" => reason).increment(1);
    }
}

/// Wake-ups through a queue in RabbitMQ.
pub struct AmqpBus {
    outbox: mpsc::Sender<Wake>,
    shared: Shared,
    // The task has the strong one: subscriptions end with it.
    arrivals: broadcast::WeakSender<Wake>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    _stop_on_drop: DropGuard,
}

impl AmqpBus {
    /// Starts the bus in the background and returns at once, whether a broker
    /// is there or not. Must be called within a tokio runtime.
    pub fn start(brokers: BrokerUrls, queue: &str) -> Self {
        let (outbox, to_send) = mpsc::channel(BACKLOG);
        let stop = CancellationToken::new();
        let arrivals = broadcast::channel(BACKLOG).0;
        let weak_arrivals = arrivals.downgrade();
        let shared = Shared {
            wanted: watch::channel(false).0,
            connected: watch::channel(false).0,
            lost: Arc::default(),
            stop: stop.clone(),
        };
        let task = Task {
            brokers,
            queue: queue.to_owned(),
            outbox: to_send,
            arrivals,
            shared: shared.clone(),
        };
        let task = tokio::spawn(task.run());
        Self {
            outbox,
            shared,
            arrivals: weak_arrivals,
            task: tokio::sync::Mutex::new(Some(task)),
            _stop_on_drop: stop.drop_guard(),
        }
    }
}

#[async_trait]
impl JobBus for AmqpBus {
    fn wake(&self, wake: Wake) {
        if self.outbox.try_send(wake).is_err() {
            self.shared.lose("backlog");
        }
    }

    fn subscribe(&self) -> Subscription {
        let Some(arrivals) = self.arrivals.upgrade() else {
            return Subscription::ended();
        };
        let subscription = Subscription::new(arrivals.subscribe());
        self.shared.wanted.send_replace(true);
        subscription
    }

    fn is_connected(&self) -> bool {
        *self.shared.connected.borrow()
    }

    async fn wait_connected(&self, connected: bool) {
        let mut changes = self.shared.connected.subscribe();
        // The sender lives in self: this can not fail.
        let _ = changes.wait_for(|now| *now == connected).await;
    }

    async fn close(&self) {
        self.shared.stop.cancel();
        if let Some(task) = self.task.lock().await.take() {
            let _ = timeout(CLOSE_TIMEOUT, task).await;
        }
    }
}

/// The task behind a bus.
struct Task {
    brokers: BrokerUrls,
    queue: String,
    outbox: mpsc::Receiver<Wake>,
    arrivals: broadcast::Sender<Wake>,
    shared: Shared,
}

impl Task {
    /// Connects, serves, and again, through the brokers in turn.
    async fn run(mut self) {
        let stop = self.shared.stop.clone();
        let mut wait = FIRST_WAIT;
        for uri in self.brokers.in_turn() {
            let broker = address(&uri);
            let queue = self.queue.clone();
            let opened = tokio::select! {
                opened = Session::open(uri, &queue) => opened,
                () = self.forget() => return,
                () = stop.cancelled() => return,
            };
            match opened {
                Ok(session) => {
                    wait = FIRST_WAIT;
                    tracing::info!(%broker, queue, "connected to the message broker");
                    match self.serve(session).await {
                        Ended::Stopped => return,
                        Ended::Failed(reason) => {
                            tracing::warn!(%broker, %reason, "lost the message broker; jobs are found by polling");
                        }
                    }
                }
                Err(reason) => {
                    tracing::warn!(%broker, %reason, "cannot connect to the message broker; jobs are found by polling");
                }
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = self.forget() => return,
                () = stop.cancelled() => return,
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn serve(&mut self, session: Session) -> Ended {
        metrics::counter!("tricircle_bus_connects_total").increment(1);
        metrics::gauge!("tricircle_bus_connected").set(1.0);
        self.shared.connected.send_replace(true);
        // Others may have had nobody to send to.
        let _ = self.arrivals.send(Wake::LookAtAll);
        let ended = session
            .serve(&mut self.outbox, &self.arrivals, &self.shared)
            .await;
        self.shared.connected.send_replace(false);
        metrics::gauge!("tricircle_bus_connected").set(0.0);
        ended
    }

    /// Takes wake-ups that can not be sent, so that the backlog stays free for
    /// those that can. Returns when the bus is gone.
    async fn forget(&mut self) {
        while self.outbox.recv().await.is_some() {
            self.shared.lose("disconnected");
        }
    }
}
