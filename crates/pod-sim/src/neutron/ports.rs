//! Ports: addresses, MACs, groups, and the binding that Nova asks for.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::attributes::{
    Attribute, Kind, Set, attribute, check_create, check_update, flag, required,
};
use super::collection::Family;
use super::{
    Answer, Context, NeutronState, Object, Reply, check_revision, created, created_objects, fault,
    forbidden, gateways, interfaces, invalid_input, ipam, networks, project_of, security_groups,
    stamp, text, touch, updated_object,
};
use crate::ids;

const ATTRIBUTES: &[Attribute] = &[
    required("network_id", Kind::Uuid),
    attribute("name", Kind::Text, Set::Always),
    attribute("admin_state_up", Kind::Flag, Set::Always),
    attribute("status", Kind::Text, Set::Never),
    attribute("mac_address", Kind::Mac, Set::OnCreate),
    attribute("fixed_ips", Kind::Anything, Set::Always),
    attribute("device_id", Kind::Text, Set::Always),
    attribute("device_owner", Kind::Text, Set::Always),
    attribute("security_groups", Kind::UuidList, Set::Always),
    attribute("port_security_enabled", Kind::Flag, Set::Always),
    attribute("allowed_address_pairs", Kind::Anything, Set::Always),
    attribute("extra_dhcp_opts", Kind::Anything, Set::Always),
    attribute("qos_policy_id", Kind::Uuid, Set::Always),
    attribute("qos_network_policy_id", Kind::Uuid, Set::Never),
    attribute("dns_name", Kind::Text, Set::Always),
    attribute("dns_assignment", Kind::Anything, Set::Never),
    attribute("binding:vnic_type", Kind::Text, Set::Always),
    attribute("binding:host_id", Kind::Text, Set::ByAdmin),
    attribute("binding:profile", Kind::Anything, Set::ByAdmin),
    attribute("binding:vif_type", Kind::Text, Set::Never),
    attribute("binding:vif_details", Kind::Anything, Set::Never),
    attribute("resource_request", Kind::Anything, Set::Never),
    attribute("numa_affinity_policy", Kind::Anything, Set::ByAdmin),
    attribute("device_profile", Kind::Anything, Set::ByAdminOnCreate),
];

pub(super) const FAMILY: Family = Family {
    path: "ports",
    singular: "port",
    plural: "ports",
    attributes: ATTRIBUTES,
    hidden: &[
        "binding:host_id",
        "binding:profile",
        "binding:vif_type",
        "binding:vif_details",
        "resource_request",
    ],
    no_filters: &[],
};

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => FAMILY.list(cx, state.ports.values()),
        ("GET", [id]) => Ok(FAMILY.one(cx, FAMILY.seen(cx, &state.ports, id)?)),
        ("POST", []) => create(state, cx),
        ("PUT", [id]) => update(state, cx, id),
        ("DELETE", [id]) => delete(state, cx, id),
        _ => Err(super::not_found()),
    }
}

fn create(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let (all, bulk) = created_objects(cx.request, "port", "ports")?;
    for given in &all {
        check_create(ATTRIBUTES, "port", given, cx.caller)?;
    }
    let mut made: Vec<String> = Vec::new();
    for given in &all {
        let project = project_of(cx.caller, given);
        let port = project.and_then(|project| {
            let id = text(given, "network_id");
            networks::FAMILY.seen(cx, &state.networks, id)?;
            state.build_port(given, &project)
        });
        match port {
            Ok(port) => {
                made.push(text(&port, "id").to_owned());
                state.ports.insert(text(&port, "id").to_owned(), port);
            }
            Err(reply) => {
                for id in &made {
                    state.ports.remove(id);
                }
                return Err(reply);
            }
        }
    }
    let views = made
        .iter()
        .filter_map(|id| state.ports.get(id))
        .map(|port| FAMILY.view(cx, port))
        .collect();
    Ok(created("port", "ports", bulk, views))
}

