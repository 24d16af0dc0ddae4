//! Faults as the bytes each service's clients expect.
//!
//! The one place that knows the body formats. They were taken from answers of
//! running services; `tests` below hold one case per kind and service.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::{Fault, FaultKind};

/// Whose format a fault is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultStyle {
    /// `{"itemNotFound": {"code": 404, "message": …}}`
    Nova,
    /// As Nova.
    Cinder,
    /// `{"NeutronError": {"type": …, "message": …, "detail": ""}}`
    Neutron,
    /// `{"error": {"code": 404, "title": …, "message": …}}`, Keystone's format,
    /// for the admin API.
    Admin,
}

/// A rendered fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The HTTP status.
    pub status: StatusCode,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// The value of `Retry-After`.
    pub retry_after: Option<u32>,
}

impl FaultStyle {
    /// Renders a fault for a client that sent this `Accept` header.
    pub fn render(self, fault: &Fault, accept: &str) -> Rendered {
        let status = fault.status();
        if fault.kind() == FaultKind::Unauthorized {
            return Rendered {
                status,
                content_type: "application/json",
                body: keystone_error(fault).to_string(),
                retry_after: None,
            };
        }
        if fault.is_plain() {
            return plain(fault, accept);
        }
        let body = match self {
            Self::Nova | Self::Cinder => compute_fault(fault),
            Self::Neutron => neutron_error(fault),
            Self::Admin => keystone_error(fault),
        };
        Rendered {
            status,
            content_type: match self {
                Self::Nova => "application/json; charset=UTF-8",
                _ => "application/json",
            },
            body: body.to_string(),
            retry_after: retry_after(self, fault),
        }
    }
}

fn retry_after(style: FaultStyle, fault: &Fault) -> Option<u32> {
    fault.retry_after().or_else(|| {
        // Nova and Cinder put the header, with 0, on every over-limit answer.
        let over_limit = matches!(fault.kind(), FaultKind::OverLimit | FaultKind::TooLarge);
        let compute = matches!(style, FaultStyle::Nova | FaultStyle::Cinder);
        (over_limit && compute).then_some(0)
    })
}

fn keystone_error(fault: &Fault) -> Value {
    let status = fault.status();
    json!({"error": {
        "code": status.as_u16(),
        "title": status.canonical_reason().unwrap_or("Error"),
        "message": fault.message(),
    }})
}

fn compute_fault(fault: &Fault) -> Value {
    let code = fault.status().as_u16();
    let name = match code {
        400 => "badRequest",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "itemNotFound",
        405 => "badMethod",
        409 => "conflictingRequest",
        413 | 429 => "overLimit",
        415 => "badMediaType",
        501 => "notImplemented",
        503 => "serviceUnavailable",
        _ => "computeFault",
    };
    let mut body = json!({"code": code, "message": fault.message()});
    if matches!(code, 413 | 429) {
        body["retryAfter"] = json!(fault.retry_after().unwrap_or(0).to_string());
    }
    json!({ name: body })
}

fn neutron_error(fault: &Fault) -> Value {
    let default_type = match fault.kind() {
        FaultKind::BadRequest => "HTTPBadRequest",
        FaultKind::Unauthorized => "HTTPUnauthorized",
        FaultKind::Forbidden => "HTTPForbidden",
        FaultKind::NotFound => "HTTPNotFound",
        FaultKind::MethodNotAllowed => "HTTPMethodNotAllowed",
        FaultKind::NotAcceptable => "HTTPNotAcceptable",
        FaultKind::Conflict => "HTTPConflict",
        FaultKind::PreconditionFailed => "HTTPPreconditionFailed",
        FaultKind::TooLarge => "HTTPRequestEntityTooLarge",
        FaultKind::UnsupportedMediaType => "HTTPUnsupportedMediaType",
        FaultKind::OverLimit => "HTTPTooManyRequests",
        FaultKind::NotImplemented => "HTTPNotImplemented",
        FaultKind::Unavailable | FaultKind::PodUnavailable => "HTTPServiceUnavailable",
        FaultKind::PodTimeout => "HTTPGatewayTimeout",
        FaultKind::Internal => "HTTPInternalServerError",
        FaultKind::Raw(_) => "HTTPError",
    };
    let body = json!({
        "type": fault.neutron_type().unwrap_or(default_type),
        "message": fault.message(),
        "detail": "",
    });
    let name = match fault.kind() {
        FaultKind::NotImplemented => "NotImplementedError",
        _ => "NeutronError",
    };
    json!({ name: body })
}

