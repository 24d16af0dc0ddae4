//! Which pod has a resource.
//!
//! The ids of servers, volumes and the like are equal at the top and in their pod,
//! so a routing is a hint that saves asking: it is looked up in memory, then in the
//! database, and on a miss all pods are asked at once with the user's own token.
//! What is found is recorded, so that resources made behind our back are served
//! from then on like any other.
//!
//! An id that no pod knows is remembered too, for seconds and for the token that asked:
//! a client that asks for a wrong id again and again must not bother all pods each time.
//! The database is looked at first, so that this hides nothing that any process of
//! Tricircle made meanwhile.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use secrecy::ExposeSecret;
use tricircle_db::models::{Routing, RoutingKind, RoutingState};
use tricircle_db::{DbError, Store};
use tricircle_pods::{Caller, PodEntry, PodError, PodSession, Pods, Service, fan_out};

/// Counts a look into the memory.
fn counted(hit: bool) {
    let result = if hit { "hit" } else { "miss" };
    metrics::counter!("tricircle_cache_lookups_total", "cache" => "routings", "result" => result)
        .increment(1);
}

/// Where a resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// UUID of the pod.
    pub pod_id: String,
    /// Id of the resource in the pod.
    pub bottom_id: String,
}

/// Why a resource could not be found.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No pod has it, as far as the caller may see.
    #[error("no pod has it")]
    NotFound,
    /// A pod that may have it did not answer.
    #[error("a pod that may have it did not answer")]
    PodAway(#[source] PodError),
    /// The database failed.
    #[error("the routing could not be read")]
    Db(#[from] DbError),
}

/// The routings, with a bounded memory of those used lately. Cheap to clone; all
/// workers of a process share one.
#[derive(Clone)]
pub struct Routings {
    store: Store,
    known: Cache<(RoutingKind, String), Arc<Resolved>>,
    unknown: Cache<(RoutingKind, String, u64), ()>,
    hasher: RandomState,
}

impl std::fmt::Debug for Routings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routings").finish_non_exhaustive()
    }
}

impl Routings {
    /// Keeps at most `size` routings in memory, each for `ttl`, and as many ids that no
    /// pod knows, each for `unknown_ttl`.
    pub fn new(store: Store, size: u64, ttl: Duration, unknown_ttl: Duration) -> Self {
        Self {
            store,
            known: Cache::builder()
                .max_capacity(size)
                .time_to_live(ttl)
                .build(),
            unknown: Cache::builder()
                .max_capacity(size)
                .time_to_live(unknown_ttl)
                .build(),
            hasher: RandomState::new(),
        }
    }

    /// Who sees which ids is the pods' business: what one token does not see another may.
    fn asker(&self, caller: &Caller) -> u64 {
        let token = caller.token.as_ref().map(|token| token.expose_secret());
        self.hasher.hash_one(token)
    }

    /// The pod of a resource; pods are asked when no row says it.
    pub async fn resolve(
        &self,
        kind: RoutingKind,
        id: &str,
        pods: &Pods,
        caller: &Caller,
    ) -> Result<Arc<Resolved>, ResolveError> {
        let key = (kind, id.to_owned());
        let remembered = self.known.get(&key).await;
        counted(remembered.is_some());
        if let Some(found) = remembered {
            return Ok(found);
        }
        // Ids in pods are UUIDs; anything else would only bother every pod.
        if id.is_empty() || id.len() > 36 || !id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        {
            return Err(ResolveError::NotFound);
        }
        let resolved = match self.store.routing_by_top(kind, id).await? {
            Some(row) => Arc::new(Resolved {
                pod_id: row.pod_id,
                bottom_id: row.bottom_id.unwrap_or_else(|| id.to_owned()),
            }),
            None => {
                let question = (kind, id.to_owned(), self.asker(caller));
                if self.unknown.contains_key(&question) {
                    return Err(ResolveError::NotFound);
                }
                let answer = self.ask_pods(kind, id, pods, caller).await;
                if matches!(answer, Err(ResolveError::NotFound)) {
                    self.unknown.insert(question, ()).await;
                }
                answer?
            }
        };
        self.known.insert(key, resolved.clone()).await;
        self.measure();
        Ok(resolved)
    }

    /// Tells the metrics how much is remembered.
    fn measure(&self) {
        metrics::gauge!("tricircle_cache_entries", "cache" => "routings")
            .set(self.known.entry_count() as f64);
    }

    /// Remembers a routing that was just written.
    pub async fn learn(&self, kind: RoutingKind, id: &str, pod_id: &str) {
        let resolved = Resolved {
            pod_id: pod_id.to_owned(),
            bottom_id: id.to_owned(),
        };
        self.known
            .insert((kind, id.to_owned()), Arc::new(resolved))
            .await;
        self.measure();
    }

