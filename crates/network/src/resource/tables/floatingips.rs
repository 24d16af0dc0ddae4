//! Floating IPs, with what they lead to.

use super::{created_at, description, id, project_id, revision_number, tenant_id, updated_at};
use crate::resource::table::{Attribute, Check, Preset, Resource};

/// Floating IPs.
pub static FLOATINGIP: Resource = Resource {
    name: "floatingip",
    collection: "floatingips",
    path: "floatingips",
    missing: ("FloatingIPNotFound", "Floating IP ", " could not be found"),
    attributes: &[
        id(),
        tenant_id(),
        project_id(),
        Attribute::fixed("floating_ip_address", Preset::Null)
            .keyed()
            .check(Check::AddressOrNull)
            .enforced(),
        Attribute::fixed("subnet_id", Preset::Null)
            .check(Check::UuidOrNull)
            .hidden(),
        Attribute::fixed("floating_network_id", Preset::Required)
            .keyed()
            .check(Check::Uuid),
        Attribute::shown("router_id").keyed(),
        Attribute::changeable("port_id", Preset::Null)
            .filter()
            .check(Check::UuidOrNull),
        Attribute::changeable("fixed_ip_address", Preset::Null)
            .keyed()
            .check(Check::AddressOrNull),
        Attribute::shown("status").keyed(),
        description(),
        Attribute::shown("port_details"),
        created_at(),
        updated_at(),
        revision_number(),
    ],
};
