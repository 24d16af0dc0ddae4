//! Routers, with their external gateway, routes and zones.

use super::{
    NAME, created_at, description, id, name, project_id, revision_number, tenant_id, updated_at,
};
use crate::resource::convert::{boolean, boolean_or_null, list_or_empty};
use crate::resource::table::{Attribute, Check, Preset, Resource};
use crate::resource::validate_network::{host_routes, zone_hints};
use crate::resource::validate_router::{GATEWAY_KEYS, canonical_gateway, gateway_info};

/// Routers.
pub static ROUTER: Resource = Resource {
    name: "router",
    collection: "routers",
    path: "routers",
    missing: ("RouterNotFound", "Router ", " could not be found"),
    attributes: &[
        id(),
        name(),
        Attribute::changeable("admin_state_up", Preset::Bool(true))
            .keyed()
            .read_by(boolean),
        Attribute::shown("status").sorted(),
        tenant_id(),
        project_id(),
        Attribute::changeable("external_gateway_info", Preset::Null)
            .read_by(canonical_gateway)
            .check(Check::By(gateway_info))
            .enforced_with(GATEWAY_KEYS),
        description(),
        Attribute::shown("availability_zones"),
        Attribute::fixed("availability_zone_hints", Preset::EmptyList).check(Check::By(zone_hints)),
        Attribute::changeable("distributed", Preset::Unset)
            .read_by(boolean_or_null)
            .enforced()
            .shown_by_rule(),
        Attribute::changeable("ha", Preset::Unset)
            .read_by(boolean_or_null)
            .enforced()
            .shown_by_rule(),
        Attribute::fixed("flavor_id", Preset::Unset)
            .sorted()
            .check(Check::By(no_flavor)),
        Attribute::updatable("routes")
            .read_by(list_or_empty)
            .check(Check::By(host_routes)),
        created_at(),
        updated_at(),
        revision_number(),
    ],
};

/// Flavors of network services are the pods' own; the top has none.
fn no_flavor(value: &serde_json::Value) -> Result<(), crate::resource::Problem> {
    if value.is_null() {
        return Ok(());
    }
    Check::Text(NAME).run(value)?;
    let flavor = value.as_str().unwrap_or_default();
    let message = format!("Flavor {flavor} could not be found.");
    Err(crate::resource::ResourceError::new(404, "FlavorNotFound", message).into())
}
