//! What the service holds for all its requests.

use std::sync::Arc;

use tricircle_config::Config;
use tricircle_db::Store;
use tricircle_network::Network;
use tricircle_network::ipam::random_mac;
use tricircle_pods::Pods;
use tricircle_policy::Enforcer;

/// The service's state.
pub struct Api {
    /// The database of the top.
    pub store: Store,
    /// Who may do what.
    pub policy: Arc<Enforcer>,
    /// The configuration.
    pub config: Arc<Config>,
    /// The pods.
    pub pods: Pods,
    /// Networking: what is decided at the top and made in the pods.
    pub network: Network,
}

impl Api {
    /// The most rows of one page of a list; 0: as many as there are.
    pub fn max_limit(&self) -> usize {
        usize::try_from(self.config.tricircle.max_limit).unwrap_or(0)
    }

    /// A MAC address for a port whose creator named none.
    pub fn random_mac(&self) -> String {
        let [a, b, c, ..] = *uuid::Uuid::new_v4().as_bytes();
        random_mac(self.config.tricircle.base_mac, [a, b, c])
    }
}
