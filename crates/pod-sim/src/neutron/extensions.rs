//! The list of extensions: those whose behaviour the simulator has.

use serde_json::{Value, json};

use super::{Answer, NeutronState, address_groups};
use crate::request::Reply;

/// Goes with address groups.
const REMOTE_ADDRESS_GROUP: &str = "security-groups-remote-address-group";

const EXTENSIONS: &[(&str, &str)] = &[
    ("address-group", "Address group"),
    ("agent", "agent"),
    ("allowed-address-pairs", "Allowed Address Pairs"),
    ("availability_zone", "Availability Zone"),
    ("binding", "Port Binding"),
    ("dns-integration", "DNS Integration"),
    ("external-net", "Neutron external network"),
    (
        "ext-gw-mode",
        "Neutron L3 Configurable external gateway mode",
    ),
    ("extra_dhcp_opt", "Neutron Extra DHCP options"),
    ("extraroute", "Neutron Extra Route"),
    ("extraroute-atomic", "Atomically add/remove extra routes"),
    ("filter-validation", "Filter parameters validation"),
    ("fip-port-details", "Floating IP Port Details Extension"),
    (
        "floating-ip-router-writable",
        "Floating IP Router (writable)",
    ),
    ("ip-substring-filtering", "IP address substring filtering"),
    (
        "l3-port-ip-change-not-allowed",
        "Prevent L3 router ports IP address change extension",
    ),
    ("multi-provider", "Multi Provider Network"),
    ("net-mtu", "Network MTU"),
    ("net-mtu-writable", "Network MTU (writable)"),
    ("network_availability_zone", "Network Availability Zone"),
    ("pagination", "Pagination support"),
    ("port-mac-override", "Port MAC address override"),
    ("port-security", "Port Security"),
    ("project-id", "project_id field enabled"),
    ("provider", "Provider Network"),
    ("quotas", "Quota management support"),
    ("quota_details", "Quota details management support"),
    (
        "revision-if-match",
        "If-Match constraints based on revision_number",
    ),
    ("router", "Neutron L3 Router"),
    ("router_availability_zone", "Router Availability Zone"),
    ("security-group", "security-group"),
    (
        "security-groups-normalized-cidr",
        "Normalized CIDR field for security group rules",
    ),
    (
        REMOTE_ADDRESS_GROUP,
        "Remote address group id field for security group rules",
    ),
    ("service-type", "Neutron Service Type Management"),
    ("sorting", "Sorting support"),
    ("standard-attr-description", "standard-attr-description"),
    ("standard-attr-revisions", "Resource revision numbers"),
    (
        "standard-attr-tag",
        "Tag support for resources with standard attribute: network, subnet, port",
    ),
    ("standard-attr-timestamp", "Resource timestamps"),
    ("stateful-security-group", "Stateful security group"),
    (
        "subnet-external-network",
        "Subnet belongs to an external network",
    ),
    ("subnet-service-types", "Subnet service types"),
];

fn show((alias, name): &(&str, &str)) -> Value {
    json!({
        "name": name, "alias": alias, "description": name,
        "updated": "2020-01-01T00:00:00-00:00", "links": [],
    })
}

pub(super) fn route(state: &NeutronState, rest: &[&str]) -> Answer {
    let have = |alias: &str| {
        let follows = alias == REMOTE_ADDRESS_GROUP && state.lacks(address_groups::EXTENSION);
        !state.lacks(alias) && !follows
    };
    let all = || EXTENSIONS.iter().filter(|(alias, _)| have(alias));
    match rest {
        [] => {
            let all: Vec<Value> = all().map(show).collect();
            Ok(Reply::ok(json!({ "extensions": all })))
        }
        [alias, ..] => all()
            .find(|(have, _)| have == alias)
            .map(|extension| Reply::ok(json!({"extension": show(extension)})))
            .ok_or_else(|| {
                Reply::html(
                    404,
                    "Not Found",
                    &format!(
                        "The resource could not be found.<br /><br />\nExtension with alias \
                         {alias} does not exist"
                    ),
                )
            }),
    }
}
