//! The three calls to Keystone's v3 API that Tricircle needs, without any
//! memory: one attempt series each, and the answer as data.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tricircle_config::KeystoneAuthtoken;
use url::Url;

use crate::catalog::CatalogDocument;
use crate::token::{Token, TokenDocument};
use crate::{Endpoint, KeystoneError, ServiceToken, http};

/// Keystone's address, our credentials, and a count of what was asked.
pub(crate) struct Identity {
    client: Client,
    base: Url,
    login: Value,
    password: SecretString,
    username: String,
    retries: u32,
    requests: AtomicU64,
}

/// An answer with its body read.
struct Answer {
    status: StatusCode,
    subject_token: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn json<T: DeserializeOwned>(&self, call: &str) -> Result<T, KeystoneError> {
        // The parser's message would quote the body, which may hold a token's
        // data; line and column are enough.
        serde_json::from_slice(&self.body).map_err(|e| {
            KeystoneError::Unexpected(format!(
                "{call}: the body is no such document (line {} column {})",
                e.line(),
                e.column()
            ))
        })
    }
}

/// One attempt's failure.
struct Failure {
    error: KeystoneError,
    again: bool,
}

impl Identity {
    pub(crate) fn new(config: &KeystoneAuthtoken) -> Result<Self, KeystoneError> {
        let client = http::client_builder(config)?
            .connect_timeout(config.http_connect_timeout)
            .timeout(config.http_request_timeout)
            .pool_max_idle_per_host(32)
            // Below the keep-alive time of the servers Keystone runs under.
            .pool_idle_timeout(Duration::from_secs(4))
            .user_agent(concat!("tricircle/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| KeystoneError::Config(reason(&e)))?;
        Ok(Self {
            client,
            base: base_url(&config.auth_url)?,
            login: login_body(config),
            password: config.password.clone(),
            username: config.username.clone(),
            retries: config.http_request_max_retries,
            requests: AtomicU64::new(0),
        })
    }

    /// How many HTTP requests were sent.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Logs the service user in.
    pub(crate) async fn log_in(&self) -> Result<ServiceToken, KeystoneError> {
        let url = self.url("auth/tokens?nocatalog")?;
        let mut body = self.login.clone();
        if let Some(user) = body.pointer_mut("/auth/identity/password/user") {
            user["password"] = json!(self.password.expose_secret());
        }
        let answer = self
            .send("log_in", || self.client.post(url.clone()).json(&body))
            .await?;
        match answer.status {
            StatusCode::CREATED | StatusCode::OK => {
                let secret = answer.subject_token.clone().ok_or_else(|| {
                    KeystoneError::Unexpected("log_in: no X-Subject-Token".to_owned())
                })?;
                let token = answer.json::<TokenDocument>("log_in")?.into();
                Ok(ServiceToken {
                    secret: SecretString::from(secret),
                    token,
                })
            }
            status => Err(KeystoneError::Config(format!(
                "the service user {} can not log in: {status}",
                self.username
            ))),
        }
    }

    /// Asks what a token is. `None` when Keystone does not take our own token.
    pub(crate) async fn describe(
        &self,
        own: &ServiceToken,
        token: &str,
        allow_expired: bool,
    ) -> Result<Option<Token>, KeystoneError> {
        let Some(subject) = secret_header(token) else {
            return Err(KeystoneError::Invalid);
        };
        let Some(authority) = secret_header(own.secret.expose_secret()) else {
            return Ok(None);
        };
        let url = self.url(if allow_expired {
            "auth/tokens?nocatalog&allow_expired=1"
        } else {
            "auth/tokens?nocatalog"
        })?;
        let answer = self
            .send("validate", || {
                self.client
                    .get(url.clone())
                    .header("X-Auth-Token", authority.clone())
                    .header("X-Subject-Token", subject.clone())
                    // Says that we heed access rules; without it Keystone
                    // hides the tokens that have some.
                    .header("OpenStack-Identity-Access-Rules", "1")
            })
            .await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.json::<TokenDocument>("validate")?.into())),
            StatusCode::NOT_FOUND => Err(KeystoneError::Invalid),
            StatusCode::UNAUTHORIZED => Ok(None),
            StatusCode::FORBIDDEN => Err(KeystoneError::Config(format!(
                "the service user {} may not validate tokens",
                self.username
            ))),
            status => Err(KeystoneError::Unexpected(format!("validate: {status}"))),
        }
    }

    /// Reads the catalog. `None` when Keystone does not take our own token.
    pub(crate) async fn catalog(
        &self,
        own: &ServiceToken,
    ) -> Result<Option<Vec<Endpoint>>, KeystoneError> {
        let url = self.url("auth/catalog")?;
        let Some(authority) = secret_header(own.secret.expose_secret()) else {
            return Ok(None);
        };
        let answer = self
            .send("catalog", || {
                self.client
                    .get(url.clone())
                    .header("X-Auth-Token", authority.clone())
            })
            .await?;
        match answer.status {
            StatusCode::OK => {
                let project = own.token.project.as_ref().map(|p| p.id.as_str());
                let document = answer.json::<CatalogDocument>("catalog")?;
                Ok(Some(document.endpoints(project)))
            }
            StatusCode::UNAUTHORIZED => Ok(None),
            status => Err(KeystoneError::Unexpected(format!("catalog: {status}"))),
        }
    }

    fn url(&self, path: &str) -> Result<Url, KeystoneError> {
        self.base
            .join(path)
            .map_err(|e| KeystoneError::Config(format!("auth_url: {e}")))
    }

    /// Sends a request that may be repeated, and repeats it when Keystone was
    /// not reached or said that it is busy. Not after a time-out: the next
    /// attempt would only add to what the client waits.
    async fn send(
        &self,
        call: &'static str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, KeystoneError> {
        let schedule = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(1))
            .with_max_times(usize::try_from(self.retries).unwrap_or(usize::MAX))
            .with_jitter();
        let attempt = || self.attempt(call, request());
        attempt
            .retry(schedule)
            .when(|failure: &Failure| failure.again)
            .await
            .map_err(|failure| failure.error)
    }

    async fn attempt(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, Failure> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let outcome = exchange(request).await;
        let status = outcome
            .as_ref()
            .map_or_else(|_| "none".to_owned(), |a| a.status.as_u16().to_string());
        metrics::histogram!(
            "tricircle_keystone_request_duration_seconds",
            "call" => call, "status" => status
        )
        .record(started.elapsed().as_secs_f64());
        let answer = outcome.map_err(|e| Failure {
            again: !e.is_timeout() || e.is_connect(),
            error: KeystoneError::Unavailable(format!("{call}: {}", reason(&e))),
        })?;
        if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failure {
                again: answer.status != StatusCode::INTERNAL_SERVER_ERROR,
                error: KeystoneError::Unavailable(format!("{call}: {}", answer.status)),
            });
        }
        Ok(answer)
    }
}

