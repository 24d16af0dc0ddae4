//! The queries, on SQLite and on MariaDB.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod core;
mod jobs;
mod lost;
mod network;
mod pushes;
mod quotas;
mod schema;
