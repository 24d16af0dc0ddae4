//! [`Fault`]: the one error of every handler, and how layers below become it.
//!
//! A fault keeps what the client may read (`message`) apart from what only the
//! log may show (`detail`); nothing renders the detail. Handlers return
//! `Result<_, Fault>` and know nothing of body formats: the outermost
//! middleware, which knows the service, renders it (see `render`).
//!
//! Which kind for which failure: the client can repair the request: a 4xx
//! kind. A service we need is away: `Unavailable`. One pod is away or failed:
//! `PodUnavailable`, with the pod's name. We are wrong: `Internal`.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use tricircle_db::DbError;
use tricircle_keystone::KeystoneError;
use tricircle_policy::Denied;

/// What sort of failure it is; decides the status and the name in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// 400
    BadRequest,
    /// 401, with `WWW-Authenticate`; always in Keystone's shape.
    Unauthorized,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 405
    MethodNotAllowed,
    /// 406, an unsupported microversion.
    NotAcceptable,
    /// 409
    Conflict,
    /// 412, neutron's revision check.
    PreconditionFailed,
    /// 413, a body that is too large, and cinder's over-quota.
    TooLarge,
    /// 415
    UnsupportedMediaType,
    /// 429
    OverLimit,
    /// 501
    NotImplemented,
    /// 503, something that Tricircle itself needs is away.
    Unavailable,
    /// 503, the pod that has the resource is away.
    PodUnavailable,
    /// 504, the pod did not answer within the deadline; what it did is unknown.
    PodTimeout,
    /// 500
    Internal,
    /// A status that a pod chose.
    Raw(u16),
}

impl FaultKind {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::OverLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable | Self::PodUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::PodTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Raw(code) => {
                StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// The kind that has this status, [`FaultKind::Raw`] where none does.
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            406 => Self::NotAcceptable,
            409 => Self::Conflict,
            412 => Self::PreconditionFailed,
            413 => Self::TooLarge,
            415 => Self::UnsupportedMediaType,
            429 => Self::OverLimit,
            500 => Self::Internal,
            501 => Self::NotImplemented,
            503 => Self::Unavailable,
            504 => Self::PodTimeout,
            code => Self::Raw(code),
        }
    }
}

/// A failed request, as data.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    message: Cow<'static, str>,
    detail: Option<String>,
    neutron_type: Option<Cow<'static, str>>,
    retry_after: Option<u32>,
    plain: bool,
}

/// Declares a constructor that takes the public message.
macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident = $kind:ident;)*) => {
        $($(#[$doc])*
        pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::new(FaultKind::$kind, message)
        })*
    };
}

