//! Type drivers: which segment a network gets.
//!
//! A driver decides and does nothing: it is given the segments that are taken and
//! says which one to take. The row's unique key is what makes the choice hold; a
//! caller that lost the race asks again with a fresh look at what is taken.

mod flat;
mod local;
mod vlan;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tricircle_config::Tricircle;

use crate::NetworkError;

/// What a network is on the wire; in a wish, `None` means "any".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segment {
    /// `local`, `vlan`, ...
    pub network_type: String,
    /// Physical network, for types that have one.
    pub physical_network: Option<String>,
    /// VLAN id, for types that have one.
    pub segmentation_id: Option<i32>,
}

/// The segments that are taken, by physical network.
pub type Taken = HashMap<String, BTreeSet<i32>>;

/// One network type.
pub trait TypeDriver: Send + Sync {
    /// The word users see in `provider:network_type`.
    fn network_type(&self) -> &'static str;

    /// Whether an administrator may ask for this segment at all.
    fn validate(&self, wanted: &Segment) -> Result<(), NetworkError>;

    /// The physical networks whose taken segments must be known to choose.
    fn physical_networks(&self, wanted: &Segment) -> Vec<String>;

    /// The segment to take. `start` is any number: where to begin to look, so that
    /// racing creates look in different places.
    fn choose(&self, wanted: &Segment, taken: &Taken, start: u64) -> Result<Segment, NetworkError>;

    /// The same segment in every pod, or one that each pod chooses for itself and
    /// that therefore exists in one pod only.
    fn spans_pods(&self) -> bool;
}

/// The types that the operator enabled.
#[derive(Clone)]
pub struct Drivers {
    enabled: Vec<Arc<dyn TypeDriver>>,
    tenant: Vec<String>,
}

impl std::fmt::Debug for Drivers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.enabled.iter().map(|driver| driver.network_type()))
            .finish()
    }
}

impl Drivers {
    /// From `type_drivers`, `tenant_network_types`, `network_vlan_ranges`. Words that
    /// are no type known here are left out and logged.
    pub fn new(config: &Tricircle) -> Self {
        let mut enabled: Vec<Arc<dyn TypeDriver>> = Vec::new();
        for word in &config.type_drivers {
            match canonical(word) {
                "flat" => enabled.push(Arc::new(flat::Flat::new(&config.flat_networks))),
                "local" => enabled.push(Arc::new(local::Local)),
                "vlan" => enabled.push(Arc::new(vlan::Vlan::new(&config.network_vlan_ranges))),
                other => tracing::warn!(network.r#type = other, "no such network type driver"),
            }
        }
        Self {
            enabled,
            tenant: config
                .tenant_network_types
                .iter()
                .map(|word| canonical(word).to_owned())
                .collect(),
        }
    }

    /// The driver of a type, also under its older name `shared_vlan`.
    pub fn get(&self, network_type: &str) -> Result<&Arc<dyn TypeDriver>, NetworkError> {
        let wanted = canonical(network_type);
        self.enabled
            .iter()
            .find(|driver| driver.network_type() == wanted)
            .ok_or_else(|| {
                NetworkError::InvalidInput(format!(
                    "network_type value '{network_type}' not supported"
                ))
            })
    }

    /// The types to try, in turn, for a network whose type nobody named.
    pub fn tenant_types(&self) -> impl Iterator<Item = &Arc<dyn TypeDriver>> {
        self.tenant.iter().filter_map(|word| self.get(word).ok())
    }
}

/// The ancestors' name of a VLAN that is the same in all pods is accepted too.
fn canonical(word: &str) -> &str {
    match word {
        "shared_vlan" => "vlan",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_under_both_names_and_unknown_ones_are_refused() {
        let drivers = Drivers::new(&Tricircle {
            type_drivers: vec!["local".to_owned(), "shared_vlan".to_owned()],
            tenant_network_types: vec!["vlan".to_owned(), "vxlan".to_owned()],
            ..Tricircle::default()
        });
        let name = |word: &str| drivers.get(word).map(|driver| driver.network_type()).ok();
        assert_eq!(name("vlan"), Some("vlan"));
        assert_eq!(name("shared_vlan"), Some("vlan"));
        assert_eq!(name("vxlan"), None);
        assert_eq!(drivers.tenant_types().count(), 1);
        assert_eq!(
            drivers.get("foo").map(|_| ()).map_err(|e| e.to_string()),
            Err("Invalid input for operation: network_type value 'foo' not supported.".to_owned())
        );
    }
}
