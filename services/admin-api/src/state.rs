//! What the handlers work with.

use std::sync::Arc;

use tricircle_api::{Fault, RequestContext};
use tricircle_config::Config;
use tricircle_db::Store;
use tricircle_keystone::Keystone;
use tricircle_messaging::JobBus;
use tricircle_pods::Pods;
use tricircle_policy::{Enforcer, Target};

/// The service's parts, shared by all workers.
#[derive(Clone)]
pub struct State {
    /// The whole configuration.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// Keystone.
    pub keystone: Keystone,
    /// The pods.
    pub pods: Pods,
    /// Who may do what.
    pub enforcer: Arc<Enforcer>,
    /// What wakes the workers.
    pub bus: Arc<dyn JobBus>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    /// Puts the parts together.
    pub fn new(
        config: Arc<Config>,
        store: Store,
        keystone: Keystone,
        pods: Pods,
        enforcer: Arc<Enforcer>,
        bus: Arc<dyn JobBus>,
    ) -> Self {
        Self {
            config,
            store,
            keystone,
            pods,
            enforcer,
            bus,
        }
    }

    /// Refuses with 403 unless the rule `admin_api:<rule>` allows the caller.
    pub(crate) fn require(&self, rule: &str, context: &RequestContext) -> Result<(), Fault> {
        self.enforcer.enforce(
            &format!("admin_api:{rule}"),
            &context.credentials(),
            &Target::new(),
        )?;
        Ok(())
    }
}
