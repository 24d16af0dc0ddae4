//! What is sent to a pod, made from the rows of the top.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use tricircle_db::models::{Network, Port, PortView, RealizationKind, SecurityGroup, Subnet};

/// The mark by which a thing of the top is found in a pod.
pub(crate) fn mark(top_id: &str) -> String {
    format!("tricircle:{top_id}")
}

/// The same for a kind. A port that is a router's, or only stands for a port of the top,
/// must not be taken for that one.
pub(crate) fn mark_of(kind: RealizationKind, top_id: &str) -> String {
    match kind {
        RealizationKind::RouterInterface => format!("tricircle:interface:{top_id}"),
        RealizationKind::BridgePort => format!("tricircle:bridge:{top_id}"),
        RealizationKind::FloatingTarget => format!("tricircle:target:{top_id}"),
        _ => mark(top_id),
    }
}

/// JSON text of a row; what cannot be read counts as absent.
pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// A network: the user's name, the top's segment and MTU. A `local` one, which is in one
/// pod only, names neither: the pod picks what carries it, and that has a largest MTU.
pub(crate) fn network(network: &Network) -> Value {
    let mut body = json!({
        "name": network.name,
        "description": mark(&network.id),
        "admin_state_up": network.admin_state_up,
        "shared": network.shared,
        "port_security_enabled": network.port_security_enabled,
        "router:external": network.router_external,
    });
    own(&mut body, &network.project_id);
    if network.network_type != "local" {
        body["mtu"] = json!(network.mtu);
        body["provider:network_type"] = json!(network.network_type);
        if let Some(name) = &network.physical_network {
            body["provider:physical_network"] = json!(name);
        }
        if let Some(id) = network.segmentation_id {
            body["provider:segmentation_id"] = json!(id);
        }
    }
    body
}

/// What belongs to nobody at the top belongs to the service project in the pod.
fn own(body: &mut Value, project_id: &str) {
    if !project_id.is_empty() {
        body["project_id"] = json!(project_id);
    }
}

/// What of a network may change later.
pub(crate) fn network_change(network: &Network) -> Value {
    let mut change = json!({
        "name": network.name,
        "admin_state_up": network.admin_state_up,
        "shared": network.shared,
    });
    if network.network_type != "local" {
        change["mtu"] = json!(network.mtu);
    }
    change
}

/// A subnet with this pod's own gateway and the addresses it may use for itself.
pub(crate) fn subnet(
    subnet: &Subnet,
    bottom_network: &str,
    gateway: Option<&str>,
    infrastructure: &[String],
) -> Value {
    let pools: Vec<Value> = infrastructure
        .iter()
        .map(|address| json!({"start": address, "end": address}))
        .collect();
    let mut body = json!({
        "network_id": bottom_network,
        "name": subnet.name,
        "description": mark(&subnet.id),
        "ip_version": subnet.ip_version,
        "cidr": subnet.cidr,
        "gateway_ip": gateway,
        "allocation_pools": pools,
        "enable_dhcp": subnet.enable_dhcp,
        "dns_nameservers": parsed(&subnet.dns_nameservers),
        "host_routes": parsed(&subnet.host_routes),
    });
    own(&mut body, &subnet.project_id);
    for (name, mode) in [
        ("ipv6_ra_mode", &subnet.ipv6_ra_mode),
        ("ipv6_address_mode", &subnet.ipv6_address_mode),
    ] {
        if let Some(mode) = mode {
            body[name] = json!(mode);
        }
    }
    body
}

/// What of a subnet may change later. The gateway is this pod's and stays.
pub(crate) fn subnet_change(subnet: &Subnet) -> Value {
    json!({
        "name": subnet.name,
        "enable_dhcp": subnet.enable_dhcp,
        "dns_nameservers": parsed(&subnet.dns_nameservers),
        "host_routes": parsed(&subnet.host_routes),
    })
}

