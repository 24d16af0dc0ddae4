//! Which token is good in a pod.

use secrecy::{ExposeSecret, SecretString};
use tricircle_db::models::{AuthMode, Pod};
use tricircle_keystone::Keystone;

use crate::PodError;

/// For whom a call is made.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user's token; none: the service user calls.
    pub token: Option<SecretString>,
    /// The token of the service that vouches for the user: pods then accept a user's
    /// token that expired meanwhile.
    pub service_token: Option<SecretString>,
    /// The request id (`req-<uuid>`) that finds the call in the pod's log.
    pub request_id: String,
}

impl Caller {
    /// A user, with the token of the request.
    pub fn user(token: SecretString, request_id: impl Into<String>) -> Self {
        Self {
            token: Some(token),
            service_token: None,
            request_id: request_id.into(),
        }
    }

    /// The service user: for what users may not do, and for jobs.
    pub fn service(request_id: impl Into<String>) -> Self {
        Self {
            token: None,
            service_token: None,
            request_id: request_id.into(),
        }
    }

    /// The same with the service token that came along with the user's.
    #[must_use]
    pub fn vouched_by(self, service_token: Option<SecretString>) -> Self {
        Self {
            service_token,
            ..self
        }
    }
}

/// A token of the caller that the pod accepts.
pub(crate) async fn token_for(
    pod: &Pod,
    caller: &Caller,
    keystone: &Keystone,
) -> Result<SecretString, PodError> {
    match pod.auth_mode {
        AuthMode::Shared => match &caller.token {
            Some(token) => Ok(token.clone()),
            None => {
                let token = keystone
                    .service_token()
                    .await
                    .map_err(|source| PodError::Auth {
                        pod: pod.region_name.clone(),
                        source,
                    })?;
                Ok(SecretString::from(token.secret.expose_secret().to_owned()))
            }
        },
        AuthMode::K2k => Err(PodError::AuthMode(pod.region_name.clone())),
    }
}
