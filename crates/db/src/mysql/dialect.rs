//! What MariaDB and MySQL do in their own way.

/// Runs a closure in a transaction (READ COMMITTED, set when the connection is made).
macro_rules! transaction {
    ($conn:expr, $body:expr) => {
        diesel_async::AsyncConnection::transaction(&mut *$conn, $body)
    };
}
pub(crate) use transaction;

/// The database's clock: leases are compared by it, so that the clocks of the
/// workers' hosts do not matter.
pub(crate) async fn database_now(
    conn: &mut super::Conn,
) -> Result<crate::Timestamp, crate::DbError> {
    use diesel_async::RunQueryDsl;
    let now = diesel::dsl::sql::<diesel::sql_types::Timestamp>("UTC_TIMESTAMP(6)");
    Ok(diesel::select(now).get_result(conn).await?)
}
