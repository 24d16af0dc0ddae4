//! [`Store`]: the one door to the database.
//!
//! Every use case is one function in `queries/`; the tables in
//! `store/` list them all and give each a method of the same name here, which takes
//! a connection of the pool and runs the function on the right backend. Everything that
//! is retried is retried here and nowhere else ([`retry`]): deadlocks and lock waits, and,
//! where nothing can have happened yet, a connection that was lost. An operation never
//! takes longer than [`StoreOptions::pool_timeout`].

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool::managed::{self, Hook, HookError, Manager, Metrics, PoolBuilder};
use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncMysqlConnection};
use futures_util::FutureExt;

use self::retry::{Effect, Retry};
use crate::url::DatabaseUrl;
use crate::{DbError, migrate, mysql, sqlite};

/// How often a transaction that met a deadlock is run in all.
const ATTEMPTS: u32 = 6;
/// How long a connection may have rested that is used without asking whether it is
/// still one.
const FRESH: Duration = Duration::from_millis(500);

/// Size and patience of the connection pool.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// Most connections that are open at a time.
    pub max_pool_size: usize,
    /// How long an operation may take altogether, the wait for a connection, for locks
    /// and for the database's answer included, before [`DbError::Unavailable`].
    pub pool_timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_pool_size: 8,
            pool_timeout: Duration::from_secs(5),
        }
    }
}

#[derive(Clone)]
enum Backend {
    Sqlite(Pool<sqlite::Conn>),
    Mysql(Pool<mysql::Conn>),
}

/// A pool of connections to the database of the top. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    url: DatabaseUrl,
    patience: Duration,
    operations: Arc<AtomicU64>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backend = match self.backend {
            Backend::Sqlite(_) => "sqlite",
            Backend::Mysql(_) => "mysql",
        };
        f.debug_struct("Store").field("backend", &backend).finish()
    }
}

impl Store {
    /// Makes the pool. Nothing is connected yet: a database that is away is
    /// noticed at the first use, so that services can start before it.
    pub fn connect(connection: &str, options: StoreOptions) -> Result<Self, DbError> {
        let url = DatabaseUrl::parse(connection)?;
        let backend = match &url {
            DatabaseUrl::Sqlite(path) => Backend::Sqlite(sqlite_pool(path, options)?),
            DatabaseUrl::Mysql(target) => Backend::Mysql(mysql_pool(target, options)?),
        };
        Ok(Self {
            backend,
            url,
            patience: options.pool_timeout,
            operations: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Brings the schema to the newest version; returns the versions applied now.
    pub async fn migrate(&self) -> Result<Vec<String>, DbError> {
        migrate::migrate(&self.url).await
    }

    /// Version of the newest migration that the database has, if any.
    pub async fn version(&self) -> Result<Option<String>, DbError> {
        migrate::version(&self.url).await
    }

    /// The same database for housekeeping beside the requests: what goes through
    /// this handle is not counted by [`Store::operations`].
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self {
            operations: Arc::default(),
            ..self.clone()
        }
    }

    /// Tells the metrics how the pool of connections is used.
    pub fn measure(&self) {
        let status = match &self.backend {
            Backend::Sqlite(pool) => pool.status(),
            Backend::Mysql(pool) => pool.status(),
        };
        let idle = status.available.min(status.size);
        let gauge = |state: &'static str, value: usize| {
            metrics::gauge!("tricircle_db_connections", "state" => state).set(value as f64);
        };
        gauge("idle", idle);
        gauge("used", status.size - idle);
        gauge("wanted", status.waiting);
    }

    /// How many operations went to the database since the start: what a test
    /// compares before and after to prove that a path needs no SQL.
    pub fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }
}

