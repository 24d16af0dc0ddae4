//! What SQLite does in its own way.

/// Runs a closure in a transaction that takes the write lock at once.
///
/// A deferred transaction that reads and then writes fails with `SQLITE_BUSY`
/// whatever the timeout when another writer was faster; an immediate one waits.
macro_rules! transaction {
    ($conn:expr, $body:expr) => {
        $conn.immediate_transaction($body)
    };
}
pub(crate) use transaction;

/// The database's clock, which is this machine's.
pub(crate) async fn database_now(
    _conn: &mut super::Conn,
) -> Result<crate::Timestamp, crate::DbError> {
    Ok(crate::now())
}
