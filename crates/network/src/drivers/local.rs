//! `local`: a network that exists in one pod only, on whatever segment the pod picks.

use super::{Segment, Taken, TypeDriver};
use crate::NetworkError;

pub(super) struct Local;

impl TypeDriver for Local {
    fn network_type(&self) -> &'static str {
        "local"
    }

    fn validate(&self, wanted: &Segment) -> Result<(), NetworkError> {
        for (name, given) in [
            ("physical_network", wanted.physical_network.is_some()),
            ("segmentation_id", wanted.segmentation_id.is_some()),
        ] {
            if given {
                return Err(NetworkError::InvalidInput(format!(
                    "{name} prohibited for local provider network"
                )));
            }
        }
        Ok(())
    }

    fn physical_networks(&self, _wanted: &Segment) -> Vec<String> {
        Vec::new()
    }

    fn choose(&self, _wanted: &Segment, _: &Taken, _start: u64) -> Result<Segment, NetworkError> {
        Ok(Segment {
            network_type: self.network_type().to_owned(),
            ..Segment::default()
        })
    }

    fn spans_pods(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_network_has_no_segment() {
        let wanted = Segment {
            network_type: "local".to_owned(),
            segmentation_id: Some(5),
            ..Segment::default()
        };
        assert!(Local.validate(&wanted).is_err());
        let chosen = Local.choose(&Segment::default(), &Taken::new(), 0).unwrap();
        assert_eq!(chosen.network_type, "local");
        assert_eq!(chosen.segmentation_id, None);
    }
}