/// A port, its subnets and groups by their ids in the pod. `None` when one of the
/// subnets has no id there.
pub(crate) fn port(
    view: &PortView,
    bottom_network: &str,
    subnets: &HashMap<String, String>,
    groups: &[String],
) -> Option<Value> {
    let port = &view.port;
    let fixed_ips: Vec<Value> = view
        .fixed_ips
        .iter()
        .map(|fixed| {
            let subnet = subnets.get(&fixed.subnet_id)?;
            Some(json!({"subnet_id": subnet, "ip_address": fixed.ip_address}))
        })
        .collect::<Option<_>>()?;
    let mut body = json!({
        "network_id": bottom_network,
        "name": port.name,
        "description": mark(&port.id),
        "project_id": port.project_id,
        "admin_state_up": port.admin_state_up,
        "mac_address": port.mac_address,
        "fixed_ips": fixed_ips,
        "port_security_enabled": port.port_security_enabled,
        "binding:vnic_type": port.binding_vnic_type,
    });
    if let Some(fields) = body.as_object_mut() {
        guarded(fields, port, groups);
        let profile = parsed(&port.binding_profile);
        if profile
            .as_object()
            .is_some_and(|profile| !profile.is_empty())
        {
            fields.insert("binding:profile".to_owned(), profile);
        }
        let options = parsed(&port.extra_dhcp_opts);
        if options
            .as_array()
            .is_some_and(|options| !options.is_empty())
        {
            fields.insert("extra_dhcp_opts".to_owned(), options);
        }
    }
    Some(body)
}

/// Groups and address pairs; Neutron refuses both on a port without port security.
fn guarded(fields: &mut Map<String, Value>, port: &Port, groups: &[String]) {
    let groups: &[String] = if port.port_security_enabled {
        groups
    } else {
        &[]
    };
    fields.insert("security_groups".to_owned(), json!(groups));
    let pairs = parsed(&port.allowed_address_pairs);
    if port.port_security_enabled && pairs.is_array() {
        fields.insert("allowed_address_pairs".to_owned(), pairs);
    }
}

/// What of a port the top may change later: never what the pod's Nova owns.
pub(crate) fn port_change(
    view: &PortView,
    subnets: &HashMap<String, String>,
    groups: &[String],
) -> Option<Value> {
    let mut body = port(view, "", subnets, groups)?;
    if let Some(fields) = body.as_object_mut() {
        for name in [
            "network_id",
            "project_id",
            "description",
            "mac_address",
            "binding:vnic_type",
            "binding:profile",
        ] {
            fields.shift_remove(name);
        }
    }
    Some(body)
}

/// A security group; its rules follow one by one.
pub(crate) fn group(group: &SecurityGroup) -> Value {
    json!({
        "name": group.name,
        "description": mark(&group.id),
        "project_id": group.project_id,
        "stateful": group.stateful,
    })
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::{AddressPurpose, IpAllocation};

    use super::*;

    #[test]
    fn a_vlan_network_names_its_segment_and_a_local_one_none() {
        let vlan = Network {
            network_type: "vlan".to_owned(),
            physical_network: Some("physnet1".to_owned()),
            segmentation_id: Some(101),
            ..Network::default()
        };
        let body = network(&vlan);
        assert_eq!(body["provider:network_type"], "vlan");
        assert_eq!(body["provider:physical_network"], "physnet1");
        assert_eq!(body["provider:segmentation_id"], 101);
        assert_eq!(body["description"], format!("tricircle:{}", vlan.id));
        let local = network(&Network::default());
        let fields = local.as_object().unwrap();
        assert!(!fields.keys().any(|name| name.starts_with("provider:")));
    }

    #[test]
    fn a_port_is_sent_with_the_pods_ids_and_never_with_a_missing_subnet() {
        let on = Subnet {
            id: "top-subnet".to_owned(),
            ..Subnet::default()
        };
        let mut view = PortView {
            port: Port::default(),
            fixed_ips: vec![IpAllocation::new(
                &on,
                "10.0.1.5".parse().unwrap(),
                AddressPurpose::Port,
            )],
            security_groups: vec!["top-group".to_owned()],
        };
        let subnets = HashMap::from([("top-subnet".to_owned(), "bottom-subnet".to_owned())]);
        let groups = ["bottom-group".to_owned()];
        let body = port(&view, "bottom-net", &subnets, &groups).unwrap();
        assert_eq!(
            body["fixed_ips"],
            json!([{"subnet_id": "bottom-subnet", "ip_address": "10.0.1.5"}])
        );
        assert_eq!(body["security_groups"], json!(["bottom-group"]));
        assert!(body.get("device_id").is_none(), "the pod's Nova binds it");
        assert_eq!(port(&view, "bottom-net", &HashMap::new(), &groups), None);
        view.port.port_security_enabled = false;
        let open = port(&view, "bottom-net", &subnets, &groups).unwrap();
        assert_eq!(open["security_groups"], json!([]));
        assert!(open.get("allowed_address_pairs").is_none());
    }
}
