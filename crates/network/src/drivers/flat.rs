//! `flat`: a physical network without tags, the same in every pod.
//!
//! Only administrators ask for one, by its physical network: an external network, as a rule.

use super::{Segment, Taken, TypeDriver};
use crate::NetworkError;

/// The flat type on these physical networks; `*`: on any.
pub(super) struct Flat {
    physical_networks: Vec<String>,
}

impl Flat {
    pub(super) fn new(physical_networks: &[String]) -> Self {
        Self {
            physical_networks: physical_networks.to_vec(),
        }
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, NetworkError> {
    Err(NetworkError::InvalidInput(message.into()))
}

impl TypeDriver for Flat {
    fn network_type(&self) -> &'static str {
        "flat"
    }

    fn validate(&self, wanted: &Segment) -> Result<(), NetworkError> {
        let Some(name) = &wanted.physical_network else {
            return refuse("physical_network required for flat provider network");
        };
        let known = |word: &String| word == "*" || word == name;
        if !self.physical_networks.iter().any(known) {
            return refuse(format!(
                "physical_network '{name}' unknown for flat provider network"
            ));
        }
        if wanted.segmentation_id.is_some() {
            return refuse("segmentation_id prohibited for flat provider network");
        }
        Ok(())
    }

    fn physical_networks(&self, wanted: &Segment) -> Vec<String> {
        wanted.physical_network.iter().cloned().collect()
    }

    fn choose(&self, wanted: &Segment, taken: &Taken, _: u64) -> Result<Segment, NetworkError> {
        let Some(name) = &wanted.physical_network else {
            return Err(NetworkError::NoNetworkAvailable);
        };
        if taken.get(name).is_some_and(|used| !used.is_empty()) {
            return Err(NetworkError::FlatNetworkInUse(name.clone()));
        }
        Ok(Segment {
            network_type: self.network_type().to_owned(),
            physical_network: Some(name.clone()),
            segmentation_id: None,
        })
    }

    fn spans_pods(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_network_is_a_whole_physical_network() {
        let flat = Flat::new(&["extern".to_owned()]);
        let wish = |name: Option<&str>, id| Segment {
            network_type: "flat".to_owned(),
            physical_network: name.map(str::to_owned),
            segmentation_id: id,
        };
        assert!(flat.validate(&wish(Some("extern"), None)).is_ok());
        for refused in [
            wish(None, None),
            wish(Some("other"), None),
            wish(Some("extern"), Some(1)),
        ] {
            assert!(flat.validate(&refused).is_err());
        }
        assert!(
            Flat::new(&["*".to_owned()])
                .validate(&wish(Some("other"), None))
                .is_ok()
        );
        let wanted = wish(Some("extern"), None);
        assert_eq!(flat.choose(&wanted, &Taken::new(), 0).unwrap(), wanted);
        let taken = Taken::from([("extern".to_owned(), [0].into())]);
        let error = flat.choose(&wanted, &taken, 0).unwrap_err();
        assert_eq!(error.status().0, 409);
    }
}
