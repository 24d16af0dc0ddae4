//! [`Store`]: the one door to the database.
//!
//! Every use case is one function in `queries/`; the tables in
//! `store/` list them all and give each a method of the same name here, which takes
//! a connection of the pool, runs the function on the right backend and runs it
//! again when the database gave up on a deadlock or a lock wait. That is the only
//! place where this is retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncMysqlConnection};
use futures_util::FutureExt;

use crate::url::DatabaseUrl;
use crate::{DbError, migrate, mysql, sqlite};

/// How often a transaction that met a deadlock is run in all.
const ATTEMPTS: u32 = 6;

/// Size and patience of the connection pool.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// Most connections that are open at a time.
    pub max_pool_size: usize,
    /// How long a caller waits for a connection before [`DbError::Unavailable`].
    pub pool_timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_pool_size: 8,
            pool_timeout: Duration::from_secs(10),
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

    /// How many operations went to the database since the start: what a test
    /// compares before and after to prove that a path needs no SQL.
    pub fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }
}

fn sqlite_pool(path: &str, options: StoreOptions) -> Result<Pool<sqlite::Conn>, DbError> {
    let mut config = ManagerConfig::<sqlite::Conn>::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| {
        sqlite::finish(async move {
            let mut conn = sqlite::Conn::establish(path).await?;
            conn.batch_execute(
                "PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL; \
                 PRAGMA foreign_keys = ON;",
            )
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        })
        .boxed()
    });
    build(
        AsyncDieselConnectionManager::new_with_config(path, config),
        options,
    )
}

fn mysql_pool(url: &str, options: StoreOptions) -> Result<Pool<mysql::Conn>, DbError> {
    let mut config = ManagerConfig::<mysql::Conn>::default();
    // A lost connection shows at its first use and is dropped there, with all that
    // are idle: cheaper than a round trip at each checkout.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|url| {
        async move {
            let mut conn = AsyncMysqlConnection::establish(url).await?;
            conn.batch_execute(
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
                 SET time_zone = '+00:00'; SET innodb_lock_wait_timeout = 10; \
                 SET sql_mode = 'TRADITIONAL'",
            )
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        }
        .boxed()
    });
    build(
        AsyncDieselConnectionManager::new_with_config(url, config),
        options,
    )
}

fn build<C>(
    manager: AsyncDieselConnectionManager<C>,
    options: StoreOptions,
) -> Result<Pool<C>, DbError>
where
    C: diesel_async::pooled_connection::PoolableConnection + Send + 'static,
    AsyncDieselConnectionManager<C>:
        deadpool::managed::Manager<Type = C, Error = diesel_async::pooled_connection::PoolError>,
{
    Pool::builder(manager)
        .max_size(options.max_pool_size.max(1))
        .wait_timeout(Some(options.pool_timeout))
        .create_timeout(Some(options.pool_timeout))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|error| DbError::Unavailable(error.to_string()))
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

/// True when the transaction left no trace and may be run once more.
async fn again(error: &DbError, attempt: u32) -> bool {
    if attempt >= ATTEMPTS || !matches!(error, DbError::Busy(_)) {
        return false;
    }
    metrics::counter!("tricircle_db_retries_total").increment(1);
    let wait = u64::from(rand::random_range(1..=5u32 * 2u32.pow(attempt)));
    tokio::time::sleep(Duration::from_millis(wait)).await;
    true
}

macro_rules! on_backend {
    ($store:ident, $conn:ident, $module:ident :: $name:ident ( $($arg:expr),* )) => {{
        let mut attempt = 1;
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
                Backend::Mysql(pool) => match pool.get().await {
                    Ok(connection) => {
                        let mut $conn = Loan(Some(connection));
                        let result = match &mut $conn.0 {
                            Some(inner) => {
                                mysql::queries::$module::$name(&mut *inner, $($arg),*).await
                            }
                            None => Err(DbError::Stale("connection")),
                        };
                        match &result {
                            // The server went away: the other idle connections lead there too.
                            Err(DbError::Unavailable(_)) => {
                                drop($conn);
                                pool.retain(|_, _| false);
                            }
                            _ => $conn.give_back(),
                        }
                        result
                    }
                    Err(error) => Err(no_connection(error)),
                },
            };
            match result {
                Err(error) if again(&error, attempt).await => attempt += 1,
                result => break result,
            }
        }
    }};
}

macro_rules! store {
    ($(
        $module:ident {
            $( $(#[$meta:meta])* fn $name:ident ( $($arg:ident : $type:ty),* $(,)? ) -> $output:ty; )*
        }
    )*) => {
        impl Store {
            $($(
                $(#[$meta])*
                pub async fn $name(&self, $($arg: $type),*) -> Result<$output, DbError> {
                    on_backend!(self, conn, $module::$name($($arg),*))
                }
            )*)*
        }
    };
}

mod compute;
mod intents;
mod jobs;
mod network;
mod pods;
mod resources;
