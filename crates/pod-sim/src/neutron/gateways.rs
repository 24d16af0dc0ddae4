//! `external_gateway_info`: a router's port on an external network.
//!
//! The port belongs to no project. The router shows what the port has; both are
//! changed here and nowhere else, but for an administrator who moves the port.

use serde_json::{Value, json};

use super::{
    Context, NeutronState, Object, Reply, bad_request, fault, forbidden, interfaces, networks,
    routes, text,
};
use crate::ids;

/// The device owner of gateway ports.
pub(super) const OWNER: &str = "network:router_gateway";

/// What may be in it, in the order of Neutron's attribute map.
const KEYS: [&str; 4] = [
    "network_id",
    "external_fixed_ips",
    "enable_snat",
    "qos_policy_id",
];

/// What the API layer refuses: the form, and parts that are an administrator's.
pub(super) fn check(cx: &Context<'_>, verb: &str, given: &Object) -> Result<(), Reply> {
    let Some(info) = given.get("external_gateway_info") else {
        return Ok(());
    };
    let refuse = |reason: String| {
        Err(bad_request(&format!(
            "Invalid input for external_gateway_info. Reason: {reason}"
        )))
    };
    let Some(parts) = info.as_object() else {
        return match info {
            Value::Null => Ok(()),
            Value::String(text) => refuse(format!("'{text}' is not a dictionary.")),
            other => refuse(format!("'{other}' is not a dictionary.")),
        };
    };
    if parts.is_empty() {
        return Ok(());
    }
    let unexpected: Vec<&str> = parts
        .keys()
        .map(String::as_str)
        .filter(|key| !KEYS.contains(key))
        .collect();
    if !unexpected.is_empty() {
        return refuse(format!(
            "Unexpected keys supplied: {}.",
            unexpected.join(", ")
        ));
    }
    let Some(network) = parts.get("network_id") else {
        let provided: Vec<String> = parts.keys().map(|key| format!("'{key}'")).collect();
        return refuse(format!(
            "Validation of dictionary's keys failed. Expected keys: {{'network_id'}} Provided \
             keys: {{{}}}.",
            provided.join(", ")
        ));
    };
    let network = network.as_str().unwrap_or_default();
    if !ids::is_uuid(network) {
        return refuse(format!("'{network}' is not a valid UUID."));
    }
    if let Some(Value::String(ips)) = parts.get("external_fixed_ips") {
        return refuse(format!("Invalid data format for fixed IP: '{ips}'."));
    }
    let guarded = ["external_fixed_ips", "enable_snat"]
        .iter()
        .any(|key| parts.contains_key(*key));
    if !guarded || cx.caller.is_admin() || cx.caller.is_service() {
        return Ok(());
    }
    let rule = format!("rule:{verb}_router:external_gateway_info");
    let rules: Vec<String> = KEYS
        .iter()
        .filter(|key| parts.contains_key(**key))
        .map(|key| format!("{rule}:{key}"))
        .collect();
    Err(forbidden(&format!(
        "(rule:{verb}_router and ({rule} and ({})))",
        rules.join(" and ")
    )))
}

impl NeutronState {
    /// The gateway port of a router.
    pub(super) fn gateway_port(&self, router_id: &str) -> Option<&Object> {
        self.ports.values().find(|port| {
            text(port, "device_owner") == OWNER && text(port, "device_id") == router_id
        })
    }

