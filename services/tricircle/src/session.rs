//! Logs in and calls the admin API.

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::command::Call;
use crate::environment::{Domain, Login};

/// The service type of the admin API in the catalog.
const SERVICE_TYPE: &str = "multiregion";

/// How long any one call may take; registering a pod asks all its services.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The command line or the environment is incomplete.
    #[error("{0}")]
    Usage(String),
    /// Keystone refused the log-in.
    #[error("Keystone refuses the log-in: {0}")]
    Refused(String),
    /// The catalog does not name the admin API.
    #[error(
        "the catalog has no public {SERVICE_TYPE} endpoint{0}; name it with --endpoint or \
         TRICIRCLE_ENDPOINT"
    )]
    NoEndpoint(String),
    /// No answer.
    #[error("{url} can not be reached: {reason}")]
    Unreachable {
        /// What was called.
        url: String,
        /// Why it failed.
        reason: String,
    },
    /// The admin API said no.
    #[error("{status}: {message}")]
    Fault {
        /// The HTTP status.
        status: StatusCode,
        /// The fault's message.
        message: String,
    },
}

impl SessionError {
    /// The process's exit code, of sysexits where one fits.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Fault { .. } => 1,
            Self::Usage(_) => 64,
            Self::Unreachable { .. } | Self::NoEndpoint(_) => 69,
            Self::Refused(_) => 77,
        }
    }
}

/// A token and the admin API's URL.
pub(crate) struct Session {
    http: reqwest::Client,
    token: SecretString,
    endpoint: String,
}

impl Session {
    pub(crate) async fn open(login: &Login) -> Result<Self, SessionError> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("tricircle/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SessionError::Usage(error.to_string()))?;
        let root = login.auth_url.trim_end_matches('/');
        let root = root.strip_suffix("/v3").unwrap_or(root);
        let url = format!("{root}/v3/auth/tokens");
        let response = http
            .post(&url)
            .json(&login_body(login))
            .send()
            .await
            .map_err(|error| unreachable(&url, &error))?;
        let status = response.status();
        let token = response
            .headers()
            .get("x-subject-token")
            .and_then(|value| value.to_str().ok())
            .map(SecretString::from);
        let body: Value = response.json().await.unwrap_or_default();
        let Some(token) = token.filter(|_| status == StatusCode::CREATED) else {
            return Err(SessionError::Refused(message_of(&body, status)));
        };
        let endpoint = match &login.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => endpoint_in(&body, login.region.as_deref())
                .ok_or_else(|| SessionError::NoEndpoint(in_region(login.region.as_deref())))?,
        };
        Ok(Self {
            http,
            token,
            endpoint: with_version(&endpoint),
        })
    }

    pub(crate) async fn send(&self, call: &Call) -> Result<Value, SessionError> {
        let url = format!("{}{}", self.endpoint, call.path);
        let mut request = self
            .http
            .request(call.method.clone(), &url)
            .header("X-Auth-Token", self.token.expose_secret())
            .header("Accept", "application/json");
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| unreachable(&url, &error))?;
        let status = response.status();
        let text = response
            .text()
            .await
            .map_err(|error| unreachable(&url, &error))?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            Ok(body)
        } else {
            Err(SessionError::Fault {
                status,
                message: message_of(&body, status),
            })
        }
    }
}

fn unreachable(url: &str, error: &reqwest::Error) -> SessionError {
    let mut reason = String::from("no answer");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        reason = error.to_string();
        cause = error.source();
    }
    SessionError::Unreachable {
        url: url.to_owned(),
        reason,
    }
}

fn message_of(body: &Value, status: StatusCode) -> String {
    let message = body.pointer("/error/message").and_then(Value::as_str);
    message.map_or_else(|| status.to_string(), str::to_owned)
}

fn in_region(region: Option<&str>) -> String {
    region
        .map(|region| format!(" in region {region}"))
        .unwrap_or_default()
}

/// The admin API's public URL in a token's catalog.
fn endpoint_in(token: &Value, region: Option<&str>) -> Option<String> {
    let services = token.pointer("/token/catalog")?.as_array()?;
    services
        .iter()
        .filter(|service| service["type"] == SERVICE_TYPE)
        .filter_map(|service| service["endpoints"].as_array())
        .flatten()
        .filter(|endpoint| endpoint["interface"] == "public")
        .find(|endpoint| region.is_none_or(|region| endpoint["region_id"] == region))
        .and_then(|endpoint| endpoint["url"].as_str())
        .map(str::to_owned)
}

/// The URL ends with the version whether or not it was written with it.
fn with_version(url: &str) -> String {
    let url = url.trim_end_matches('/');
    format!("{}/v1.0", url.strip_suffix("/v1.0").unwrap_or(url))
}

fn login_body(login: &Login) -> Value {
    let domain = |domain: &Domain| match domain {
        Domain::Id(id) => json!({ "id": id }),
        Domain::Name(name) => json!({ "name": name }),
    };
    json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": login.username,
            "domain": domain(&login.user_domain),
            "password": login.password.expose_secret(),
        }}},
        "scope": {"project": {
            "name": login.project_name,
            "domain": domain(&login.project_domain),
        }},
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_the_public_one_of_the_region() {
        let token = json!({"token": {"catalog": [
            {"type": "compute", "endpoints": [
                {"interface": "public", "region_id": "RegionOne", "url": "http://nova"}]},
            {"type": "multiregion", "endpoints": [
                {"interface": "internal", "region_id": "RegionOne", "url": "http://inside"},
                {"interface": "public", "region_id": "RegionTwo", "url": "http://two/"},
                {"interface": "public", "region_id": "RegionOne", "url": "http://one/v1.0"}]},
        ]}});
        let of = |region| endpoint_in(&token, region);
        assert_eq!(of(Some("RegionOne")).as_deref(), Some("http://one/v1.0"));
        assert_eq!(of(None).as_deref(), Some("http://two/"));
        assert_eq!(of(Some("Nowhere")), None);
        assert_eq!(with_version("http://two/"), "http://two/v1.0");
        assert_eq!(with_version("http://one/v1.0"), "http://one/v1.0");
    }
}
