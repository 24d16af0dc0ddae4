//! Which pods there are, kept in memory.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tricircle_config::Config;
use tricircle_db::Store;
use tricircle_db::models::{PodState, PodView, ZoneService};
use tricircle_keystone::{Endpoint, Keystone};

use crate::breaker::BreakerState;
use crate::health::Judge;
use crate::memory::AnswerMemory;
use crate::versions::{self, PodVersions};
use crate::{
    Caller, Endpoints, HeldAnswers, PodError, PodHealth, PodHttp, PodSession, Service, VersionSpan,
    probe,
};

/// How often the rows of pods are read again.
const ROWS_EVERY: Duration = Duration::from_secs(2);

/// How many of those rounds pass before versions and endpoints are read again.
const DISCOVER_EVERY: u32 = 30;

/// A pod with what is known of it.
#[derive(Debug, Clone)]
pub struct PodEntry {
    /// Row and zones.
    pub view: PodView,
    /// Where its services are.
    pub endpoints: Endpoints,
    /// Microversions it speaks; none until it answered.
    pub(crate) versions: PodVersions,
    /// How it is; stays when the rest is read again.
    pub(crate) health: Arc<PodHealth>,
}

impl PodEntry {
    /// UUID of the pod.
    pub fn id(&self) -> &str {
        &self.view.pod.id
    }

    /// Name of its region.
    pub fn region(&self) -> &str {
        &self.view.pod.region_name
    }

    /// How the pod is, as this process sees it.
    pub fn health(&self) -> &Arc<PodHealth> {
        &self.health
    }

    /// Whether a service of it answers, as far as this process knows.
    pub fn answers(&self, service: Service) -> bool {
        self.health.of(service).state == BreakerState::Closed
    }

    /// True when it may be given new resources.
    pub fn takes_new(&self) -> bool {
        self.view.pod.state == PodState::Enabled
    }

    /// True when it may be called.
    pub fn is_callable(&self) -> bool {
        self.view.pod.state != PodState::Disabled
    }
}

/// All pods at one moment, by ordinal.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The pods, disabled ones too.
    pub all: Vec<Arc<PodEntry>>,
}

impl Snapshot {
    /// The pods that may be called.
    pub fn callable(&self) -> impl Iterator<Item = &Arc<PodEntry>> {
        self.all.iter().filter(|entry| entry.is_callable())
    }

    /// A pod by its id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<PodEntry>> {
        self.all.iter().find(|entry| entry.id() == id)
    }

    /// A pod by its region.
    pub fn by_region(&self, region: &str) -> Option<&Arc<PodEntry>> {
        self.all.iter().find(|entry| entry.region() == region)
    }

    /// Whether users may name this zone, in any pod that may be called.
    pub fn has_zone(&self, service: ZoneService, top_az: &str) -> bool {
        self.callable()
            .any(|entry| entry.view.bottom_az(service, top_az).is_some())
    }

    /// The MTU that a network may have in all pods that its hints name (the top's zones of
    /// servers or networks, or pods by their regions; none: in all pods), `most` at most.
    pub fn smallest_mtu(&self, zones: &[&str], most: i32) -> i32 {
        let may_have = |entry: &&Arc<PodEntry>| {
            let has = |service, zone| entry.view.bottom_az(service, zone).is_some();
            zones.is_empty()
                || zones.iter().any(|zone| {
                    *zone == entry.region()
                        || has(ZoneService::Compute, zone)
                        || has(ZoneService::Network, zone)
                })
        };
        let mtus = self.all.iter().filter(may_have);
        mtus.filter_map(|entry| entry.view.mtu)
            .min()
            .map_or(most, |mtu| mtu.min(most))
    }

    /// The microversions of a service that every callable pod speaks.
    pub fn version_span(&self, service: Service) -> Option<VersionSpan> {
        VersionSpan::common(
            self.callable()
                .filter_map(|entry| entry.versions.of(service)),
        )
    }
}

