//! A database that goes away, hangs, comes back, or cannot write.

use std::time::Duration;

use tricircle_db::models::*;
use tricircle_db::testing::{Relay, TestStore};
use tricircle_db::{DbError, Store, StoreOptions};

/// How long an operation may take here.
const PATIENCE: Duration = Duration::from_secs(2);

/// MariaDB behind a relay, if there is one.
async fn behind_relay() -> Option<(TestStore, Relay, Store)> {
    let test = TestStore::mysql().await.unwrap()?;
    let (relay, connection) = test.through_relay().await.unwrap();
    let options = StoreOptions {
        max_pool_size: 4,
        pool_timeout: PATIENCE,
    };
    let store = Store::connect(&connection, options).unwrap();
    Some((test, relay, store))
}

/// Opens all connections of the pool.
async fn warm(store: &Store) {
    let all = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.pods_all().await.map(drop) })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
}

fn wish(n: usize) -> NewJob {
    NewJob::new("kind", &format!("r{n}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_between_two_operations_is_not_noticed() {
    let Some((test, relay, store)) = behind_relay().await else {
        return;
    };
    for n in 0..4 {
        warm(&store).await;
        // Longer than a connection is used without asking.
        tokio::time::sleep(Duration::from_millis(600)).await;
        relay.blink();
        match n {
            0 => drop(store.pods_all().await.unwrap()),
            1 => store.project_quotas_set("p", &[]).await.unwrap(),
            // One statement, which may take effect: not run twice, and yet no error.
            2 => drop(store.job_enqueue(&wish(n)).await.unwrap()),
            _ => drop(store.job_enqueue(&wish(n)).await.unwrap()),
        }
        assert!(store.pods_all().await.is_ok());
    }
    let jobs = store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!(jobs.len(), 2);
    test.drop_schema().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_transactions_survive_a_connection_that_was_just_used() {
    let Some((test, relay, store)) = behind_relay().await else {
        return;
    };
    for _ in 0..5 {
        warm(&store).await;
        relay.blink();
        store.pods_all().await.unwrap();
        warm(&store).await;
        relay.blink();
        store
            .project_quotas_set("p", &[("port".to_owned(), 3)])
            .await
            .unwrap();
    }
    test.drop_schema().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_unavailable_and_then_there_again() {
    let Some((test, relay, store)) = behind_relay().await else {
        return;
    };
    warm(&store).await;
    relay.cut();
    for n in 0..3 {
        let read = store.pods_all().await;
        assert!(matches!(read, Err(DbError::Unavailable(_))), "{read:?}");
        let written = store.job_enqueue(&wish(n)).await;
        assert!(
            matches!(written, Err(DbError::Unavailable(_) | DbError::Unknown(_))),
            "{written:?}"
        );
    }
    relay.mend();
    warm(&store).await;
    store.job_enqueue(&wish(9)).await.unwrap();
    test.drop_schema().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_is_not_waited_for() {
    let Some((test, relay, store)) = behind_relay().await else {
        return;
    };
    warm(&store).await;
    relay.hang();
    // The deadline is far above the store's own; without one this would be forever.
    let limit = PATIENCE * 10;
    let read = tokio::time::timeout(limit, store.pods_all()).await.unwrap();
    assert!(matches!(read, Err(DbError::Unavailable(_))), "{read:?}");
    let written = tokio::time::timeout(limit, store.job_enqueue(&wish(1)))
        .await
        .unwrap();
    assert!(
        matches!(written, Err(DbError::Unavailable(_) | DbError::Unknown(_))),
        "{written:?}"
    );
    relay.mend();
    warm(&store).await;
    store.job_enqueue(&wish(1)).await.unwrap();
    test.drop_schema().await.unwrap();
}

#[tokio::test]
async fn a_locked_file_is_busy_and_does_not_hang() {
    let test = TestStore::sqlite().await.unwrap();
    let options = StoreOptions {
        max_pool_size: 1,
        pool_timeout: Duration::from_millis(200),
    };
    let store = Store::connect(&test.connection, options).unwrap();
    store.pods_all().await.unwrap();
    let path = test.connection.strip_prefix("sqlite:///").unwrap();
    let mut other = write_lock::Lock::take(path);
    let written = store.job_enqueue(&wish(1)).await;
    assert!(matches!(written, Err(DbError::Busy(_))), "{written:?}");
    store.pods_all().await.unwrap();
    other.release();
    store.job_enqueue(&wish(1)).await.unwrap();
}

/// Another process's write lock on the file.
mod write_lock {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    pub struct Lock(SqliteConnection);

    impl Lock {
        pub fn take(path: &str) -> Self {
            let mut connection = SqliteConnection::establish(path).unwrap();
            connection.batch_execute("BEGIN IMMEDIATE").unwrap();
            Self(connection)
        }

        pub fn release(&mut self) {
            self.0.batch_execute("ROLLBACK").unwrap();
        }
    }
}
