//! Networks and their segments.

use rand::RngExt;
use serde_json::{Value, json};

use super::attributes::{Attribute, Kind, Set, attribute, check_create, check_update, flag};
use super::collection::Family;
use super::{
    Answer, Context, NeutronState, Object, Reply, bad_request, check_revision, created,
    created_objects, fault, invalid_input, project_of, stamp, text, touch, updated_object,
};
use crate::ids;

const ATTRIBUTES: &[Attribute] = &[
    attribute("name", Kind::Text, Set::Always),
    attribute("admin_state_up", Kind::Flag, Set::Always),
    attribute("status", Kind::Text, Set::Never),
    attribute("subnets", Kind::Anything, Set::Never),
    attribute("shared", Kind::Flag, Set::ByAdmin),
    attribute("mtu", Kind::Number, Set::Always),
    attribute("router:external", Kind::Flag, Set::ByAdmin),
    attribute("is_default", Kind::Flag, Set::ByAdmin),
    attribute("provider:network_type", Kind::Text, Set::ByAdmin),
    attribute("provider:physical_network", Kind::Text, Set::ByAdmin),
    attribute("provider:segmentation_id", Kind::Number, Set::ByAdmin),
    attribute("segments", Kind::Anything, Set::ByAdmin),
    attribute("vlan_transparent", Kind::Anything, Set::OnCreate),
    attribute("qinq", Kind::Anything, Set::OnCreate),
    attribute("port_security_enabled", Kind::Flag, Set::Always),
    attribute("qos_policy_id", Kind::Uuid, Set::Always),
    attribute("dns_domain", Kind::Text, Set::Always),
    attribute("availability_zone_hints", Kind::Anything, Set::OnCreate),
    attribute("availability_zones", Kind::Anything, Set::Never),
    attribute("ipv4_address_scope", Kind::Anything, Set::Never),
    attribute("ipv6_address_scope", Kind::Anything, Set::Never),
];

pub(super) const FAMILY: Family = Family {
    path: "networks",
    singular: "network",
    plural: "networks",
    attributes: ATTRIBUTES,
    hidden: &[
        "provider:network_type",
        "provider:physical_network",
        "provider:segmentation_id",
        "segments",
    ],
    no_filters: &[],
};

pub(super) fn route(state: &mut NeutronState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => FAMILY.list(cx, state.networks.values()),
        ("GET", [id]) => Ok(FAMILY.one(cx, FAMILY.seen(cx, &state.networks, id)?)),
        ("POST", []) => create(state, cx),
        ("PUT", [id]) => update(state, cx, id),
        ("DELETE", [id]) => delete(state, cx, id),
        _ => Err(super::not_found()),
    }
}

fn create(state: &mut NeutronState, cx: &Context<'_>) -> Answer {
    let (all, bulk) = created_objects(cx.request, "network", "networks")?;
    for given in &all {
        check_create(ATTRIBUTES, "network", given, cx.caller)?;
    }
    let mut made = Vec::new();
    for given in &all {
        match build(state, cx, given) {
            Ok(network) => {
                let id = text(&network, "id").to_owned();
                state.networks.insert(id.clone(), network);
                made.push(id);
            }
            Err(reply) => {
                // Bulk creates are all or nothing.
                for id in &made {
                    state.networks.remove(id);
                }
                return Err(reply);
            }
        }
    }
    let views = made
        .iter()
        .filter_map(|id| state.networks.get(id))
        .map(|network| {
            // A create's answer tells one field more than a show.
            let mut view = FAMILY.view(cx, network);
            if let Some(object) = view.as_object_mut() {
                object.insert("is_default".into(), json!(false));
            }
            view
        })
        .collect();
    Ok(created("network", "networks", bulk, views))
}

