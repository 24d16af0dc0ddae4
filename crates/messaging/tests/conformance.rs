//! What every bus does, and what the one over AMQP does when its broker comes
//! and goes. The AMQP part needs a RabbitMQ named by `TRICIRCLE_TEST_AMQP_URL`;
//! `TRICIRCLE_REQUIRE_SERVICES=1` makes its absence a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod relay;

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use relay::Relay;
use tokio::time::timeout;
use tricircle_messaging::{AmqpBus, BrokerUrls, JobBus, LocalBus, Subscription, Wake, connect};
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(20);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(LONG, future)
        .await
        .unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// The next wake-up for a job; a bus may say `LookAtAll` whenever it likes.
async fn next_job(subscription: &mut Subscription) -> Option<Uuid> {
    loop {
        match soon("a wake-up", subscription.next()).await? {
            Wake::Job { id, .. } => return Some(id),
            Wake::LookAtAll => {}
        }
    }
}

fn jobs(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::new_v4()).collect()
}

/// What any bus does, with `publisher` and `worker` on the same bus or on two.
async fn conforms(publisher: Arc<dyn JobBus>, worker: Arc<dyn JobBus>) {
    soon("connection", publisher.wait_connected(true)).await;
    soon("connection", worker.wait_connected(true)).await;
    assert!(publisher.is_connected() && worker.is_connected());

    // All wake-ups of a burst arrive, in order, at each subscription.
    let mut first = worker.subscribe();
    let mut second = worker.subscribe();
    let burst = jobs(100);
    for id in &burst {
        publisher.wake(Wake::job(*id, "server_create"));
    }
    for subscription in [&mut first, &mut second] {
        for id in &burst {
            assert_eq!(next_job(subscription).await, Some(*id));
        }
    }

    // A wake-up says which job it is about.
    let wake = Wake::job(Uuid::new_v4(), "port_delete");
    publisher.wake(wake.clone());
    let mut received = soon("a wake-up", first.next()).await;
    while received == Some(Wake::LookAtAll) {
        received = soon("a wake-up", first.next()).await;
    }
    assert_eq!(received, Some(wake));

    // A subscriber that fell behind is told to look at all of them. The
    // second one has not been read since the burst.
    let many = jobs(3000);
    for id in &many {
        publisher.wake(Wake::job(*id, "server_create"));
        // A pace that the way to the worker can keep; the subscriber can not.
        tokio::task::yield_now().await;
    }
    let until_told = async { while second.next().await.unwrap() != Wake::LookAtAll {} };
    soon("the news of a gap", until_told).await;

    // Dropping a subscription does not disturb the other.
    drop(second);
    drop(first);
    let mut again = worker.subscribe();
    let late = Uuid::new_v4();
    let arrived = async { while next_job(&mut again).await != Some(late) {} };
    let repeat = async {
        // The backlog of the flood may still be full, then it is not taken.
        loop {
            publisher.wake(Wake::job(late, "late"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = soon("the late wake-up", arrived) => {}
        () = repeat => {}
    }

    // Closing ends subscriptions, and waking afterwards harms nobody.
    soon("close", publisher.close()).await;
    soon("close", worker.close()).await;
    while soon("the end", again.next()).await.is_some() {}
    publisher.wake(Wake::job(late, "late"));
    assert!(!publisher.is_connected());
    assert_eq!(soon("the end", worker.subscribe().next()).await, None);
}

#[tokio::test]
async fn the_local_bus_conforms() {
    let bus: Arc<dyn JobBus> = Arc::new(LocalBus::new());
    conforms(bus.clone(), bus).await;
}

#[tokio::test]
async fn the_transport_url_decides_between_the_two() {
    for url in ["", "  ", "fake:/"] {
        assert!(connect(url).unwrap().is_connected());
    }
    // Nothing listens on port 1: made at once, connected never.
    let bus = connect("rabbit://u:p@127.0.0.1:1/v").unwrap();
    assert!(!bus.is_connected());
    assert!(connect("kafka://h").is_err());
}

#[tokio::test]
async fn waking_is_instant_while_the_broker_is_away() {
    let bus = connect("rabbit://u:p@127.0.0.1:1/v").unwrap();
    let _subscription = bus.subscribe();
    let flood = async {
        for id in jobs(20_000) {
            bus.wake(Wake::job(id, "x"));
        }
    };
    timeout(Duration::from_secs(5), flood).await.unwrap();
    assert!(!bus.is_connected());
    soon("close", bus.close()).await;
}

/// A queue of its own on the test broker, deleted by `delete`.
struct Broker {
    url: String,
    queue: String,
}

impl Broker {
    fn find() -> Option<Self> {
        match std::env::var("TRICIRCLE_TEST_AMQP_URL") {
            Ok(url) => Some(Self {
                url,
                queue: format!("tricircle_test_{}", Uuid::new_v4()),
            }),
            Err(_) => {
                let required = std::env::var("TRICIRCLE_REQUIRE_SERVICES").is_ok_and(|v| v == "1");
                assert!(!required, "TRICIRCLE_TEST_AMQP_URL is not set");
                eprintln!("SKIPPED: needs a RabbitMQ, see TRICIRCLE_TEST_AMQP_URL");
                None
            }
        }
    }

    fn bus(&self) -> Arc<AmqpBus> {
        self.bus_at(&self.url)
    }

    fn bus_at(&self, url: &str) -> Arc<AmqpBus> {
        Arc::new(AmqpBus::start(BrokerUrls::parse(url).unwrap(), &self.queue))
    }

    /// `host:port` of the broker, and the URL with another in its place.
    fn address(&self) -> &str {
        let after = self.url.rsplit_once('@').unwrap().1;
        after.split_once('/').map_or(after, |(address, _)| address)
    }

    fn url_with(&self, address: &str) -> String {
        self.url.replace(self.address(), address)
    }

    async fn channel(&self) -> (lapin::Connection, lapin::Channel) {
        let connection = lapin::Connection::connect(&self.url, Default::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    async fn delete(&self) {
        let (connection, channel) = self.channel().await;
        let queue = self.queue.as_str().into();
        channel
            .queue_delete(queue, QueueDeleteOptions::default())
            .await
            .unwrap();
        connection.close(200, "done".into()).await.unwrap();
    }
}

#[tokio::test]
async fn the_amqp_bus_conforms_within_one_process() {
    let Some(broker) = Broker::find() else { return };
    let bus = broker.bus();
    conforms(bus.clone(), bus).await;
    broker.delete().await;
}

#[tokio::test]
async fn the_amqp_bus_conforms_between_processes() {
    let Some(broker) = Broker::find() else { return };
    conforms(broker.bus(), broker.bus()).await;
    broker.delete().await;
}

#[tokio::test]
async fn of_two_workers_one_gets_each_wake_up() {
    let Some(broker) = Broker::find() else { return };
    let (publisher, one, two) = (broker.bus(), broker.bus(), broker.bus());
    let (mut first, mut second) = (one.subscribe(), two.subscribe());
    for bus in [&publisher, &one, &two] {
        soon("connection", bus.wait_connected(true)).await;
    }
    let sent = jobs(400);
    for id in &sent {
        publisher.wake(Wake::job(*id, "x"));
    }
    let mut seen = HashSet::new();
    let mut count = 0;
    while seen.len() < sent.len() {
        let id = tokio::select! {
            id = next_job(&mut first) => id,
            id = next_job(&mut second) => id,
        };
        seen.insert(id.unwrap());
        count += 1;
    }
    assert_eq!(count, sent.len());
    for bus in [publisher, one, two] {
        bus.close().await;
    }
    broker.delete().await;
}

#[tokio::test]
async fn wake_ups_wait_in_the_queue_while_no_worker_runs() {
    let Some(broker) = Broker::find() else { return };
    let publisher = broker.bus();
    soon("connection", publisher.wait_connected(true)).await;
    let id = Uuid::new_v4();
    publisher.wake(Wake::job(id, "x"));
    publisher.close().await;

    let worker = broker.bus();
    let mut subscription = worker.subscribe();
    assert_eq!(next_job(&mut subscription).await, Some(id));
    worker.close().await;
    broker.delete().await;
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_what_was_lost_is_announced() {
    let Some(broker) = Broker::find() else { return };
    let relay = Relay::start(broker.address()).await;
    let bus = broker.bus_at(&broker.url_with(&relay.address()));
    let other = broker.bus();
    let mut subscription = bus.subscribe();
    soon("connection", bus.wait_connected(true)).await;
    soon("connection", other.wait_connected(true)).await;
    let id = Uuid::new_v4();
    bus.wake(Wake::job(id, "x"));
    assert_eq!(next_job(&mut subscription).await, Some(id));

    relay.cut();
    soon("disconnection", bus.wait_connected(false)).await;
    // Lost: but whoever listens elsewhere hears of it later.
    let mut elsewhere = other.subscribe();
    for id in jobs(10) {
        bus.wake(Wake::job(id, "lost"));
    }

    relay.mend();
    soon("connection", bus.wait_connected(true)).await;
    let told = async {
        tokio::join!(
            async { while subscription.next().await.unwrap() != Wake::LookAtAll {} },
            async {
                // Published by the bus that lost wake-ups; either subscriber
                // may get it from the queue, the own one is told anyway.
                let after = Uuid::new_v4();
                other.wake(Wake::job(after, "after"));
            },
        )
    };
    soon("the news of a gap", told).await;
    let after = Uuid::new_v4();
    drop(elsewhere);
    elsewhere = other.subscribe();
    drop(subscription);
    bus.wake(Wake::job(after, "after"));
    while next_job(&mut elsewhere).await != Some(after) {}
    for bus in [bus, other] {
        bus.close().await;
    }
    broker.delete().await;
}

#[tokio::test]
async fn a_dead_broker_of_the_cluster_is_passed_over() {
    let Some(broker) = Broker::find() else { return };
    let url = broker.url_with(&format!("127.0.0.1:1,{}", broker.address()));
    let bus = broker.bus_at(&url);
    soon("connection", bus.wait_connected(true)).await;
    bus.close().await;
    broker.delete().await;
}

#[tokio::test]
async fn a_queue_that_an_operator_declared_otherwise_is_used_as_it_is() {
    let Some(broker) = Broker::find() else { return };
    let (connection, channel) = broker.channel().await;
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let queue = broker.queue.as_str().into();
    channel
        .queue_declare(queue, options, FieldTable::default())
        .await
        .unwrap();
    connection.close(200, "done".into()).await.unwrap();

    let bus = broker.bus();
    let mut subscription = bus.subscribe();
    soon("connection", bus.wait_connected(true)).await;
    let id = Uuid::new_v4();
    bus.wake(Wake::job(id, "x"));
    assert_eq!(next_job(&mut subscription).await, Some(id));
    bus.close().await;
    broker.delete().await;
}

#[tokio::test]
async fn a_queue_deleted_under_the_bus_is_declared_again() {
    let Some(broker) = Broker::find() else { return };
    let bus = broker.bus();
    soon("connection", bus.wait_connected(true)).await;
    broker.delete().await;
    bus.wake(Wake::job(Uuid::new_v4(), "returned"));
    soon("disconnection", bus.wait_connected(false)).await;
    soon("connection", bus.wait_connected(true)).await;
    let mut subscription = bus.subscribe();
    let id = Uuid::new_v4();
    bus.wake(Wake::job(id, "x"));
    assert_eq!(next_job(&mut subscription).await, Some(id));
    bus.close().await;
    broker.delete().await;
}