impl NeutronState {
    /// A new port of `project` by the words of `given`; it is not in the table yet.
    pub(crate) fn build_port(&mut self, given: &Object, project: &str) -> Result<Object, Reply> {
        let network_id = text(given, "network_id").to_owned();
        let network = self
            .networks
            .get(&network_id)
            .ok_or_else(|| super::missing("networks", &network_id))?;
        let network_security = network.get("port_security_enabled") != Some(&json!(false));
        let network_owner = text(network, "project_id").to_owned();
        let mac = self.choose_mac(given, &network_id)?;
        let security = flag(given, "port_security_enabled", network_security);
        let pairs = given
            .get("allowed_address_pairs")
            .cloned()
            .unwrap_or(json!([]));
        if security == json!(false) && pairs.as_array().is_some_and(|p| !p.is_empty()) {
            return Err(fault(
                409,
                "AddressPairAndPortSecurityRequired",
                "Port Security must be enabled in order to have allowed address pairs on a port.",
            ));
        }
        let fixed_ips = self.choose_addresses(&network_id, given.get("fixed_ips"), None)?;
        let owner = text(given, "device_owner");
        let groups = if security == json!(false) || owner.starts_with("network:") {
            json!([])
        } else {
            match given.get("security_groups") {
                Some(Value::Array(groups)) => self.checked_groups(groups)?,
                _ => json!([security_groups::ensure_default(self, project)]),
            }
        };
        let mut port = Object::new();
        let or = |key: &str, default: Value| given.get(key).cloned().unwrap_or(default);
        let mut put = |key: &str, value: Value| port.insert(key.into(), value);
        put("id", json!(ids::uuid()));
        put("name", or("name", json!("")));
        put("network_id", json!(network_id));
        put("project_id", json!(project));
        put("mac_address", json!(mac));
        put("admin_state_up", flag(given, "admin_state_up", true));
        put("status", json!("DOWN"));
        put("device_id", or("device_id", json!("")));
        put("device_owner", json!(owner));
        put("fixed_ips", json!(fixed_ips));
        put("allowed_address_pairs", pairs);
        put("extra_dhcp_opts", or("extra_dhcp_opts", json!([])));
        put("security_groups", groups);
        put("description", or("description", json!("")));
        put(
            "binding:vnic_type",
            or("binding:vnic_type", json!("normal")),
        );
        put("binding:profile", or("binding:profile", json!({})));
        put("binding:host_id", json!(""));
        put("binding:vif_type", json!("unbound"));
        put("binding:vif_details", json!({}));
        put("port_security_enabled", security);
        put("qos_policy_id", or("qos_policy_id", Value::Null));
        put("qos_network_policy_id", Value::Null);
        put("dns_name", or("dns_name", json!("")));
        put("dns_assignment", json!([]));
        put("resource_request", Value::Null);
        stamp(&mut port, 1);
        port.insert("tenant_id".into(), json!(project));
        port.insert("_network_owner".into(), json!(network_owner));
        self.assign_dns(&mut port);
        if let Some(host) = given.get("binding:host_id").and_then(Value::as_str)
            && !host.is_empty()
        {
            bind(&mut port, host);
        }
        Ok(port)
    }

    fn choose_mac(&self, given: &Object, network_id: &str) -> Result<String, Reply> {
        let taken = |mac: &str| {
            self.ports.values().any(|port| {
                text(port, "network_id") == network_id && text(port, "mac_address") == mac
            })
        };
        let Some(asked) = given.get("mac_address").and_then(Value::as_str) else {
            let mut mac = ids::mac_address();
            while taken(&mac) {
                mac = ids::mac_address();
            }
            return Ok(mac);
        };
        let asked = asked.to_lowercase();
        if taken(&asked) {
            return Err(fault(
                409,
                "MacAddressInUse",
                &format!(
                    "Unable to complete operation for network {network_id}. The mac address \
                     {asked} is in use."
                ),
            ));
        }
        Ok(asked)
    }

    pub(super) fn subnets_of(&self, network_id: &str) -> Vec<&Object> {
        self.subnets
            .values()
            .filter(|subnet| text(subnet, "network_id") == network_id)
            .collect()
    }

    /// The addresses asked for, or one of each IP version if nothing was said.
    /// `keep` is the port being changed: what it has is free for itself.
    pub(super) fn choose_addresses(
        &self,
        network_id: &str,
        asked: Option<&Value>,
        keep: Option<&str>,
    ) -> Result<Vec<Value>, Reply> {
        let mut chosen: Vec<(String, IpAddr)> = Vec::new();
        match asked.and_then(Value::as_array) {
            Some(list) => {
                for wanted in list {
                    let next = self.choose_address(network_id, wanted, &chosen, keep)?;
                    chosen.push(next);
                }
            }
            None => {
                for version in [4, 6] {
                    let subnets: Vec<&Object> = self
                        .subnets_of(network_id)
                        .into_iter()
                        .filter(|s| s.get("ip_version").and_then(Value::as_u64) == Some(version))
                        .collect();
                    if subnets.is_empty() {
                        continue;
                    }
                    let found = subnets.iter().find_map(|subnet| {
                        ipam::allocate(&self.ports, subnet, &[])
                            .map(|ip| (text(subnet, "id").to_owned(), ip))
                    });
                    chosen.push(found.ok_or_else(|| exhausted(network_id))?);
                }
            }
        }
        Ok(chosen
            .into_iter()
            .map(|(subnet, ip)| json!({"subnet_id": subnet, "ip_address": ip.to_string()}))
            .collect())
    }

