//! `vlan`: one VLAN id on each pod's physical network of the same name.

use tricircle_config::VlanRange;

use super::{Segment, Taken, TypeDriver};
use crate::NetworkError;

/// The largest VLAN id that may be on the wire.
const LAST_TAG: i32 = 4094;

pub(super) struct Vlan {
    ranges: Vec<VlanRange>,
}

impl Vlan {
    pub(super) fn new(ranges: &[VlanRange]) -> Self {
        Self {
            ranges: ranges.to_vec(),
        }
    }

    /// The ids of a physical network that tenants may get, range after range.
    fn ids(&self, physical_network: &str) -> Vec<i32> {
        self.ranges
            .iter()
            .filter(|range| range.physical_network == physical_network)
            .filter_map(|range| range.ids)
            .flat_map(|(first, last)| i32::from(first)..=i32::from(last))
            .collect()
    }
}

impl TypeDriver for Vlan {
    fn network_type(&self) -> &'static str {
        "vlan"
    }

    fn validate(&self, wanted: &Segment) -> Result<(), NetworkError> {
        let Some(name) = &wanted.physical_network else {
            return match wanted.segmentation_id {
                Some(_) => Err(NetworkError::InvalidInput(
                    "segmentation_id requires physical_network for VLAN provider network"
                        .to_owned(),
                )),
                None => Ok(()),
            };
        };
        if !self.ranges.iter().any(|r| &r.physical_network == name) {
            return Err(NetworkError::InvalidInput(format!(
                "physical_network '{name}' unknown for VLAN provider network"
            )));
        }
        match wanted.segmentation_id {
            Some(id) if !(1..=LAST_TAG).contains(&id) => Err(NetworkError::InvalidInput(format!(
                "segmentation_id out of range (1 through {LAST_TAG})"
            ))),
            _ => Ok(()),
        }
    }

    fn physical_networks(&self, wanted: &Segment) -> Vec<String> {
        if let Some(name) = &wanted.physical_network {
            return vec![name.clone()];
        }
        let mut names: Vec<String> = self
            .ranges
            .iter()
            .filter(|range| range.ids.is_some())
            .map(|range| range.physical_network.clone())
            .collect();
        names.dedup();
        names
    }

    fn choose(&self, wanted: &Segment, taken: &Taken, start: u64) -> Result<Segment, NetworkError> {
        self.validate(wanted)?;
        let is_taken = |name: &str, id: i32| taken.get(name).is_some_and(|ids| ids.contains(&id));
        let segment = |name: &str, id: i32| Segment {
            network_type: self.network_type().to_owned(),
            physical_network: Some(name.to_owned()),
            segmentation_id: Some(id),
        };
        if let (Some(name), Some(id)) = (&wanted.physical_network, wanted.segmentation_id) {
            return if is_taken(name, id) {
                Err(NetworkError::VlanIdInUse {
                    vlan: id,
                    physical_network: name.clone(),
                })
            } else {
                Ok(segment(name, id))
            };
        }
        for name in self.physical_networks(wanted) {
            let ids = self.ids(&name);
            let from = usize::try_from(start % ids.len().max(1) as u64).unwrap_or(0);
            let (before, after) = ids.split_at(from.min(ids.len()));
            if let Some(id) = after.iter().chain(before).find(|id| !is_taken(&name, **id)) {
                return Ok(segment(&name, *id));
            }
        }
        Err(NetworkError::NoNetworkAvailable)
    }

    fn spans_pods(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn driver() -> Vlan {
        Vlan::new(&[
            "physnet1:100:102".parse().unwrap(),
            "physnet1:200:200".parse().unwrap(),
            "provider".parse().unwrap(),
        ])
    }

    fn wish(physical_network: Option<&str>, segmentation_id: Option<i32>) -> Segment {
        Segment {
            network_type: "vlan".to_owned(),
            physical_network: physical_network.map(str::to_owned),
            segmentation_id,
        }
    }

    fn taken(ids: &[i32]) -> Taken {
        Taken::from([(
            "physnet1".to_owned(),
            ids.iter().copied().collect::<BTreeSet<_>>(),
        )])
    }

    #[test]
    fn the_next_free_id_is_found_from_any_start_round_all_ranges() {
        for (start, used, found) in [
            (0, vec![], Some(100)),
            (1, vec![], Some(101)),
            (1, vec![101, 102], Some(200)),
            (3, vec![200], Some(100)),
            (u64::MAX, vec![100, 101, 102], Some(200)),
            (2, vec![100, 101, 102, 200], None),
        ] {
            let chosen = driver().choose(&wish(None, None), &taken(&used), start);
            match found {
                Some(id) => assert_eq!(chosen.unwrap(), wish(Some("physnet1"), Some(id))),
                None => assert!(matches!(chosen, Err(NetworkError::NoNetworkAvailable))),
            }
        }
    }

    #[test]
    fn a_named_segment_is_checked_as_neutron_does() {
        let none = taken(&[]);
        for (wanted, code) in [
            (wish(Some("provider"), Some(7)), None),
            (wish(Some("physnet1"), Some(4094)), None),
            (wish(Some("physnet1"), Some(4095)), Some(400)),
            (wish(Some("physnet1"), Some(0)), Some(400)),
            (wish(Some("nowhere"), Some(7)), Some(400)),
            (wish(None, Some(7)), Some(400)),
            // A physical network without range has nothing to choose from.
            (wish(Some("provider"), None), Some(503)),
        ] {
            let chosen = driver().choose(&wanted, &none, 0);
            assert_eq!(
                chosen.as_ref().err().map(|e| e.status().0),
                code,
                "{wanted:?}"
            );
        }
        assert!(matches!(
            driver().choose(&wish(Some("physnet1"), Some(101)), &taken(&[101]), 0),
            Err(NetworkError::VlanIdInUse { vlan: 101, .. })
        ));
    }
}
