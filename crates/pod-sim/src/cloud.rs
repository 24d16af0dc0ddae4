//! The cloud: Keystone, Glance, the pods, and how they come to be.

use std::fmt;
use std::sync::{Arc, Mutex};

use chrono::Utc;

use crate::control::Control;
use crate::faults::Faults;
use crate::glance::{self, GlanceState};
use crate::journal::{Call, Journal};
use crate::keystone::{self, KeystoneState, Wide};
use crate::pod::{SimPod, identify, lock, name};
use crate::request::{Reply, Request, Service};
use crate::server::{Backend, CallerName, LocalReply, Node, SimError};

/// The pods of a cloud, in the order of their making.
pub(crate) type Directory = Arc<Mutex<Vec<SimPod>>>;

/// How a cloud is set up.
#[derive(Clone, Debug)]
pub struct CloudOptions {
    /// Keystone's port; 0: any.
    pub keystone_port: u16,
    /// Glance's port; 0: any.
    pub glance_port: u16,
    /// The port of the simulator's own API; 0: any.
    pub control_port: u16,
    /// The region that users see.
    pub top_region: String,
    /// How long tokens are good, in seconds.
    pub token_lifetime: i64,
    /// The password of all users.
    pub password: String,
}

impl Default for CloudOptions {
    fn default() -> Self {
        CloudOptions {
            keystone_port: 0,
            glance_port: 0,
            control_port: 0,
            top_region: "RegionOne".into(),
            token_lifetime: 86_400,
            password: "secret".into(),
        }
    }
}

/// (user, project, role) of every cloud.
const ASSIGNMENTS: &[(&str, &str, &str)] = &[
    ("admin", "admin", "admin"),
    ("admin", "demo", "admin"),
    ("demo", "demo", "member"),
    ("demo2", "demo2", "member"),
    ("reader", "demo", "reader"),
    ("tricircle", "service", "admin"),
    ("tricircle", "service", "service"),
];

/// Keystone, Glance and the control API share one node.
struct TopBackend {
    identity: Arc<Mutex<KeystoneState>>,
    glance: Arc<Mutex<GlanceState>>,
    control: Control,
}

impl Backend for TopBackend {
    fn answer(&self, request: &Request) -> (Reply, CallerName) {
        if request.service == Service::Keystone {
            let mut state = lock(&self.identity);
            let (reply, caller) = keystone::answer(&mut state, request);
            return (reply, caller.as_ref().map(name).unwrap_or_default());
        }
        if let Some(reply) = glance::public(request) {
            return (reply, CallerName::default());
        }
        match identify(&self.identity, request) {
            (Some(caller), _) => {
                let reply = glance::answer(&mut lock(&self.glance), request, &caller);
                (reply, name(&caller))
            }
            (None, url) => (
                Reply::html(
                    401,
                    "Unauthorized",
                    "This server could not verify that you are authorized to access the \
                     document you requested.",
                )
                .header("WWW-Authenticate", &format!("Keystone uri=\"{url}\"")),
                CallerName::default(),
            ),
        }
    }

    fn control(&self, request: Request) -> LocalReply {
        self.control.answer(request)
    }
}

/// A simulated cloud: one Keystone, one shared Glance, any number of pods.
/// Clones are handles to the same cloud; it stops when the last one is dropped.
#[derive(Clone)]
pub struct SimCloud {
    identity: Arc<Mutex<KeystoneState>>,
    glance: Arc<Mutex<GlanceState>>,
    node: Arc<Node>,
    pods: Directory,
    options: CloudOptions,
    image_id: String,
}

impl fmt::Debug for SimCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimCloud")
            .field("keystone", &self.keystone_url())
            .finish_non_exhaustive()
    }
}

impl SimCloud {
    /// Starts Keystone and Glance in RegionOne, with the usual users, an image
    /// `cirros`, and no pod.
    ///
    /// # Errors
    /// When no listener can be opened.
    pub async fn start() -> Result<Self, SimError> {
        Self::start_with(CloudOptions::default()).await
    }

    /// Like `start`, with ports and names of the caller's choice.
    ///
    /// # Errors
    /// When a listener cannot be opened.
    pub async fn start_with(options: CloudOptions) -> Result<Self, SimError> {
        let mut state = KeystoneState {
            token_lifetime: options.token_lifetime,
            ..KeystoneState::default()
        };
        for (user, project, role) in ASSIGNMENTS {
            state.assign(user, &options.password, project, role);
        }
        let owner = state.ensure_project("admin");
        let mut images = GlanceState::default();
        let image_id = images.add_public("cirros", &owner);
        let identity = Arc::new(Mutex::new(state));
        let glance = Arc::new(Mutex::new(images));
        let pods = Directory::default();
        let backend = Arc::new(TopBackend {
            identity: Arc::clone(&identity),
            glance: Arc::clone(&glance),
            control: Control::new(&pods),
        });
        let services = [
            (Service::Keystone, options.keystone_port),
            (Service::Glance, options.glance_port),
            (Service::Control, options.control_port),
        ];
        let node =
            Arc::new(Node::start(&services, Arc::clone(&backend) as Arc<dyn Backend>).await?);
        backend.control.watch(node.journal(), node.faults());
        let cloud = SimCloud {
            identity,
            glance,
            node,
            pods,
            options,
            image_id,
        };
        let top = cloud.options.top_region.clone();
        lock(&cloud.identity).url = cloud.keystone_url();
        cloud.register_endpoint(&top, "identity", &cloud.keystone_url());
        cloud.register_endpoint(&top, "image", &cloud.glance_url());
        Ok(cloud)
    }

