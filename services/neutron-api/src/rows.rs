//! Database rows as the Networking API shows them, with everything that filters
//! and policy rules look at. What a caller sees of it is cut out later.

use serde_json::{Value, json};
use tricircle_db::Timestamp;
use tricircle_db::models::{
    FloatingIp, Network, NetworkView, Port, PortView, SecurityGroupRule, SecurityGroupView, Subnet,
};
use tricircle_network::resource::Row;
use tricircle_network::routers::RouterView;

use crate::call::json_or;

fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn row(value: Value) -> Row {
    match value {
        Value::Object(map) => map,
        _ => Row::new(),
    }
}

/// A network. `zones` are the zones in which it is.
pub fn network(view: &NetworkView, zones: &[String]) -> Row {
    let network = &view.network;
    row(json!({
        "id": network.id,
        "name": network.name,
        "tenant_id": network.project_id,
        "project_id": network.project_id,
        "admin_state_up": network.admin_state_up,
        "mtu": network.mtu,
        "status": network.status,
        "subnets": view.subnets,
        "shared": network.shared,
        "availability_zone_hints": json_or(&network.availability_zone_hints, json!([])),
        "availability_zones": zones,
        "router:external": network.router_external,
        "provider:network_type": network.network_type,
        "provider:physical_network": network.physical_network,
        "provider:segmentation_id": network.segmentation_id,
        "port_security_enabled": network.port_security_enabled,
        "description": network.description,
        "created_at": time(network.created_at),
        "updated_at": time(network.updated_at),
        "revision_number": network.revision_number,
    }))
}

/// What rules about a subnet or port want to know of its network.
fn of_network(row: &mut Row, network: Option<&Network>) {
    let (owner, shared, external) = match network {
        Some(network) => (
            json!(network.project_id),
            network.shared,
            network.router_external,
        ),
        None => (Value::Null, false, false),
    };
    row.insert("network:project_id".to_owned(), owner.clone());
    row.insert("network:tenant_id".to_owned(), owner);
    row.insert("shared".to_owned(), json!(shared));
    row.insert("router:external".to_owned(), json!(external));
}

/// Adds to a row or body what rules want to know of its network.
pub fn with_network(mut row: Row, network: &Network) -> Row {
    of_network(&mut row, Some(network));
    row
}

/// A subnet.
pub fn subnet(subnet: &Subnet, network: Option<&Network>) -> Row {
    let mut row = row(json!({
        "id": subnet.id,
        "name": subnet.name,
        "tenant_id": subnet.project_id,
        "project_id": subnet.project_id,
        "network_id": subnet.network_id,
        "ip_version": subnet.ip_version,
        "cidr": subnet.cidr,
        "gateway_ip": subnet.gateway_ip,
        "enable_dhcp": subnet.enable_dhcp,
        "ipv6_ra_mode": subnet.ipv6_ra_mode,
        "ipv6_address_mode": subnet.ipv6_address_mode,
        "subnetpool_id": subnet.subnetpool_id,
        "allocation_pools": json_or(&subnet.allocation_pools, json!([])),
        "dns_nameservers": json_or(&subnet.dns_nameservers, json!([])),
        "host_routes": json_or(&subnet.host_routes, json!([])),
        "description": subnet.description,
        "created_at": time(subnet.created_at),
        "updated_at": time(subnet.updated_at),
        "revision_number": subnet.revision_number,
    }));
    of_network(&mut row, network);
    row
}

/// A port. What its pod owns is not in the row: see `families::ports`.
pub fn port(view: &PortView, network: Option<&Network>) -> Row {
    let port = &view.port;
    let fixed_ips: Vec<Value> = view
        .fixed_ips
        .iter()
        .map(|ip| json!({"subnet_id": ip.subnet_id, "ip_address": ip.ip_address}))
        .collect();
    let mut row = row(json!({
        "id": port.id,
        "name": port.name,
        "network_id": port.network_id,
        "tenant_id": port.project_id,
        "project_id": port.project_id,
        "admin_state_up": port.admin_state_up,
        "mac_address": port.mac_address,
        "status": port.status,
        "fixed_ips": fixed_ips,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "security_groups": view.security_groups,
        "allowed_address_pairs": json_or(&port.allowed_address_pairs, json!([])),
        "extra_dhcp_opts": json_or(&port.extra_dhcp_opts, json!([])),
        "port_security_enabled": port.port_security_enabled,
        "binding:vnic_type": port.binding_vnic_type,
        "binding:host_id": port.binding_host_id,
        "binding:profile": json_or(&port.binding_profile, json!({})),
        "binding:vif_type": "unbound",
        "binding:vif_details": {},
        "description": port.description,
        "created_at": time(port.created_at),
        "updated_at": time(port.updated_at),
        "revision_number": port.revision_number,
    }));
    of_network(&mut row, network);
    row
}

