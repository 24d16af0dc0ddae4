//! Networks, with their provider attributes, MTU, zones and port security.

use super::{
    NAME, created_at, description, id, name, project_id, revision_number, tenant_id, updated_at,
};
use crate::resource::convert::{boolean, integer, integer_or_null};
use crate::resource::table::{Attribute, Check, Preset, Resource};
use crate::resource::validate_network::zone_hints;
use crate::resource::{Problem, ResourceError};

/// Networks.
pub static NETWORK: Resource = Resource {
    name: "network",
    collection: "networks",
    path: "networks",
    missing: ("NetworkNotFound", "Network ", " could not be found."),
    attributes: &[
        id(),
        name(),
        tenant_id(),
        project_id(),
        Attribute::changeable("admin_state_up", Preset::Bool(true))
            .keyed()
            .read_by(boolean),
        Attribute::changeable("mtu", Preset::Unset)
            .keyed()
            .read_by(integer)
            .check(Check::NonNegative),
        Attribute::shown("status").keyed(),
        Attribute::shown("subnets"),
        Attribute::changeable("shared", Preset::Bool(false))
            .filter()
            .read_by(boolean)
            .enforced(),
        Attribute::fixed("availability_zone_hints", Preset::EmptyList)
            .filter()
            .check(Check::By(zone_hints)),
        Attribute::shown("availability_zones"),
        Attribute::changeable("router:external", Preset::Bool(false))
            .filter()
            .read_by(boolean)
            .enforced(),
        Attribute::changeable("provider:network_type", Preset::Unset)
            .filter()
            .check(Check::By(network_type))
            .enforced()
            .shown_by_rule(),
        Attribute::changeable("provider:physical_network", Preset::Unset)
            .filter()
            .check(Check::By(physical_network))
            .enforced()
            .shown_by_rule(),
        Attribute::changeable("provider:segmentation_id", Preset::Unset)
            .filter()
            .read_by(integer_or_null)
            .enforced()
            .shown_by_rule(),
        Attribute::changeable("port_security_enabled", Preset::Bool(true))
            .filter()
            .read_by(boolean)
            .enforced(),
        description(),
        created_at(),
        updated_at(),
        revision_number(),
    ],
};

fn network_type(value: &serde_json::Value) -> Result<(), Problem> {
    if value.is_null() {
        return Ok(());
    }
    Check::Text(32).run(value)?;
    if value.as_str() == Some("") {
        let error = ResourceError::invalid_input("network_type value '' not supported");
        return Err(error.into());
    }
    Ok(())
}

fn physical_network(value: &serde_json::Value) -> Result<(), Problem> {
    if value.is_null() {
        return Ok(());
    }
    Check::Text(NAME).run(value)
}