    fn choose_address(
        &self,
        network_id: &str,
        wanted: &Value,
        chosen: &[(String, IpAddr)],
        keep: Option<&str>,
    ) -> Result<(String, IpAddr), Reply> {
        let ip: Option<IpAddr> = wanted
            .get("ip_address")
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok());
        let subnet = match wanted.get("subnet_id").and_then(Value::as_str) {
            Some(id) => self.named_subnet(network_id, id, ip)?,
            None => {
                let ip = ip.ok_or_else(|| {
                    invalid_input("IP allocation requires subnet_id or ip_address")
                })?;
                self.subnets_of(network_id)
                    .into_iter()
                    .find(|s| ipam::cidr(s).is_some_and(|net| ipam::usable(&net, ip)))
                    .ok_or_else(|| {
                        fault(
                            400,
                            "InvalidIpForNetwork",
                            &format!(
                                "IP address {ip} is not a valid IP for any of the subnets on \
                                 the specified network."
                            ),
                        )
                    })?
            }
        };
        let id = text(subnet, "id").to_owned();
        if let Some(ip) = ip {
            let again = chosen.iter().any(|(s, other)| *s == id && *other == ip);
            if again || ipam::is_taken(&self.ports, &id, ip, keep) {
                return Err(fault(
                    409,
                    "IpAddressAlreadyAllocated",
                    &format!("IP address {ip} already allocated in subnet {id}"),
                ));
            }
            return Ok((id, ip));
        }
        // A changed port keeps the address that it has in the subnet.
        let kept = keep
            .and_then(|port| self.ports.get(port))
            .and_then(|port| port.get("fixed_ips").and_then(Value::as_array))
            .and_then(|ips| ips.iter().find(|i| i.get("subnet_id") == Some(&json!(id))))
            .and_then(|i| i.get("ip_address")?.as_str()?.parse().ok());
        if let Some(ip) = kept {
            return Ok((id, ip));
        }
        let also: Vec<u128> = chosen
            .iter()
            .filter(|(s, _)| *s == id)
            .map(|(_, ip)| ipam::number(*ip))
            .collect();
        ipam::allocate(&self.ports, subnet, &also)
            .map(|ip| (id, ip))
            .ok_or_else(|| exhausted(network_id))
    }

    fn named_subnet(
        &self,
        network_id: &str,
        id: &str,
        ip: Option<IpAddr>,
    ) -> Result<&Object, Reply> {
        let subnet = self
            .subnets
            .get(id)
            .ok_or_else(|| super::missing("subnets", id))?;
        if text(subnet, "network_id") != network_id {
            return Err(invalid_input(&format!(
                "Failed to create port on network {network_id}, because fixed_ips included \
                 invalid subnet {id}"
            )));
        }
        let outside =
            ip.is_some_and(|ip| !ipam::cidr(subnet).is_some_and(|net| ipam::usable(&net, ip)));
        if outside {
            return Err(fault(
                400,
                "InvalidIpForSubnet",
                &format!(
                    "IP address {} is not a valid IP for the specified subnet.",
                    ip.map(|ip| ip.to_string()).unwrap_or_default()
                ),
            ));
        }
        Ok(subnet)
    }

    fn checked_groups(&self, groups: &[Value]) -> Result<Value, Reply> {
        for group in groups.iter().filter_map(Value::as_str) {
            if !self.security_groups.contains_key(group) {
                return Err(super::missing("security-groups", group));
            }
        }
        Ok(json!(groups))
    }

    fn assign_dns(&self, port: &mut Object) {
        let name = text(port, "dns_name").to_owned();
        let domain = &self.dns_domain;
        let assignment: Vec<Value> = port
            .get("fixed_ips")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|ip| ip.get("ip_address")?.as_str())
            .map(|ip| {
                let host = if name.is_empty() {
                    format!("host-{}", ip.replace(['.', ':'], "-"))
                } else {
                    name.clone()
                };
                json!({
                    "ip_address": ip, "hostname": host, "fqdn": format!("{host}.{domain}"),
                })
            })
            .collect();
        port.insert("dns_assignment".into(), Value::Array(assignment));
    }

    /// What Nova does to a port when it builds a server on it.
    pub(crate) fn plug(&mut self, port_id: &str, server: &Plug<'_>) -> bool {
        let Some(mut port) = self.ports.remove(port_id) else {
            return false;
        };
        port.insert("device_id".into(), json!(server.id));
        port.insert(
            "device_owner".into(),
            json!(format!("compute:{}", server.zone)),
        );
        port.insert("dns_name".into(), json!(server.hostname));
        self.assign_dns(&mut port);
        bind(&mut port, server.host);
        touch(&mut port);
        self.ports.insert(port_id.to_owned(), port);
        true
    }

    /// What Nova does to a user's port when the server goes.
    pub(crate) fn unplug(&mut self, port_id: &str) {
        if let Some(mut port) = self.ports.remove(port_id) {
            for key in ["device_id", "device_owner", "dns_name", "binding:host_id"] {
                port.insert(key.into(), json!(""));
            }
            port.insert("binding:vif_type".into(), json!("unbound"));
            port.insert("binding:vif_details".into(), json!({}));
            port.insert("status".into(), json!("DOWN"));
            self.assign_dns(&mut port);
            touch(&mut port);
            self.ports.insert(port_id.to_owned(), port);
        }
    }
}

