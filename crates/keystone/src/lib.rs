//! Keystone, seen from a service: is this token good, who am I, where is
//! everything.
//!
//! [`Keystone`] does what keystonemiddleware and a keystoneauth session do for
//! the Python services. Tokens are validated online (`GET /v3/auth/tokens`
//! with the service user's own token), never by sharing Keystone's keys, and
//! remembered in memory under their SHA-256 for at most `token_cache_time`.
//! Many requests that arrive with the same unknown token ask Keystone once.
//!
//! Three things are kept apart because clients act on them differently:
//! a token Keystone does not know ([`KeystoneError::Invalid`], answered 401, the
//! client logs in again), a Keystone that does not answer
//! ([`KeystoneError::Unavailable`], answered 503), and a set-up that can not work
//! ([`KeystoneError::Config`]).
//!
//! No token and no password appears in a log line, an error or `Debug`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod access_rules;
mod cache;
mod catalog;
mod error;
pub mod http;
mod identity;
mod keystone;
mod token;

pub use access_rules::{AccessRule, path_matches};
pub use catalog::Endpoint;
pub use error::KeystoneError;
pub use keystone::{Keystone, ServiceToken, Validated};
pub use token::{ProjectRef, Token};
