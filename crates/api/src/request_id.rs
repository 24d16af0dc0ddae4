//! Request ids: each request gets its own, and may carry one from further up.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use uuid::Uuid;

/// The header of request ids, both ways.
pub(crate) const REQUEST_ID: &str = "x-openstack-request-id";
/// The same under Nova's older name.
pub(crate) const COMPUTE_REQUEST_ID: &str = "x-compute-request-id";

/// The ids of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestIds {
    /// Ours, `req-<uuid>`: what logs carry and the answer tells.
    pub id: Arc<str>,
    /// The caller's, if it sent a well-formed one.
    pub global: Option<Arc<str>>,
}

impl RequestIds {
    /// A new id, and the caller's if it has the form.
    pub(crate) fn for_request(headers: &HeaderMap) -> Self {
        Self {
            id: format!("req-{}", Uuid::new_v4()).into(),
            global: headers
                .get(REQUEST_ID)
                .and_then(|value| value.to_str().ok())
                .filter(|value| is_request_id(value))
                .map(Into::into),
        }
    }

    /// The id to send to pods, so that one id joins all logs: the caller's
    /// where there is one, else ours.
    pub fn outbound(&self) -> &str {
        self.global.as_deref().unwrap_or(&self.id)
    }
}

/// `req-` and a UUID in lower case with hyphens, nothing else: what is
/// accepted ends up in logs.
pub(crate) fn is_request_id(text: &str) -> bool {
    text.strip_prefix("req-").is_some_and(|id| {
        id.len() == 36 && Uuid::try_parse(id).is_ok() && !id.bytes().any(|b| b.is_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_taken_over() {
        assert!(is_request_id("req-11111111-1111-4111-8111-11111111abcd"));
        for bad in [
            "",
            "req-",
            "11111111-1111-4111-8111-11111111abcd",
            "req-11111111-1111-4111-8111-11111111ABCD",
            "req-111111111111411181111111111abcd1",
            "req-{1111111-1111-4111-8111-11111111abc}",
            "req-11111111-1111-4111-8111-11111111abcd\n",
            "req-11111111-1111-4111-8111-11111111abcdx",
        ] {
            assert!(!is_request_id(bad), "{bad:?}");
        }
    }
}
