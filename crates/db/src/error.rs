//! What can go wrong with the database, as callers need to tell it apart.

use diesel::result::{DatabaseErrorKind, Error};

/// An error of the store. Its text never holds a connection string.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A unique key already has this value; somebody was there first.
    #[error("a row with this key exists already: {0}")]
    Duplicate(String),
    /// A deadlock or lock wait; the transaction was rolled back and may be retried.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database is away, full, or gives no answer in time; or the pool is exhausted.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection was lost while a change was being committed: nobody knows whether it
    /// happened. Whoever asked is told that it failed; jobs look at what is there.
    #[error("the database was lost while it committed: {0}")]
    Unknown(String),
    /// The connection string is not one of `mysql://…`, `sqlite:///…`.
    #[error("the database connection is not valid: {0}")]
    BadUrl(String),
    /// A migration failed.
    #[error("the schema could not be migrated: {0}")]
    Migration(String),
    /// Stored JSON or an enumeration has a value that this version does not know.
    #[error("a row holds data that cannot be read: {0}")]
    Corrupt(String),
    /// A precondition of a write did not hold (the row changed or is gone).
    #[error("the row changed meanwhile: {0}")]
    Stale(&'static str),
    /// Anything else that the database reports.
    #[error("the database refused a statement")]
    Query(#[source] Error),
}

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        match &error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Duplicate(info.message().to_owned())
            }
            Error::DatabaseError(DatabaseErrorKind::SerializationFailure, info) => {
                Self::Busy(info.message().to_owned())
            }
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection, info) => {
                Self::Unavailable(info.message().to_owned())
            }
            Error::DatabaseError(_, info) if is_busy(info.message()) => {
                Self::Busy(info.message().to_owned())
            }
            Error::DatabaseError(_, info) if is_lost(info.message()) => {
                Self::Unavailable(info.message().to_owned())
            }
            Error::BrokenTransactionManager => {
                Self::Unavailable("the connection was lost in a transaction".to_owned())
            }
            _ => Self::Query(error),
        }
    }
}

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// Deadlock (1213), lock wait (1205) and SQLite's lock texts; diesel has no kind for them.
fn is_busy(message: &str) -> bool {
    message.contains("Deadlock found")
        || message.contains("Lock wait timeout")
        || message.contains("database is locked")
        || message.contains("database table is locked")
}

/// A server that went away between two statements of one pooled connection, or that can
/// write nothing now.
fn is_lost(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "connection reset",
        "connection closed",
        "connection to the server is closed",
        "broken pipe",
        "connection refused",
        "server has gone away",
        "input/output error",
        "connection was killed",
        "server shutdown in progress",
        "unexpected end of file",
        // A replica, until it is the primary.
        "--read-only option",
        // Full disks: MariaDB's and SQLite's words.
        "disk full",
        "is full",
        "disk i/o error",
        "unable to open database file",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use diesel::result::DatabaseErrorKind::Unknown;

    use super::*;

    #[test]
    fn a_database_that_cannot_work_now_is_told_from_one_that_refuses() {
        let of =
            |text: &str| DbError::from(Error::DatabaseError(Unknown, Box::new(text.to_owned())));
        for (text, expected) in [
            (
                "Deadlock found when trying to get lock; try restarting transaction",
                "busy",
            ),
            (
                "Lock wait timeout exceeded; try restarting transaction",
                "busy",
            ),
            ("database is locked", "busy"),
            (
                "Driver error: `Connection to the server is closed.'.",
                "away",
            ),
            (
                "Input/output error: Connection reset by peer (os error 104)",
                "away",
            ),
            ("Server shutdown in progress", "away"),
            (
                "The MariaDB server is running with the --read-only option",
                "away",
            ),
            ("database or disk is full", "away"),
            ("The table 'jobs' is full", "away"),
            ("You have an error in your SQL syntax", "refused"),
        ] {
            let found = match of(text) {
                DbError::Busy(_) => "busy",
                DbError::Unavailable(_) => "away",
                _ => "refused",
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
