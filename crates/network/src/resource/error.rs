//! What a request can be refused with before anything is done.

use std::borrow::Cow;

/// A refusal in Neutron's terms: `{"NeutronError": {"type", "message", "detail": ""}}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ResourceError {
    /// HTTP status code.
    pub status: u16,
    /// Name of Neutron's exception, which clients switch on.
    pub kind: Cow<'static, str>,
    /// Text for the user.
    pub message: String,
}

impl ResourceError {
    /// An error of a given status and type.
    pub fn new(
        status: u16,
        kind: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind: kind.into(),
            message: message.into(),
        }
    }

    /// What the request layer itself refuses: `HTTPBadRequest`.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "HTTPBadRequest", message)
    }

    /// A value that could not be converted: `InvalidInput`.
    pub fn invalid_input(message: impl std::fmt::Display) -> Self {
        let message = format!("Invalid input for operation: {message}.");
        Self::new(400, "InvalidInput", message)
    }

    /// A request for `subject` that makes no sense: `BadRequest`.
    pub fn bad_subject(subject: &str, message: impl std::fmt::Display) -> Self {
        Self::new(
            400,
            "BadRequest",
            format!("Bad {subject} request: {message}."),
        )
    }
}

/// What a check found: a reason that is put into the usual sentence with the
/// attribute's name, or an error of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Goes into `Invalid input for <attribute>. Reason: <reason>.`
    Reason(String),
    /// Answered as it is.
    Error(ResourceError),
}

impl From<ResourceError> for Problem {
    fn from(error: ResourceError) -> Self {
        Self::Error(error)
    }
}

impl From<String> for Problem {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}
