//! What can go wrong with Keystone, by what the caller does about it.

/// Why Keystone gave no answer that can be used.
///
/// Cloneable because one failed call is shared by all requests that waited
/// for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeystoneError {
    /// The token is unknown, expired, revoked or malformed: 401 to the client.
    #[error("the token is not valid")]
    Invalid,
    /// Keystone could not be reached or failed: 503 to the client.
    #[error("Keystone is not available: {0}")]
    Unavailable(String),
    /// Our own configuration or service user can not work.
    #[error("Keystone is not usable as configured: {0}")]
    Config(String),
    /// Keystone answered something its API does not define.
    #[error("unexpected answer from Keystone: {0}")]
    Unexpected(String),
}