/// The formats of the WSGI layer below the services.
fn plain(fault: &Fault, accept: &str) -> Rendered {
    let status = fault.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let line = format!("{} {title}", status.as_u16());
    let message = fault.message();
    let (content_type, body) = if accept.contains("html") || accept.contains("*/*") {
        let message = escaped(message);
        (
            "text/html; charset=UTF-8",
            format!(
                "<html>\n <head>\n  <title>{line}</title>\n </head>\n <body>\n  \
                 <h1>{line}</h1>\n  {message}<br /><br />\n </body>\n</html>\n"
            ),
        )
    } else if accept.contains("json") {
        (
            "application/json",
            json!({"message": message, "code": line, "title": title}).to_string(),
        )
    } else {
        (
            "text/plain; charset=UTF-8",
            format!("{line}\n\n{message}\n"),
        )
    };
    Rendered {
        status,
        content_type,
        body,
        retry_after: fault.retry_after(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(style: FaultStyle, fault: &Fault) -> String {
        style.render(fault, "application/json").body
    }

    #[test]
    fn nova_names_each_kind() {
        for (kind, expected) in [
            (
                FaultKind::BadRequest,
                r#"{"badRequest":{"code":400,"message":"m"}}"#,
            ),
            (
                FaultKind::Unauthorized,
                r#"{"error":{"code":401,"title":"Unauthorized","message":"m"}}"#,
            ),
            (
                FaultKind::Forbidden,
                r#"{"forbidden":{"code":403,"message":"m"}}"#,
            ),
            (
                FaultKind::NotFound,
                r#"{"itemNotFound":{"code":404,"message":"m"}}"#,
            ),
            (
                FaultKind::MethodNotAllowed,
                r#"{"badMethod":{"code":405,"message":"m"}}"#,
            ),
            (
                FaultKind::NotAcceptable,
                r#"{"computeFault":{"code":406,"message":"m"}}"#,
            ),
            (
                FaultKind::Conflict,
                r#"{"conflictingRequest":{"code":409,"message":"m"}}"#,
            ),
            (
                FaultKind::PreconditionFailed,
                r#"{"computeFault":{"code":412,"message":"m"}}"#,
            ),
            (
                FaultKind::TooLarge,
                r#"{"overLimit":{"code":413,"message":"m","retryAfter":"0"}}"#,
            ),
            (
                FaultKind::UnsupportedMediaType,
                r#"{"badMediaType":{"code":415,"message":"m"}}"#,
            ),
            (
                FaultKind::OverLimit,
                r#"{"overLimit":{"code":429,"message":"m","retryAfter":"0"}}"#,
            ),
            (
                FaultKind::NotImplemented,
                r#"{"notImplemented":{"code":501,"message":"m"}}"#,
            ),
            (
                FaultKind::Unavailable,
                r#"{"serviceUnavailable":{"code":503,"message":"m"}}"#,
            ),
            (
                FaultKind::PodUnavailable,
                r#"{"serviceUnavailable":{"code":503,"message":"m"}}"#,
            ),
            (
                FaultKind::PodTimeout,
                r#"{"computeFault":{"code":504,"message":"m"}}"#,
            ),
            (
                FaultKind::Internal,
                r#"{"computeFault":{"code":500,"message":"m"}}"#,
            ),
            (
                FaultKind::Raw(418),
                r#"{"computeFault":{"code":418,"message":"m"}}"#,
            ),
        ] {
            let fault = Fault::new(kind, "m");
            assert_eq!(body(FaultStyle::Nova, &fault), expected);
            assert_eq!(body(FaultStyle::Cinder, &fault), expected);
        }
    }

    #[test]
    fn neutron_tells_the_exception_class() {
        for (fault, expected) in [
            (
                Fault::not_found("Network x could not be found.").with_type("NetworkNotFound"),
                r#"{"NeutronError":{"type":"NetworkNotFound","message":"Network x could not be found.","detail":""}}"#,
            ),
            (
                Fault::bad_request("Body contains invalid data"),
                r#"{"NeutronError":{"type":"HTTPBadRequest","message":"Body contains invalid data","detail":""}}"#,
            ),
            (
                Fault::not_implemented("m"),
                r#"{"NotImplementedError":{"type":"HTTPNotImplemented","message":"m","detail":""}}"#,
            ),
            (
                Fault::unauthorized(),
                r#"{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}"#,
            ),
            (
                Fault::conflict("m").with_type("OverQuota"),
                r#"{"NeutronError":{"type":"OverQuota","message":"m","detail":""}}"#,
            ),
        ] {
            assert_eq!(body(FaultStyle::Neutron, &fault), expected);
        }
    }

    #[test]
    fn the_admin_api_answers_as_keystone_does() {
        assert_eq!(
            body(FaultStyle::Admin, &Fault::conflict("m")),
            r#"{"error":{"code":409,"title":"Conflict","message":"m"}}"#
        );
    }

    #[test]
    fn a_plain_fault_follows_accept() {
        let fault = Fault::not_found("no <path>").as_plain();
        let html = FaultStyle::Nova.render(&fault, "*/*");
        assert_eq!(html.content_type, "text/html; charset=UTF-8");
        assert!(html.body.contains("no &lt;path&gt;"));
        let json = FaultStyle::Cinder.render(&fault, "application/json");
        assert_eq!(
            json.body,
            r#"{"message":"no <path>","code":"404 Not Found","title":"Not Found"}"#
        );
        let text = FaultStyle::Nova.render(&fault, "");
        assert_eq!(text.body, "404 Not Found\n\nno <path>\n");
    }

    #[test]
    fn over_limit_tells_when_to_come_again() {
        let fault = Fault::over_limit("m").with_retry_after(7);
        let rendered = FaultStyle::Nova.render(&fault, "");
        assert_eq!(rendered.retry_after, Some(7));
        assert!(rendered.body.contains(r#""retryAfter":"7""#));
        assert_eq!(
            FaultStyle::Neutron
                .render(&Fault::over_limit("m"), "")
                .retry_after,
            None
        );
    }
}
