//! Databases for tests: a SQLite file that goes with its guard, and a fresh
//! MariaDB schema where a server is named.
//!
//! `TRICIRCLE_TEST_MYSQL_URL` (`mysql://user:password@host:port/`) names the
//! server. Without it tests say that MariaDB was left out; with
//! `TRICIRCLE_REQUIRE_SERVICES=1` (as `make test` sets it) that is a failure.

mod relay;

use std::path::PathBuf;

use diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};

pub use self::relay::Relay;
use crate::{DbError, Store, StoreOptions};

/// A migrated database of its own. SQLite's file is removed with this value;
/// MariaDB's schema by [`TestStore::drop_schema`].
#[derive(Debug)]
pub struct TestStore {
    /// The store on it.
    pub store: Store,
    /// What `[database] connection` would say.
    pub connection: String,
    folder: Option<PathBuf>,
    schema: Option<(String, String)>,
}

impl TestStore {
    /// A fresh SQLite file.
    pub async fn sqlite() -> Result<Self, DbError> {
        let folder = std::env::temp_dir().join(format!("tricircle-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).map_err(|e| DbError::Unavailable(e.to_string()))?;
        let connection = format!("sqlite:///{}/t.sqlite", folder.display());
        Self::open(connection, Some(folder), None).await
    }

    /// A fresh schema on the MariaDB that the environment names, if any.
    pub async fn mysql() -> Result<Option<Self>, DbError> {
        let Ok(server) = std::env::var("TRICIRCLE_TEST_MYSQL_URL") else {
            if std::env::var("TRICIRCLE_REQUIRE_SERVICES").is_ok_and(|v| v == "1") {
                return Err(DbError::Unavailable(
                    "TRICIRCLE_TEST_MYSQL_URL is not set but services are required".to_owned(),
                ));
            }
            tracing::warn!(
                "no TRICIRCLE_TEST_MYSQL_URL: the MariaDB half of this test is left out"
            );
            return Ok(None);
        };
        let server = server.trim_end_matches('/').to_owned();
        let name = format!("tricircle_test_{}", uuid::Uuid::new_v4().simple());
        execute(
            &server,
            &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"),
        )
        .await?;
        let connection = format!("{server}/{name}");
        Ok(Some(
            Self::open(connection, None, Some((server, name))).await?,
        ))
    }

    /// SQLite, and MariaDB where there is one: what a test of queries iterates over.
    pub async fn both() -> Result<Vec<Self>, DbError> {
        let mut all = vec![Self::sqlite().await?];
        all.extend(Self::mysql().await?);
        Ok(all)
    }

    /// Removes the MariaDB schema; nothing to do for SQLite.
    pub async fn drop_schema(&self) -> Result<(), DbError> {
        match &self.schema {
            Some((server, name)) => {
                execute(server, &format!("DROP DATABASE IF EXISTS {name}")).await
            }
            None => Ok(()),
        }
    }

    /// The same schema through a relay, and what `[database] connection` would say. Only
    /// for MariaDB: nobody can come between a process and its file.
    ///
    /// # Errors
    /// When there is no server to relay to.
    pub async fn through_relay(&self) -> Result<(Relay, String), DbError> {
        let unusable = || DbError::BadUrl("nothing to relay to".to_owned());
        let (scheme, rest) = self.connection.split_once("://").ok_or_else(unusable)?;
        let (user, rest) = rest.rsplit_once('@').ok_or_else(unusable)?;
        let (target, schema) = rest.split_once('/').ok_or_else(unusable)?;
        let relay = Relay::start(target)
            .await
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        let port = relay.port();
        let connection = format!("{scheme}://{user}@127.0.0.1:{port}/{schema}");
        Ok((relay, connection))
    }

    async fn open(
        connection: String,
        folder: Option<PathBuf>,
        schema: Option<(String, String)>,
    ) -> Result<Self, DbError> {
        let store = Store::connect(&connection, StoreOptions::default())?;
        store.migrate().await?;
        Ok(Self {
            store,
            connection,
            folder,
            schema,
        })
    }
}

impl Drop for TestStore {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

async fn execute(server: &str, statement: &str) -> Result<(), DbError> {
    let mut conn = AsyncMysqlConnection::establish(&format!("{server}/information_schema"))
        .await
        .map_err(|e| DbError::Unavailable(e.to_string()))?;
    Ok(conn.batch_execute(statement).await?)
}
