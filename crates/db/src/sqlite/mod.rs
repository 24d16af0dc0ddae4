//! The queries on SQLite (bundled; a thread per running statement).

pub(crate) mod dialect;
mod finish;
#[path = "../queries/mod.rs"]
pub(crate) mod queries;

/// The connection that this copy of the queries runs on.
pub(crate) type Conn =
    diesel_async::sync_connection_wrapper::SyncConnectionWrapper<diesel::SqliteConnection>;

pub(crate) use finish::finish;
