//! What MariaDB and MySQL do in their own way.

/// Runs a closure in a transaction (READ COMMITTED, set when the connection is made).
macro_rules! transaction {
    ($conn:expr, $body:expr) => {
        diesel_async::AsyncConnection::transaction(&mut *$conn, $body)
    };
}
pub(crate) use transaction;
