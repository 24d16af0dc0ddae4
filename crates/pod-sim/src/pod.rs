//! A pod: four services over one state, and the handle that tests hold.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::cinder;
use crate::faults::Faults;
use crate::glance::GlanceState;
use crate::inventory::Inventory;
use crate::journal::{Call, Journal};
use crate::keystone::{Caller, KeystoneState};
use crate::neutron;
use crate::nova::{self, Flavor};
use crate::placement;
use crate::request::{Reply, Request, Service};
use crate::server::{Backend, CallerName, Node, SimError};
use crate::state::PodState;

/// Locks, whether or not another holder panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the services of a pod answer from.
struct PodBackend {
    state: Mutex<PodState>,
    identity: Arc<Mutex<KeystoneState>>,
    glance: Arc<Mutex<GlanceState>>,
    /// Counts answered calls, so that waiting needs no polling.
    changes: watch::Sender<u64>,
}

impl PodBackend {
    /// The state with everything applied that is due.
    fn current(&self) -> MutexGuard<'_, PodState> {
        let mut state = lock(&self.state);
        state.tick(Instant::now());
        state
    }

    fn serve(&self, request: &Request, caller: &Caller) -> Reply {
        let images = match request.service {
            Service::Nova | Service::Cinder => lock(&self.glance).images.clone(),
            _ => Vec::new(),
        };
        let mut state = self.current();
        match request.service {
            Service::Nova => nova::answer(&mut state, request, caller, &images),
            Service::Cinder => cinder::answer(&mut state, request, caller, &images),
            Service::Neutron => {
                let cx = neutron::Context { request, caller };
                neutron::answer(&mut state.neutron, &cx)
            }
            _ => placement::answer(&state, request, caller),
        }
    }
}

impl Backend for PodBackend {
    fn answer(&self, request: &Request) -> (Reply, CallerName) {
        let public = match request.service {
            Service::Nova => nova::public(request),
            Service::Neutron => neutron::public(request),
            Service::Cinder => cinder::public(request),
            _ => placement::public(request),
        };
        if let Some(reply) = public {
            return (reply, CallerName::default());
        }
        let (caller, keystone_url) = identify(&self.identity, request);
        let Some(caller) = caller else {
            return (Reply::unauthorized(&keystone_url), CallerName::default());
        };
        let reply = self.serve(request, &caller);
        self.changes.send_modify(|n| *n += 1);
        (reply, name(&caller))
    }
}

/// The bearer of the request's token, and Keystone's URL for the refusal.
pub(crate) fn identify(
    identity: &Mutex<KeystoneState>,
    request: &Request,
) -> (Option<Caller>, String) {
    let identity = lock(identity);
    let caller = request
        .header("x-auth-token")
        .and_then(|token| identity.caller(token, request.header("x-service-token")));
    (caller, identity.url.clone())
}

pub(crate) fn name(caller: &Caller) -> CallerName {
    CallerName {
        user: Some(caller.user_name.clone()),
        project: Some(caller.project_id.clone()).filter(|id| !id.is_empty()),
    }
}

/// A simulated pod. Clones are handles to the same pod.
#[derive(Clone)]
pub struct SimPod {
    name: String,
    backend: Arc<PodBackend>,
    node: Arc<Node>,
}

impl fmt::Debug for SimPod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimPod").field("name", &self.name).finish()
    }
}

impl SimPod {
    /// Starts the services. With `base_port` 0 ports are chosen; else they are
    /// the base plus 774, 696, 776 and 778.
    pub(crate) async fn start_services(
        name: &str,
        base_port: u16,
        identity: Arc<Mutex<KeystoneState>>,
        glance: Arc<Mutex<GlanceState>>,
    ) -> Result<Self, SimError> {
        let mut state = PodState::default();
        state.name = name.to_owned();
        state.nova.zones = vec!["nova".into()];
        state.neutron.dns_domain = format!("{}.example.", name.to_lowercase());
        let backend = Arc::new(PodBackend {
            state: Mutex::new(state),
            identity,
            glance,
            changes: watch::Sender::new(0),
        });
        let port = |offset: u16| match base_port {
            0 => 0,
            base => base.saturating_add(offset),
        };
        let services = [
            (Service::Nova, port(774)),
            (Service::Neutron, port(696)),
            (Service::Cinder, port(776)),
            (Service::Placement, port(778)),
        ];
        let node = Node::start(&services, Arc::clone(&backend) as Arc<dyn Backend>).await?;
        Ok(SimPod {
            name: name.to_owned(),
            backend,
            node: Arc::new(node),
        })
    }

    /// The pod's region name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The compute endpoint, with `/v2.1`.
    pub fn nova_url(&self) -> String {
        format!("{}/v2.1", self.node.url(Service::Nova))
    }

    /// The network endpoint, without a version.
    pub fn neutron_url(&self) -> String {
        self.node.url(Service::Neutron)
    }