    /// Adds a pod on ports of the system's choice and puts its endpoints in the
    /// catalog, in a child region of the top's.
    ///
    /// # Errors
    /// When a listener cannot be opened.
    pub async fn add_pod(&self, name: &str) -> Result<SimPod, SimError> {
        self.add_pod_at(name, 0).await
    }

    /// Like `add_pod`, on ports counted from `base_port`.
    ///
    /// # Errors
    /// When a listener cannot be opened.
    pub async fn add_pod_at(&self, name: &str, base_port: u16) -> Result<SimPod, SimError> {
        let pod = SimPod::start_services(
            name,
            base_port,
            Arc::clone(&self.identity),
            Arc::clone(&self.glance),
        )
        .await?;
        lock(&self.identity).ensure_region(name, Some(&self.options.top_region));
        let volumes = format!("{}/$(project_id)s", pod.cinder_url());
        for (kind, url) in [
            ("compute", pod.nova_url()),
            ("network", pod.neutron_url()),
            ("volumev3", volumes.clone()),
            ("block-storage", volumes),
            ("placement", pod.placement_url()),
            ("image", self.glance_url()),
            ("identity", self.keystone_url()),
        ] {
            self.register_endpoint(name, kind, &url);
        }
        lock(&self.pods).push(pod.clone());
        Ok(pod)
    }

    /// The pods, in the order of their making.
    pub fn pods(&self) -> Vec<SimPod> {
        lock(&self.pods).clone()
    }

    /// Keystone's URL with `/v3`.
    pub fn keystone_url(&self) -> String {
        format!("{}/v3", self.node.url(Service::Keystone))
    }

    /// Glance's URL without a version.
    pub fn glance_url(&self) -> String {
        self.node.url(Service::Glance)
    }

    /// The URL of the simulator's own API, without `/_sim`.
    pub fn control_url(&self) -> String {
        self.node.url(Service::Control)
    }

    /// The id of the image `cirros`.
    pub fn image_id(&self) -> &str {
        &self.image_id
    }

    /// A token of a user scoped to a project, without a call to Keystone.
    ///
    /// # Errors
    /// When there is no such user or project.
    pub async fn token(&self, user: &str, project: &str) -> Result<String, SimError> {
        lock(&self.identity)
            .grant(user, Some(project))
            .ok_or_else(|| SimError::Invalid(format!("no user {user} or project {project}")))
    }

    /// A token of a user who has these roles in the whole cloud, or in the domain, and that
    /// names no project.
    pub fn wide_token(&self, user: &str, wide: Wide, roles: &[&str]) -> Result<String, SimError> {
        lock(&self.identity)
            .grant_wide(user, wide, roles)
            .ok_or_else(|| SimError::Invalid(format!("no user {user}")))
    }

    /// Makes a token that was good expired.
    pub fn expire_token(&self, token: &str) {
        if let Some(token) = lock(&self.identity).tokens.get_mut(token) {
            token.expires_at = Utc::now() - chrono::Duration::seconds(1);
        }
    }

    /// Makes Keystone forget a token.
    pub fn revoke_token(&self, token: &str) {
        lock(&self.identity).tokens.remove(token);
    }

    /// Gives a user a role in a project; makes what is missing, with the
    /// cloud's password.
    pub fn assign(&self, user: &str, project: &str, role: &str) {
        lock(&self.identity).assign(user, &self.options.password, project, role);
    }

    /// The id of a project; empty if there is none of this name.
    pub fn project_id(&self, name: &str) -> String {
        let identity = lock(&self.identity);
        let found = identity.project_named(name).map(|p| p.id.clone());
        found.unwrap_or_default()
    }

    /// The id of a user; empty if there is none of this name.
    pub fn user_id(&self, name: &str) -> String {
        let identity = lock(&self.identity);
        let found = identity.user_named(name).map(|u| u.id.clone());
        found.unwrap_or_default()
    }

    /// Puts an endpoint in the catalog, in all interfaces, in place of what was
    /// there for the region and type.
    pub fn register_endpoint(&self, region: &str, service_type: &str, url: &str) {
        lock(&self.identity).register_endpoint(region, service_type, url);
    }

    /// Closes the listeners of Keystone, Glance and the control API.
    pub async fn stop_keystone(&self) {
        self.node.stop().await;
    }

    /// Listens again on the same ports.
    ///
    /// # Errors
    /// When a port was taken by somebody else meanwhile.
    pub async fn start_keystone(&self) -> Result<(), SimError> {
        self.node.restart().await
    }

    /// The calls to Keystone and Glance.
    pub fn keystone_journal(&self) -> Vec<Call> {
        self.node.journal().calls()
    }

    /// The journal itself, to wait on.
    pub fn keystone_journal_handle(&self) -> &Journal {
        self.node.journal()
    }

    /// Forgets the calls to Keystone and Glance so far.
    pub fn clear_keystone_journal(&self) {
        self.node.journal().clear();
    }

    /// The faults of Keystone and Glance.
    pub fn keystone_faults(&self) -> &Faults {
        self.node.faults()
    }
}