    /// Drops a routing from memory: the resource is gone or moved.
    pub async fn forget(&self, kind: RoutingKind, id: &str) {
        self.known.invalidate(&(kind, id.to_owned())).await;
    }

    async fn ask_pods(
        &self,
        kind: RoutingKind,
        id: &str,
        pods: &Pods,
        caller: &Caller,
    ) -> Result<Arc<Resolved>, ResolveError> {
        let snapshot = pods.snapshot();
        let deadline = pods.config().client.list_timeout;
        let answers = fan_out(snapshot.callable().cloned(), deadline, |entry| {
            let session = pods.session_in(&entry, caller);
            async move { lookup(&session, kind, id).await }
        })
        .await;
        let mut away = None;
        for answer in answers {
            match answer.result {
                Ok(found) => {
                    self.store
                        .routing_found(&row(kind, id, &answer.pod, &found))
                        .await?;
                    tracing::info!(
                        kind = %kind, id, pod.name = answer.pod.region(),
                        "found a resource that was made behind our back"
                    );
                    return Ok(Arc::new(Resolved {
                        pod_id: answer.pod.id().to_owned(),
                        bottom_id: id.to_owned(),
                    }));
                }
                Err(error) if error.is_refusal() => {}
                Err(error) => away = Some(error),
            }
        }
        Err(away.map_or(ResolveError::NotFound, ResolveError::PodAway))
    }
}

/// Service and path of a kind.
pub(crate) const fn place(kind: RoutingKind) -> (Service, &'static str, &'static str) {
    match kind {
        RoutingKind::Server => (Service::Compute, "/servers", "server"),
        RoutingKind::Volume => (Service::Volume, "/volumes", "volume"),
        RoutingKind::Snapshot => (Service::Volume, "/snapshots", "snapshot"),
        RoutingKind::Backup => (Service::Volume, "/backups", "backup"),
    }
}

async fn lookup(
    session: &PodSession,
    kind: RoutingKind,
    id: &str,
) -> Result<serde_json::Value, PodError> {
    let (service, path, envelope) = place(kind);
    let mut body = session.get_json(service, &format!("{path}/{id}")).await?;
    match body.get_mut(envelope).map(serde_json::Value::take) {
        Some(found) if found.get("id").and_then(serde_json::Value::as_str) == Some(id) => Ok(found),
        _ => Err(PodError::Malformed {
            pod: session.pod().region().to_owned(),
            why: format!("no {envelope} of this id in its show"),
        }),
    }
}

/// What a list or a quota needs of a resource that was found in a pod.
fn row(kind: RoutingKind, id: &str, pod: &PodEntry, found: &serde_json::Value) -> Routing {
    let text = |key: &str| {
        found
            .get(key)
            .and_then(serde_json::Value::as_str)
            .map(|text| text.chars().take(255).collect::<String>())
    };
    // Ids of Keystone, in the width that the database has for them.
    let keystone_id = |key: &str| text(key).filter(|id| id.is_ascii() && id.len() <= 64);
    let inside = |pointer: &str| {
        let id = found.pointer(pointer).and_then(serde_json::Value::as_str);
        id.filter(|id| id.chars().count() <= 255).map(str::to_owned)
    };
    let now = tricircle_db::now();
    let (zone_key, service) = match kind {
        RoutingKind::Server => (
            "OS-EXT-AZ:availability_zone",
            tricircle_db::models::ZoneService::Compute,
        ),
        _ => (
            "availability_zone",
            tricircle_db::models::ZoneService::Volume,
        ),
    };
    Routing {
        id: uuid::Uuid::new_v4().to_string(),
        kind,
        top_id: Some(id.to_owned()),
        pod_id: pod.id().to_owned(),
        bottom_id: Some(id.to_owned()),
        project_id: keystone_id("tenant_id")
            .or_else(|| keystone_id("os-vol-tenant-attr:tenant_id"))
            .unwrap_or_default(),
        user_id: keystone_id("user_id").unwrap_or_default(),
        name: text("name").unwrap_or_default(),
        state: RoutingState::Active,
        availability_zone: text(zone_key)
            .and_then(|zone| pod.view.top_az(service, &zone).map(str::to_owned)),
        flavor_id: inside("/flavor/id"),
        image_id: inside("/image/id"),
        vcpus: 0,
        ram_mb: 0,
        size_gb: found
            .get("size")
            .and_then(serde_json::Value::as_i64)
            .and_then(|size| i32::try_from(size).ok())
            .unwrap_or_default(),
        reservation_id: None,
        request_id: String::new(),
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}
