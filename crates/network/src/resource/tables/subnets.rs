//! Subnets.

use super::{
    created_at, description, id, name, project_id, revision_number, tenant_id, updated_at,
};
use crate::resource::Problem;
use crate::resource::convert::{address, allocation_pools, boolean, cidr, integer, list_or_empty};
use crate::resource::table::{Attribute, Check, Preset, Resource};
use crate::resource::validate::{because, uuid};
use crate::resource::validate_network::{host_routes, ip_pools, nameservers};

/// Subnets.
pub static SUBNET: Resource = Resource {
    name: "subnet",
    collection: "subnets",
    path: "subnets",
    missing: ("SubnetNotFound", "Subnet ", " could not be found."),
    attributes: &[
        id(),
        name(),
        Attribute::fixed("ip_version", Preset::Required)
            .keyed()
            .read_by(integer)
            .check(Check::OneOfNumbers(&[4, 6])),
        Attribute::fixed("network_id", Preset::Required)
            .keyed()
            .check(Check::Uuid),
        Attribute::fixed("subnetpool_id", Preset::Unset)
            .keyed()
            .check(Check::By(subnetpool)),
        Attribute::fixed("prefixlen", Preset::Unset)
            .read_by(integer)
            .check(Check::NonNegative)
            .hidden(),
        Attribute::fixed("cidr", Preset::Unset)
            .keyed()
            .read_by(cidr)
            .check(Check::CidrOrNull),
        Attribute::changeable("gateway_ip", Preset::Unset)
            .keyed()
            .read_by(address)
            .check(Check::AddressOrNull),
        Attribute::changeable("allocation_pools", Preset::Unset)
            .read_by(allocation_pools)
            .check(Check::By(ip_pools)),
        Attribute::changeable("dns_nameservers", Preset::Unset)
            .read_by(list_or_empty)
            .check(Check::By(nameservers)),
        Attribute::changeable("host_routes", Preset::Unset)
            .read_by(list_or_empty)
            .check(Check::By(host_routes)),
        tenant_id(),
        project_id(),
        Attribute::changeable("enable_dhcp", Preset::Bool(true))
            .keyed()
            .read_by(boolean),
        Attribute::fixed("ipv6_ra_mode", Preset::Unset)
            .keyed()
            .check(Check::By(ipv6_mode)),
        Attribute::fixed("ipv6_address_mode", Preset::Unset)
            .keyed()
            .check(Check::By(ipv6_mode)),
        Attribute::shown("shared")
            .filter()
            .read_by(boolean)
            .hidden(),
        Attribute::shown("router:external")
            .filter()
            .read_by(boolean),
        description(),
        created_at(),
        updated_at(),
        revision_number(),
    ],
};

/// The modes of IPv6 addressing that Neutron knows, or none.
fn ipv6_mode(value: &serde_json::Value) -> Result<(), Problem> {
    if value.is_null() {
        return Ok(());
    }
    Check::OneOf(&["dhcpv6-stateful", "dhcpv6-stateless", "slaac"]).run(value)
}

fn subnetpool(value: &serde_json::Value) -> Result<(), Problem> {
    match value.as_str() {
        Some("prefix_delegation") => because("prefix delegation is not offered"),
        _ if value.is_null() => Ok(()),
        _ => uuid(value),
    }
}
