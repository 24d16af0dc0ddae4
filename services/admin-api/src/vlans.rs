//! VLANs that a pod already uses, of those the top gives to users' networks.
//!
//! The top gives each of its VLAN ids to one network in all pods. A network that
//! a pod had before would share its wire with a stranger, so the operator is
//! told when the pod is registered.

use serde_json::{Value, json};
use tricircle_config::{PhysicalMapping, VlanRange};

/// What marks networks that the top made.
const OUR_MARK: &str = "tricircle:";

/// The networks of Neutron's answer whose VLAN is in our ranges and that are
/// not ours. `mappings`: the names that physical networks have in this pod only.
pub(crate) fn in_use(
    networks: &Value,
    ranges: &[VlanRange],
    mappings: &[&PhysicalMapping],
) -> Vec<Value> {
    let listed = networks.get("networks").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter(|network| {
            let description = network.get("description").and_then(Value::as_str);
            !description.is_some_and(|text| text.starts_with(OUR_MARK))
        })
        .filter_map(|network| {
            let physical = network.get("provider:physical_network")?.as_str()?;
            let vlan = network.get("provider:segmentation_id")?.as_u64()?;
            let mut renamed = mappings.iter().filter(|mapping| mapping.bottom == physical);
            let at_the_top = renamed.next().map_or(physical, |mapping| &mapping.top);
            covered(ranges, at_the_top, vlan).then(|| {
                json!({
                    "network_id": network.get("id"),
                    "name": network.get("name"),
                    "project_id": network.get("project_id"),
                    "physical_network": physical,
                    "segmentation_id": vlan,
                })
            })
        })
        .collect()
}

fn covered(ranges: &[VlanRange], physical: &str, vlan: u64) -> bool {
    ranges.iter().any(|range| {
        range.physical_network == physical
            && range
                .ids
                .is_some_and(|(first, last)| (u64::from(first)..=u64::from(last)).contains(&vlan))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(id: &str, physical: &str, vlan: u16, description: &str) -> Value {
        json!({
            "id": id, "name": id, "project_id": "p", "description": description,
            "provider:network_type": "vlan", "provider:physical_network": physical,
            "provider:segmentation_id": vlan,
        })
    }

    #[test]
    fn only_strangers_inside_our_ranges_are_told() {
        let ranges = [
            VlanRange {
                physical_network: "physnet1".to_owned(),
                ids: Some((100, 200)),
            },
            VlanRange {
                physical_network: "physnet2".to_owned(),
                ids: None,
            },
        ];
        let networks = json!({"networks": [
            network("first", "physnet1", 100, ""),
            network("last", "physnet1", 200, "mine"),
            network("outside", "physnet1", 201, ""),
            network("other wire", "physnet3", 100, ""),
            network("named only", "physnet2", 100, ""),
            network("ours", "physnet1", 150, "tricircle:4e2f"),
            {"id": "no vlan", "provider:segmentation_id": null},
        ]});
        let told = in_use(&networks, &ranges, &[]);
        let ids: Vec<_> = told
            .iter()
            .map(|n| n["network_id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["first", "last"]);
        assert!(in_use(&json!(null), &ranges, &[]).is_empty());
    }

    #[test]
    fn a_wire_is_known_by_the_name_that_it_has_in_the_pod() {
        let ranges = [VlanRange {
            physical_network: "physnet1".to_owned(),
            ids: Some((100, 200)),
        }];
        let networks = json!({"networks": [network("there", "datacentre2", 150, "")]});
        assert!(in_use(&networks, &ranges, &[]).is_empty());
        let mapping = "Pod2:physnet1:datacentre2".parse().unwrap();
        assert_eq!(in_use(&networks, &ranges, &[&mapping]).len(), 1);
    }
}
