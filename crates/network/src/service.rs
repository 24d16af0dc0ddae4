//! [`Network`]: what services and jobs hold to do anything with networks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tricircle_config::Config;
use tricircle_db::Store;
use tricircle_db::models::{Realization, RealizationKind};
use tricircle_jobs::JobSender;
use tricircle_pods::{PodSession, Pods};

use crate::NetworkError;
use crate::drivers::Drivers;

/// Networking at the top and in the pods. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) store: Store,
    pub(crate) pods: Pods,
    pub(crate) config: Arc<Config>,
    pub(crate) jobs: JobSender,
    pub(crate) drivers: Drivers,
    pub(crate) locks: Arc<KeyedLocks>,
}

impl Network {
    /// On this database, these pods, this configuration.
    pub fn new(store: Store, pods: Pods, config: Arc<Config>, jobs: JobSender) -> Self {
        Self {
            drivers: Drivers::new(&config.tricircle),
            store,
            pods,
            config,
            jobs,
            locks: Arc::default(),
        }
    }

    /// The type drivers, for what they say of a network's type.
    pub fn drivers(&self) -> &Drivers {
        &self.drivers
    }

    /// The database, for reads that need no rule of this crate.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A session of the service user in a pod.
    pub(crate) fn admin(&self, pod_id: &str, request_id: &str) -> Result<PodSession, NetworkError> {
        Ok(self.pods.admin(pod_id, request_id)?)
    }

    /// The pod's name as users and operators know it.
    pub(crate) fn region(&self, pod_id: &str) -> String {
        self.pods
            .snapshot()
            .by_id(pod_id)
            .map_or_else(|| pod_id.to_owned(), |entry| entry.region().to_owned())
    }

    /// What ids in a pod's answer are at the top; ids that are not ours are left out.
    pub async fn bottom_to_top(
        &self,
        pod_id: &str,
        bottom_ids: &[String],
    ) -> Result<HashMap<String, (RealizationKind, String)>, NetworkError> {
        let rows = self
            .store
            .realizations_by_bottom(pod_id, bottom_ids)
            .await?;
        Ok(rows.into_iter().filter_map(by_bottom).collect())
    }
}

fn by_bottom(row: Realization) -> Option<(String, (RealizationKind, String))> {
    Some((row.bottom_id?, (row.kind, row.top_id)))
}

/// One lock per key, for as long as somebody holds or awaits it. It spares racing
/// tasks of this process the detour over a second bottom object; what keeps
/// processes apart is in `realize`.
#[derive(Default, Debug)]
pub(crate) struct KeyedLocks(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl KeyedLocks {
    pub(crate) async fn lock(&self, key: String) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, lock| lock.strong_count() > 0);
            match all.get(&key).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::default();
                    all.insert(key, Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_key_is_held_by_one_at_a_time_and_forgotten_after() {
        let locks = Arc::new(KeyedLocks::default());
        let held = locks.lock("a".to_owned()).await;
        let other = locks.lock("b".to_owned()).await;
        let waiting = tokio::spawn({
            let locks = locks.clone();
            async move { drop(locks.lock("a".to_owned()).await) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop((held, other));
        waiting.await.unwrap();
        drop(locks.lock("c".to_owned()).await);
        assert_eq!(locks.0.lock().unwrap().len(), 1, "only the last asked for");
    }
}