struct Inner {
    store: Store,
    keystone: Keystone,
    config: Arc<Config>,
    snapshot: RwLock<Arc<Snapshot>>,
    judge: Arc<Judge>,
    memory: Arc<AnswerMemory>,
    recovered: watch::Sender<()>,
    /// Whether rows and endpoints have been read once.
    known: watch::Sender<bool>,
}

/// The pods, and sessions to them. Cheap to clone.
#[derive(Clone)]
pub struct Pods {
    inner: Arc<Inner>,
    http: PodHttp,
}

impl std::fmt::Debug for Pods {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pods").finish_non_exhaustive()
    }
}

impl Pods {
    /// An empty registry: nothing is read before [`Pods::refresh`] or
    /// [`Pods::keep_fresh`].
    pub fn new(store: Store, keystone: Keystone, config: Arc<Config>) -> Result<Self, PodError> {
        let http = PodHttp::new(&config.client, &config.keystone_authtoken).map_err(|source| {
            PodError::Unreachable {
                pod: "(any)".to_owned(),
                source,
            }
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                store: store.in_background(),
                keystone,
                judge: Arc::new(Judge::new(&config.client)),
                memory: AnswerMemory::new(config.client.answers_memory),
                recovered: watch::Sender::new(()),
                config,
                snapshot: RwLock::default(),
                known: watch::Sender::new(false),
            }),
            http,
        })
    }

    /// The same pods through connections of the calling worker's own.
    pub fn with_own_connections(&self) -> Self {
        let http = PodHttp::new(
            &self.inner.config.client,
            &self.inner.config.keystone_authtoken,
        );
        Self {
            inner: self.inner.clone(),
            // It was built once from the same configuration; sharing is the worst
            // that can happen.
            http: http.unwrap_or_else(|_| self.http.clone()),
        }
    }

    /// The configuration that the pods are called with.
    pub fn config(&self) -> &Arc<Config> {
        &self.inner.config
    }

    /// Keystone, as the pods' sessions use it.
    pub fn keystone(&self) -> &Keystone {
        &self.inner.keystone
    }

    /// The pods as last read. No I/O.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner
            .snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the pods have been read since the start. Before that the snapshot is
    /// empty because nobody knows, which must not be taken for a cloud without pods.
    pub fn are_known(&self) -> bool {
        *self.inner.known.borrow()
    }

    /// Waits until [`Pods::are_known`].
    pub async fn wait_known(&self) {
        // The sender lives as long as this value.
        let _ = self.inner.known.subscribe().wait_for(|known| *known).await;
    }

    /// Reads the pods now: rows, endpoints, and versions of those not known yet.
    /// When a part is away, what was known of it stays.
    pub async fn refresh(&self) -> Result<Arc<Snapshot>, PodError> {
        self.read(true).await
    }

    async fn read(&self, discover: bool) -> Result<Arc<Snapshot>, PodError> {
        let before = self.snapshot();
        let rows = match self.inner.store.pods_all().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "the pods could not be read; those known stay");
                return Ok(before);
            }
        };
        let lacking = rows.iter().any(|view| {
            before
                .by_id(&view.pod.id)
                .is_none_or(|entry| entry.endpoints.is_empty())
        });
        let catalog = match discover || lacking {
            true => self.catalog().await,
            false => None,
        };
        let interface = self.inner.config.client.endpoint_interface.to_string();
        let mut all = Vec::with_capacity(rows.len());
        for view in rows {
            let known = before.by_id(&view.pod.id);
            let endpoints = match (&catalog, known) {
                (Some(catalog), _) => {
                    Endpoints::of_region(catalog, &view.pod.region_name, &interface)
                }
                (None, Some(known)) => known.endpoints.clone(),
                (None, None) => Endpoints::default(),
            };
            let health = match known {
                Some(known) => known.health.clone(),
                None => PodHealth::new(&view.pod.region_name, self.inner.judge.clone()),
            };
            all.push(PodEntry {
                health,
                versions: known.map(|k| k.versions.clone()).unwrap_or_default(),
                view,
                endpoints,
            });
        }
        // The first time without versions: a pod that is silent would have everybody wait.
        if !self.are_known() && (catalog.is_some() || all.is_empty()) {
            self.publish(&all);
            self.inner.known.send_replace(true);
        }
        versions::discover(&self.http, &mut all, discover).await;
        Ok(self.publish(&all))
    }

    fn publish(&self, all: &[PodEntry]) -> Arc<Snapshot> {
        let fresh = Arc::new(Snapshot {
            all: all.iter().cloned().map(Arc::new).collect(),
        });
        *self
            .inner
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        fresh
    }

    async fn catalog(&self) -> Option<Arc<Vec<Endpoint>>> {
        match self.inner.keystone.refresh_catalog().await {
            Ok(catalog) => Some(catalog),
            Err(error) => {
                tracing::warn!(%error, "the catalog could not be read; endpoints known stay");
                None
            }
        }
    }

    /// Refreshes until `stop`: rows every two seconds, endpoints and versions every
    /// minute; and probes services that do not answer. A task of the service, beside the
    /// requests.
    pub async fn keep_fresh(self, stop: CancellationToken) {
        let judge = self.inner.judge.clone();
        let probing = probe::keep_probing(self.clone(), judge, stop.clone());
        tokio::join!(probing, self.keep_read(stop));
    }

    async fn keep_read(&self, stop: CancellationToken) {
        let mut round = 0u32;
        loop {
            let read = self.read(round.is_multiple_of(DISCOVER_EVERY));
            tokio::select! {
                () = stop.cancelled() => return,
                result = read => {
                    if let Err(error) = result {
                        tracing::warn!(%error, "the pods could not be refreshed");
                    }
                }
            }
            round = round.wrapping_add(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(ROWS_EVERY) => {}
            }
        }
    }

    /// Tells of each service of a pod that answers again after it was down.
    pub fn recoveries(&self) -> watch::Receiver<()> {
        self.inner.recovered.subscribe()
    }

    pub(crate) fn tell_recovered(&self) {
        self.inner.recovered.send_replace(());
    }

    pub(crate) fn http(&self) -> &PodHttp {
        &self.http
    }

    /// Answers that one piece of work keeps in memory: [`PodSession::holding`].
    pub fn held_answers(&self) -> Arc<HeldAnswers> {
        HeldAnswers::new(&self.inner.memory)
    }

    /// A session of a caller in a pod that may be called.
    pub fn session(&self, pod_id: &str, caller: &Caller) -> Result<PodSession, PodError> {
        let snapshot = self.snapshot();
        match snapshot.by_id(pod_id) {
            Some(entry) if entry.is_callable() => Ok(self.session_in(entry, caller)),
            Some(entry) => Err(PodError::Unknown(entry.region().to_owned())),
            None => Err(PodError::Unknown(pod_id.to_owned())),
        }
    }

    /// A session of the service user, for a job or for what users may not do.
    pub fn admin(&self, pod_id: &str, request_id: &str) -> Result<PodSession, PodError> {
        self.session(pod_id, &Caller::service(request_id))
    }

    /// A session in a pod at hand, whatever its state; registering needs it for a
    /// pod that has no row yet.
    pub fn session_in(&self, entry: &Arc<PodEntry>, caller: &Caller) -> PodSession {
        PodSession::new(
            entry.clone(),
            self.http.clone(),
            self.inner.keystone.clone(),
            caller.clone(),
            self.inner.memory.clone(),
        )
    }

    /// What a region would be as a pod: its endpoints from a fresh catalog.
    pub async fn inspect(&self, view: PodView) -> Result<Arc<PodEntry>, PodError> {
        let catalog = self
            .inner
            .keystone
            .refresh_catalog()
            .await
            .map_err(|source| PodError::Auth {
                pod: view.pod.region_name.clone(),
                source,
            })?;
        let interface = self.inner.config.client.endpoint_interface.to_string();
        let mut entry = PodEntry {
            endpoints: Endpoints::of_region(&catalog, &view.pod.region_name, &interface),
            versions: PodVersions::default(),
            health: PodHealth::new(&view.pod.region_name, self.inner.judge.clone()),
            view,
        };
        versions::discover(&self.http, std::slice::from_mut(&mut entry), true).await;
        Ok(Arc::new(entry))
    }
}
