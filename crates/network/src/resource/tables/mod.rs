//! The resources of the Networking API, one table each.

mod floatingips;
mod networks;
mod ports;
mod routers;
mod security_groups;
mod subnets;

pub use floatingips::FLOATINGIP;
pub use networks::NETWORK;
pub use ports::PORT;
pub use routers::ROUTER;
pub use security_groups::{SECURITY_GROUP, SECURITY_GROUP_RULE, protocol_number};
pub use subnets::SUBNET;

use super::Resource;
use super::table::{Attribute, Check, Preset};

/// Longest name and description.
const NAME: usize = 255;

/// All of them, for the index of the API.
pub const ALL: [&Resource; 7] = [
    &NETWORK,
    &SUBNET,
    &PORT,
    &ROUTER,
    &FLOATINGIP,
    &SECURITY_GROUP,
    &SECURITY_GROUP_RULE,
];

const fn id() -> Attribute {
    Attribute::shown("id").keyed().check(Check::Uuid)
}

const fn name() -> Attribute {
    Attribute::changeable("name", Preset::Text(""))
        .keyed()
        .check(Check::Name(NAME))
}

const fn description() -> Attribute {
    Attribute::changeable("description", Preset::Text(""))
        .keyed()
        .check(Check::Text(NAME))
}

/// The older of the two names of the owner.
const fn tenant_id() -> Attribute {
    Attribute::fixed("tenant_id", Preset::Unset)
        .keyed()
        .check(Check::Text(NAME))
}

const fn project_id() -> Attribute {
    Attribute::fixed("project_id", Preset::Unset)
        .keyed()
        .check(Check::Text(NAME))
}

const fn created_at() -> Attribute {
    Attribute::shown("created_at").keyed()
}

const fn updated_at() -> Attribute {
    Attribute::shown("updated_at").keyed()
}

const fn revision_number() -> Attribute {
    Attribute::shown("revision_number").keyed()
}