    /// Brings the gateway of a router to what `info` says, and the router's
    /// own words with it.
    pub(super) fn set_gateway(
        &mut self,
        cx: &Context<'_>,
        router: &mut Object,
        info: &Value,
    ) -> Result<(), Reply> {
        let id = text(router, "id").to_owned();
        let wanted = info
            .get("network_id")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let ips: Vec<Value> = info
            .get("external_fixed_ips")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let snat = match info.get("enable_snat") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(snat)) => *snat,
            Some(other) => match other.as_str().map(str::to_lowercase).as_deref() {
                Some("true" | "1") => true,
                Some("false" | "0") => false,
                _ => {
                    return Err(super::invalid_input(&format!(
                        "'{}' cannot be converted to boolean",
                        other.as_str().unwrap_or_default()
                    )));
                }
            },
        };
        self.check_gateway(cx, router, wanted.as_deref(), &ips)?;
        let current = self.gateway_port(&id).cloned();
        let same = current
            .as_ref()
            .is_some_and(|port| wanted.as_deref() == Some(text(port, "network_id")));
        match (current, wanted) {
            (Some(port), _) if same => {
                if addresses_differ(&port, &ips) {
                    self.move_gateway(&port, &ips)?;
                }
            }
            (current, wanted) => {
                if let Some(port) = current {
                    self.drop_gateway(&id, &port)?;
                }
                if let Some(network) = wanted {
                    self.make_gateway(&id, &network, &ips)?;
                }
            }
        }
        router.insert("_enable_snat".into(), json!(snat));
        let shown = self.gateway_info(&id, snat);
        router.insert("external_gateway_info".into(), shown);
        Ok(())
    }

    fn check_gateway(
        &self,
        cx: &Context<'_>,
        router: &Object,
        wanted: Option<&str>,
        ips: &[Value],
    ) -> Result<(), Reply> {
        let bad = |message: &str| {
            fault(
                400,
                "BadRequest",
                &format!("Bad router request: {message}."),
            )
        };
        let mut subnets: Vec<&Object> = Vec::new();
        if let Some(id) = wanted {
            let network = networks::FAMILY.seen(cx, &self.networks, id)?;
            if network.get("router:external") != Some(&json!(true)) {
                return Err(bad(&format!("Network {id} is not an external network")));
            }
            subnets = self.subnets_of(id);
            let gateways: Vec<&str> = subnets.iter().map(|s| text(s, "gateway_ip")).collect();
            let clash = ips
                .iter()
                .filter_map(|ip| ip.get("ip_address")?.as_str())
                .find(|ip| gateways.contains(ip));
            if let Some(ip) = clash {
                return Err(bad(&format!(
                    "External IP {ip} is the same as the gateway IP"
                )));
            }
        }
        routes::check_without_gateway(self, router, &subnets)
    }

    fn make_gateway(&mut self, router: &str, network: &str, ips: &[Value]) -> Result<(), Reply> {
        let subnets: Vec<Object> = self.subnets_of(network).into_iter().cloned().collect();
        interfaces::check_overlap(self, router, &subnets)?;
        let mut wanted = json!({
            "network_id": network, "device_id": router, "device_owner": OWNER,
            "port_security_enabled": false,
        });
        if let (false, Some(object)) = (ips.is_empty(), wanted.as_object_mut()) {
            object.insert("fixed_ips".into(), json!(ips));
        }
        let port = self.build_port(&wanted.as_object().cloned().unwrap_or_default(), "")?;
        self.ports.insert(text(&port, "id").to_owned(), port);
        Ok(())
    }

    fn move_gateway(&mut self, port: &Object, ips: &[Value]) -> Result<(), Reply> {
        let id = text(port, "id");
        let asked = json!(ips);
        let chosen = self.choose_addresses(text(port, "network_id"), Some(&asked), Some(id))?;
        if let Some(port) = self.ports.get_mut(id) {
            port.insert("fixed_ips".into(), json!(chosen));
            super::touch(port);
        }
        Ok(())
    }

    /// Removes a router's gateway port, unless a floating IP needs it.
    pub(super) fn drop_gateway(&mut self, router: &str, port: &Object) -> Result<(), Reply> {
        let used = self
            .floatingips
            .values()
            .any(|floating| text(floating, "router_id") == router);
        if used {
            return Err(fault(
                409,
                "RouterExternalGatewayInUseByFloatingIp",
                &format!(
                    "Gateway cannot be updated for router {router}, since a gateway to external \
                     network {} is required by one or more floating IPs.",
                    text(port, "network_id")
                ),
            ));
        }
        self.ports.remove(text(port, "id"));
        Ok(())
    }

    fn gateway_info(&self, router: &str, snat: bool) -> Value {
        match self.gateway_port(router) {
            None => Value::Null,
            Some(port) => json!({
                "network_id": text(port, "network_id"),
                "external_fixed_ips": port.get("fixed_ips"),
                "enable_snat": snat,
            }),
        }
    }

    /// Lets the router show a gateway port that was changed as a port.
    pub(super) fn refresh_gateway(&mut self, router: &str) {
        let snat = self
            .routers
            .get(router)
            .is_none_or(|router| router.get("_enable_snat") != Some(&json!(false)));
        let info = self.gateway_info(router, snat);
        if let Some(router) = self.routers.get_mut(router) {
            router.insert("external_gateway_info".into(), info);
        }
    }
}

/// Whether the port would have to change to have what was asked for; parts
/// that were not named are as they are.
fn addresses_differ(port: &Object, asked: &[Value]) -> bool {
    if asked.is_empty() {
        return false;
    }
    let have = port
        .get("fixed_ips")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    ["subnet_id", "ip_address"].iter().any(|key| {
        let of = |list: &[Value]| {
            let mut all: Vec<String> = list
                .iter()
                .filter_map(|ip| Some(ip.get(*key)?.as_str()?.to_owned()))
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        of(asked) != of(&have)
    })
}