async fn exchange(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.header("Accept", "application/json").send().await?;
    let subject_token = response
        .headers()
        .get("X-Subject-Token")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    Ok(Answer {
        status: response.status(),
        subject_token,
        body: response.bytes().await?.to_vec(),
    })
}

/// A header value that is left out of logs, or nothing for what can not be one.
fn secret_header(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(token)
        .ok()
        .filter(|v| !v.is_empty())?;
    value.set_sensitive(true);
    Some(value)
}

/// An error with its causes in one line, without the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let words = match error.downcast_ref::<reqwest::Error>() {
            Some(own) if own.is_timeout() => "timed out".to_owned(),
            Some(own) if own.is_connect() => "can not connect".to_owned(),
            Some(_) => "request failed".to_owned(),
            None => error.to_string(),
        };
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

/// The v3 root with a trailing slash, as `Url::join` needs it.
fn base_url(auth_url: &str) -> Result<Url, KeystoneError> {
    let trimmed = auth_url.trim().trim_end_matches('/');
    if trimmed.is_empty() {
        return Err(KeystoneError::Config(
            "[keystone_authtoken] auth_url is not set".to_owned(),
        ));
    }
    if !trimmed.contains("://") {
        return Err(KeystoneError::Config(
            "[keystone_authtoken] auth_url is no http or https URL".to_owned(),
        ));
    }
    let root = trimmed.strip_suffix("/v2.0").unwrap_or(trimmed);
    let root = root.strip_suffix("/v3").unwrap_or(root);
    let url = Url::parse(&format!("{root}/v3/"))
        .map_err(|e| KeystoneError::Config(format!("[keystone_authtoken] auth_url: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(KeystoneError::Config(
            "[keystone_authtoken] auth_url is no http or https URL".to_owned(),
        ));
    }
    Ok(url)
}

/// The body of the log-in, without the password.
fn login_body(config: &KeystoneAuthtoken) -> Value {
    let domain = |id: &Option<String>, name: &str| match id {
        Some(id) if !id.is_empty() => json!({ "id": id }),
        _ => json!({ "name": name }),
    };
    json!({"auth": {
        "identity": {
            "methods": ["password"],
            "password": {"user": {
                "name": config.username,
                "domain": domain(&config.user_domain_id, &config.user_domain_name),
            }},
        },
        "scope": {"project": {
            "name": config.project_name,
            "domain": domain(&config.project_domain_id, &config.project_domain_name),
        }},
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_v3_root_is_found_from_what_operators_write() {
        for (written, base) in [
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/v3/"),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:5000/v3/"),
            ("http://127.0.0.1:5000/v3", "http://127.0.0.1:5000/v3/"),
            ("https://cloud/identity/v3/", "https://cloud/identity/v3/"),
        ] {
            assert_eq!(base_url(written).unwrap().as_str(), base);
        }
        for written in ["", "  ", "keystone", "ftp://x/", "http://"] {
            assert!(
                matches!(base_url(written), Err(KeystoneError::Config(_))),
                "{written}"
            );
        }
    }

    #[test]
    fn domains_go_by_id_where_one_is_set_and_no_password_is_in_the_kept_body() {
        let config = KeystoneAuthtoken {
            user_domain_id: Some("d1".to_owned()),
            password: SecretString::from("s3cret"),
            ..KeystoneAuthtoken::default()
        };
        let body = login_body(&config);
        assert_eq!(
            body["auth"]["identity"]["password"]["user"]["domain"],
            json!({"id": "d1"})
        );
        assert_eq!(
            body["auth"]["scope"]["project"]["domain"],
            json!({"name": "Default"})
        );
        assert!(!body.to_string().contains("s3cret"));
    }

    #[test]
    fn what_can_not_be_a_header_is_no_token() {
        assert!(secret_header("gAAAA").is_some());
        for bad in ["", "a\nb", "a\u{0}"] {
            assert!(secret_header(bad).is_none(), "{bad:?}");
        }
    }
}
