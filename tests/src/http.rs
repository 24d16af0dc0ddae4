//! A small HTTP client: a base URL, headers, JSON both ways.
//!
//! It hides nothing: an answer keeps its status, headers and text, because half of the
//! scenarios are about them. [`Answer::expect`] is how a scenario says which status it
//! relies on; the message of its failure holds the whole call.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Nothing may hang: longer than any deadline that the services promise.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Method and URL of the call.
    pub call: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body, provided that the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.call, self.text);
        self.body
    }

    /// The string at a JSON pointer.
    #[track_caller]
    pub fn string(&self, pointer: &str) -> String {
        string(&self.body, pointer)
    }
}

/// The string at a JSON pointer.
#[track_caller]
pub fn string(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => panic!("no string at {pointer} in {value}"),
    }
}

/// The list at a JSON pointer.
#[track_caller]
pub fn list<'a>(value: &'a Value, pointer: &str) -> &'a Vec<Value> {
    match value.pointer(pointer).and_then(Value::as_array) {
        Some(list) => list,
        None => panic!("no list at {pointer} in {value}"),
    }
}

/// Calls below one base URL, with the same headers each time.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(String, String)>,
}

impl Client {
    /// Calls without a token.
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            // A connection that waits may be ended by the server just when it is used
            // again: no scenario's subject.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            headers: Vec::new(),
        }
    }

    /// The URL that paths are appended to.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same with another base URL.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            ..self.clone()
        }
    }

    /// The same with a header set, in place of what it was.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.without(name);
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same without a header.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut client = self.clone();
        client
            .headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        client
    }

    /// The same at a microversion, as `compute 2.90`.
    #[must_use]
    pub fn version(&self, version: &str) -> Self {
        self.with("OpenStack-API-Version", version)
    }

    /// A call with a body as it stands; the error if there was no answer.
    pub async fn try_raw(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{path}", self.base);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method.clone(), &url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        Ok(Answer {
            call: format!("{method} {url}"),
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }

    /// A call; the test fails if there is no answer.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let raw = body.map(Value::to_string);
        match self.try_raw(method, path, raw).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {}{path}: {error:?}", self.base),
        }
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(&body)).await
    }

    /// `PUT`
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(&body)).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }
}