/// The server that a port is plugged into.
pub(crate) struct Plug<'a> {
    pub(crate) id: &'a str,
    pub(crate) zone: &'a str,
    pub(crate) host: &'a str,
    pub(crate) hostname: &'a str,
}

fn bind(port: &mut Object, host: &str) {
    port.insert("binding:host_id".into(), json!(host));
    port.insert("binding:vif_type".into(), json!("ovs"));
    port.insert(
        "binding:vif_details".into(),
        json!({"port_filter": true, "connectivity": "l2", "bound_drivers": {"0": "podsim"}}),
    );
    port.insert("status".into(), json!("ACTIVE"));
    touch(port);
}

fn exhausted(network_id: &str) -> Reply {
    fault(
        409,
        "IpAddressGenerationFailure",
        &format!("No more IP addresses available on network {network_id}."),
    )
}

fn update(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let mut given = updated_object(cx.request, "port")?;
    let port = FAMILY.changeable(cx, &state.ports, id, "update")?.clone();
    // A service or an administrator may give a port another MAC.
    let mac = given
        .get("mac_address")
        .cloned()
        .filter(|_| cx.caller.is_admin() || cx.caller.is_service());
    if mac.is_some() {
        given.remove("mac_address");
    }
    check_update(ATTRIBUTES, "port", &given, cx.caller)?;
    check_revision(cx.request, &port)?;
    let network_id = text(&port, "network_id").to_owned();
    let mut changed = port.clone();
    if let Some(mac) = mac
        && mac != *port.get("mac_address").unwrap_or(&Value::Null)
    {
        let wanted = Object::from_iter([("mac_address".to_owned(), mac)]);
        changed.insert(
            "mac_address".into(),
            json!(state.choose_mac(&wanted, &network_id)?),
        );
    }
    if let Some(asked) = given.get("fixed_ips") {
        let wanted = asked.as_array().map(Vec::as_slice).unwrap_or_default();
        state.check_floating_keeps(id, wanted)?;
        let ips = state.choose_addresses(&network_id, Some(asked), Some(id))?;
        if port.get("fixed_ips") != Some(&json!(ips)) {
            interfaces::check_port_move(state, &port)?;
        }
        given.insert("fixed_ips".into(), json!(ips));
    }
    if let Some(Value::Array(groups)) = given.get("security_groups") {
        state.checked_groups(groups)?;
    }
    let host = given.remove("binding:host_id");
    changed.extend(given);
    state.assign_dns(&mut changed);
    if changed != port {
        touch(&mut changed);
    }
    match host.as_ref().and_then(Value::as_str) {
        Some("") => {
            changed.insert("binding:host_id".into(), json!(""));
            changed.insert("binding:vif_type".into(), json!("unbound"));
            changed.insert("binding:vif_details".into(), json!({}));
            changed.insert("status".into(), json!("DOWN"));
            touch(&mut changed);
        }
        Some(host) => bind(&mut changed, host),
        None => {}
    }
    state.ports.insert(id.to_owned(), changed.clone());
    if text(&changed, "device_owner") == gateways::OWNER {
        state.refresh_gateway(text(&changed, "device_id"));
    }
    Ok(FAMILY.one(cx, &changed))
}

fn delete(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let port = FAMILY.changeable(cx, &state.ports, id, "delete")?;
    check_revision(cx.request, port)?;
    let owner = text(port, "device_owner");
    let privileged = cx.caller.is_admin() || cx.caller.is_service();
    if owner.starts_with("compute:") && !privileged {
        return Err(forbidden("rule:delete_port"));
    }
    interfaces::check_port_delete(state, port)?;
    state.forget_port(id);
    Ok(Reply::empty(204))
}
