//! A request and a reply as the services see them: plain data.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use percent_encoding_free::decode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One of the services that a simulated cloud plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Identity API v3.
    Keystone,
    /// Image API v2.
    Glance,
    /// Compute API v2.1.
    Nova,
    /// Networking API v2.0.
    Neutron,
    /// Block Storage API v3.
    Cinder,
    /// Placement API.
    Placement,
    /// The simulator's own API.
    Control,
}

impl Service {
    /// The name of the project that implements the service, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Service::Keystone => "keystone",
            Service::Glance => "glance",
            Service::Nova => "nova",
            Service::Neutron => "neutron",
            Service::Cinder => "cinder",
            Service::Placement => "placement",
            Service::Control => "control",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A request after its body was read.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) service: Service,
    pub(crate) method: String,
    /// The path without the query, as sent.
    pub(crate) path: String,
    /// The query as sent, without the question mark.
    pub(crate) raw_query: String,
    pub(crate) query: Query,
    /// Header names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
    /// `http://host:port` under which the caller reached us, for links.
    pub(crate) base: String,
    pub(crate) request_id: String,
    pub(crate) global_request_id: Option<String>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The path's segments, percent-decoded, empty ones left out.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect()
    }

    /// The body as JSON; `None` if it is none.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A query string, order and repetitions kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        Query(
            url::form_urlencoded::parse(raw.as_bytes())
                .map(|(key, value)| (key.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.pairs().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    /// All values of `key`.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs().filter(move |(k, _)| *k == key).map(|(_, v)| v)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Whether `key` is given and true in the way of oslo's `bool_from_string`.
    pub(crate) fn truthy(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| truthy(v) || v.is_empty())
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The query again, with `key` set to `value` in its old place or at the end.
    pub(crate) fn with(&self, key: &str, value: &str) -> String {
        let mut pairs: Vec<(&str, &str)> = self.pairs().filter(|(k, _)| *k != key).collect();
        pairs.push((key, value));
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    }
}

/// oslo's `bool_from_string` in its default mode.
pub(crate) fn truthy(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "1" | "t" | "true" | "on" | "y" | "yes"
    )
}

/// What goes back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Body,
    pub(crate) headers: Vec<(String, String)>,
}

/// The body of a reply with its content type.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    /// JSON with `charset=UTF-8` in its content type, as Nova's faults have.
    JsonUtf8(Value),
    Html(String),
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Reply {
            status,
            body: Body::Json(body),
            headers: Vec::new(),
        }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn empty(status: u16) -> Self {
        Reply {
            status,
            body: Body::Empty,
            headers: Vec::new(),
        }
    }

    /// The page that WebOb makes of an error that no API code wrapped.
    pub(crate) fn html(status: u16, title: &str, text: &str) -> Self {
        Reply {
            status,
            body: Body::Html(format!(
                "<html>\n <head>\n  <title>{status} {title}</title>\n </head>\n <body>\n  \
                 <h1>{status} {title}</h1>\n  {text}<br /><br />\n\n\n </body>\n</html>"
            )),
            headers: Vec::new(),
        }
    }

    pub(crate) fn not_found_page() -> Self {
        Self::html(404, "Not Found", "The resource could not be found.")
    }

    /// keystonemiddleware's answer to no or a bad token.
    pub(crate) fn unauthorized(keystone_url: &str) -> Self {
        Self::json(
            401,
            serde_json::json!({"error": {
                "code": 401,
                "title": "Unauthorized",
                "message": "The request you have made requires authentication.",
            }}),
        )
        .header(
            "WWW-Authenticate",
            &format!("Keystone uri=\"{keystone_url}\""),
        )
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

mod percent_encoding_free {
    /// Percent-decodes a path segment; `+` stays, bad escapes stay as they are.
    pub(super) fn decode(segment: &str) -> String {
        if !segment.contains('%') {
            return segment.to_owned();
        }
        let escaped = segment.replace('+', "%2B");
        url::form_urlencoded::parse(format!("x={}", escaped.replace('&', "%26")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_and_empty_ones_dropped() {
        let request = Request {
            service: Service::Nova,
            method: "GET".into(),
            path: "//v2.1/a%2Fb/c+d/".into(),
            raw_query: String::new(),
            query: Query::default(),
            headers: BTreeMap::new(),
            body: Bytes::new(),
            base: String::new(),
            request_id: String::new(),
            global_request_id: None,
        };
        assert_eq!(request.segments(), ["v2.1", "a/b", "c+d"]);
    }

    #[test]
    fn a_query_keeps_repetitions_and_replaces_one_key() {
        let query = Query::parse("a=1&b=2&a=3&limit=1");
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(query.with("marker", "x"), "a=1&b=2&a=3&limit=1&marker=x");
    }
}
