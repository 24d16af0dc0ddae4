//! A small HTTP client for the simulator's own tests.
#![allow(dead_code)]

use reqwest::Method;
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

thread_local! {
    // Making a client reads the system's certificates; one for each test's
    // thread, since a pooled connection belongs to the runtime it was made in.
    static HTTP: reqwest::Client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
}

fn http() -> reqwest::Client {
    HTTP.with(Clone::clone)
}

/// A client with a token and extra headers.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    headers: Vec<(String, String)>,
}

impl Client {
    pub fn new(token: &str) -> Self {
        Client {
            http: http(),
            headers: vec![("x-auth-token".into(), token.into())],
        }
    }

    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.into(), value.into()));
        client
    }

    pub fn compute(&self, version: &str) -> Self {
        self.with("openstack-api-version", &format!("compute {version}"))
    }

    pub async fn try_send(
        &self,
        method: &str,
        url: &str,
        body: Option<Value>,
    ) -> Result<Answer, reqwest::Error> {
        let raw = body.map(|body| body.to_string());
        self.try_raw(method, url, raw).await
    }

    pub async fn try_raw(
        &self,
        method: &str,
        url: &str,
        body: Option<String>,
    ) -> Result<Answer, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        Ok(Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }

    pub async fn send(&self, method: &str, url: &str, body: Option<Value>) -> Answer {
        self.try_send(method, url, body).await.unwrap()
    }

    pub async fn get(&self, url: &str) -> Answer {
        self.send("GET", url, None).await
    }

    pub async fn post(&self, url: &str, body: Value) -> Answer {
        self.send("POST", url, Some(body)).await
    }

    pub async fn put(&self, url: &str, body: Value) -> Answer {
        self.send("PUT", url, Some(body)).await
    }

    pub async fn delete(&self, url: &str) -> Answer {
        self.send("DELETE", url, None).await
    }
}
