//! The queries on MariaDB and MySQL (pure-Rust driver).

pub(crate) mod dialect;
#[path = "../queries/mod.rs"]
pub(crate) mod queries;

/// The connection that this copy of the queries runs on.
pub(crate) type Conn = diesel_async::AsyncMysqlConnection;