impl Fault {
    /// A fault of any kind with the message that the client reads.
    pub fn new(kind: FaultKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            detail: None,
            neutron_type: None,
            retry_after: None,
            plain: false,
        }
    }

    constructors! {
        /// 400 with this message.
        bad_request = BadRequest;
        /// 403 with this message.
        forbidden = Forbidden;
        /// 404 with this message.
        not_found = NotFound;
        /// 409 with this message.
        conflict = Conflict;
        /// 429 with this message.
        over_limit = OverLimit;
        /// 501 with this message.
        not_implemented = NotImplemented;
        /// 503 with this message.
        unavailable = Unavailable;
    }

    /// 401 as keystonemiddleware says it.
    pub fn unauthorized() -> Self {
        Self::new(
            FaultKind::Unauthorized,
            "The request you have made requires authentication.",
        )
    }

    /// 500; the detail goes to the log, the client gets a fixed text.
    pub fn internal(detail: impl fmt::Display) -> Self {
        Self::new(
            FaultKind::Internal,
            "The request failed because of an internal error. The log has its cause under the \
             request id.",
        )
        .with_detail(detail)
    }

    /// 503 because the named pod can not be reached; the detail goes to the log.
    pub fn pod_unavailable(pod: &str, detail: impl fmt::Display) -> Self {
        Self::new(
            FaultKind::PodUnavailable,
            format!("Pod {pod} is not available at the moment."),
        )
        .with_detail(detail)
    }

    /// 404 as the services answer for a path they do not have.
    pub fn no_such_path() -> Self {
        Self::not_found("The resource could not be found.").as_plain()
    }

    /// Adds what only the log shows.
    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Names the exception class in a `NeutronError`, such as `NetworkNotFound`.
    #[must_use]
    pub fn with_type(mut self, neutron_type: impl Into<Cow<'static, str>>) -> Self {
        self.neutron_type = Some(neutron_type.into());
        self
    }

    /// Tells the client when to come again.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Renders as the WSGI layer of the real services does, outside their own
    /// fault format: HTML, text or JSON by what the client accepts.
    #[must_use]
    pub fn as_plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// What the client reads.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What only the log shows.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    pub(crate) fn neutron_type(&self) -> Option<&str> {
        self.neutron_type.as_deref()
    }

    pub(crate) fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// A fault from an error of the framework, such as an extractor's. Messages
    /// of 5xx stay private.
    pub(crate) fn from_framework(error: &actix_web::Error) -> Self {
        if let Some(fault) = error.as_error::<Self>() {
            return fault.clone();
        }
        let kind = FaultKind::of_status(error.as_response_error().status_code());
        if kind.status().is_server_error() {
            return Self::internal(error);
        }
        Self::new(kind, error.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Fault {}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// An empty response that carries the fault to the middleware that renders it.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status());
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<KeystoneError> for Fault {
    fn from(error: KeystoneError) -> Self {
        match error {
            KeystoneError::Invalid => Self::unauthorized(),
            KeystoneError::Unavailable(_)
            | KeystoneError::Config(_)
            | KeystoneError::Unexpected(_) => {
                Self::unavailable("The Keystone service is temporarily unavailable.")
                    .with_detail(error)
                    .as_plain()
            }
        }
    }
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        Self::forbidden(denied.to_string()).with_type("PolicyNotAuthorized")
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        match &error {
            DbError::Unavailable(_) | DbError::Unknown(_) | DbError::Busy(_) => {
                Self::unavailable("The service is temporarily unavailable.")
                    .with_retry_after(1)
                    .with_detail(error)
            }
            DbError::Stale(_) => {
                Self::conflict("The resource was changed by another request at the same time.")
                    .with_detail(error)
            }
            _ if is_of_other_characters(&chain(&error)) => {
                Self::bad_request("The request has an invalid character in an identifier.")
                    .with_detail(chain(&error))
            }
            _ => Self::internal(chain(&error)),
        }
    }
}

/// Whether MariaDB refused to compare a client's text with a column of ids, which has
/// ASCII only, or to put it there.
fn is_of_other_characters(message: &str) -> bool {
    ["Illegal mix of collations", "Incorrect string value"]
        .iter()
        .any(|known| message.contains(known))
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_text_never_shows_the_detail() {
        let fault = Fault::internal("password of db is x");
        assert!(!fault.to_string().contains("password"));
        assert_eq!(fault.detail(), Some("password of db is x"));
        let fault = Fault::from(DbError::Unavailable("10.0.0.1 refused".to_owned()));
        assert_eq!(fault.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!fault.message().contains("10.0.0.1"));
    }

    #[test]
    fn every_status_maps_to_a_kind_of_that_status() {
        for code in 400..600 {
            let status = StatusCode::from_u16(code).unwrap();
            assert_eq!(FaultKind::of_status(status).status(), status);
        }
    }

    #[test]
    fn keystone_away_is_no_401() {
        let away = Fault::from(KeystoneError::Unavailable("refused".to_owned()));
        assert_eq!(away.status().as_u16(), 503);
        let invalid = Fault::from(KeystoneError::Invalid);
        assert_eq!(invalid.status().as_u16(), 401);
    }
}