    /// The block storage endpoint, with `/v3` and without a project.
    pub fn cinder_url(&self) -> String {
        format!("{}/v3", self.node.url(Service::Cinder))
    }

    /// The placement endpoint.
    pub fn placement_url(&self) -> String {
        self.node.url(Service::Placement)
    }

    /// Closes the listeners and all connections. What exists stays, and work
    /// that was promised goes on.
    pub async fn stop(&self) {
        self.node.stop().await;
    }

    /// Listens again on the same ports.
    ///
    /// # Errors
    /// When a port was taken by somebody else meanwhile.
    pub async fn start(&self) -> Result<(), SimError> {
        self.node.restart().await
    }

    /// Whether the pod listens.
    pub fn is_running(&self) -> bool {
        self.node.is_running()
    }

    /// The calls to the pod since the start or the last `clear_journal`.
    pub fn journal(&self) -> Vec<Call> {
        self.node.journal().calls()
    }

    /// The journal itself, to wait on.
    pub fn journal_handle(&self) -> &Journal {
        self.node.journal()
    }

    /// Forgets the calls so far.
    pub fn clear_journal(&self) {
        self.node.journal().clear();
    }

    /// The faults of the pod's services.
    pub fn faults(&self) -> &Faults {
        self.node.faults()
    }

    /// What exists now.
    pub fn inventory(&self) -> Inventory {
        Inventory::of(&self.backend.current())
    }

    /// Waits until `wanted` holds of the inventory. Returns whether it did
    /// before `limit` passed. Wakes on calls and on promised work, not by polling.
    pub async fn wait_until(&self, limit: Duration, wanted: impl Fn(&Inventory) -> bool) -> bool {
        let mut changes = self.backend.changes.subscribe();
        let deadline = Instant::now() + limit;
        loop {
            changes.mark_unchanged();
            let next = {
                let state = self.backend.current();
                if wanted(&Inventory::of(&state)) {
                    return true;
                }
                state.next_due().unwrap_or(deadline).min(deadline)
            };
            if Instant::now() >= deadline {
                return false;
            }
            // Ends early by a call; at the latest when something is due.
            if let Ok(Err(_)) = tokio::time::timeout_at(next.into(), changes.changed()).await {
                return false;
            }
        }
    }

    /// How long servers stay in BUILD from now on; `None`: until `finish_builds`.
    pub fn set_build_time(&self, time: Option<Duration>) {
        lock(&self.backend.state).timing.build = time;
    }

    /// How long everything else takes that a service does after its answer.
    pub fn set_other_time(&self, time: Duration) {
        lock(&self.backend.state).timing.other = time;
    }

    /// Ends all builds now.
    pub fn finish_builds(&self) {
        let mut state = self.backend.current();
        let building: Vec<String> = state
            .nova
            .servers
            .values()
            .filter(|server| server.status() == "BUILD")
            .map(|server| server.id.clone())
            .collect();
        for id in building {
            nova::lifecycle::build(&mut state, &id);
        }
        drop(state);
        self.backend.changes.send_modify(|n| *n += 1);
    }

    /// The next build ends in ERROR with this message (`No valid host was found. `).
    pub fn fail_next_build(&self, message: &str) {
        lock(&self.backend.state).nova.fail_next_build = Some(message.to_owned());
    }

    /// Takes a Neutron extension from the pod, or gives it back: `address-group`
    /// and what needs it are then unknown there. Others leave the list only.
    pub fn set_extension(&self, alias: &str, present: bool) {
        let mut state = lock(&self.backend.state);
        if present {
            state.neutron.lacking.remove(alias);
        } else {
            state.neutron.lacking.insert(alias.to_owned());
        }
    }

    /// The availability zones of Nova and Cinder, the first being the default.
    pub fn set_zones(&self, zones: &[&str]) {
        let mut state = lock(&self.backend.state);
        let zones: Vec<String> = zones.iter().map(|zone| (*zone).to_owned()).collect();
        state.nova.zones.clone_from(&zones);
        state.cinder.zones = zones;
    }

    /// Says how large packets may be on the pod's physical networks (1500 at first).
    pub fn set_physical_mtu(&self, mtu: u64) {
        lock(&self.backend.state).neutron.physical_mtu = mtu;
    }

    /// Adds a public flavor.
    pub fn add_flavor(&self, id: &str, name: &str, vcpus: u64, ram: u64, disk: u64) {
        let flavor = Flavor {
            id: id.to_owned(),
            name: name.to_owned(),
            ram,
            vcpus,
            disk,
            ephemeral: 0,
            swap: 0,
            rxtx_factor: 1.0,
            is_public: true,
            description: Value::Null,
            extra_specs: Map::new(),
            access: Vec::new(),
        };
        lock(&self.backend.state)
            .nova
            .flavors
            .insert(id.to_owned(), flavor);
    }
}
