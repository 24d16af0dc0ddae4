//! What is remembered of Keystone's answers, and for how long.
//!
//! Two shapes: [`Verdicts`], many tokens with bounds and an end for each, and
//! [`Held`], one value that is renewed before it ends (our own token, the
//! catalog) and kept in use when Keystone is away at the moment of renewal.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::Utc;
use moka::Expiry;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::{KeystoneError, Token};

/// How long a token that Keystone refused is refused without asking again.
const REFUSED_FOR: Duration = Duration::from_secs(5);

/// How long an old value stays in use before renewing it is tried again.
const RENEW_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A token's fingerprint: the token itself is not kept.
pub(crate) type Fingerprint = [u8; 32];

/// The fingerprint of a token, apart for validations that accept expired ones.
pub(crate) fn fingerprint(token: &str, allow_expired: bool) -> Fingerprint {
    Sha256::new()
        .chain_update([u8::from(allow_expired)])
        .chain_update(token.as_bytes())
        .finalize()
        .into()
}

/// What Keystone said of a token.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Valid(Arc<Token>),
    Refused,
}

/// How long each verdict holds.
struct Terms {
    at_most: Duration,
}

impl Terms {
    fn of(&self, verdict: &Verdict) -> Duration {
        match verdict {
            Verdict::Refused => self.at_most.min(REFUSED_FOR),
            Verdict::Valid(token) => match (token.expires_at - Utc::now()).to_std() {
                Ok(left) => self.at_most.min(left),
                // Accepted although expired, on the word of a service.
                Err(_) => self.at_most,
            },
        }
    }
}

impl Expiry<Fingerprint, Verdict> for Terms {
    fn expire_after_create(
        &self,
        _key: &Fingerprint,
        verdict: &Verdict,
        _created_at: Instant,
    ) -> Option<Duration> {
        Some(self.of(verdict))
    }
}

/// The verdicts on tokens seen lately.
pub(crate) type Verdicts = Cache<Fingerprint, Verdict>;

/// An empty cache of verdicts.
pub(crate) fn verdicts(size: u64, at_most: Duration) -> Verdicts {
    Cache::builder()
        .max_capacity(size)
        .expire_after(Terms { at_most })
        .build()
}

/// A fetched value and how long it is good.
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    /// After this it is fetched anew when next asked for.
    pub(crate) renew_after: Duration,
    /// After this it is not used any more.
    pub(crate) ends_after: Duration,
}

struct Entry<T> {
    value: Arc<T>,
    renew_at: Instant,
    ends_at: Instant,
}

/// One value, fetched by one caller at a time.
pub(crate) struct Held<T> {
    current: RwLock<Option<Entry<T>>>,
    /// Held while fetching. Keeps the last failure and its moment, so that all
    /// who waited for a fetch share its failure instead of repeating it one
    /// after the other.
    turn: Mutex<Option<(Instant, KeystoneError)>>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self {
            current: RwLock::new(None),
            turn: Mutex::new(None),
        }
    }
}