fn build(state: &NeutronState, cx: &Context<'_>, given: &Object) -> Result<Object, Reply> {
    let project = project_of(cx.caller, given)?;
    let segment = Segment::choose(state, given)?;
    let most = largest_mtu(state, &segment.network_type);
    let mtu = match given.get("mtu").and_then(Value::as_u64) {
        Some(asked) if asked > most => return Err(mtu_too_big(most)),
        Some(asked) if asked > 0 => asked,
        _ => most,
    };
    let mut network = Object::new();
    let mut put = |key: &str, value: Value| network.insert(key.into(), value);
    put("id", json!(ids::uuid()));
    put("name", given.get("name").cloned().unwrap_or(json!("")));
    put("tenant_id", json!(project));
    put("project_id", json!(project));
    put("admin_state_up", flag(given, "admin_state_up", true));
    put("mtu", json!(mtu));
    put("status", json!("ACTIVE"));
    put("subnets", json!([]));
    put("shared", flag(given, "shared", false));
    let hints = given.get("availability_zone_hints").cloned();
    put("availability_zone_hints", hints.unwrap_or(json!([])));
    put("availability_zones", json!([]));
    put("ipv4_address_scope", Value::Null);
    put("ipv6_address_scope", Value::Null);
    put("router:external", flag(given, "router:external", false));
    put("vlan_transparent", flag(given, "vlan_transparent", false));
    put("qinq", flag(given, "qinq", false));
    let description = given.get("description").cloned();
    put("description", description.unwrap_or(json!("")));
    put(
        "port_security_enabled",
        flag(given, "port_security_enabled", true),
    );
    put("qos_policy_id", Value::Null);
    put(
        "dns_domain",
        given.get("dns_domain").cloned().unwrap_or(json!("")),
    );
    put("provider:network_type", json!(segment.network_type));
    put("provider:physical_network", json!(segment.physical_network));
    put("provider:segmentation_id", json!(segment.id));
    stamp(&mut network, 1);
    Ok(network)
}

/// The largest MTU of a network of a type; tunnels take 50 bytes of it.
fn largest_mtu(state: &NeutronState, network_type: &str) -> u64 {
    match network_type {
        "vxlan" => state.physical_mtu.saturating_sub(50),
        _ => state.physical_mtu,
    }
}

fn mtu_too_big(most: u64) -> Reply {
    invalid_input(&format!("Requested MTU is too big, maximum is {most}"))
}

/// Where a network lives.
#[derive(Debug)]
struct Segment {
    network_type: String,
    physical_network: Option<String>,
    id: Option<u64>,
}

impl Segment {
    /// The segment that was asked for, or a free one.
    fn choose(state: &NeutronState, given: &Object) -> Result<Segment, Reply> {
        let first = given
            .get("segments")
            .and_then(Value::as_array)
            .and_then(|all| all.first())
            .and_then(Value::as_object);
        let asked = first.unwrap_or(given);
        let kind = asked.get("provider:network_type").and_then(Value::as_str);
        let physical = asked
            .get("provider:physical_network")
            .and_then(Value::as_str);
        let id = asked.get("provider:segmentation_id").and_then(number);
        match kind {
            None if physical.is_some() || id.is_some() => {
                Err(invalid_input("network_type required"))
            }
            None | Some("vxlan") => Ok(Segment {
                network_type: "vxlan".into(),
                physical_network: None,
                id: Some(id.unwrap_or_else(|| rand::rng().random_range(10_001..20_000))),
            }),
            Some("local") => Ok(Segment {
                network_type: "local".into(),
                physical_network: None,
                id: None,
            }),
            Some("flat") => {
                let physical = physical.ok_or_else(|| {
                    invalid_input("physical_network required for flat provider network")
                })?;
                if state.uses(Some("flat"), physical, None) {
                    return Err(fault(
                        409,
                        "FlatNetworkInUse",
                        &format!(
                            "Unable to create the flat network. Physical network {physical} is \
                             in use."
                        ),
                    ));
                }
                Ok(Segment {
                    network_type: "flat".into(),
                    physical_network: Some(physical.into()),
                    id: None,
                })
            }
            Some("vlan") => Self::vlan(state, physical, id),
            Some(other) => Err(invalid_input(&format!(
                "network_type value '{other}' not supported"
            ))),
        }
    }