fn sqlite_pool(path: &str, options: StoreOptions) -> Result<Pool<sqlite::Conn>, DbError> {
    let mut config = ManagerConfig::<sqlite::Conn>::default();
    config.recycling_method = RecyclingMethod::Fast;
    // SQLite is not interrupted, so its patience is ours.
    let patience = options.pool_timeout.as_millis();
    config.custom_setup = Box::new(move |path| {
        sqlite::finish(async move {
            let mut conn = sqlite::Conn::establish(path).await?;
            conn.batch_execute(&format!(
                "PRAGMA busy_timeout = {patience}; PRAGMA synchronous = NORMAL; \
                 PRAGMA foreign_keys = ON;"
            ))
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        })
        .boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(path, config);
    finished(pool(manager, options))
}

fn mysql_pool(url: &str, options: StoreOptions) -> Result<Pool<mysql::Conn>, DbError> {
    let mut config = ManagerConfig::<mysql::Conn>::default();
    config.recycling_method = RecyclingMethod::Fast;
    // A lock is waited for twice at most within an operation's time.
    let lock_wait = (options.pool_timeout.as_secs() / 2).max(1);
    config.custom_setup = Box::new(move |url| {
        async move {
            let mut conn = AsyncMysqlConnection::establish(url).await?;
            conn.batch_execute(&format!(
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
                 SET time_zone = '+00:00'; SET innodb_lock_wait_timeout = {lock_wait}; \
                 SET sql_mode = 'TRADITIONAL'"
            ))
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        }
        .boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    let answer_within = options.pool_timeout / 5;
    let is_alive = Hook::async_fn(move |conn: &mut mysql::Conn, metrics: &Metrics| {
        let rested = metrics.last_used();
        Box::pin(async move {
            if rested < FRESH {
                return Ok(());
            }
            let asked = tokio::time::timeout(answer_within, conn.batch_execute("DO 0"));
            match asked.await {
                Ok(Ok(())) => Ok(()),
                _ => Err(HookError::message("the connection is dead")),
            }
        })
    });
    finished(pool(manager, options).pre_recycle(is_alive))
}

fn pool<M: Manager>(manager: M, options: StoreOptions) -> PoolBuilder<M, managed::Object<M>> {
    managed::Pool::builder(manager)
        .max_size(options.max_pool_size.max(1))
        .wait_timeout(Some(options.pool_timeout))
        .create_timeout(Some(options.pool_timeout))
        .runtime(deadpool::Runtime::Tokio1)
}

fn finished<M: Manager>(
    builder: PoolBuilder<M, managed::Object<M>>,
) -> Result<managed::Pool<M>, DbError> {
    let built = builder.build();
    built.map_err(|error| DbError::Unavailable(error.to_string()))
}

fn no_connection(error: PoolError) -> DbError {
    use diesel_async::pooled_connection::PoolError as Cause;
    match error {
        PoolError::Backend(Cause::ConnectionError(
            diesel::ConnectionError::CouldntSetupConfiguration(error),
        )) => match DbError::from(error) {
            // A lock in the way of the first statements is waited for as any other.
            busy @ DbError::Busy(_) => busy,
            other => DbError::Unavailable(other.to_string()),
        },
        // The text of a connection error may repeat the host, never the password.
        error => DbError::Unavailable(error.to_string()),
    }
}

/// A connection to MariaDB for one operation. When the operation is dropped on its way
/// (a client went away, a lease was lost) the answer to a statement may still be on the
/// wire, and the next user of the connection would take it for his: so it is closed,
/// which also rolls back what was begun.
struct Loan(Option<Object<mysql::Conn>>);

impl Loan {
    /// The operation came to its end: the connection may be used again.
    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            metrics::counter!("tricircle_db_connections_dropped_total").increment(1);
            drop(Object::take(connection));
        }
    }
}

macro_rules! on_backend {
    ($store:ident, $effect:ident, $conn:ident, $module:ident :: $name:ident ( $($arg:expr),* )) => {{
        let mut retry = Retry::new(Effect::$effect, $store.patience);
        loop {
            $store.operations.fetch_add(1, Ordering::Relaxed);
            let result = match &$store.backend {
                Backend::Sqlite(pool) => match pool.get().await {
                    Ok(mut $conn) => {
                        let operation = sqlite::queries::$module::$name(&mut $conn, $($arg),*);
                        sqlite::finish(operation).await
                    }
                    Err(error) => Err(no_connection(error)),
                },
                Backend::Mysql(pool) => {
                    let operation = async {
                        let mut loan = Loan(Some(pool.get().await.map_err(no_connection)?));
                        let result = match &mut loan.0 {
                            Some($conn) => {
                                mysql::queries::$module::$name(&mut *$conn, $($arg),*).await
                            }
                            None => Err(DbError::Stale("connection")),
                        };
                        match &result {
                            // The server went away: the other idle connections lead there too.
                            Err(DbError::Unavailable(_) | DbError::Unknown(_)) => {
                                drop(loan);
                                pool.retain(|_, _| false);
                            }
                            _ => loan.give_back(),
                        }
                        result
                    };
                    retry.within_time(operation).await
                }
            };
            match retry.again(result).await {
                ControlFlow::Break(result) => break result,
                ControlFlow::Continue(()) => {}
            }
        }
    }};
}

macro_rules! store {
    ($(
        $module:ident {
            $( $(#[$meta:meta])* $effect:ident $name:ident ( $($arg:ident : $type:ty),* $(,)? ) -> $output:ty; )*
        }
    )*) => {
        impl Store {
            $($(
                $(#[$meta])*
                pub async fn $name(&self, $($arg: $type),*) -> Result<$output, DbError> {
                    on_backend!(self, $effect, conn, $module::$name($($arg),*))
                }
            )*)*
        }
    };
}

mod compute;
mod group_members;
mod intents;
mod jobs;
mod network;
mod pods;
mod resources;
mod retry;
mod routers;