/// A router. `zones` are the zones in which it is.
pub fn router(view: &RouterView, zones: &[String]) -> Row {
    let router = &view.router;
    let gateway = router.gateway_network_id.as_ref().map(|network_id| {
        let ips = view.gateway.iter().flat_map(|port| &port.fixed_ips);
        let ips: Vec<Value> = ips
            .map(|ip| json!({"subnet_id": ip.subnet_id, "ip_address": ip.ip_address}))
            .collect();
        json!({
            "network_id": network_id,
            "external_fixed_ips": ips,
            "enable_snat": router.enable_snat,
        })
    });
    row(json!({
        "id": router.id,
        "name": router.name,
        "admin_state_up": router.admin_state_up,
        "status": router.status,
        "tenant_id": router.project_id,
        "project_id": router.project_id,
        "external_gateway_info": gateway,
        "description": router.description,
        "availability_zones": zones,
        "availability_zone_hints": json_or(&router.availability_zone_hints, json!([])),
        "distributed": false,
        "ha": false,
        "flavor_id": null,
        "routes": json_or(&router.routes, json!([])),
        "created_at": time(router.created_at),
        "updated_at": time(router.updated_at),
        "revision_number": router.revision_number,
    }))
}

/// A floating IP; `port` is what it leads to.
pub fn floating_ip(floating: &FloatingIp, port: Option<&Port>) -> Row {
    let details = port.map(|port| {
        json!({
            "name": port.name,
            "network_id": port.network_id,
            "mac_address": port.mac_address,
            "admin_state_up": port.admin_state_up,
            "status": port.status,
            "device_id": port.device_id,
            "device_owner": port.device_owner,
        })
    });
    row(json!({
        "id": floating.id,
        "tenant_id": floating.project_id,
        "project_id": floating.project_id,
        "floating_ip_address": floating.floating_ip_address,
        "floating_network_id": floating.floating_network_id,
        "router_id": floating.router_id,
        "port_id": floating.port_id,
        "fixed_ip_address": floating.fixed_ip_address,
        "status": floating.status,
        "description": floating.description,
        "port_details": details,
        "created_at": time(floating.created_at),
        "updated_at": time(floating.updated_at),
        "revision_number": floating.revision_number,
    }))
}

/// A rule; `owner` owns its group.
pub fn security_group_rule(rule: &SecurityGroupRule, owner: &str) -> Row {
    let normalized = rule
        .remote_ip_prefix
        .as_deref()
        .and_then(tricircle_network::resource::parse_cidr)
        .map(|net| net.trunc().to_string());
    row(json!({
        "id": rule.id,
        "tenant_id": rule.project_id,
        "project_id": rule.project_id,
        "security_group_id": rule.security_group_id,
        "remote_group_id": rule.remote_group_id,
        "direction": rule.direction,
        "protocol": rule.protocol,
        "port_range_min": rule.port_range_min,
        "port_range_max": rule.port_range_max,
        "ethertype": rule.ethertype,
        "remote_ip_prefix": rule.remote_ip_prefix,
        "normalized_cidr": normalized,
        "description": rule.description,
        "created_at": time(rule.created_at),
        "updated_at": time(rule.updated_at),
        "revision_number": rule.revision_number,
        "security_group:project_id": owner,
        "security_group:tenant_id": owner,
    }))
}

/// A group, with its rules in it.
pub fn security_group(view: &SecurityGroupView) -> Row {
    let group = &view.group;
    let rules: Vec<Value> = view
        .rules
        .iter()
        .map(|rule| {
            let mut row = security_group_rule(rule, &group.project_id);
            row.retain(|key, _| !key.starts_with("security_group:"));
            Value::Object(row)
        })
        .collect();
    row(json!({
        "id": group.id,
        "name": group.name,
        "stateful": group.stateful,
        "tenant_id": group.project_id,
        "project_id": group.project_id,
        "description": group.description,
        "security_group_rules": rules,
        "created_at": time(group.created_at),
        "updated_at": time(group.updated_at),
        "revision_number": group.revision_number,
    }))
}
