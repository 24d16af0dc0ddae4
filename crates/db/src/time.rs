//! One clock for rows.

use chrono::{DateTime, NaiveDateTime, Timelike, Utc};

/// A moment in UTC as the database keeps it: without zone, in whole microseconds.
pub type Timestamp = NaiveDateTime;

/// The present, truncated to what MariaDB's `DATETIME(6)` can hold.
///
/// SQLite would keep nanoseconds; a value compared after a round trip must be
/// equal on both.
pub fn now() -> Timestamp {
    truncate(Utc::now())
}

fn truncate(moment: DateTime<Utc>) -> Timestamp {
    let naive = moment.naive_utc();
    naive
        .with_nanosecond(naive.nanosecond() / 1_000 * 1_000)
        .unwrap_or(naive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_has_whole_microseconds() {
        assert_eq!(now().nanosecond() % 1_000, 0);
    }
}
