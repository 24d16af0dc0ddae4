//! One connection to one broker, from handshake to its end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, Event,
    PublisherConfirm,
};
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;

use crate::Wake;
use crate::amqp::Shared;

/// How long the handshake and the declarations may take altogether.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the broker may take to confirm a wake-up. lapin would wait for as
/// long as a dead broker stays away.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(1);
/// Wake-ups that are published before the first confirmation is awaited.
const BATCH: usize = 64;
/// Wake-ups the broker hands out before the first is acknowledged.
const PREFETCH: u16 = 32;
/// A wake-up that was returned this often is dropped by the broker; whatever is
/// wrong with it, polling finds the job.
const DELIVERY_LIMIT: i32 = 20;
/// With nobody consuming, older wake-ups give way: one poll is worth them all.
const LONGEST_QUEUE: i32 = 10_000;

/// Why a session is over.
pub(crate) enum Ended {
    /// The bus was closed or dropped.
    Stopped,
    /// The connection is of no more use.
    Failed(String),
}

/// A connection with a channel to publish and one to consume: a consumer that
/// the broker takes offence at must not cost the publishers their channel.
pub(crate) struct Session {
    connection: Connection,
    publishing: Channel,
    queue: String,
}

impl Session {
    /// Connects and makes sure that the queue exists.
    pub async fn open(uri: AMQPUri, queue: &str) -> Result<Self, String> {
        match timeout(OPEN_TIMEOUT, Self::try_open(uri, queue)).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    async fn try_open(uri: AMQPUri, queue: &str) -> lapin::Result<Self> {
        let properties = ConnectionProperties::default().with_connection_name("tricircle".into());
        let connection = Connection::connect_uri(uri, properties).await?;
        declare(&connection, queue).await?;
        let publishing = connection.create_channel().await?;
        publishing
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(Self {
            connection,
            publishing,
            queue: queue.to_owned(),
        })
    }

    /// Publishes and consumes until the connection or the bus ends.
    pub async fn serve(
        self,
        outbox: &mut mpsc::Receiver<Wake>,
        arrivals: &broadcast::Sender<Wake>,
        shared: &Shared,
    ) -> Ended {
        let mut events = Box::pin(self.connection.events_listener());
        let mut wanted = shared.wanted.subscribe();
        let mut consumer: Option<Consumer> = None;
        let mut batch = Vec::with_capacity(BATCH);
        let ended = loop {
            // One look at all makes up for whatever was lost before.
            if shared.lost.swap(false, Ordering::Relaxed)
                && let Err(reason) = self.publish(&[Wake::LookAtAll], shared).await
            {
                break Ended::Failed(reason);
            }
            if consumer.is_none() && *wanted.borrow_and_update() {
                match self.consume().await {
                    Ok(started) => consumer = Some(started),
                    Err(reason) => break Ended::Failed(reason),
                }
            }
            tokio::select! {
                () = shared.stop.cancelled() => break Ended::Stopped,
                count = outbox.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break Ended::Stopped;
                    }
                    let published = self.publish(&batch, shared).await;
                    batch.clear();
                    if let Err(reason) = published {
                        break Ended::Failed(reason);
                    }
                }
                delivery = next(&mut consumer) => match delivery {
                    Ok(delivery) => if let Err(reason) = hand_over(delivery, arrivals).await {
                        break Ended::Failed(reason);
                    } else if arrivals.receiver_count() == 0 {
                        // Dropping the consumer leaves the rest to others.
                        shared.wanted.send_replace(false);
                        // Somebody may have come between the two.
                        shared.wanted.send_if_modified(|wanted| {
                            *wanted = arrivals.receiver_count() > 0;
                            *wanted
                        });
                        consumer = None;
                    },
                    Err(reason) => break Ended::Failed(reason),
                },
                event = events.next() => match event {
                    Some(Event::Error(error)) => break Ended::Failed(error.to_string()),
                    None => break Ended::Failed("the connection is gone".to_owned()),
                    Some(_) => {}
                },
                changed = wanted.changed() => if changed.is_err() {
                    break Ended::Stopped;
                },
            }
        };
        if matches!(ended, Ended::Stopped) {
            self.finish(outbox, shared).await;
        }
        ended
    }

    /// Sends what was handed in before the end and says goodbye.
    async fn finish(self, outbox: &mut mpsc::Receiver<Wake>, shared: &Shared) {
        let rest: Vec<Wake> = std::iter::from_fn(|| outbox.try_recv().ok()).collect();
        for batch in rest.chunks(BATCH) {
            if self.publish(batch, shared).await.is_err() {
                break;
            }
        }
        let _ = timeout(CONFIRM_TIMEOUT, self.connection.close(200, "closed".into())).await;
    }

    /// Hands wake-ups to the broker and waits for its word on all of them
    /// together. An error means that the session is of no more use; a broker
    /// that refuses single messages is only counted.
    async fn publish(&self, wakes: &[Wake], shared: &Shared) -> Result<(), String> {
        let sending = async {
            let mut unconfirmed = Vec::with_capacity(wakes.len());
            for wake in wakes {
                unconfirmed.push(self.send(wake).await?);
            }
            let mut confirmed = Vec::with_capacity(wakes.len());
            for confirmation in unconfirmed {
                confirmed.push(confirmation.await?);
            }
            Ok::<_, lapin::Error>(confirmed)
        };
        let confirmed = match timeout(CONFIRM_TIMEOUT, sending).await {
            Ok(Ok(confirmed)) => confirmed,
            Ok(Err(error)) => {
                shared.lose("error");
                return Err(error.to_string());
            }
            Err(_) => {
                shared.lose("timeout");
                return Err("wake-ups were not confirmed in time".to_owned());
            }
        };
        for confirmation in confirmed {
            match confirmation {
                Confirmation::Ack(None) => {
                    metrics::counter!("tricircle_bus_publishes_total").increment(1);
                }
                // Returned: the queue was deleted under us. A new session
                // declares it again.
                Confirmation::Ack(Some(_)) => {
                    shared.lose("unroutable");
                    return Err("the queue is gone".to_owned());
                }
                Confirmation::Nack(_) | Confirmation::NotRequested => shared.lose("refused"),
            }
        }
        Ok(())
    }

    async fn send(&self, wake: &Wake) -> lapin::Result<PublisherConfirm> {
        // Strings and ids always have a JSON form; were that ever to change,
        // an unreadable body makes the receiver look at all jobs.
        let body = serde_json::to_vec(wake).unwrap_or_default();
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let queue = self.queue.as_str().into();
        self.publishing
            .basic_publish("".into(), queue, options, &body, properties)
            .await
    }

    async fn consume(&self) -> Result<Consumer, String> {
        let starting = async {
            let channel = self.connection.create_channel().await?;
            channel
                .basic_qos(PREFETCH, BasicQosOptions::default())
                .await?;
            channel
                .basic_consume(
                    self.queue.as_str().into(),
                    "".into(),
                    BasicConsumeOptions::default(),
                    FieldTable::default(),
                )
                .await
        };
        match timeout(OPEN_TIMEOUT, starting).await {
            Ok(started) => started.map_err(|error: lapin::Error| error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

/// The next delivery; never, while there is no consumer.
async fn next(consumer: &mut Option<Consumer>) -> Result<Delivery, String> {
    let Some(consumer) = consumer else {
        return std::future::pending().await;
    };
    match consumer.next().await {
        Some(Ok(delivery)) => Ok(delivery),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("the broker ended the subscription".to_owned()),
    }
}

/// Gives a delivery to the subscribers and acknowledges it: from here on the
/// table, not the broker, remembers the work.
async fn hand_over(delivery: Delivery, arrivals: &broadcast::Sender<Wake>) -> Result<(), String> {
    // A message we can not read may be of a newer version: look at all.
    let wake = serde_json::from_slice(&delivery.data).unwrap_or(Wake::LookAtAll);
    let outcome = if arrivals.send(wake).is_ok() {
        metrics::counter!("tricircle_bus_deliveries_total").increment(1);
        delivery.acker.ack(BasicAckOptions::default()).await
    } else {
        // The last subscriber has just gone; another process may take it.
        let back = BasicNackOptions {
            requeue: true,
            ..BasicNackOptions::default()
        };
        delivery.acker.nack(back).await
    };
    outcome.map(|_| ()).map_err(|error| error.to_string())
}

/// Makes sure that the queue exists: a quorum queue; where the broker has none
/// a classic one; or whatever an operator has declared under that name. A
/// refused declaration costs the channel, hence one for each.
async fn declare(connection: &Connection, queue: &str) -> lapin::Result<()> {
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let existing = QueueDeclareOptions {
        passive: true,
        ..durable
    };
    let mut classic = FieldTable::default();
    classic.insert("x-max-length".into(), AMQPValue::LongInt(LONGEST_QUEUE));
    let mut quorum = classic.clone();
    quorum.insert(
        "x-queue-type".into(),
        AMQPValue::LongString("quorum".into()),
    );
    quorum.insert(
        "x-delivery-limit".into(),
        AMQPValue::LongInt(DELIVERY_LIMIT),
    );
    for (options, arguments) in [(durable, quorum), (durable, classic)] {
        let channel = connection.create_channel().await?;
        if channel
            .queue_declare(queue.into(), options, arguments)
            .await
            .is_ok()
        {
            return channel.close(200, "declared".into()).await;
        }
    }
    let channel = connection.create_channel().await?;
    channel
        .queue_declare(queue.into(), existing, FieldTable::default())
        .await?;
    channel.close(200, "declared".into()).await
}
