//! Schema versions.
//!
//! One folder of migrations for each backend, embedded in the binary. Released
//! ones are never edited. MySQL's DDL cannot be rolled back, so each migration
//! is written to be re-runnable (`IF NOT EXISTS`).

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncMysqlConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::DbError;
use crate::url::DatabaseUrl;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const MYSQL: EmbeddedMigrations = embed_migrations!("migrations/mysql");

/// Applies what is pending and returns the versions applied, oldest first.
pub(crate) async fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, DbError> {
    on_connection(url, Work::Migrate).await
}

/// The newest version that the database has.
pub(crate) async fn version(url: &DatabaseUrl) -> Result<Option<String>, DbError> {
    Ok(on_connection(url, Work::Version).await?.into_iter().max())
}

#[derive(Clone, Copy)]
enum Work {
    Migrate,
    Version,
}

/// Diesel's migrations are blocking, and their asynchronous harness needs a
/// multi-threaded runtime, which an actix worker is not: so they get a thread and
/// a runtime of their own.
async fn on_connection(url: &DatabaseUrl, work: Work) -> Result<Vec<String>, DbError> {
    let url = url.clone();
    tokio::task::spawn_blocking(move || match url {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path).map_err(unavailable)?;
            // The file keeps this mode. It is set here, by one connection, because
            // SQLite lets those that change it at the same time fail at once, whatever
            // their patience.
            if let Work::Migrate = work {
                conn.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL;")
                    .map_err(failed)?;
            }
            run(&mut conn, SQLITE, work)
        }
        DatabaseUrl::Mysql(target) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .map_err(failed)?;
            runtime.block_on(async {
                tokio::spawn(async move {
                    let conn = AsyncMysqlConnection::establish(&target)
                        .await
                        .map_err(unavailable)?;
                    run(&mut AsyncMigrationHarness::new(conn), MYSQL, work)
                })
                .await
                .map_err(failed)?
            })
        }
    })
    .await
    .map_err(failed)?
}

fn run<DB, H>(harness: &mut H, all: EmbeddedMigrations, work: Work) -> Result<Vec<String>, DbError>
where
    DB: diesel::backend::Backend,
    H: MigrationHarness<DB>,
{
    let versions = match work {
        Work::Migrate => harness.run_pending_migrations(all),
        Work::Version => harness.applied_migrations(),
    };
    Ok(versions
        .map_err(failed)?
        .iter()
        .map(ToString::to_string)
        .collect())
}

fn unavailable(error: diesel::ConnectionError) -> DbError {
    DbError::Unavailable(error.to_string())
}

fn failed(error: impl std::fmt::Display) -> DbError {
    DbError::Migration(error.to_string())
}