impl<T> Held<T> {
    /// The value, fetched if there is none or it is due.
    pub(crate) async fn get(
        &self,
        fetch: impl Future<Output = Result<Fetched<T>, KeystoneError>>,
    ) -> Result<Arc<T>, KeystoneError> {
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let asked_at = Instant::now();
        let mut turn = self.turn.lock().await;
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        if let Some((failed_at, error)) = turn.as_ref()
            && *failed_at >= asked_at
        {
            return Err(error.clone());
        }
        match fetch.await {
            Ok(fetched) => {
                *turn = None;
                Ok(self.store(fetched))
            }
            Err(error) => {
                if let Some(old) = self.prolong() {
                    tracing::warn!(
                        error = %error,
                        "Keystone did not renew what we hold; the old one stays in use"
                    );
                    return Ok(old);
                }
                *turn = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The value, fetched now whatever is held.
    pub(crate) async fn renew(
        &self,
        fetch: impl Future<Output = Result<Fetched<T>, KeystoneError>>,
    ) -> Result<Arc<T>, KeystoneError> {
        let _turn = self.turn.lock().await;
        Ok(self.store(fetch.await?))
    }

    /// Forgets the value.
    pub(crate) fn forget(&self) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Forgets the value if it is this one: of many who find it bad, one
    /// fetches the next.
    pub(crate) fn forget_this(&self, value: &Arc<T>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current
            .as_ref()
            .is_some_and(|entry| Arc::ptr_eq(&entry.value, value))
        {
            *current = None;
        }
    }

    fn fresh(&self) -> Option<Arc<T>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current
            .as_ref()
            .filter(|entry| Instant::now() < entry.renew_at)
            .map(|entry| Arc::clone(&entry.value))
    }

    fn prolong(&self) -> Option<Arc<T>> {
        let now = Instant::now();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let entry = current.as_mut().filter(|entry| now < entry.ends_at)?;
        entry.renew_at = now + RENEW_AGAIN_AFTER;
        Some(Arc::clone(&entry.value))
    }

    fn store(&self, fetched: Fetched<T>) -> Arc<T> {
        let now = Instant::now();
        let value = Arc::new(fetched.value);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Entry {
            value: Arc::clone(&value),
            renew_at: now + fetched.renew_after,
            ends_at: now + fetched.ends_after,
        });
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn fetched(value: u32, renew_after: Duration, ends_after: Duration) -> Fetched<u32> {
        Fetched {
            value,
            renew_after,
            ends_after,
        }
    }

    fn away() -> KeystoneError {
        KeystoneError::Unavailable("away".to_owned())
    }

    #[tokio::test]
    async fn a_fresh_value_is_not_fetched_again() {
        let held = Held::default();
        held.get(async { Ok(fetched(1, HOUR, HOUR)) })
            .await
            .unwrap();
        let again = held.get(async { Err(away()) }).await.unwrap();
        assert_eq!(*again, 1);
    }

    #[tokio::test]
    async fn an_old_value_serves_while_keystone_is_away_but_not_past_its_end() {
        let held = Held::default();
        held.get(async { Ok(fetched(1, Duration::ZERO, HOUR)) })
            .await
            .unwrap();
        assert_eq!(*held.get(async { Err(away()) }).await.unwrap(), 1);

        let ended = Held::default();
        ended
            .get(async { Ok(fetched(1, Duration::ZERO, Duration::ZERO)) })
            .await
            .unwrap();
        assert_eq!(ended.get(async { Err(away()) }).await, Err(away()));
    }

    #[tokio::test]
    async fn those_who_waited_for_a_failed_fetch_share_its_failure() {
        let held = Arc::new(Held::<u32>::default());
        let (fail, failing) = tokio::sync::oneshot::channel::<()>();
        let first = held.get(async {
            failing.await.ok();
            Err(away())
        });
        let second = held.get(async { panic!("asked although the first one had just failed") });
        let release = async { fail.send(()).ok() };
        let (first, second, _) = tokio::join!(first, second, release);
        assert_eq!((first, second), (Err(away()), Err(away())));
        // A later caller tries again.
        assert_eq!(
            held.get(async { Ok(fetched(2, HOUR, HOUR)) })
                .await
                .as_deref(),
            Ok(&2)
        );
    }

    #[tokio::test]
    async fn only_the_value_found_bad_is_forgotten() {
        let held = Held::default();
        let one = held
            .get(async { Ok(fetched(1, HOUR, HOUR)) })
            .await
            .unwrap();
        held.forget_this(&one);
        let two = held
            .get(async { Ok(fetched(2, HOUR, HOUR)) })
            .await
            .unwrap();
        held.forget_this(&one);
        assert_eq!(held.get(async { Err(away()) }).await, Ok(two));
    }

    #[test]
    fn a_fingerprint_shows_no_token_and_tells_the_two_ways_apart() {
        assert_ne!(fingerprint("t", false), fingerprint("t", true));
        assert_ne!(fingerprint("t", false), fingerprint("u", false));
        assert_eq!(fingerprint("t", false), fingerprint("t", false));
    }
}