    fn vlan(state: &NeutronState, physical: Option<&str>, id: Option<u64>) -> Result<Self, Reply> {
        let made = |physical: &str, id: u64| Segment {
            network_type: "vlan".into(),
            physical_network: Some(physical.into()),
            id: Some(id),
        };
        if let Some(physical) = physical
            && !state.vlan_ranges.iter().any(|(name, _)| name == physical)
        {
            return Err(invalid_input(&format!(
                "physical_network '{physical}' unknown for VLAN provider network"
            )));
        }
        match (physical, id) {
            (_, Some(id)) if !(1..=4094).contains(&id) => Err(invalid_input(
                "segmentation_id out of range (1 through 4094)",
            )),
            (None, Some(_)) => Err(invalid_input(
                "segmentation_id requires physical_network for VLAN provider network",
            )),
            (Some(physical), Some(id)) => {
                if state.uses(Some("vlan"), physical, Some(id)) {
                    return Err(fault(
                        409,
                        "VlanIdInUse",
                        &format!(
                            "Unable to create the network. The VLAN {id} on physical network \
                             {physical} is in use."
                        ),
                    ));
                }
                Ok(made(physical, id))
            }
            (wanted, None) => state
                .vlan_ranges
                .iter()
                .filter(|(name, _)| wanted.is_none_or(|w| w == name))
                .filter_map(|(name, range)| range.map(|(low, high)| (name, low, high)))
                .find_map(|(name, low, high)| {
                    (low..=high)
                        .map(u64::from)
                        .find(|id| !state.uses(Some("vlan"), name, Some(*id)))
                        .map(|id| made(name, id))
                })
                .ok_or_else(|| {
                    fault(
                        503,
                        "NoNetworkAvailable",
                        "Unable to create the network. No tenant network is available for \
                         allocation.",
                    )
                }),
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

impl NeutronState {
    /// Whether a network occupies this segment.
    fn uses(&self, kind: Option<&str>, physical: &str, id: Option<u64>) -> bool {
        self.networks.values().any(|network| {
            kind.is_none_or(|kind| text(network, "provider:network_type") == kind)
                && text(network, "provider:physical_network") == physical
                && network
                    .get("provider:segmentation_id")
                    .and_then(Value::as_u64)
                    == id
        })
    }
}

fn update(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let given = updated_object(cx.request, "network")?;
    let network = FAMILY.changeable(cx, &state.networks, id, "update")?;
    check_update(ATTRIBUTES, "network", &given, cx.caller)?;
    check_revision(cx.request, network)?;
    let inner = given.contains_key("router:external")
        && flag(&given, "router:external", false) == json!(false);
    if inner && state.has_gateways(id) {
        return Err(fault(
            409,
            "ExternalNetworkInUse",
            &format!(
                "External network {id} cannot be updated to be made non-external, since it has \
                 existing gateway ports."
            ),
        ));
    }
    let most = largest_mtu(state, text(network, "provider:network_type"));
    if given.get("mtu").and_then(Value::as_u64) > Some(most) {
        return Err(mtu_too_big(most));
    }
    let segment = given.get("provider:segmentation_id");
    if segment.is_some() {
        let bound = state
            .ports
            .values()
            .filter(|port| text(port, "network_id") == id)
            .any(|port| text(port, "binding:vif_type") != "unbound");
        if bound {
            return Err(invalid_input(
                "Provider network attribute provider:segmentation_id cannot be updated if any \
                 port in the network has not the following binding:vif_type: unbound, \
                 binding_failed",
            ));
        }
        let physical = text(network, "provider:physical_network");
        let wanted = segment.and_then(number);
        if state.uses(Some("vlan"), physical, wanted) {
            return Err(bad_request("The segment is in use"));
        }
    }
    let network = state
        .networks
        .get_mut(id)
        .ok_or_else(|| super::missing("networks", id))?;
    let before = network.clone();
    network.extend(given);
    if *network != before {
        touch(network);
    }
    let network = network.clone();
    Ok(FAMILY.one(cx, &network))
}

fn delete(state: &mut NeutronState, cx: &Context<'_>, id: &str) -> Answer {
    let network = FAMILY.changeable(cx, &state.networks, id, "delete")?;
    check_revision(cx.request, network)?;
    state.remove_idle_floating(id);
    // DHCP ports go with the network; without agents there are none.
    let users: Vec<&str> = state
        .ports
        .iter()
        .filter(|(_, port)| text(port, "network_id") == id)
        .map(|(port, _)| port.as_str())
        .collect();
    if !users.is_empty() {
        return Err(fault(
            409,
            "NetworkInUse",
            &format!(
                "Unable to complete operation on network {id}. There are one or more ports \
                 still in use on the network, id for these ports is: {}.",
                users.join(",")
            ),
        ));
    }
    state
        .subnets
        .retain(|_, subnet| text(subnet, "network_id") != id);
    state.networks.remove(id);
    Ok(Reply::empty(204))
}
