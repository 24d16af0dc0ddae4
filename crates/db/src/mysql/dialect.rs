//! What MariaDB and MySQL do in their own way.

use diesel_async::{AnsiTransactionManager, TransactionManager};

use super::Conn;
use crate::DbError;

/// Runs a closure in a transaction (READ COMMITTED, set when the connection is made).
///
/// diesel's own does not tell a connection that was lost before the commit was sent,
/// when nothing has happened, from one that was lost after, when nobody knows.
macro_rules! transaction {
    ($conn:expr, $body:expr) => {
        async {
            match $crate::mysql::dialect::begin(&mut *$conn).await {
                Ok(()) => {
                    let result = ($body)(&mut *$conn).await;
                    $crate::mysql::dialect::end(&mut *$conn, result).await
                }
                Err(error) => Err(error.into()),
            }
        }
    };
}
pub(crate) use transaction;

pub(crate) async fn begin(conn: &mut Conn) -> Result<(), DbError> {
    Ok(AnsiTransactionManager::begin_transaction(conn).await?)
}

/// Commits, or rolls back what failed.
pub(crate) async fn end<R, E: From<DbError>>(
    conn: &mut Conn,
    result: Result<R, E>,
) -> Result<R, E> {
    match result {
        Ok(value) => match AnsiTransactionManager::commit_transaction(conn).await {
            Ok(()) => Ok(value),
            Err(error) => Err(match DbError::from(error) {
                DbError::Unavailable(why) => DbError::Unknown(why),
                other => other,
            }
            .into()),
        },
        Err(error) => {
            // One that cannot be rolled back is dropped with its connection, which rolls
            // back too: the pool does not take a connection with a broken transaction.
            let _ = AnsiTransactionManager::rollback_transaction(conn).await;
            Err(error)
        }
    }
}

/// The database's clock: leases are compared by it, so that the clocks of the
/// workers' hosts do not matter.
pub(crate) async fn database_now(conn: &mut Conn) -> Result<crate::Timestamp, DbError> {
    use diesel_async::RunQueryDsl;
    let now = diesel::dsl::sql::<diesel::sql_types::Timestamp>("UTC_TIMESTAMP(6)");
    Ok(diesel::select(now).get_result(conn).await?)
}
