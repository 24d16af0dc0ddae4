//! The state of the top: schema, migrations, and one query module per aggregate.
//!
//! MariaDB/MySQL is the reference and SQLite serves the all-in-one process and
//! fast tests. Diesel's queries are generic over neither, so each file of
//! `queries/` is ordinary diesel-async code written against `super::Conn` and
//! is compiled twice: below [`mod@sqlite`] and below [`mod@mysql`]. What differs
//! between the two stands in each one's `dialect.rs`. [`Store`] picks the right
//! copy at run time, so that no caller ever sees a connection or a backend.
//!
//! Invariants:
//! * a method of [`Store`] is one transaction: it happens as a whole or not at all;
//! * no connection is held across a call to a pod;
//! * times are UTC, truncated to microseconds ([`now`]), so that both databases
//!   give back exactly what was written.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
// The queries are compiled once per backend, on purpose.
#![allow(clippy::duplicate_mod)]
// Diesel's wide tables need deep types.
#![recursion_limit = "256"]

mod error;
mod migrate;
pub mod models;
mod mysql;
mod schema;
mod sqlite;
mod store;
pub mod testing;
mod time;
mod url;

pub use error::DbError;
pub use store::{Store, StoreOptions};
pub use time::{Timestamp, now};
