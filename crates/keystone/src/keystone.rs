//! [`Keystone`]: the calls of `identity` with memory in front.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use secrecy::SecretString;
use tricircle_config::KeystoneAuthtoken;

use crate::cache::{Fetched, Held, Verdict, Verdicts, fingerprint, verdicts};
use crate::identity::Identity;
use crate::{Endpoint, KeystoneError, Token};

/// How long the catalog is used before it is read again.
const CATALOG_RENEW: Duration = Duration::from_secs(60);

/// How long the catalog is used while Keystone is away: endpoints move rarely,
/// and nothing works without them.
const CATALOG_END: Duration = Duration::from_secs(24 * 3600);

/// The service user's own token.
#[derive(Debug, Clone)]
pub struct ServiceToken {
    /// The token as it is sent in `X-Auth-Token`.
    pub secret: SecretString,
    /// What it stands for.
    pub token: Token,
}

/// A user's token that came together with a service's.
#[derive(Debug, Clone)]
pub struct Validated {
    /// The user's token; it may have expired if the service vouched for it.
    pub token: Arc<Token>,
    /// The service's token.
    pub service: Arc<Token>,
}

/// Keystone as a service sees it. Cheap to clone: clones share all memory.
#[derive(Clone)]
pub struct Keystone {
    inner: Arc<Inner>,
}

struct Inner {
    identity: Identity,
    verdicts: Verdicts,
    own: Held<ServiceToken>,
    catalog: Held<Vec<Endpoint>>,
    service_roles: Vec<String>,
    service_roles_required: bool,
}

impl std::fmt::Debug for Keystone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keystone").finish_non_exhaustive()
    }
}

impl Keystone {
    /// Prepares the client from `[keystone_authtoken]`; nothing is asked yet.
    pub fn new(config: &KeystoneAuthtoken) -> Result<Self, KeystoneError> {
        Ok(Self {
            inner: Arc::new(Inner {
                identity: Identity::new(config)?,
                verdicts: verdicts(config.token_cache_size, config.token_cache_time),
                own: Held::default(),
                catalog: Held::default(),
                service_roles: config.service_token_roles.clone(),
                service_roles_required: config.service_token_roles_required,
            }),
        })
    }

    /// What the token stands for; [`KeystoneError::Invalid`] if nothing.
    pub async fn validate(&self, token: &str) -> Result<Arc<Token>, KeystoneError> {
        self.look_up(token, false).await
    }

    /// As [`Keystone::validate`], for a request that a service makes on the
    /// user's behalf. Where the service token has one of `service_token_roles`
    /// the user's token may have expired meanwhile.
    pub async fn validate_with_service(
        &self,
        token: &str,
        service_token: &str,
    ) -> Result<Validated, KeystoneError> {
        let service = self.look_up(service_token, false).await?;
        let is_service = self.inner.service_roles.iter().any(|r| service.has_role(r));
        if !is_service && self.inner.service_roles_required {
            return Err(KeystoneError::Invalid);
        }
        let token = self.look_up(token, is_service).await?;
        Ok(Validated { token, service })
    }

    /// Our own token, renewed after 80 % of its life.
    pub async fn service_token(&self) -> Result<Arc<ServiceToken>, KeystoneError> {
        self.inner.own.get(self.log_in()).await
    }

    /// Makes the next [`Keystone::service_token`] log in anew: for callers that
    /// were answered 401 with the present one.
    pub fn forget_service_token(&self) {
        self.inner.own.forget();
    }

    /// The endpoints of all services in all regions, at most a minute old while
    /// Keystone answers.
    pub async fn catalog(&self) -> Result<Arc<Vec<Endpoint>>, KeystoneError> {
        self.inner.catalog.get(self.read_catalog()).await
    }

    /// The endpoints as they are now.
    pub async fn refresh_catalog(&self) -> Result<Arc<Vec<Endpoint>>, KeystoneError> {
        self.inner.catalog.renew(self.read_catalog()).await
    }

    /// Tells the metrics how many tokens are remembered.
    pub fn measure(&self) {
        metrics::gauge!("tricircle_cache_entries", "cache" => "tokens")
            .set(self.inner.verdicts.entry_count() as f64);
    }

    /// How many HTTP requests were sent to Keystone so far.
    pub fn requests(&self) -> u64 {
        self.inner.identity.requests()
    }

    async fn look_up(&self, token: &str, allow_expired: bool) -> Result<Arc<Token>, KeystoneError> {
        let token = token.trim();
        if token.is_empty() {
            return Err(KeystoneError::Invalid);
        }
        let entry = self
            .inner
            .verdicts
            .entry(fingerprint(token, allow_expired))
            .or_try_insert_with(self.ask(token, allow_expired))
            .await
            .map_err(|shared: Arc<KeystoneError>| (*shared).clone())?;
        let result = if entry.is_fresh() { "miss" } else { "hit" };
        metrics::counter!("tricircle_cache_lookups_total", "cache" => "tokens", "result" => result)
            .increment(1);
        match entry.into_value() {
            Verdict::Valid(token) if allow_expired || !token.expired_at(Utc::now()) => Ok(token),
            Verdict::Valid(_) | Verdict::Refused => Err(KeystoneError::Invalid),
        }
    }

    async fn ask(&self, token: &str, allow_expired: bool) -> Result<Verdict, KeystoneError> {
        match self.describe(token, allow_expired).await {
            Ok(token) => Ok(Verdict::Valid(Arc::new(token))),
            Err(KeystoneError::Invalid) => Ok(Verdict::Refused),
            Err(error) => Err(error),
        }
    }

    // Both calls below are made with our own token, and once more with a new
    // one when Keystone does not take it: it may have been revoked.

    async fn describe(&self, token: &str, allow_expired: bool) -> Result<Token, KeystoneError> {
        let identity = &self.inner.identity;
        for _ in 0..2 {
            let own = self.service_token().await?;
            if let Some(token) = identity.describe(&own, token, allow_expired).await? {
                return Ok(token);
            }
            self.inner.own.forget_this(&own);
        }
        Err(refused_own_token())
    }

    async fn read_catalog(&self) -> Result<Fetched<Vec<Endpoint>>, KeystoneError> {
        for _ in 0..2 {
            let own = self.service_token().await?;
            if let Some(endpoints) = self.inner.identity.catalog(&own).await? {
                return Ok(Fetched {
                    value: endpoints,
                    renew_after: CATALOG_RENEW,
                    ends_after: CATALOG_END,
                });
            }
            self.inner.own.forget_this(&own);
        }
        Err(refused_own_token())
    }

    async fn log_in(&self) -> Result<Fetched<ServiceToken>, KeystoneError> {
        let own = self.inner.identity.log_in().await?;
        let life = (own.token.expires_at - Utc::now())
            .to_std()
            .unwrap_or_default();
        Ok(Fetched {
            value: own,
            renew_after: life.mul_f64(0.8),
            ends_after: life,
        })
    }
}

fn refused_own_token() -> KeystoneError {
    KeystoneError::Config(
        "Keystone does not take the token that it gave the service user".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: &T) {}

    #[test]
    fn every_call_can_run_in_a_spawned_task() {
        let keystone = Keystone::new(&KeystoneAuthtoken {
            auth_url: "http://127.0.0.1:1/v3".to_owned(),
            ..KeystoneAuthtoken::default()
        })
        .unwrap();
        is_send(&keystone.validate("t"));
        is_send(&keystone.validate_with_service("t", "s"));
        is_send(&keystone.service_token());
        is_send(&keystone.catalog());
        is_send(&keystone.refresh_catalog());
    }
}
